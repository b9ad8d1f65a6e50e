"""What POS and CHROM do to skin of known change, written out."""

import numpy as np
import pytest

from camvitals.dsp.spectrum import peak, spectrum
from camvitals.waves.classical import chrom, pos

RATE = 30.0
TIME = np.arange(480) / RATE
VECTOR = np.array([0.33, 0.77, 0.53])  # how a pulse changes red, green and blue
LIGHT = np.sin(2 * np.pi * 2.5 * TIME)  # both whole cycles in a window of 1.6 s
BEAT = np.sin(2 * np.pi * 1.25 * TIME + 0.5)


@pytest.mark.parametrize("bpm", [45, 72, 110, 180])
def test_pos_finds_the_rate_of_a_skin_pulse_within_a_bin(bpm):
    change = 0.01 * np.sin(2 * np.pi * bpm / 60 * TIME)[:, None] * VECTOR
    for skin in ([190.0, 140.0, 120.0], [80.0, 50.0, 40.0]):
        frequency, power = spectrum(pos(np.array(skin) * (1 + change), rate=RATE), rate=RATE)
        found = peak(frequency, power, low=0.65, high=4.0)[0]
        assert abs(found - bpm / 60) < RATE / len(TIME)


def test_chrom_cancels_a_dominating_light_and_keeps_the_pulse():
    light, size = 0.05, 0.004
    rgb = 1 + light * LIGHT[:, None] + size * BEAT[:, None] * VECTOR
    wave = chrom(100 * rgb, rate=RATE)
    middle = slice(48, 432)  # whole windows
    axes = np.column_stack([LIGHT, BEAT])[middle]
    kept, _, _, _ = np.linalg.lstsq(axes, wave[middle], rcond=None)
    x = 3 * VECTOR[0] - 2 * VECTOR[1]
    y = 1.5 * VECTOR[0] + VECTOR[1] - 1.5 * VECTOR[2]
    assert abs(kept[0]) < 0.02 * light
    assert kept[1] == pytest.approx((x - y) * size, rel=0.03)  # the tuning is 1 where light rules
