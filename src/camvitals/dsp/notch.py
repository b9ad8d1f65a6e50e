"""The notch that system C takes for a filter of noise, and what it does.

A notch at 0.05 Hz whose quality is 0.005 has its −3 dB points 10 Hz apart: run to and fro it is a
high-pass at about 10 Hz. Of an ECG the QRS complexes are left; P and T waves go, hum stays.
Time is the first axis.
"""

from __future__ import annotations

import numpy as np

from camvitals.records import Array, InputError

CENTRE_HZ, QUALITY = 0.05, 0.005  # heartpy.remove_baseline_wander


def notch(
    values: Array, *, rate: float, centre: float = CENTRE_HZ, quality: float = QUALITY
) -> Array:
    """Values (T,) without what is near `centre` Hz, run forwards and backwards (scipy).

    rate: samples a second [Hz].   quality: centre over the width at −3 dB of one run.
    Raises InputError for fewer than 10 samples, or a width that reaches half the rate.
    """
    from scipy.signal import filtfilt

    if len(values) < 10:
        raise InputError(f"a notch needs 10 samples but got {len(values)}; give more")
    return np.asarray(filtfilt(*_coefficients(rate, centre, quality), values))


def notch_response(
    frequency: Array, *, rate: float, centre: float = CENTRE_HZ, quality: float = QUALITY
) -> Array:
    """Gain [dB] at frequencies [Hz] of `notch`, forwards and backwards."""
    b, a = _coefficients(rate, centre, quality)
    z = np.exp(-2j * np.pi * np.asarray(frequency, dtype=float) / rate)
    once = np.abs(np.polyval(b[::-1], z) / np.polyval(a[::-1], z))
    with np.errstate(divide="ignore"):
        return np.asarray(40 * np.log10(once))


def _coefficients(rate: float, centre: float, quality: float) -> tuple[Array, Array]:
    """Second order, by the bilinear transform (Orfanidis, 1996, section 11.3.2)."""
    if not (0 < centre < rate / 2 and 0 < centre / quality < rate / 2):
        raise InputError(
            f"a notch at {centre:g} Hz of quality {quality:g} needs more than "
            f"{2 * max(centre, centre / quality):g} samples a second but got {rate:g}"
        )
    angle = 2 * np.pi * centre / rate
    gain = 1 / (1 + np.tan(angle / quality / 2))
    cosine = 2 * np.cos(angle)
    b = gain * np.array([1, -cosine, 1])
    return b, np.array([1, -gain * cosine, 2 * gain - 1])
