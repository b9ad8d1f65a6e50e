"""Inputs of networks against their definitions, pixel by pixel."""

import numpy as np
import pytest

from camvitals.dsp.frames import (
    FRAMES,
    deviation,
    difference,
    normalised_difference,
    prepared,
    signed,
    standardised,
    unit,
)
from camvitals.records import InputError


@pytest.fixture
def clip():
    return np.random.default_rng(0).integers(0, 256, (6, 4, 5, 3)).astype(np.uint8)


def test_normalised_difference_is_its_definition(clip):
    c = clip.astype(float)
    raw = np.zeros_like(c)
    for t in range(5):
        raw[t] = (c[t + 1] - c[t]) / (c[t + 1] + c[t] + 1e-7)
    expected = raw / raw[:5].std()
    found = normalised_difference(clip)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert found.dtype == np.float32
    assert not found[-1].any()


def test_normalised_difference_does_not_see_the_gain_of_a_pixel():
    rng = np.random.default_rng(1)
    clip = rng.uniform(20, 60, (5, 3, 3, 3))
    gain = rng.uniform(0.5, 4, (3, 3, 3))
    np.testing.assert_allclose(
        normalised_difference(clip * gain), normalised_difference(clip), rtol=1e-4, atol=1e-5
    )


def test_large_changes_can_be_cut_off(clip):
    free, cut = normalised_difference(clip), normalised_difference(clip, clip=1.0)
    assert np.abs(free).max() > 1
    np.testing.assert_array_equal(cut, np.clip(free, -1, 1))


def test_difference_is_its_definition(clip):
    found = difference(clip)
    np.testing.assert_allclose(found[:-1], np.diff(clip.astype(float), axis=0) / 255, atol=1e-7)
    assert not found[-1].any()


def test_standardised_has_one_mean_and_one_spread(clip):
    found = standardised(clip)
    assert found.mean() == pytest.approx(0, abs=1e-5)
    assert found.std() == pytest.approx(1, abs=1e-5)
    c = clip.astype(float)
    np.testing.assert_allclose(found, (c - c.mean()) / c.std(), rtol=1e-4, atol=1e-5)


def test_deviation_leaves_what_changes_at_each_pixel(clip):
    found = deviation(clip)
    assert found.std() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-5)
    lit = clip + np.arange(60, dtype=float).reshape(1, 4, 5, 3)  # another picture behind it
    np.testing.assert_allclose(deviation(lit), found, rtol=1e-3, atol=1e-5)


def test_ranges(clip):
    ends = np.array([0, 255], np.uint8).reshape(2, 1, 1, 1).repeat(3, axis=-1)
    assert unit(ends).ravel().tolist() == [0] * 3 + [1] * 3
    assert signed(ends).ravel().tolist() == [-1] * 3 + [1] * 3
    assert FRAMES["raw"](clip).max() == clip.max()
    middle = np.array([0.485, 0.456, 0.406]) * 255
    assert FRAMES["imagenet"](middle.reshape(1, 1, 1, 3)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("name", FRAMES)
def test_a_clip_without_any_change_gives_finite_numbers(name):
    found = FRAMES[name](np.full((4, 2, 2, 3), 7, np.uint8))
    assert np.isfinite(found).all()
    if name in ("normalised difference", "difference", "standardised", "deviation"):
        assert not found.any()


def test_black_pixels_give_no_division_by_zero():
    clip = np.zeros((4, 2, 2, 3), np.uint8)
    clip[1, 0, 0] = 100
    assert np.isfinite(normalised_difference(clip)).all()


def test_prepared_joins_lays_out_and_repeats(clip):
    both = prepared(clip, takes="difference + unit", layout="TCHW", extra=2)
    assert both.shape == (8, 6, 4, 5)
    np.testing.assert_array_equal(both[:6, 3:], unit(clip).transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(both[6:], np.stack([both[5]] * 2))
    other = prepared(clip, takes="difference + unit", layout="CTHW", extra=2)
    np.testing.assert_array_equal(other, both.transpose(1, 0, 2, 3))


def test_wrong_input_is_refused(clip):
    with pytest.raises(InputError, match="2 frames but got 1"):
        normalised_difference(clip[:1])
    with pytest.raises(InputError, match="no frames 'colour'; choose of"):
        prepared(clip, takes="unit + colour", layout="TCHW")
    with pytest.raises(InputError, match="no layout 'HWC'"):
        prepared(clip, takes="unit", layout="HWC")
    with pytest.raises(InputError, match="images needs shape"):
        unit(clip[..., :2])
