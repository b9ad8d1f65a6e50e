"""Changing light and jerky motion, taken out: Li 2014, Subramaniam & Rajitha 2019."""

import numpy as np
import pytest
from made_pulse import BLOOD_VECTOR, SKIN, WALL

from camvitals.dsp.clean import bandpass
from camvitals.dsp.spectrum import band_power, spectrum
from camvitals.records import InputError
from camvitals.waves.classical import green
from camvitals.waves.rectify import (
    calm_segments,
    joined,
    li,
    subramaniam,
    subramaniam_reflectance,
)

RATE = 30.0
TIME = np.arange(900) / RATE
BLOOD = np.sin(2 * np.pi * 1.2 * TIME)
LAMP_HZ = 1.9


@pytest.fixture
def lit():
    """Face and wall under one lamp that swings five times as much as the pulse."""
    rng = np.random.default_rng(3)
    lamp = 1 + 0.02 * np.sin(2 * np.pi * LAMP_HZ * TIME + 0.4) + 0.02 * np.sin(0.9 * TIME)
    face = SKIN * (1 - 0.005 * BLOOD[:, None] * BLOOD_VECTOR) * lamp[:, None]
    wall = WALL * lamp[:, None]
    noise = rng.normal(0, 2e-4, (2, 900, 3))
    return face * (1 + noise[0]), wall * (1 + noise[1])


def lamp_over_pulse(wave):
    frequency, power = spectrum(wave[150:], rate=RATE)
    lamp, pulse = (band_power(frequency, power, f, 0.1) for f in (LAMP_HZ, 1.2))
    return lamp / pulse


@pytest.mark.parametrize(("method", "left"), [(li, 0.01), (subramaniam, 0.001)])
def test_the_shared_light_goes_and_the_pulse_stays(lit, method, left):
    before = lamp_over_pulse(green(lit[0], rate=RATE))
    assert before > 10
    wave = method(*lit, rate=RATE)
    assert lamp_over_pulse(wave) < left * before
    banded = bandpass(wave, rate=RATE, low=0.65, high=4)
    assert np.corrcoef(banded[150:], BLOOD[150:])[0, 1] > 0.9


def test_a_background_of_its_own_changes_nothing_much(lit):
    rng = np.random.default_rng(8)
    stranger = np.tile(WALL, (900, 1)) * (1 + rng.normal(0, 1e-4, (900, 3)))
    assert lamp_over_pulse(li(lit[0], stranger, rate=RATE)) > 5


def test_reflectance_needs_no_background(lit):
    wave = subramaniam_reflectance(lit[0], rate=RATE)
    assert lamp_over_pulse(wave) < 0.01
    assert np.corrcoef(wave, BLOOD)[0, 1] > 0.9


def test_reflectance_weighs_noisy_regions_down(lit):
    rng = np.random.default_rng(1)
    rough = lit[0] * (1 + rng.normal(0, 0.02, (900, 3)))
    both = np.stack([lit[0], rough], axis=1)
    wave = subramaniam_reflectance(both, rate=RATE)
    assert np.corrcoef(wave, BLOOD)[0, 1] > 0.9 > np.corrcoef(both[:, 1, 1], -BLOOD)[0, 1]


def test_li_drops_the_jerk_and_keeps_the_clock(lit):
    face, wall = (x.copy() for x in lit)
    jerk = slice(300, 330)
    face[jerk] *= 1 + 0.2 * np.random.default_rng(0).random((30, 1))
    wave = li(face, wall, rate=RATE, share=0.04)
    assert wave.shape == (900,)
    assert np.ptp(wave[jerk]) == 0
    kept = li(face, wall, rate=RATE, threshold=np.inf)
    assert np.ptp(kept[jerk]) > 5 * np.ptp(wave)


def test_segments_above_a_given_threshold_are_dropped():
    values = np.r_[np.tile([0.0, 1.0], 10), np.tile([0.0, 5.0], 10), np.tile([0.0, 1.0], 12)]
    calm = calm_segments(values, rate=20.0, segment=1.0, share=0.05, threshold=2.0)
    np.testing.assert_array_equal(calm, np.r_[np.ones(20), np.zeros(20), np.ones(24)] > 0)


def test_joining_measures_every_step_against_the_corrected_signal():
    ramp = np.arange(8.0)
    steps = np.array([0, 0, 9, 9, 100, 100, 50, 50.0])
    keep = np.array([1, 1, 0, 0, 1, 1, 0, 1], dtype=bool)
    expected = np.array([0, 1, 1, 1, 1, 2, 2, 2.0])
    np.testing.assert_array_equal(joined(ramp + steps, keep), expected)


def test_face_and_background_must_match(lit):
    with pytest.raises(InputError, match="one skin and one background"):
        li(lit[0], lit[1][:-1], rate=RATE)
    with pytest.raises(InputError, match="one skin and one background"):
        li(np.stack(lit, axis=1), lit[1], rate=RATE)
