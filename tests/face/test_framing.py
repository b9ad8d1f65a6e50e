"""The square of the person: where it is, that it goes along, that it is taken back."""

from types import SimpleNamespace

import numpy as np
import pytest

from camvitals.face.area import area_mean
from camvitals.face.crop import Square
from camvitals.face.framing import Framing
from camvitals.face.mesh import LEFT_EYE, RIGHT_EYE, Mesh
from camvitals.face.regions import HOLES
from camvitals.face.track import Tracker
from camvitals.records import Frame

RATE = 15


@pytest.fixture(scope="module")
def swayed(portrait):
    """Three seconds of a head that sways ±14 px and tilts ±0.12 rad."""
    frames = []
    for k in range(3 * RATE):
        phase = 2 * np.pi * 0.5 * k / RATE
        image = portrait(160 + 14 * np.sin(phase), 120, 100, roll=0.12 * np.sin(phase))
        frames.append(Frame.of_rgb(image, k / RATE))
    return frames


def watched(frames, box, **more):
    """Squares, withdrawals and the tracker's boxes, picture by picture."""
    tracker = Tracker()
    framing = Framing(box, **({"extension": 0.3, "smooth": 0.3} | more))
    rows = []
    for frame in frames:
        tracker.update(frame)
        rows.append((*framing.update(tracker.tracks, frame.time), tracker.tracks[:]))
    return rows, framing


def eyes_in_crops(frames, box):
    """(T, 2, 2) outer corners of the eyes within the crops, in shares of the side."""
    mesh, places = Mesh(), []
    for frame, (square, _, _) in zip(frames, watched(frames, box)[0], strict=True):
        crop = Frame.of_rgb(area_mean(frame, square, 144), 0.0)
        points, _ = mesh(crop, Square(72, 72, 160))
        places.append(points[[RIGHT_EYE, LEFT_EYE]] / 144)
    return np.array(places)


def test_the_face_stays_put_where_crops_go_along(swayed):
    spread = {box: eyes_in_crops(swayed, box).std(axis=0).max() for box in ("first", "tracked")}
    assert spread["first"] > 0.06
    assert spread["tracked"] < 0.4 * spread["first"]


def test_aligned_crops_turn_with_the_eyes(swayed):
    def tilt(box):
        across = np.diff(eyes_in_crops(swayed, box), axis=1)[:, 0]
        return np.abs(np.arctan2(across[:, 1], across[:, 0])).mean()

    assert tilt("aligned") < 0.6 * tilt("tracked")


def test_the_first_box_is_that_of_heartratenet(swayed):
    """15 % more on each side of the longer side, the shorter one padded to a square; it stays."""
    rows, _ = watched(swayed, "first")
    x0, y0, x1, y1 = first_box(swayed)
    longer = max(x1 - x0, y1 - y0)
    square = rows[0][0]
    assert square.side == pytest.approx(longer + 2 * 0.15 * longer)
    assert (square.x, square.y, square.roll) == ((x0 + x1) / 2, (y0 + y1) / 2, 0.0)
    assert {row[0] for row in rows} == {square}


def first_box(frames):
    tracker = Tracker()
    tracker.update(frames[0])
    return tracker.tracks[0].box


def test_the_square_never_jumps_while_the_head_moves(swayed):
    squares = [row[0] for row in watched(swayed, "tracked")[0]]
    sides = np.array([square.side for square in squares])
    places = np.array([(square.x, square.y) for square in squares])
    assert np.abs(np.diff(sides)).max() < 0.02 * sides.mean()
    true = 160 + 14 * np.sin(2 * np.pi * 0.5 * np.arange(len(squares)) / RATE)
    assert np.abs(places[:, 0] - true - (places[:, 0] - true).mean()).max() < 3


def test_what_followed_the_last_sight_is_taken_back(portrait):
    wall = np.full((240, 320, 3), 120, np.uint8)
    images = [portrait(160, 120, 100)] * 30 + [wall] * 30
    frames = [Frame.of_rgb(image, k / RATE) for k, image in enumerate(images)]
    rows, framing = watched(frames, "tracked")
    seen = np.array([row[0] is not None for row in rows])
    for k, (_, lost, _) in enumerate(rows):
        seen[[at for at in range(k) if frames[at].time > lost]] = False
    assert seen[:15].all() and not seen[30:].any()
    assert framing.finish() == np.inf


def test_one_sight_alone_is_nobody(portrait):
    frames = [Frame.of_rgb(portrait(160, 120, 100), k / 100) for k in range(3)]
    rows, framing = watched(frames, "first")
    assert rows[0][0] is not None
    assert framing.finish() < 0.0 + 1e-12


def test_the_one_seen_most_is_framed(portrait):
    small = portrait(80, 120, 60, size=(240, 480))
    frames = []
    for k in range(30):
        image = small.copy()
        if k >= 10:
            image[:, 240:] = portrait(120, 120, 90, size=(240, 240))
        frames.append(Frame.of_rgb(image, k / RATE))
    rows, _ = watched(frames, "tracked")
    assert all(row[0] is None or row[0].x < 200 for row in rows[:12])


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_cheek_lies_between_lid_and_mouth_on_its_side(swayed, side):
    """The person's own left is to the right in the picture."""
    tracker, framing = Tracker(), Framing(f"{side}-cheek", extension=0.0, smooth=0.3)
    own, places = LEFT_EYE if side == "left" else RIGHT_EYE, []
    for frame in swayed:
        tracker.update(frame)
        square, _ = framing.update(tracker.tracks, frame.time)
        points = tracker.tracks[0].points
        nose = points[1, 0]
        assert (square.x > nose) == (side == "left")
        assert abs(square.x - nose) < 1.1 * abs(points[own, 0] - nose)
        lid, mouth = (points[list(HOLES[name]), 1].mean() for name in (f"{side}_eye", "mouth"))
        assert lid < square.y < mouth
        assert 0.4 < square.side / (mouth - lid) < 1.2
        places.append(square.x)
    assert np.ptp(places) > 20  # it goes along


def test_without_landmarks_a_cheek_is_a_share_of_the_face():
    track = SimpleNamespace(shape=np.zeros((2, 2)), box=(100.0, 50.0, 200.0, 150.0))
    track.follower = SimpleNamespace(zoom=0.0)
    square = Framing("left-cheek", extension=0.0, smooth=1.0)._raw(track)
    assert (square.x, square.y, square.side) == pytest.approx((175.0, 111.5, 27.0))
