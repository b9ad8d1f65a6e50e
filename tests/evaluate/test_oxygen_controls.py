"""What tells a saturation that was seen from one that the clock told."""

import numpy as np
import pytest

from camvitals.evaluate.oxygen import (
    Course,
    by_recording,
    controls,
    one_point,
    spo2_scores,
)
from camvitals.records import InputError

TIME = np.arange(600.0)


def course() -> Course:
    """Four subjects: the same fall, and a wandering of one's own that no clock can know."""
    spo2 = []
    for seed in range(4):
        own = np.cumsum(np.random.default_rng(seed).standard_normal(600)) * 0.15
        spo2.append(95 - 20 * np.sin(np.pi * TIME / 600) + own - own.mean())
    names = np.repeat(["a", "b", "c", "d"], 600)
    pulse = 140 - np.concatenate(spo2) / 2
    pulse += 0.1 * np.random.default_rng(5).standard_normal(len(pulse))
    return Course(np.concatenate(spo2), np.tile(TIME, 4), names, names, pulse)


def test_a_clock_has_nothing_beyond_the_clock():
    truth = course()
    told = np.tile(95 - 20 * np.sin(np.pi * TIME / 600), 4)
    told = told + np.random.default_rng(9).standard_normal(len(told))
    found = controls(told, truth)
    assert found.within_r > 0.9
    assert abs(found.beyond_clock) < 0.15


def test_what_is_seen_stays_beyond_the_clock_and_fails_on_others():
    truth = course()
    told = truth.spo2 + 0.3 * np.random.default_rng(9).standard_normal(len(truth.spo2))
    found = controls(told, truth)
    assert found.beyond_clock > 0.8
    assert found.beyond_pulse < 0.6 < found.beyond_clock  # here the pulse tells the same
    assert found.swapped > 2 * np.abs(told - truth.spo2).mean()
    assert found.recovery == pytest.approx(0.24, abs=0.05)
    assert found.recovery_r > 0.9


def test_a_withheld_window_is_left_out():
    truth = course()
    told = np.where(truth.time < 300, np.nan, truth.spo2)
    assert controls(told, truth).within_r == pytest.approx(1)
    assert spo2_scores(told, truth)["mae"].count == 1200


def test_sensitivity_and_specificity_by_hand():
    names = np.array(list("aabb"))
    truth = Course(np.array([80.0, 89.9, 90.0, 99.0]), np.arange(4.0), names, names, np.ones(4))
    found = spo2_scores(np.array([85.0, 95.0, 91.0, 80.0]), truth)
    assert found["sensitivity"].value == 0.5
    assert found["specificity"].value == 0.5
    assert found["rmse"].value == found["arms"].value
    assert np.isnan(spo2_scores(np.full(2, 95.0), truth.at(np.arange(2, 4)))["sensitivity"].value)


def test_each_recording_and_one_point():
    truth = course()
    told = truth.spo2 + np.repeat([1.0, 2.0, 3.0, 4.0], 600)
    assert by_recording(told, truth) == pytest.approx({"a": 1, "b": 2, "c": 3, "d": 4})
    np.testing.assert_allclose(one_point(told, truth, until=30), truth.spo2, atol=1e-9)
    with pytest.raises(InputError, match="calibrate"):
        one_point(told, truth, until=0.0)
