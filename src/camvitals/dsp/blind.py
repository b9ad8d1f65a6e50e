"""Blind source separation: principal components and JADE, for many mixtures at once.

Shape letters: T samples, C mixed channels, K sources (= C). Time is the first axis, the channel the
last; axes between them are separate mixtures that are solved side by side.
"""

from __future__ import annotations

import numpy as np

from camvitals.records import Array, InputError

SWEEPS = 100
EMPTY = 1e-10


def whiten(values_TC: Array) -> Array:
    """(T, ..., C) principal components scaled to unit variance, strongest first.

    A component with next to no variance of its own is 0 throughout.
    """
    x = np.asarray(values_TC, dtype=float)
    if len(x) < 2:
        raise InputError(f"separating sources needs 2 samples but got {len(x)}; record longer")
    x = x - x.mean(axis=0)
    covariance = np.einsum("t...c,t...d->...cd", x, x) / len(x)
    power, axes = np.linalg.eigh(covariance)
    power, axes = power[..., ::-1], axes[..., ::-1]
    there = power > EMPTY * np.maximum(power[..., :1], 1e-300)
    scale = np.where(there, 1 / np.sqrt(np.where(there, power, 1.0)), 0.0)
    return np.asarray(np.einsum("t...c,...ck->t...k", x, axes * scale[..., None, :]))


def principal(values_TC: Array) -> Array:
    """(T, ..., C) principal components, strongest first, in the unit of the values; sign free."""
    x = values_TC - np.mean(values_TC, axis=0)
    covariance = np.einsum("t...c,t...d->...cd", x, x) / len(x)
    axes = np.linalg.eigh(covariance)[1][..., ::-1]
    return np.asarray(np.einsum("t...c,...ck->t...k", x, axes))


def jade(values_TC: Array) -> Array:
    """Independent sources by joint diagonalisation of cumulants (Cardoso & Souloumiac, 1993).

    values_TC: (T, C) or (T, ..., C) real mixtures.
    Returns (T, ..., K) sources of unit variance; their order and signs are arbitrary.
    Whitening, the fourth-order cumulant matrices, then Jacobi rotations until the largest angle is
    below 1 / (100 √T).
    """
    z = whiten(values_TC)
    cumulants = _cumulants(z)
    channels = z.shape[-1]
    rotation = np.broadcast_to(np.eye(channels), (*z.shape[1:-1], channels, channels)).copy()
    for _ in range(SWEEPS):
        largest = 0.0
        for p in range(channels - 1):
            for q in range(p + 1, channels):
                largest = max(largest, _rotate(cumulants, rotation, p, q))
        if largest < 0.01 / np.sqrt(len(z)):
            break
    return np.asarray(np.einsum("t...c,...ck->t...k", z, rotation))


def _cumulants(z: Array) -> Array:
    """(..., C(C+1)/2, C, C) cumulant matrices of white (T, ..., C) signals."""
    covariance = np.einsum("t...a,t...b->...ab", z, z) / len(z)
    found = []
    for i in range(z.shape[-1]):
        for j in range(i + 1):
            fourth = np.einsum("t...,t...a,t...b->...ab", z[..., i] * z[..., j], z, z) / len(z)
            cross = covariance[..., :, i, None] * covariance[..., None, :, j]
            fourth -= covariance * covariance[..., i, j, None, None]
            fourth -= cross + np.swapaxes(cross, -1, -2)
            found.append(fourth * (1.0 if i == j else np.sqrt(2.0)))
    return np.stack(found, axis=-3)


def _rotate(cumulants: Array, rotation: Array, p: int, q: int) -> float:
    """Turn axes p and q of every mixture, in place; returns the largest angle [rad]."""
    along = cumulants[..., p, p] - cumulants[..., q, q]
    across = cumulants[..., p, q] + cumulants[..., q, p]
    on = (along**2).sum(axis=-1) - (across**2).sum(axis=-1)
    off = 2 * (along * across).sum(axis=-1)
    angle = 0.5 * np.arctan2(off, on + np.hypot(on, off))
    c, s = np.cos(angle), np.sin(angle)
    turn = np.stack([np.stack([c, -s], axis=-1), np.stack([s, c], axis=-1)], axis=-2)
    pair = [p, q]
    rotation[..., :, pair] = rotation[..., :, pair] @ turn
    turn = turn[..., None, :, :]
    cumulants[..., :, pair] = cumulants[..., :, pair] @ turn
    cumulants[..., pair, :] = np.swapaxes(turn, -1, -2) @ cumulants[..., pair, :]
    return float(np.abs(angle).max(initial=0.0))
