"""What every pulse method asks of its colours. Shape letters: T samples, R regions."""

from __future__ import annotations

import numpy as np

from camvitals.records import Array, InputError

DARK = 1e-6


def colours(method: str, rgb: Array, *, rate: float, seconds: float, remedy: str = "") -> Array:
    """The colours as float64, or InputError when a method cannot run on them.

    rgb:     (T, 3) or (T, ..., 3) mean colours, finite, >= 0.   rate: [Hz], > 0.
    seconds: the least that the method needs; remedy: what else than recording longer would do.
    """
    values = np.asarray(rgb, dtype=float)
    if values.ndim < 2 or values.shape[-1] != 3:
        given = "×".join(map(str, values.shape)) or "()"
        raise InputError(f"{method} needs colours of shape T×3 or T×R×3 but got {given}")
    long_enough(method, len(values), rate=rate, seconds=seconds, remedy=remedy)
    finite(method, values)
    if values.min(initial=0.0) < 0:
        raise InputError(
            f"{method} needs mean colours >= 0 but got {values.min():.3g}; "
            "give colours as the camera delivered them, not differences or normalised ones"
        )
    return values


def long_enough(method: str, length: int, *, rate: float, seconds: float, remedy: str = "") -> None:
    """Raise InputError unless `length` samples at `rate` Hz last `seconds`."""
    if not (np.isfinite(rate) and rate > 0):
        raise InputError(f"{method} needs a rate above 0 Hz but got {rate:g}")
    if length < seconds * rate - 1e-6:
        raise InputError(
            f"{method} needs {seconds:g} s of signal but got {length / rate:.2f} s; "
            f"record longer{remedy}"
        )


def finite(method: str, values: Array) -> None:
    """Raise InputError where a value is NaN or infinite."""
    if not np.isfinite(values).all():
        count = int((~np.isfinite(values)).reshape(len(values), -1).any(axis=1).sum())
        raise InputError(
            f"{method} needs finite values but {count} of {len(values)} samples are not; "
            "give one gapless run (wave_of does so), or bridge the gaps with dsp.clean.uniform"
        )


def relative(rgb: Array) -> Array:
    """Colours / their mean over time − 1; a channel without light stays at 0."""
    mean = rgb.mean(axis=0, keepdims=True)
    lit = mean > DARK * max(float(mean.max(initial=0.0)), 1e-300)
    return np.asarray(np.where(lit, rgb / np.where(lit, mean, 1.0) - 1.0, 0.0))


def centred(values: Array) -> Array:
    """Values minus their mean over time."""
    return np.asarray(values - values.mean(axis=0))
