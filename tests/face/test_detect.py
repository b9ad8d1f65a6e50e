import numpy as np
import pytest

from camvitals.face.crop import Square, around, sample, tiles, whole
from camvitals.face.detect import Detector, anchors, best_of, overlap
from camvitals.face.mesh import Mesh, box_of, roll_of, square_of_detection, square_of_landmarks
from camvitals.records import Frame


@pytest.fixture(scope="module")
def detector():
    return Detector()


@pytest.fixture(scope="module")
def mesh():
    return Mesh()


def seen(detector, image, threshold=0.6):
    frame = Frame.of_rgb(image, 0.0)
    return detector(frame, whole(frame), threshold=threshold)


def test_anchors_are_those_of_the_network():
    centres = anchors()
    assert centres.shape == (896, 2)
    np.testing.assert_allclose(centres[:4], [[1 / 32] * 2] * 2 + [[3 / 32, 1 / 32]] * 2)
    np.testing.assert_allclose(centres[512:518], [[1 / 16] * 2] * 6)


@pytest.mark.parametrize("place", [(160, 120, 100), (70, 80, 60), (240, 150, 150)])
def test_a_face_is_found_where_it_is(detector, portrait, place):
    x, y, height = place
    found = seen(detector, portrait(x, y, height))
    assert len(found) == 1
    x0, y0, x1, y1 = found[0].box
    assert abs((x0 + x1) / 2 - x) < 0.12 * height
    assert abs((y0 + y1) / 2 - y) < 0.15 * height
    assert 0.7 * height < x1 - x0 < 1.3 * height


def test_two_faces_are_two(detector, portrait):
    image = np.hstack(
        [portrait(80, 120, 90, size=(240, 160)), portrait(80, 100, 70, size=(240, 160))]
    )
    found = seen(detector, image)
    assert len(found) == 2
    assert sorted(d.box[0] > 160 for d in found) == [False, True]


@pytest.mark.parametrize("roll", [-0.4, 0.0, 0.35])
def test_roll_is_seen(detector, mesh, portrait, roll):
    image = portrait(160, 120, 100, roll=roll)
    frame = Frame.of_rgb(image, 0.0)
    found = seen(detector, image)[0]
    assert found.roll == pytest.approx(roll, abs=0.15)
    landmarks, presence = mesh(frame, square_of_detection(found))
    assert presence > 0.9
    # in this photograph the eyes themselves are 0.05 rad from level
    assert roll_of(landmarks) == pytest.approx(roll + 0.05, abs=0.05)
    again, _ = mesh(frame, square_of_landmarks(landmarks))
    assert np.abs(again - landmarks).max() < 3


def test_a_rolled_square_gives_upright_boxes(detector, portrait):
    frame = Frame.of_rgb(portrait(160, 120, 100), 0.0)
    level = detector(frame, Square(160, 120, 240), threshold=0.5)[0]
    rolled = detector(frame, Square(160, 120, 240, 0.4), threshold=0.5)[0]
    assert overlap(level.box, np.array([rolled.box]))[0] > 0.7


def test_landmarks_go_with_the_face(detector, mesh, portrait):
    boxes = []
    for x in (100, 140):
        frame = Frame.of_rgb(portrait(x, 120, 100), 0.0)
        found = detector(frame, whole(frame), threshold=0.5)[0]
        boxes.append(box_of(mesh(frame, square_of_detection(found))[0]))
    np.testing.assert_allclose(np.subtract(boxes[1], boxes[0]), [40, 0, 40, 0], atol=2.5)


@pytest.mark.parametrize("kind", ["black", "grey", "noise", "wall", "stripes"])
def test_no_face_is_seen_where_there_is_none(detector, kind):
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:240, :320]
    images = {
        "black": np.zeros((240, 320)),
        "grey": np.full((240, 320), 128),
        "noise": rng.uniform(0, 255, (240, 320)),
        "wall": 100 + 0.3 * x + rng.normal(0, 4, (240, 320)),
        "stripes": 128 + 100 * np.sin(x / 9) * np.cos(y / 14),
    }
    image = np.repeat(np.clip(images[kind], 0, 255)[..., None], 3, axis=2).astype(np.uint8)
    frame = Frame.of_rgb(image, 0.0)
    assert not [d for s in tiles(frame) for d in detector(frame, s, threshold=0.6)]
    assert not seen(detector, image)


def test_a_small_face_is_found_in_a_tile(detector, portrait):
    image = portrait(1000, 300, 44, size=(720, 1280))
    frame = Frame.of_rgb(image, 0.0)
    assert not seen(detector, image)
    found = best_of([d for s in tiles(frame) for d in detector(frame, s, threshold=0.5)])
    close = [detector(frame, around(d.box, 2.5), threshold=0.8) for d in found]
    exact = [d for more in close for d in more]
    assert len(exact) == 1
    assert abs(sum(exact[0].box[::2]) / 2 - 1000) < 4


def test_tiles_cover_the_picture():
    frame = Frame.of_rgb(np.zeros((90, 200, 3), dtype=np.uint8), 0.0)
    hit = np.zeros((90, 200), dtype=bool)
    for square in tiles(frame):
        half = square.side / 2
        rows = slice(int(square.y - half), int(square.y + half))
        hit[rows, int(square.x - half) : int(square.x + half)] = True
        assert square.x - half >= 0 and square.x + half <= 200
    assert hit.all()


def test_sampling_averages_and_blackens_the_outside():
    image = np.zeros((40, 40, 3), dtype=np.uint8)
    image[::2] = 200  # stripes finer than the samples
    frame = Frame.of_rgb(image, 0.0)
    inner = sample(frame, Square(20, 20, 40), 20)
    np.testing.assert_allclose(inner, 100)
    outer = sample(frame, Square(20, 20, 80), 40)
    assert not outer[:9].any() and not outer[:, :9].any()
    np.testing.assert_allclose(outer[11:29, 11:29].mean(), 100, atol=15)


def test_video_planes_give_the_same_picture(portrait, as_video):
    image = portrait(160, 120, 100)
    square = around((110, 70, 210, 170), 1.5, 0.2)
    rgb = sample(Frame.of_rgb(image, 0.0), square, 96)
    yuv = sample(as_video(image, 0.0), square, 96)
    assert np.abs(rgb - yuv).mean() < 3
