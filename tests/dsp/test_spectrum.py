import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camvitals.dsp.spectrum import band_power, peak, snr_db, spectrum
from camvitals.records import InputError


@settings(deadline=None, max_examples=50)
@given(f=st.floats(0.8, 3.5), phase=st.floats(0, 6.28), rate=st.sampled_from([12.5, 29.97, 60.0]))
def test_peak_between_bins(f, phase, rate):
    time = np.arange(int(15 * rate)) / rate
    found, power = peak(
        *spectrum(3 * np.cos(2 * np.pi * f * time + phase), rate=rate), low=0.65, high=4
    )
    assert found == pytest.approx(f, abs=0.004)
    assert power == pytest.approx(4.5, rel=0.02)  # half the squared amplitude


def test_bins_are_as_fine_as_asked_and_channels_stay_apart():
    time = np.arange(300) / 30
    x = np.stack([np.cos(2 * np.pi * time), 2 * np.cos(2 * np.pi * 2 * time)], axis=1)
    frequency, power = spectrum(x + 100, rate=30, step=0.005)
    assert frequency[1] <= 0.005
    assert frequency[power.argmax(axis=0)] == pytest.approx([1, 2], abs=0.01)


def test_a_peak_at_the_edge_of_the_band_stays_inside_a_bin_of_it():
    frequency = np.linspace(0, 5, 501)
    found, _ = peak(frequency, np.exp(-frequency), low=1.0, high=2.0)
    assert 0.99 <= found <= 1.01


def test_band_power_counts_every_bin_once():
    frequency = np.arange(0, 5, 0.1)
    assert band_power(frequency, np.ones(50), np.array([1.0, 1.05]), 0.12) == 3
    assert band_power(frequency, np.ones(50), 2.0, 0.05) == 1


@pytest.mark.parametrize("ratio", [0.1, 1.0, 10.0])
def test_snr_of_known_powers(ratio):
    frequency = np.arange(0, 6, 0.05)
    power = np.where((frequency > 2.95) & (frequency < 3.05), 1.0, 0.0)
    power[np.argmin(np.abs(frequency - 1.2))] = ratio
    assert snr_db(frequency, power, 1.2) == pytest.approx(10 * np.log10(ratio), abs=1e-6)


def test_messages():
    with pytest.raises(InputError, match="4 samples"):
        spectrum(np.zeros(3), rate=30)
    with pytest.raises(InputError, match="higher frame rate"):
        peak(np.array([0.0, 0.1]), np.ones(2), low=1, high=2)
