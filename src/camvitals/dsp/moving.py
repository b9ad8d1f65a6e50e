"""Every short window of a signal at once: means, covariances, projections, overlap-adding.

Shape letters: T samples, L samples of a window, M windows, C channels. Time, or the window, is the
first axis. Running sums are used, so that the cost does not grow with the window.
"""

from __future__ import annotations

import math

import numpy as np

from camvitals.records import Array


def samples(seconds: float, *, rate: float) -> int:
    """The least number of samples that last `seconds` at `rate` Hz, at least 2."""
    return max(2, math.ceil(seconds * rate - 1e-6))


def window_mean(values_T: Array, length: int) -> Array:
    """(T − L + 1, ...) mean over every window of `length` samples of (T, ...) values."""
    start = np.zeros((1, *values_T.shape[1:]))
    total = np.concatenate([start, np.cumsum(values_T, axis=0)])
    return np.asarray((total[length:] - total[:-length]) / length)


def window_covariance(values_TC: Array, length: int) -> Array:
    """(T − L + 1, ..., C, C) covariance over every window of (T, ..., C) values.

    Give values near zero mean: what is left of a large mean is lost to rounding.
    """
    mean = window_mean(values_TC, length)
    product = window_mean(values_TC[..., :, None] * values_TC[..., None, :], length)
    return np.asarray(product - mean[..., :, None] * mean[..., None, :])


def project(values_TC: Array, weights_MC: Array, length: int) -> Array:
    """(T, ...) mean over all windows that cover a sample of weights · (values − window mean).

    weights_MC: (T − L + 1, ..., C), one set for each window of `length` samples.
    """
    offset = (weights_MC * window_mean(values_TC, length)).sum(axis=-1)
    total = len(values_TC)
    weights, offset = _covering(weights_MC, length, total), _covering(offset, length, total)
    return np.asarray((weights * values_TC).sum(axis=-1) - offset)


def _covering(values_M: Array, length: int, total: int) -> Array:
    """(T, ...) mean of the values of the windows that cover each sample."""
    running = np.concatenate([np.zeros((1, *values_M.shape[1:])), np.cumsum(values_M, axis=0)])
    first = np.clip(np.arange(total) - length + 1, 0, len(values_M))
    stop = np.clip(np.arange(total) + 1, 0, len(values_M))
    count = (stop - first).reshape((-1,) + (1,) * (values_M.ndim - 1))
    return np.asarray((running[stop] - running[first]) / count)


def starts(total: int, length: int) -> Array:
    """Window starts half a window apart; the last window is moved back to end with the signal."""
    return np.unique(np.r_[np.arange(0, total - length + 1, max(1, length // 2)), total - length])


def overlap_add(pieces_ML: Array, starts_M: Array, total: int) -> Array:
    """(T, ...) Hann-weighted mean of overlapping pieces (M, L, ...); NaN pieces do not count.

    Samples that no finite piece covers are NaN. Dividing by the sum of the weights keeps both ends
    at full size.
    """
    length, rest = pieces_ML.shape[1], pieces_ML.shape[2:]
    taper = np.hanning(length + 2)[1:-1].reshape((-1,) + (1,) * len(rest))
    out, weight = np.zeros((total, *rest)), np.zeros((total, *rest))
    for piece, start in zip(pieces_ML, starts_M, strict=True):
        finite = np.isfinite(piece)
        out[start : start + length] += taper * np.where(finite, piece, 0)
        weight[start : start + length] += taper * finite
    return np.where(weight > 0, out / np.maximum(weight, 1e-300), np.nan)
