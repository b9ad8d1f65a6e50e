"""One number for each picture from an ECG that is sampled far faster: four ways to choose it.

Picture k owns the readings from its own time until one period later, both by their time stamps:
2000 readings a second over 12 pictures a second are 166⅔ each, now 166 and now 167, so that nothing
drifts. Shape letters: T pictures, N readings.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from camvitals.dsp.clean import rate_of
from camvitals.records import Array, InputError, Wave
from camvitals.vitals.beats import beats
from camvitals.vitals.ecg import r_peaks

EDGE_S = 1e-7  # clocks in seconds are rounded: a reading this near a border is on it
SCALES = ("z-score", "min-max", "none")


def frame_labels(
    reference: Wave, time_T: Array, *, rate: float, scheme: str, scale: str = "z-score"
) -> Array:
    """(T,) labels of pictures; NaN where a picture owns no reading.

    reference: an ECG, or a contact pulse, whose beats are then its feet.
    time_T: times of the pictures [s].   rate: of them a second [Hz]; picture k owns the readings
        with time_T[k] <= time < time_T[k] + 1 / rate.
    scheme: one of SCHEMES: "average", "maximum", "closest" (the first reading that the picture
        owns), or "peaks" (1 where a beat falls into it, else 0).
    scale: of the first three, over the whole recording: "z-score" (mean 0, spread 1), "min-max"
        (0 to 1) or "none". Peaks are never scaled.
    Raises InputError for an unknown word, or a reference slower than the pictures.
    """
    if scheme not in SCHEMES or scale not in SCALES:
        raise InputError(
            f"labels of pictures need a scheme of {', '.join(SCHEMES)} and a scale of "
            f"{', '.join(SCALES)} but got {scheme!r} and {scale!r}"
        )
    if rate_of(reference.time) < rate:
        raise InputError(
            f"labels need more readings than the {rate:g} pictures a second but the "
            f"{reference.name} has {rate_of(reference.time):.3g}; use another reference"
        )
    first, last = owned(reference.time, time_T, rate=rate)
    if scheme == PEAKS:
        return np.where(last > first, peaks_in(reference, time_T, rate=rate), np.nan)
    return _scaled(READ[scheme](reference, first, last), scale)


def owned(time_N: Array, time_T: Array, *, rate: float) -> tuple[Array, Array]:
    """(T,) first reading of each picture, and (T,) the first that is no longer its own."""
    start = np.asarray(time_T, dtype=float) - EDGE_S
    first = np.searchsorted(time_N, start)
    return first, np.maximum(np.searchsorted(time_N, start + 1 / rate), first)


def _average(reference: Wave, first: Array, last: Array) -> Array:
    total = _reduced(np.add, reference.values, first, last)
    return np.asarray(total / np.maximum(last - first, 1))


def _maximum(reference: Wave, first: Array, last: Array) -> Array:
    return _reduced(np.maximum, reference.values, first, last)


def _closest(reference: Wave, first: Array, last: Array) -> Array:
    at = np.minimum(first, len(reference.values) - 1)
    return np.where(last > first, reference.values[at], np.nan)


def peaks_in(reference: Wave, time_T: Array, *, rate: float) -> Array:
    """(T,) 1 where an R peak of an ECG, or a foot of a pulse, falls into the picture, else 0."""
    found = r_peaks(reference) if reference.name == "ecg" else beats(reference)
    start = np.asarray(time_T, dtype=float) - EDGE_S
    before, until = (
        np.searchsorted(found.time, start),
        np.searchsorted(found.time, start + 1 / rate),
    )
    return np.asarray(until > before, dtype=float)


def _reduced(how: np.ufunc, values: Array, first: Array, last: Array) -> Array:
    """(T,) what a sum or maximum makes of each picture's readings; NaN where it has none."""
    some = last > first
    out = np.full(len(first), np.nan)
    if some.any():
        edges = np.stack([first[some], last[some]], axis=1).ravel()
        padded = np.append(values, np.nan)  # so that the last edge is a place
        out[some] = how.reduceat(padded, edges)[::2]
    return out


def _scaled(values: Array, scale: str) -> Array:
    known = values[np.isfinite(values)]
    if scale == "none" or not len(known):
        return values
    if scale == "min-max":
        low, high = known.min(), known.max()
        return np.asarray((values - low) / max(high - low, 1e-12))
    return np.asarray((values - known.mean()) / max(float(known.std()), 1e-12))


PEAKS = "peaks"
READ: dict[str, Callable[[Wave, Array, Array], Array]] = {
    "average": _average,
    "maximum": _maximum,
    "closest": _closest,
}
SCHEMES = (*READ, PEAKS)
