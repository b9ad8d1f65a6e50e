import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camvitals.dsp.align import lag, wave_lag
from camvitals.records import InputError, Wave


def noise_like(t, *, seed=0):
    """A sum of 40 sinusoids between 0.3 and 5 Hz: known at every instant, with one best lag."""
    rng = np.random.default_rng(seed)
    f, phase = rng.uniform(0.3, 5, 40), rng.uniform(0, 6.28, 40)
    return np.sin(2 * np.pi * f * np.asarray(t)[:, None] + phase).sum(axis=1)


@settings(deadline=None, max_examples=30)
@given(delay=st.floats(-0.9, 0.9), seed=st.integers(0, 50))
def test_lag_between_samples_is_found(delay, seed):
    t = np.arange(600) / 30
    seconds, r = lag(noise_like(t, seed=seed), noise_like(t - delay, seed=seed), rate=30, limit=1.0)
    assert seconds == pytest.approx(delay, abs=0.002)
    assert r > 0.999


def test_gaps_length_and_scale_do_not_matter():
    t = np.arange(900) / 30
    a, b = noise_like(t), -3 + 0.1 * noise_like(t - 0.21)[:700]
    a[200:260], b[100] = np.nan, np.nan
    seconds, r = lag(a, b, rate=30, limit=1.0)
    assert seconds == pytest.approx(0.21, abs=0.003)
    assert r > 0.99


def test_band_ignores_what_lies_outside():
    t = np.arange(900) / 30
    a = noise_like(t) + 50 * np.sin(2 * np.pi * 0.1 * t)
    b = noise_like(t - 0.3) + 50 * np.sin(2 * np.pi * 0.1 * t + 2)
    seconds, r = lag(a, b, rate=30, limit=1.0, band=(0.5, 6.0))
    assert seconds == pytest.approx(0.3, abs=0.005)
    assert r > 0.99


def test_two_clocks():
    t_a, t_b = 100 + np.arange(600) / 30, 101.013 + np.arange(900) / 50
    a = Wave(noise_like(t_a), t_a, "pulse")
    b = Wave(noise_like(t_b - 0.12), t_b, "pulse")
    there, r = wave_lag(a, b, limit=0.5)
    back, _ = wave_lag(b, a, limit=0.5)
    assert there == pytest.approx(0.12, abs=0.004)
    assert back == pytest.approx(-0.12, abs=0.004)
    assert r > 0.97


def test_signals_without_anything_in_common_are_refused():
    with pytest.raises(InputError, match="record longer"):
        lag(np.zeros(100), np.ones(100), rate=30, limit=1.0)
    with pytest.raises(InputError, match="record longer"):
        lag(np.full(100, np.nan), np.ones(100), rate=30, limit=1.0)
