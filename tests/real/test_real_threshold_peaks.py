"""Heart rate by a threshold, on recordings that heartpy comes with, beside what it says."""

import numpy as np
import pytest

from camvitals.dsp.notch import notch
from camvitals.vitals.threshold_peaks import threshold_peaks, threshold_rate

pytestmark = pytest.mark.real
RATE_HZ = 360.0
HALF = round(12 * RATE_HZ)
SAID = {
    "118e24": [84.5711, 82.8082, 83.4984, 83.1769, 83.0470, 85.1756, 86.7777, 83.7007],
    "118e00": [84.3351, 86.4629, 103.6616, 168.3958, 169.6829, 171.3742, 163.4816, 165.2839],
}


def rates(folder, name):
    """Of 24 s around every 12th second."""
    whole = notch(np.loadtxt(folder / f"{name}.csv", delimiter=","), rate=RATE_HZ)
    middles = range(HALF, len(whole) - HALF, HALF)
    pieces = [whole[at - HALF : at + HALF] for at in middles]
    return np.array([threshold_rate(piece, rate=RATE_HZ) for piece in pieces]), np.array(middles)


@pytest.mark.parametrize("name", SAID)
def test_the_same_as_heartpy_with_and_without_noise(real_data, name):
    found, _ = rates(real_data / "reference/heartpy", name)
    np.testing.assert_allclose(found, SAID[name], atol=1e-4)


@pytest.mark.parametrize(("name", "worst"), [("118e24", 0.2), ("118e00", 90.0)])
def test_true_where_the_ecg_is_clean_and_double_where_it_is_not(real_data, name, worst):
    """What system C learns from: nobody is told when a label is wrong."""
    folder = real_data / "reference/heartpy"
    found, middles = rates(folder, name)
    beats = np.loadtxt(folder / f"{name}_ann.csv", delimiter=",").ravel()
    inside = [beats[(beats >= at - HALF) & (beats < at + HALF)] for at in middles]
    error = np.abs(found - [60 * RATE_HZ / np.diff(one).mean() for one in inside])
    assert error.max() < 1.1 * worst
    assert error.max() > 0.5 * worst


def test_a_contact_pulse(real_data):
    values = np.loadtxt(real_data / "reference/heartpy/data2.csv", delimiter=",", skiprows=1)[:, 1]
    found = threshold_peaks(values, rate=117.0)
    assert (len(found.peaks), found.above) == (110, 10)
    assert found.heart_rate == pytest.approx(62.378674, abs=1e-5)
