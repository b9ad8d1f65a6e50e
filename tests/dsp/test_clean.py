import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camvitals.dsp.clean import bandpass, detrend, normalized, rate_of, runs, uniform
from camvitals.records import InputError


def test_rate_is_the_median_of_the_clock():
    time = np.r_[np.arange(100) / 29.97, 20.0]
    assert rate_of(time) == pytest.approx(29.97)
    with pytest.raises(InputError, match="2 samples"):
        rate_of(np.array([1.0]))


def test_uniform_follows_a_jittered_clock():
    rng = np.random.default_rng(0)
    time = np.arange(300) / 30 + rng.uniform(-0.01, 0.01, 300)
    values, grid = uniform(3 * time + 1, time, rate=25)
    assert np.allclose(np.diff(grid), 1 / 25)
    assert np.allclose(values, 3 * grid + 1)


def test_uniform_keeps_long_gaps_bridges_short_ones_and_treats_channels_apart():
    time = np.arange(0, 10, 0.1)
    values = np.stack([time, time, time], axis=1)
    values[20:23, 0] = np.nan  # 0.4 s from seen to seen
    values[20:60, 1] = np.nan
    values[:, 2] = np.nan
    out, grid = uniform(values, time, rate=20)
    assert np.allclose(out[:, 0], grid)
    hidden = (grid > 1.9 + 1e-6) & (grid < 6.0 - 1e-6)
    assert np.isnan(out[hidden, 1]).all() and np.isfinite(out[~hidden, 1]).all()
    assert np.isnan(out[:, 2]).all()


def test_uniform_makes_a_gap_of_missing_times():
    time = np.r_[np.arange(0, 2, 0.1), np.arange(3, 5, 0.1)]
    out, grid = uniform(np.ones(len(time)), time, rate=10)
    assert np.isnan(out[(grid > 1.95) & (grid < 2.95)]).all()


def test_runs_longest_first():
    found = runs(np.array([1, 0, 1, 1, 1, 0, 1, 1], dtype=bool))
    assert [(r.start, r.stop) for r in found] == [(2, 5), (6, 8), (0, 1)]
    assert runs(np.zeros(3, dtype=bool)) == []


@settings(deadline=None, max_examples=30)
@given(low=st.floats(0.3, 1.0), width=st.floats(0.5, 4.0), order=st.integers(1, 4))
def test_bandpass_has_the_gain_of_butterworth_forth_and_back(low, width, order):
    from scipy.signal import butter, sosfiltfilt

    rate, high = 50.0, low + width
    x = np.random.default_rng(0).standard_normal(3000)
    sos = butter(order, [low, high], btype="band", fs=rate, output="sos")
    expected = sosfiltfilt(sos, x)
    got = bandpass(x, rate=rate, low=low, high=high, order=order)
    inner = slice(500, -500)
    # The analogue gain and the bilinear one part slowly as the upper edge nears half the rate
    assert np.corrcoef(got[inner], expected[inner])[0, 1] > 0.99


@settings(deadline=None, max_examples=20)
@given(offset=st.floats(-1e4, 1e4), drift=st.floats(-100, 100))
def test_bandpass_does_not_see_offset_or_drift(offset, drift):
    time = np.arange(600) / 30
    x = np.sin(2 * np.pi * 1.2 * time)
    still = bandpass(x, rate=30, low=0.65, high=4)
    moved = bandpass(x + offset + drift * time, rate=30, low=0.65, high=4)
    assert np.allclose(still, moved, atol=1e-8)


def test_bandpass_keeps_a_sinusoid_of_the_band_in_place_and_removes_others():
    time = np.arange(900) / 30
    x = np.sin(2 * np.pi * 1.5 * time)
    other = 5 * np.sin(2 * np.pi * 0.1 * time) + 5 * np.sin(2 * np.pi * 12 * time)
    got = bandpass(np.stack([x + other, x], axis=1), rate=30, low=0.65, high=4)
    assert np.allclose(got[150:-150], x[150:-150, None], atol=0.02)


def test_bandpass_names_what_it_needs():
    with pytest.raises(InputError, match="higher frame rate"):
        bandpass(np.zeros(50), rate=8, low=0.7, high=4)


@pytest.mark.parametrize("smoothness", [10.0, 100.0])
def test_detrend_is_the_published_formula(smoothness):
    x = np.random.default_rng(0).standard_normal((80, 2)).cumsum(axis=0)
    second = np.diff(np.eye(80), n=2, axis=0)
    trend = np.linalg.solve(np.eye(80) + smoothness**2 * second.T @ second, x)
    assert np.allclose(detrend(x, smoothness=smoothness), x - trend, atol=1e-8)


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5])
def test_detrend_of_a_line_is_nothing_at_any_length(length):
    assert np.allclose(detrend(2.0 * np.arange(length) + 3), 0, atol=1e-9)


def test_normalized_is_relative_to_the_mean_around():
    time = np.arange(600) / 30
    x = 50 * (1 + 0.01 * np.sin(2 * np.pi * time))
    got = normalized(x, rate=30, window=2.0)
    assert np.allclose(got[60:-60], 0.01 * np.sin(2 * np.pi * time)[60:-60], atol=4e-4)
    assert np.allclose(normalized(7 * x, rate=30, window=2.0), got)


def test_the_samples_on_both_sides_of_a_gap_are_seen_wherever_the_clock_starts():
    time = np.r_[np.arange(383), np.arange(422, 945)] / 50
    for start in (0.0, 0.1, 1 / 3, 1e5):
        seen = np.isfinite(uniform(time, start + time, rate=50.0)[0])
        assert list(np.flatnonzero(~seen)[[0, -1]]) == [383, 421]
