"""A smooth curve through unevenly spaced points (numpy only)."""

from __future__ import annotations

import numpy as np

from camvitals.records import Array, InputError, check, check_clock

ROUNDS = 60  # each halves the error at least: 60 leave nothing of a double


def spline(values: Array, time_K: Array, at: Array) -> Array:
    """Natural cubic spline through points, read at other times.

    values: (K,), K >= 2.   time_K: (K,) s, increasing.   at: (N,) s.
    Returns (N,); before the first and after the last point it holds their values.
    The second derivatives solve a tridiagonal system whose diagonal is twice the rest of its row,
    so that a fixed number of Jacobi rounds solves it for any length at once.
    """
    y = np.asarray(values, dtype=float)
    t = np.asarray(time_K, dtype=float)
    check("values", y, (len(t),))
    check_clock("spline", t, len(t))
    if len(t) < 2:
        raise InputError(f"a spline needs 2 points but got {len(t)}")
    step = np.diff(t)
    slope = np.diff(y) / step
    bend = np.zeros(len(t))
    right, diagonal = 6 * np.diff(slope), 2 * (step[1:] + step[:-1])
    for _ in range(ROUNDS):
        bend[1:-1] = (right - step[:-1] * bend[:-2] - step[1:] * bend[2:]) / diagonal
    x = np.clip(at, t[0], t[-1])
    k = np.clip(np.searchsorted(t, x, side="right") - 1, 0, len(t) - 2)
    after = (x - t[k]) / step[k]
    before = 1 - after
    cubic = (before**3 - before) * bend[k] + (after**3 - after) * bend[k + 1]
    return np.asarray(before * y[k] + after * y[k + 1] + step[k] ** 2 / 6 * cubic)
