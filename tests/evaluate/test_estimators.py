"""Estimators against scipy, one window at a time, and against known rates."""

import numpy as np
import pytest
from scipy import signal, sparse

from camvitals.evaluate.estimators import ESTIMATORS, filtered, rates_of
from camvitals.records import InputError

RATE = 30.0


def windows(count=60, seconds=10.0, noise=0.7, seed=0):
    rng = np.random.default_rng(seed)
    frequency = rng.uniform(0.8, 2.8, count)
    time = np.arange(round(seconds * RATE)) / RATE
    phase = rng.uniform(0, 6, count)[:, None]
    wave = np.sin(2 * np.pi * frequency[:, None] * time + phase)
    return 60 * frequency, wave + rng.normal(0, noise, wave.shape)


def by_fft(x, band):
    length = 1 << (len(x) - 1).bit_length()
    frequency, power = signal.periodogram(x, fs=RATE, nfft=length, detrend=False)
    inside = (frequency >= band[0]) & (frequency <= band[1])
    return 60 * frequency[inside][power[inside].argmax()]


def by_peaks(x, band):
    return 60 * RATE / np.diff(signal.find_peaks(x)[0]).mean()


def by_welch(x, band):
    frequency, power = signal.welch(x, RATE, nperseg=2 * len(x) // 17, nfft=8192)
    inside = (frequency >= band[0]) & (frequency <= band[1])
    return 60 * frequency[inside][power[inside].argmax()]


@pytest.mark.parametrize(
    ("estimator", "oracle"), [("fft", by_fft), ("peaks", by_peaks), ("welch", by_welch)]
)
def test_many_windows_equal_one_at_a_time(estimator, oracle):
    band = (0.7, 3.3)
    for seconds in (10.0, 20.5):
        _, x = windows(seconds=seconds)
        found = rates_of(x, estimator=estimator, rate=RATE, band=band)
        np.testing.assert_allclose(found, [oracle(row, band) for row in x], rtol=1e-12)


def test_flat_tops_count_once_as_in_scipy():
    x = np.round(windows(noise=0.1)[1] * 3)
    found = rates_of(x, estimator="peaks", rate=RATE, band=(0.7, 3.3))
    np.testing.assert_allclose(found, [by_peaks(row, None) for row in x], rtol=1e-12)


def test_between_bins_is_finer_than_bins():
    true, x = windows(noise=0.02)
    error = {
        name: np.abs(rates_of(x, estimator=name, rate=RATE, band=(0.6, 3.3)) - true)
        for name in ("fft", "fft_refined")
    }
    assert error["fft_refined"].max() < 0.3
    assert error["fft"].mean() > 3 * error["fft_refined"].mean()


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_window_with_a_gap_has_no_rate_and_disturbs_no_other(estimator):
    _, x = windows(count=5)
    whole = rates_of(x, estimator=estimator, rate=RATE, band=(0.7, 3.3))
    x[2, 7] = np.nan
    found = rates_of(x, estimator=estimator, rate=RATE, band=(0.7, 3.3))
    assert np.isnan(found[2])
    np.testing.assert_array_equal(np.delete(found, 2), np.delete(whole, 2))


def test_a_line_has_no_peaks():
    x = np.arange(600.0).reshape(2, 300)
    assert np.isnan(rates_of(x, estimator="peaks", rate=RATE, band=(0.7, 3.3))).all()


@pytest.mark.parametrize("difference", [True, False])
def test_toolbox_filter_equals_its_definition(difference):
    _, x = windows(count=4)
    n = x.shape[1]
    second = sparse.diags([1.0, -2.0, 1.0], [0, 1, 2], shape=(n - 2, n)).toarray()
    smooth = np.linalg.inv(np.eye(n) + 100**2 * second.T @ second)
    b, a = signal.butter(1, [0.6 / RATE * 2, 3.3 / RATE * 2], btype="bandpass")
    found = filtered(x, rate=RATE, band=(0.6, 3.3), order=1, detrend=100, difference=difference)
    for row, got in zip(np.cumsum(x, axis=1) if difference else x, found, strict=True):
        np.testing.assert_allclose(got, signal.filtfilt(b, a, row - smooth @ row), atol=1e-9)


def test_filter_keeps_gaps_and_shape():
    _, x = windows(count=3)
    x[1, 5] = np.nan
    found = filtered(x, rate=RATE, band=(0.6, 3.3), order=1)
    assert np.isnan(found[1]).all()
    assert np.isfinite(found[[0, 2]]).all()
    np.testing.assert_array_equal(filtered(x[0], rate=RATE, band=(0.6, 3.3), order=1), found[0])


@pytest.mark.parametrize(
    ("rate", "seconds", "message"),
    [(6.0, 10.0, "needs more than 6.6 samples a second"), (30.0, 0.3, "more than 9 samples")],
)
def test_what_cannot_be_filtered_is_refused(rate, seconds, message):
    x = np.zeros((2, round(seconds * 30)))
    with pytest.raises(InputError, match=message):
        filtered(x, rate=rate, band=(0.6, 3.3), order=1)


def test_unknown_estimator_names_those_there_are():
    with pytest.raises(InputError, match="no estimator 'dft'; choose one of fft, "):
        rates_of(np.zeros((1, 300)), estimator="dft", rate=RATE, band=(0.7, 3.3))
