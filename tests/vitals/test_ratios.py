"""Ratios of colours whose pulse is put in."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camvitals.records import InputError
from camvitals.vitals.ratios import METHODS, ends_of, pulsation, ratios, windows_of

RATE = 30.0
LEVEL = np.array([140.0, 90.0, 60.0])
DEPTH = np.array([0.004, 0.010, 0.008])
TRUE = {"rg": [0.4], "rb": [0.5], "multi": [0.4, 0.5, 1.25], "shared": [0.4, 0.8]}


def colours(*, seconds=30.0, rate=RATE, hz=1.3, level=LEVEL, noise=0.0, seed=0):
    time = np.arange(round(seconds * rate)) / rate
    beat = np.sin(2 * np.pi * hz * time) + 0.3 * np.sin(4 * np.pi * hz * time + 1)
    rng = np.random.default_rng(seed)
    return level * (1 + DEPTH * beat[:, None]) + noise * rng.standard_normal((len(time), 3))


@pytest.mark.parametrize("method", METHODS)
def test_the_ratio_put_in_comes_out(method):
    found = ratios(colours(), rate=RATE, method=method)
    assert found == pytest.approx(np.tile(TRUE[method], (len(found), 1)), rel=1e-3)


def test_half_the_height_from_peak_to_peak_gives_the_same_ratio():
    found = pulsation(colours(), rate=RATE, strength="peak").ratios("rg")
    assert found == pytest.approx(np.full_like(found, 0.4), rel=1e-3)


@pytest.mark.parametrize("method", METHODS)
@given(
    factor=st.tuples(*[st.floats(0.05, 1.5)] * 3),
    rate=st.sampled_from([15.0, 25.0, 29.97, 60.0]),
    hz=st.floats(0.8, 2.5),
)
@settings(max_examples=15, deadline=None)
def test_no_factor_on_any_colour_changes_a_ratio(method, factor, rate, hz):
    one = colours(rate=rate, hz=hz, seconds=14)
    other = ratios(one * np.array(factor), rate=rate, method=method)
    assert other == pytest.approx(ratios(one, rate=rate, method=method), rel=1e-6)


def test_windows_are_ten_seconds_every_fifth_of_one_and_end_where_told():
    time = np.arange(900) / RATE
    windows, ends = windows_of(time, rate=RATE), ends_of(900, rate=RATE)
    assert windows.shape == (101, 300) and not windows.flags.writeable
    assert windows[:, -1] == pytest.approx(ends)
    assert np.diff(windows[:, 0]) == pytest.approx(0.2)


def test_too_short_a_signal_has_no_window():
    short = colours(seconds=9.9)
    assert windows_of(short, rate=RATE).shape == (0, 300, 3)
    assert ratios(short, rate=RATE, method="multi").shape == (0, 3)


def test_noise_of_red_adds_to_its_spread_but_not_to_what_it_shares():
    noisy = colours(seconds=60)
    noisy[:, 0] += 0.6 * np.random.default_rng(5).standard_normal(len(noisy))
    spread, shared = (ratios(noisy, rate=RATE, method=m)[:, 0].mean() for m in ("rg", "shared"))
    assert spread > 0.44
    assert shared == pytest.approx(0.4, abs=0.02)


def test_a_narrow_band_keeps_what_beats_elsewhere_out():
    time = np.arange(900) / RATE
    swaying = colours() * (1 + 0.01 * np.sin(2 * np.pi * 3.4 * time))[:, None]
    pulse = np.full(len(ends_of(900, rate=RATE)), 1.3)
    narrow = pulsation(swaying, rate=RATE, narrow=True, pulse=pulse).ratios("rg")
    wide = pulsation(swaying, rate=RATE, pulse=pulse).ratios("rg")
    assert np.abs(narrow - 0.4).max() < 0.01
    assert np.abs(wide - 0.4).min() > 0.1


def test_the_pulse_is_found_and_is_clear():
    found = pulsation(colours(hz=1.7), rate=RATE)
    assert found.pulse == pytest.approx(np.full(len(found.end), 1.7), abs=0.03)
    assert found.clear.min() > 0.98
    noise = pulsation(colours(noise=0.5) * 0 + colours(level=LEVEL * 0 + 100, noise=30), rate=RATE)
    assert noise.clear.max() < 0.5


def test_a_flat_colour_has_no_ratio_and_raises_no_warning():
    flat = colours()
    flat[:, 1] = 255.0
    assert not np.isfinite(ratios(flat, rate=RATE, method="rg")).any()


def test_what_cannot_be_is_refused():
    with pytest.raises(InputError, match="no oxygen method 'green'; choose one of rg"):
        ratios(colours(), rate=RATE, method="green")
    with pytest.raises(InputError, match="choose std or peak"):
        pulsation(colours(), rate=RATE, strength="height")
    with pytest.raises(InputError, match="rate, length and stride > 0"):
        windows_of(colours(), rate=0.0)
    with pytest.raises(InputError, match="pulse needs a rate for 101 windows"):
        pulsation(colours(), rate=RATE, pulse=np.ones(3))
