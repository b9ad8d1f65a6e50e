import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camvitals.dsp.peaks import peaks, prominences, refine, upsample
from camvitals.records import InputError


@settings(deadline=None)
@given(
    seed=st.integers(0, 10**6),
    length=st.integers(1, 300),
    distance=st.floats(1, 30),
    prominence=st.floats(0, 3),
)
def test_equal_to_scipy_on_random_signals(seed, length, distance, prominence):
    from scipy.signal import find_peaks, peak_prominences

    x = np.random.default_rng(seed).standard_normal(length)
    expected = find_peaks(x, distance=distance, prominence=prominence)[0]
    assert np.array_equal(peaks(x, distance=distance, prominence=prominence), expected)
    every = find_peaks(x)[0]
    assert np.allclose(prominences(x, every), peak_prominences(x, every)[0], atol=1e-12)


@settings(deadline=None)
@given(seed=st.integers(0, 10**6), prominence=st.integers(0, 4))
def test_equal_to_scipy_on_flat_tops(seed, prominence):
    from scipy.signal import find_peaks

    x = np.random.default_rng(seed).integers(-1, 2, 200).cumsum().astype(float)
    expected = find_peaks(x, prominence=prominence)[0]
    assert np.array_equal(peaks(x, prominence=prominence), expected)


def test_refined_peak_of_a_parabola_is_exact():
    t = np.arange(20.0)
    x = 5 - (t - 7.3) ** 2
    assert refine(x, peaks(x)) == pytest.approx([7.3])


def test_upsampled_sinusoids_follow_the_formula_and_keep_the_samples():
    def signal(t):
        return np.sin(2 * np.pi * 1.3 * t) + 0.4 * np.sin(2 * np.pi * 5 * t + 1) + 0.2 * t

    t = np.arange(301) / 30
    fine = upsample(signal(t), factor=8)
    inner = slice(240, -240)
    assert np.allclose(fine[::8], signal(t), atol=1e-12)
    assert np.allclose(fine[inner], signal(np.arange(len(fine)) / 240)[inner], atol=1e-4)


def test_messages():
    with pytest.raises(InputError, match="without gaps"):
        peaks(np.array([0.0, np.nan, 0.0]))
    with pytest.raises(InputError, match="distance >= 1"):
        peaks(np.zeros(3), distance=0)
    with pytest.raises(InputError, match="local maxima"):
        prominences(np.array([0.0, 1.0, 0.0]), np.array([2]))
    with pytest.raises(InputError, match="2 samples"):
        upsample(np.zeros(1), factor=2)
