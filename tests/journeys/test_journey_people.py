"""Several people in one picture, and people who come and go."""

import numpy as np
import pytest

from camvitals import Settings, measure, measure_people
from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.truth import Truth


def test_two_people_get_a_report_each(film, assert_right):
    scene = Scenario(
        seed=1, duration=14, rate=20, size=(480, 240), people=2, heart_rate=62, sdnn=15
    )
    pair = film(scene)
    reports = measure_people(np.asarray(pair.images), settings=Settings(), time=pair.time)
    assert [report.person for report in reports] == [1, 2]
    truths = [Truth.of(scene.person(k), pair.time).heart_rate for k in range(2)]
    assert abs(truths[0] - truths[1]) > 8
    from_left = sorted(reports, key=lambda r: np.nanmean(r.trace.box[:, 0]))
    for report, truth in zip(from_left, truths, strict=True):
        assert_right(report, truth)


def test_a_person_who_leaves_and_comes_back(face, assert_right):
    """Two stretches of 6 s around 2 s of an empty room, of which nothing is made up."""
    images, empty = np.array(face.images), np.full((240, 320, 3), 130, np.uint8)
    away = (face.time > 6) & (face.time < 8)
    images[away] = empty
    report = measure(images, time=face.time)
    assert_right(report, face.truth.heart_rate)
    pulse = report.wave("pulse")
    inside = (pulse.time > 6.2) & (pulse.time < 7.8)
    assert np.isnan(pulse.values[inside]).all()
    assert all(not 6.2 < beat < 7.8 for beat in report.beats)
    assert not next(f for f in report.capture if f.name == "face_seen").fine


def test_a_person_who_never_stays(face, assert_silent):
    """Three seconds in, three seconds out: too short for a rate, which is said."""
    images = np.array(face.images)
    images[(face.time % 6) > 3] = 130
    report = measure(images, time=face.time)
    assert_silent(report)
    assert "in view without a break" in report.reading("heart_rate").why


@pytest.mark.parametrize("colour", [0, 128, 255])
def test_nobody(colour, assert_silent):
    images = np.full((300, 120, 160, 3), colour, np.uint8)
    report = measure(images, fps=30)
    assert_silent(report)
    assert "nobody was seen" in report.reading("heart_rate").why
