"""Saturation on the Hoffman recordings: the floors of no camera, and that colours beat them."""

from pathlib import Path

import numpy as np
import pytest

from camvitals.data.corpora import corpus
from camvitals.evaluate.floors import clock, constant_mean
from camvitals.evaluate.oxygen import Course, controls
from camvitals.train.oxygen.linear import Way, look, nested, plans
from camvitals.train.oxygen.windows import Take, read_takes

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def takes(real_data: Path) -> tuple[Take, ...]:
    return read_takes(corpus("oximetry").read(real_data / "oximetry"), rate=30.0)


def test_floors_without_a_camera(takes) -> None:
    """Published with this project's specification: 7.59, 5.09 and 3.23 points."""
    left = [take for take in takes if take.hand == "left"]
    spo2, time = (np.concatenate([getattr(t, name) for t in left]) for name in ("spo2", "time"))
    who = np.repeat([take.subject for take in left], [len(take.spo2) for take in left])
    floors = [
        constant_mean(spo2, who),
        clock(spo2, who, who, time, by="elapsed"),
        clock(spo2, who, who, time, by="fraction"),
    ]
    mae = [float(np.nanmean(np.abs(one - spo2))) for one in floors]
    np.testing.assert_allclose(mae, [7.59, 5.09, 3.23], atol=0.01)


def test_levels_tell_of_oxygen_what_no_clock_does(takes) -> None:
    seen = [look(take, stride=5.0) for take in takes]
    way = Way(from_start=True, calibrated=True)
    tested = nested(seen, plans([("levels",)], penalties=(0.1,)), way)
    told = {k: v for one in tested for k, v in one.estimates.items()}
    course = Course(
        np.concatenate([one.spo2 for one in seen]),
        np.concatenate([one.end for one in seen]),
        np.repeat([one.take.name for one in seen], [len(one.end) for one in seen]),
        np.repeat([one.take.subject for one in seen], [len(one.end) for one in seen]),
        np.concatenate([one.groups["pulse"][:, 0] for one in seen]),
    )
    estimate = np.concatenate([told[k] for k in range(len(seen))])
    assert np.abs(estimate - course.spo2).mean() < 5.0
    assert controls(estimate, course).beyond_clock > 0.5
