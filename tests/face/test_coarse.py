"""Faces of few pixels: found by the detector alone, and measured."""

import numpy as np
import pytest

from camvitals import measure
from camvitals.data.degrade import degrade_clip
from camvitals.data.synthetic.scenario import Scenario
from camvitals.face.coarse import coarse
from camvitals.face.track import Tracker
from camvitals.records import Frame

FACE_PX = 60  # of the made people here


def frame_of(image, time):
    return Frame.of_rgb(np.ascontiguousarray(image), float(time))


def worse(images, face):
    return degrade_clip(np.ascontiguousarray(images), f"face-{face}", rate=20, face=FACE_PX)


@pytest.fixture(scope="module")
def person(film):
    return film(Scenario(seed=1, duration=14, rate=20, size=(256, 192), heart_rate=80, sdnn=15))


def followed(images, *, rate):
    """The tracker after these pictures."""
    tracker = Tracker()
    for k, image in enumerate(images):
        tracker.update(frame_of(image, k / rate))
    return tracker


def test_only_a_face_of_few_pixels_is_coarse(person):
    (track,) = followed(person.images[:2], rate=20).tracks
    box = track.box
    assert not coarse(frame_of(person.images[1], 0), box)
    assert not coarse(frame_of(worse(person.images[:1], 32)[0], 0), box)
    assert coarse(frame_of(worse(person.images[:1], 8)[0], 0), box)
    assert not coarse(frame_of(np.full((192, 256, 3), 150, np.uint8), 0), box)


def test_a_face_of_eight_pixels_is_followed_by_its_box(person):
    (sharp,) = followed(person.images[:30], rate=20).tracks
    (track,) = followed(worse(person.images[:30], 8), rate=20).tracks
    assert track.boxed
    assert track.visible
    assert track.sightings > 1
    centre = np.reshape(track.box, (2, 2)).mean(axis=0)
    assert centre == pytest.approx(np.reshape(sharp.box, (2, 2)).mean(axis=0), abs=12)


def test_its_heart_rate_is_right(person):
    report = measure(worse(person.images, 8), time=person.time)
    heart = report.reading("heart_rate")
    assert heart.value == pytest.approx(person.truth.heart_rate, abs=3)


def test_landmarks_are_taken_up_when_the_picture_sharpens(person):
    blurred = worse(person.images[:40], 8)
    tracker = followed([*blurred, *person.images[40:220]], rate=20)
    (track,) = (t for t in tracker.tracks if t.visible)
    assert not track.boxed
    assert track.number == 0


def test_a_face_out_of_focus_for_a_while_keeps_its_landmarks(person):
    blurred = worse(person.images[60:110], 8)
    tracker = Tracker()
    for k, image in enumerate([*person.images[:60], *blurred, *person.images[110:180]]):
        tracker.update(frame_of(image, k / 20))
        assert all(not track.boxed for track in tracker.tracks)
    (track,) = tracker.tracks
    assert track.visible
