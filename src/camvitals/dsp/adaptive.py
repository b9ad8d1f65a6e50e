"""Adaptive filters that explain one signal by the recent past of another: NLMS and RLS.

Shape letters: T samples, W taps (latest sample first), C channels. Both are recursive in time by
definition: a loop over samples of very small vectors, unless the sums behind it can be had at once.
"""

from __future__ import annotations

import numpy as np

from camvitals.records import Array, InputError

WINDUP = 100.0
FAR = 20.0  # of what is forgotten, in e-foldings, beyond which sums lose digits


def history(values_T: Array, taps: int) -> Array:
    """(T, ..., W) each sample with those before it, latest first; the first one is held before."""
    x = np.asarray(values_T, dtype=float)
    held = np.concatenate([np.repeat(x[:1], taps - 1, axis=0), x])
    windows = np.lib.stride_tricks.sliding_window_view(held, taps, axis=0)
    return np.asarray(windows[..., ::-1])


def nlms(
    desired_T: Array, reference_T: Array, *, taps: int = 3, step: float = 0.05, floor: float = 1e-3
) -> Array:
    """(W,) taps after one pass of normalised least mean squares, started at 0.

    desired_T:   (T,) signal to explain.   reference_T: (T,) what may explain it.
    w ← w + step · e · x / (floor + xᵀx) with e = desired − wᵀx.
    Raises InputError when the two differ in length.
    """
    _same_length(desired_T, reference_T)
    weights = np.zeros(taps)
    past = history(reference_T, taps)
    gain = step * past / (floor + (past**2).sum(axis=1, keepdims=True))
    for wanted, x, k in zip(np.asarray(desired_T, dtype=float), past, gain, strict=True):
        weights += k * (wanted - weights @ x)
    return weights


def rls(
    desired_TC: Array,
    reference_TC: Array,
    *,
    taps: int = 3,
    forgetting: float = 0.99,
    start: float = 100.0,
) -> Array:
    """What recursive least squares cannot explain of each channel by the reference's past.

    desired_TC, reference_TC: (T, C), channel by channel, near zero mean; the reference of about
    unit variance, so that `start` is a weak belief in taps of 0.
    forgetting: weight that the past keeps per sample, 0–1.   start: P = start · I at first.
    Returns (T, C) errors before each update. P is kept below 100 times its start: with forgetting
    it would grow without bound while the reference stands still.
    Raises InputError when the two differ in length.
    """
    _same_length(desired_TC, reference_TC)
    desired = np.asarray(desired_TC, dtype=float)
    past = np.ascontiguousarray(history(reference_TC, taps))
    errors = None
    if -np.log(forgetting) * len(past) < FAR:
        errors = _at_once(desired, past, forgetting=forgetting, start=start)
    if errors is None:
        errors = _one_by_one(desired, past, forgetting=forgetting, start=start)
    return errors


def _at_once(
    desired_TC: Array, past_TCW: Array, *, forgetting: float, start: float
) -> Array | None:
    """Errors from the weighted sums that the recursion stands for; None where P grows too large.

    P is the inverse of start⁻¹ λᵗ I + Σ λᵗ⁻ⁱ x xᵀ, and the taps are P Σ λᵗ⁻ⁱ x d.
    """
    taps = past_TCW.shape[2]
    fading = forgetting ** -np.arange(1.0, len(past_TCW) + 1)[:, None, None]
    square = past_TCW[..., None] * (past_TCW * fading)[..., None, :]
    square[0] += np.eye(taps) / start
    with np.errstate(over="ignore", invalid="ignore"):
        inverse = _inverse(np.cumsum(square, axis=0))
    size = np.trace(inverse, axis1=2, axis2=3) * fading[..., 0]
    if not (size <= WINDUP * taps * start).all():
        return None
    wanted = np.cumsum(past_TCW * desired_TC[..., None] * fading, axis=0)
    weights = np.einsum("tcvw,tcw->tcv", inverse[:-1], wanted[:-1])
    errors = desired_TC.copy()
    errors[1:] -= (weights * past_TCW[1:]).sum(axis=2)
    return errors


def _inverse(square: Array) -> Array:
    """Inverses of (..., W, W); infinite where there is none."""
    try:
        return np.linalg.inv(square)
    except np.linalg.LinAlgError:
        return np.full_like(square, np.inf)


def _one_by_one(desired_TC: Array, past_TCW: Array, *, forgetting: float, start: float) -> Array:
    """Errors by the recursion, P kept small; as many small products as there are samples."""
    channels, taps = past_TCW.shape[1:]
    rows, columns = past_TCW[:, :, None, :], past_TCW[:, :, :, None]
    weights = np.zeros((channels, taps, 1))
    inverse = np.tile(start * np.eye(taps), (channels, 1, 1))
    largest, wanted = WINDUP * taps * start, desired_TC[:, :, None, None]
    errors = np.empty_like(wanted)
    look = 0
    for t, (row, column) in enumerate(zip(rows, columns, strict=True)):
        explained = inverse @ column
        gain = explained / (forgetting + row @ explained)
        errors[t] = wanted[t] - row @ weights
        weights += gain * errors[t]
        inverse -= gain * explained.transpose(0, 2, 1)
        inverse /= forgetting
        if t == look:
            size = np.trace(inverse, axis1=1, axis2=2)[:, None, None]
            inverse *= np.minimum(1.0, largest / np.maximum(size, 1e-300))
            look += _until(float(size.max()), largest, forgetting)
    return errors[:, :, 0, 0]


def _until(size: float, largest: float, forgetting: float) -> int:
    """Samples until what grows by 1 / forgetting a sample at most can be too large, 1 at least."""
    if size <= 0 or forgetting >= 1:
        return 1
    return max(1, int(np.log(max(1.0, largest / size)) / -np.log(forgetting)))


def _same_length(desired: Array, reference: Array) -> None:
    if np.shape(desired) != np.shape(reference):
        raise InputError(
            f"an adaptive filter needs both signals of one shape but got {np.shape(desired)} and "
            f"{np.shape(reference)}; put them on one clock first"
        )
