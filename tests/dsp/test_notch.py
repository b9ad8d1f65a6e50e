"""The notch of system C: what it does, at the rate it is used at."""

import numpy as np
import pytest

from camvitals.dsp.notch import notch, notch_response
from camvitals.records import InputError

RATE_HZ = 128.0
KNOWN_DB = {0.5: -52.6, 1: -40.5, 2: -28.6, 5: -14.2, 10: -6.0, 15: -3.1, 20: -1.7, 50: -0.1}


@pytest.mark.parametrize(("frequency", "gain"), KNOWN_DB.items())
def test_it_is_a_high_pass_at_ten_hertz(frequency, gain):
    assert notch_response(frequency, rate=RATE_HZ) == pytest.approx(gain, abs=0.06)


@pytest.mark.parametrize("frequency", [2.0, 10.0, 50.0])
def test_a_sine_is_left_as_the_response_says(frequency):
    time = np.arange(int(60 * RATE_HZ)) / RATE_HZ
    left = notch(np.sin(2 * np.pi * frequency * time), rate=RATE_HZ)
    middle = left[len(left) // 3 : 2 * len(left) // 3]
    wanted = 10 ** (notch_response(frequency, rate=RATE_HZ) / 20)
    assert np.sqrt(2) * middle.std() == pytest.approx(wanted, rel=0.02)


def test_it_is_scipys():
    from scipy.signal import filtfilt, iirnotch

    x = np.random.default_rng(0).standard_normal(500).cumsum()
    wanted = filtfilt(*iirnotch(0.05, Q=0.005, fs=RATE_HZ), x)
    np.testing.assert_allclose(notch(x, rate=RATE_HZ), wanted, atol=1e-9)


def test_what_it_needs():
    with pytest.raises(InputError, match="needs 10 samples but got 5"):
        notch(np.zeros(5), rate=RATE_HZ)
    with pytest.raises(InputError, match="needs more than 20 samples a second but got 15"):
        notch(np.zeros(50), rate=15.0)
