"""Nine streams of a colour trace: as it is, its pulse, and its slow level (Ding et al., 2019).

Shape letters: T samples; the last axis is R, G, B.
"""

from __future__ import annotations

import numpy as np

from camvitals.dsp.clean import bandpass
from camvitals.records import Array, InputError, check

PULSE_HZ = (0.5, 5.0)
BIAS_HZ = 0.5
ORDER = 3
STREAMS = tuple(f"{kind} {channel}" for kind in ("raw", "pulse", "bias") for channel in "RGB")


def streams(rgb_T3: Array, *, rate: float) -> Array:
    """(T, 9) in the order of STREAMS: raw, 0.5–5 Hz, and below 0.5 Hz of each channel.

    rgb_T3: uniform samples without gaps, at `rate` [Hz], above 10.
    """
    rgb = np.asarray(rgb_T3, dtype=float)
    check("rgb", rgb, (None, 3))
    low, high = PULSE_HZ
    pulse = bandpass(rgb, rate=rate, low=low, high=high, order=ORDER)
    bias = lowpass(rgb, rate=rate, high=BIAS_HZ, order=ORDER)
    return np.concatenate([rgb, pulse, bias], axis=1)


def lowpass(values: Array, *, rate: float, high: float, order: int = ORDER) -> Array:
    """Zero-phase low-pass with the gain of a Butterworth filter run forth and back.

    values: (T, ...) uniform, without gaps.   rate, high: [Hz].   As `dsp.clean.bandpass`, it is
    made in the frequency domain of the signal continued oddly at both ends.
    """
    if not 0 < high < rate / 2:
        raise InputError(f"lowpass needs 0 < high < rate/2 but got {high:g} at {rate:g} Hz")
    x = np.asarray(values, dtype=float)
    pad = min(len(x) - 1, int(np.ceil(2 * rate / high)))
    wide = ((pad, pad),) + ((0, 0),) * (x.ndim - 1)
    x = np.pad(x, wide, mode="reflect", reflect_type="odd") if pad else x
    line = np.linspace(x[0], x[-1], len(x))
    frequency = np.fft.rfftfreq(len(x), 1 / rate)
    gain = (1 / (1 + (frequency / high) ** (2 * order))).reshape((-1,) + (1,) * (x.ndim - 1))
    slow = np.fft.irfft(np.fft.rfft(x - line, axis=0) * gain, len(x), axis=0) + line
    return np.asarray(slow[pad : len(slow) - pad])
