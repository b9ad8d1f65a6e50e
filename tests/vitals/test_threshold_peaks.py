"""Peaks above a rolling mean, as release 1.2.6 of heartpy finds them."""

import numpy as np
import pytest

from camvitals.records import InputError
from camvitals.vitals.threshold_peaks import scaled, threshold_peaks, threshold_rate

RATE_HZ = 128.0


def spikes(times, *, length, width=0.02):
    clock = np.arange(round(length * RATE_HZ)) / RATE_HZ
    return np.exp(-0.5 * ((clock[:, None] - np.asarray(times)) / width) ** 2).sum(axis=1)


def test_an_uneven_rhythm_is_its_mean_interval():
    beats = 0.4 + np.cumsum([0.8, 0.82, 0.78, 0.8, 0.84, 0.79] * 4)
    found = threshold_peaks(scaled(spikes(beats, length=21.0)), rate=RATE_HZ)
    np.testing.assert_allclose(found.peaks / RATE_HZ, beats, atol=0.5 / RATE_HZ + 1e-9)
    assert found.heart_rate == pytest.approx(60 / np.diff(beats).mean(), rel=0.002)


def test_a_beat_after_a_pause_is_left_out():
    even = np.arange(0.5, 20, 0.8) + np.resize([0, 0.01], 25)
    without = np.delete(even, 10)
    found = threshold_peaks(scaled(spikes(without, length=21.0)), rate=RATE_HZ)
    assert list(np.flatnonzero(~found.kept)) == [10]
    assert found.heart_rate == pytest.approx(75, abs=0.5)


@pytest.mark.parametrize("interval", [2.0, 0.25])
def test_rates_outside_40_to_180_are_none(interval):
    beats = np.arange(0.5, 20, interval) + 0.003 * np.sin(np.arange(0.5, 20, interval) * 7)
    assert np.isnan(threshold_rate(spikes(beats, length=20.0), rate=RATE_HZ))


def test_a_peak_in_the_first_moments_is_the_rest_of_a_beat():
    beats = np.r_[0.1, 0.9 + np.cumsum([0.8, 0.83, 0.77] * 5)]
    found = threshold_peaks(scaled(spikes(beats, length=14.0)), rate=RATE_HZ)
    assert found.peaks[0] / RATE_HZ == pytest.approx(beats[1], abs=0.01)


def test_what_it_needs():
    with pytest.raises(InputError, match="flat"):
        scaled(np.ones(9))
    with pytest.raises(InputError, match=r"more than 0\.75 s of signal but got 0\.16 s"):
        threshold_peaks(np.arange(20.0), rate=RATE_HZ)
