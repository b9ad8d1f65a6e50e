import numpy as np
import pytest

from camvitals.face.follow import Follower
from camvitals.face.lattice import between, inside, read, step_for
from camvitals.face.points import good_features, lucas_kanade
from camvitals.records import Frame

BOX = (115.0, 65.0, 205.0, 175.0)


def noisy(image, rng, level=2.0):
    return np.clip(image + rng.normal(0, level, image.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("planes", ["rgb", "video"])
@pytest.mark.parametrize(
    "shift", [(0, 0), (0.3, -0.2), (1.7, 2.4), (-6.3, 4.1), (13.0, -11.5), (-24.0, 18.0)]
)
def test_the_window_goes_where_the_face_goes(portrait, as_video, planes, shift):
    convert = Frame.of_rgb if planes == "rgb" else as_video
    rng = np.random.default_rng(0)
    follower = Follower(convert(noisy(portrait(160, 120, 100), rng), 0.0), BOX, 2)
    start = follower.place
    follower.follow(convert(noisy(portrait(160 + shift[0], 120 + shift[1], 100), rng), 0.1))
    np.testing.assert_allclose(follower.place - start, shift, atol=0.12)
    assert follower.likeness > 0.98


@pytest.mark.parametrize(("height", "roll"), [(103.0, 0.0), (98.0, 0.0), (100.0, 0.04)])
def test_zoom_and_roll_are_told_apart_from_shift(portrait, height, roll):
    follower = Follower(Frame.of_rgb(portrait(160, 120, 100), 0.0), BOX, 2)
    start = follower.place
    follower.follow(Frame.of_rgb(portrait(160, 120, height, roll=roll), 0.1))
    assert follower.zoom == pytest.approx(height / 100 - 1, abs=0.008)
    assert follower.roll == pytest.approx(roll, abs=0.008)
    assert np.abs(follower.place - start).max() < 0.6


def test_light_does_not_move_the_window(portrait):
    follower = Follower(Frame.of_rgb(portrait(160, 120, 100), 0.0), BOX, 2)
    start = follower.place
    follower.follow(Frame.of_rgb(portrait(160, 120, 100, gain=0.8), 0.1))
    np.testing.assert_allclose(follower.place, start, atol=0.05)
    assert follower.likeness > 0.99


def test_another_picture_is_not_alike(portrait):
    follower = Follower(Frame.of_rgb(portrait(160, 120, 100), 0.0), BOX, 2)
    wall = np.random.default_rng(0).normal(120, 5, (240, 320, 3)).astype(np.uint8)
    follower.follow(Frame.of_rgb(wall, 0.1))
    assert follower.likeness < 0.5


def test_nodes_are_block_means():
    image = np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    frame = Frame.of_rgb(image, 0.0)
    nodes = read(frame, 2, (2, 3), (5, 6))
    expected = image.reshape(10, 2, 15, 2, 3).mean(axis=(1, 3))[2:7, 3:9]
    np.testing.assert_allclose(np.moveaxis(nodes, 0, -1), expected)


def test_beyond_the_picture_the_edge_repeats_and_is_known():
    image = np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    frame = Frame.of_rgb(image, 0.0)
    nodes = read(frame, 2, (-3, 12), (6, 8))
    assert (nodes[:, :3] == nodes[:, 3:4]).all() and (nodes[:, :, 3:] == nodes[:, :, 2:3]).all()
    present = inside(frame, 2, (-3, 12), (6, 8))
    assert present is not None
    assert not present[:3].any() and not present[:, 3:].any() and present[3:, :3].all()
    assert inside(frame, 2, (0, 0), (10, 15)) is None
    assert read(frame, 2, (40, -50), (4, 4)).shape == (3, 4, 4)


def test_interpolation_is_exact_on_a_plane():
    y, x = np.mgrid[:12, :14].astype(np.float32)
    found = between(3 * y - 2 * x, 2.25, 4.5, (5, 6))
    np.testing.assert_allclose(found, 3 * (y[:5, :6] + 2.25) - 2 * (x[:5, :6] + 4.5), atol=1e-4)


def test_steps_bound_the_nodes(as_video):
    frame = as_video(np.zeros((60, 80, 3), dtype=np.uint8), 0.0)
    for area in (100, 30_000, 250_000):
        step = step_for(frame, area, most=8000)
        assert step % 2 == 0 and area / step**2 <= 8000


def test_points_follow_a_shift_between_pixels(portrait):
    old = portrait(160, 120, 110)[..., 1].astype(np.float32)
    new = portrait(163.4, 118.3, 110)[..., 1].astype(np.float32)
    allowed = np.zeros(old.shape, dtype=bool)
    allowed[80:165, 125:195] = True
    points = good_features(old, allowed, 30)
    assert len(points) >= 15 and all(allowed[int(y), int(x)] for x, y in points)
    apart = np.hypot(*(points[:, None] - points).transpose(2, 0, 1)) + 99 * np.eye(len(points))
    assert apart.min() > 3

    def pyramid(image):
        half = image.reshape(120, 2, 160, 2).mean(axis=(1, 3))
        return [image, half, half.reshape(60, 2, 80, 2).mean(axis=(1, 3))]

    found, fits = lucas_kanade(pyramid(old), pyramid(new), points, np.zeros(2))
    assert fits.mean() > 0.9
    off = found[fits] - points[fits] - (3.4, -1.7)
    assert np.median(np.abs(off)) < 0.05
