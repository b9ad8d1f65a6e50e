"""Every pixel counts as much as it is covered."""

import numpy as np
import pytest

from camvitals.face.area import area_mean
from camvitals.face.crop import Square
from camvitals.records import Frame


@pytest.fixture(scope="module")
def noise():
    return np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8)


def test_whole_cells_are_their_means(noise):
    shrunk = area_mean(Frame.of_rgb(noise, 0.0), Square(64, 48, 72), 12)
    cells = noise[12:84, 28:100].reshape(12, 6, 12, 6, 3).mean(axis=(1, 3))
    assert np.abs(shrunk - cells).max() <= 0.5


def test_partly_covered_pixels_count_by_their_share(noise):
    """A square of 10.5 px from 20.25, 30.75: weights worked out pixel by pixel."""
    shrunk = area_mean(Frame.of_rgb(noise, 0.0), Square(25.5, 36.0, 10.5), 3)
    expected = np.zeros((3, 3, 3))
    for i in range(3):
        for j in range(3):
            rows = overlaps(30.75 + 3.5 * i, 3.5, 96)
            columns = overlaps(20.25 + 3.5 * j, 3.5, 128)
            expected[i, j] = np.einsum("y,x,yxc->c", rows, columns, noise) / 3.5**2
    assert np.abs(shrunk - expected).max() <= 0.51


def overlaps(start, length, count):
    pixels = np.arange(count)
    return np.clip(np.minimum(start + length, pixels + 1) - np.maximum(start, pixels), 0, None)


def test_enlarging_is_linear_interpolation():
    image = np.repeat(np.arange(0, 200, 10, dtype=np.uint8)[None, :, None], 20, axis=0)
    image = np.repeat(image, 3, axis=2)
    enlarged = area_mean(Frame.of_rgb(image, 0.0), Square(10, 10, 8), 64)
    x = 6 + (np.arange(64) + 0.5) / 8  # [px]; a pixel's centre is at its middle
    assert np.abs(enlarged[:, :, 0] - 10 * (x - 0.5)).max() <= 0.51


def test_a_video_and_its_rgb_give_the_same(noise, as_video):
    smooth = np.kron(noise[:12, :16], np.ones((8, 8, 1), np.uint8))  # 96 × 128, 8 px blocks
    square = Square(64, 48, 64)
    of_rgb = area_mean(Frame.of_rgb(smooth, 0.0), square, 8).astype(int)
    of_video = area_mean(as_video(smooth.astype(float), 0.0), square, 8).astype(int)
    assert np.abs(of_rgb - of_video).max() <= 3  # 8-bit planes of limited range


@pytest.mark.parametrize(("roll", "edge"), [(0.0, 1), (0.3, 3)])
def test_outside_is_black(roll, edge):
    white = Frame.of_rgb(np.full((80, 80, 3), 255, np.uint8), 0.0)
    image = area_mean(white, Square(0, 40, 40, roll), 10)
    assert image[:, : 5 - edge].max() == 0 and image[:, 5 + edge :].min() == 255
    assert area_mean(white, Square(500, -300, 40, roll), 10).max() == 0


def test_black_outside_of_a_video_is_black_too(as_video):
    frame = as_video(np.full((40, 40, 3), 200.0), 0.0)
    image = area_mean(frame, Square(0, 20, 40), 10)
    assert image[:, :5].max() == 0 and np.abs(image[:, 5:].astype(int) - 200).max() <= 2


def test_a_roll_turns_the_picture_back(portrait):
    level = area_mean(Frame.of_rgb(portrait(160, 120, 100), 0.0), Square(160, 120, 130), 40)
    tilted = Frame.of_rgb(portrait(160, 120, 100, roll=0.2), 0.0)
    back = area_mean(tilted, Square(160, 120, 130, 0.2), 40)
    aside = area_mean(tilted, Square(160, 120, 130), 40)
    assert np.abs(back.astype(int) - level).mean() < 3
    assert np.abs(aside.astype(int) - level).mean() > 8


def test_a_small_roll_is_almost_none(noise):
    frame = Frame.of_rgb(noise, 0.0)
    level = area_mean(frame, Square(64, 48, 60), 20).astype(int)
    assert np.abs(area_mean(frame, Square(64, 48, 60, 1e-6), 20) - level).max() <= 1


def test_a_step_of_a_tenth_changes_the_colours_by_a_tenth():
    """Nearest points would change not at all, or by whole pixels."""
    image = np.zeros((40, 40, 3), np.uint8)
    image[:, 20:] = 200
    frame = Frame.of_rgb(image, 0.0)
    edge = [int(area_mean(frame, Square(20 + d / 10, 20, 15), 5)[2, 2, 0]) for d in range(-5, 6)]
    assert np.allclose(np.diff(edge), 200 * 0.1 / 3, atol=1)
