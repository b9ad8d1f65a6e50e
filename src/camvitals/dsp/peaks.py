"""Local maxima by distance and prominence, and where they lie between samples (numpy only)."""

from __future__ import annotations

import numpy as np

from camvitals.records import Array, InputError, check


def peaks(values: Array, *, distance: float = 1, prominence: float = 0.0) -> Array:
    """Local maxima at least `distance` samples apart that stand out by at least `prominence`.

    values:     (N,) without gaps.   distance: samples, >= 1; the lower of two close peaks goes.
    prominence: least height above the higher of the two saddles that lead to higher ground.
    Returns indices (K,), increasing; a flat top counts once, at its middle. Same definitions and
    order of tests as `scipy.signal.find_peaks`.
    """
    x = np.asarray(values, dtype=float)
    check("values", x, (None,))
    if not np.all(np.isfinite(x)):
        raise InputError("peaks needs values without gaps; take one of dsp.clean.runs at a time")
    if distance < 1:
        raise InputError(f"peaks needs distance >= 1 sample but got {distance:g}")
    maxima = _maxima(x)
    if len(maxima) == 0:
        return maxima
    far_enough = _apart(maxima, x[maxima], int(np.ceil(distance)))
    high_enough = _prominences(x, maxima) >= prominence
    return np.asarray(maxima[far_enough & high_enough])


def prominences(values: Array, peaks_K: Array) -> Array:
    """How far each local maximum stands out: height over its higher saddle, (K,).

    values: (N,) without gaps.   peaks_K: indices of local maxima, as `peaks` returns them.
    """
    x = np.asarray(values, dtype=float)
    maxima = _maxima(x)
    at = np.searchsorted(maxima, peaks_K)
    if np.any(at >= len(maxima)) or np.any(maxima[at] != peaks_K):
        raise InputError("prominences needs indices of local maxima; take them from peaks")
    return np.asarray(_prominences(x, maxima)[at])


def refine(values: Array, peaks_K: Array) -> Array:
    """Positions of maxima between samples, by a parabola through three points, (K,) in samples.

    values: (N,).   peaks_K: indices of local maxima; those at the very ends are left as they are.
    """
    x = np.asarray(values, dtype=float)
    at = np.asarray(peaks_K, dtype=int)
    inner = (at > 0) & (at < len(x) - 1)
    middle = np.clip(at, 1, max(1, len(x) - 2))
    a, b, c = x[middle - 1], x[middle], x[middle + 1]
    curve = a - 2 * b + c
    curved = inner & (curve < 0)
    shift = np.where(curved, 0.5 * (a - c) / np.where(curved, curve, 1.0), 0.0)
    return np.asarray(at + np.clip(shift, -0.5, 0.5))


def upsample(values: Array, *, factor: int) -> Array:
    """Band-limited interpolation: `factor` samples for every one.

    values: (N,) uniform, without gaps; continued oddly at both ends so that they do not ring.
    Returns ((N − 1) · factor + 1,); every `factor`-th sample is an input sample.
    """
    x = np.asarray(values, dtype=float)
    if len(x) < 2 or factor < 1:
        raise InputError(f"upsample needs 2 samples and factor >= 1, got {len(x)} and {factor}")
    pad = len(x) - 1
    padded = np.pad(x, pad, mode="reflect", reflect_type="odd")
    slope = (padded[-1] - padded[0]) / (len(padded) - 1)
    line = slope * np.arange(len(padded))
    spectrum = np.fft.rfft((padded - line)[:-1])
    if len(padded) % 2 == 1:
        spectrum[-1] /= 2 if factor > 1 else 1
    fine = np.fft.irfft(spectrum, (len(padded) - 1) * factor) * factor
    start = pad * factor
    count = pad * factor + 1
    position = (start + np.arange(count)) / factor
    return np.asarray(fine[start : start + count] + slope * position)


def _maxima(x: Array) -> Array:
    """Indices of samples higher than both sides; the middle of a flat top."""
    change = np.flatnonzero(np.diff(x))
    if len(change) < 2:
        return np.zeros(0, dtype=int)
    rising = x[change + 1] > x[change]
    top = np.flatnonzero(rising[:-1] & ~rising[1:])
    return np.asarray((change[top] + 1 + change[top + 1]) // 2)


def _apart(maxima: Array, heights: Array, distance: int) -> Array:
    """Which maxima stay when, from the highest down, each removes its lower close neighbours."""
    keep = np.ones(len(maxima), dtype=bool)
    if distance <= 1:
        return keep
    first = np.searchsorted(maxima, maxima - distance, side="right")
    last = np.searchsorted(maxima, maxima + distance, side="left")
    for i in np.argsort(heights)[::-1]:
        if keep[i]:
            keep[first[i] : last[i]] = False
            keep[i] = True
    return keep


def _prominences(x: Array, maxima: Array) -> Array:
    """Height of every maximum over its higher saddle; `maxima` are all the maxima there are."""
    heights = x[maxima]
    valleys = np.minimum.reduceat(x, np.r_[0, maxima])
    left = _lowest_until_higher(heights, valleys[:-1])
    right = _lowest_until_higher(heights[::-1], valleys[:0:-1])[::-1]
    return np.asarray(heights - np.maximum(left, right))


def _lowest_until_higher(heights: Array, valleys: Array) -> Array:
    """For each maximum, the lowest valley since the last strictly higher maximum.

    A stack of maxima in falling order, each with the lowest valley before it, so that the whole
    costs one step per maximum however long the signal.
    """
    lowest = np.array(valleys)
    stack: list[int] = []
    for i, height in enumerate(heights):
        while stack and heights[stack[-1]] <= height:
            lowest[i] = min(lowest[i], lowest[stack.pop()])
        stack.append(i)
    return lowest
