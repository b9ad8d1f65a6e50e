"""Pulse from the geometry of the colour space: PBV, LGI, OMIT, 2SR.

Shape letters: T samples, R regions (any shape, kept). Systolic peak upward throughout: PBV, LGI and
OMIT follow brightness, which falls as blood volume rises, so their sign is turned over; 2SR rises
with the blood as published.
"""

from __future__ import annotations

import numpy as np

from camvitals.dsp.moving import project, samples, window_covariance
from camvitals.records import Array, InputError
from camvitals.waves.inputs import DARK, centred, colours, finite, long_enough, relative

SHORTEST_S = 1.6
FLAT = 1e-12


def pbv(rgb: Array, *, rate: float, signature: Array | None = None) -> Array:
    """Pulse by the blood-volume signature (de Haan & van Leest, 2014).

    rgb:  (T, 3) or (T, R, 3) mean skin colour, >= 0, any linear unit, uniformly sampled.
    rate: samples per second [Hz].   signature: (3,) relative pulsation of R, G, B; None takes the
    standard deviations of the channels.
    Returns (T,) or (T, R), zero mean, relative colour change: −Cᵀw / (pᵀw) with (C Cᵀ) w = p over
    zero-mean channels, as in the paper.
    Raises InputError when shorter than 1.6 s, not finite or negative.
    """
    x = centred(relative(colours("pbv", rgb, rate=rate, seconds=SHORTEST_S)))
    covariance = np.einsum("t...c,t...d->...cd", x, x) / len(x)
    power = np.diagonal(covariance, axis1=-2, axis2=-1)
    p = np.sqrt(power) if signature is None else np.broadcast_to(signature, power.shape)
    p = p / np.maximum(np.linalg.norm(p, axis=-1, keepdims=True), FLAT)
    ridge = 1e-9 * power.sum(axis=-1) + FLAT**2
    weights = np.linalg.solve(covariance + ridge[..., None, None] * np.eye(3), p[..., None])
    scale = (p[..., None, :] @ weights)[..., 0, 0]
    wave = np.einsum("t...c,...c->t...", x, weights[..., 0])
    return centred(-wave / np.where(scale > 0, scale, np.inf))


def lgi(rgb: Array, *, rate: float) -> Array:
    """Pulse by local group invariance (Pilz et al., 2018).

    rgb:  (T, 3) or (T, R, 3) mean skin colour, >= 0, any linear unit, uniformly sampled.
    rate: samples per second [Hz].
    Returns (T,) or (T, R), zero mean, unit of the colours: minus the green row of (I − u uᵀ) C, u
    the first left singular vector of the colours, their mean kept.
    Raises InputError when shorter than 1.6 s, not finite or negative.
    """
    x = colours("lgi", rgb, rate=rate, seconds=SHORTEST_S)
    axes = np.linalg.eigh(np.einsum("t...c,t...d->...cd", x, x))[1]
    return _without(x, axes[..., -1])


def omit(rgb: Array, *, rate: float) -> Array:
    """Pulse by orthogonal projection onto the first frame's colour (OMIT, Casado & López, 2023).

    rgb:  (T, 3) or (T, R, 3) mean skin colour, >= 0, any linear unit, uniformly sampled.
    rate: samples per second [Hz].
    Returns (T,) or (T, R), zero mean, unit of the colours: minus the green row of (I − q qᵀ) C, q
    the first column of the QR factor of C, which is the first frame's colour at length 1.
    Raises InputError when shorter than 1.6 s, not finite or negative.
    """
    x = colours("omit", rgb, rate=rate, seconds=SHORTEST_S)
    length = np.linalg.norm(x[0], axis=-1, keepdims=True)
    return _without(x, x[0] / np.where(length > 0, length, np.inf))


def _without(x: Array, direction: Array) -> Array:
    along = np.einsum("t...c,...c->t...", x, direction)
    return centred(along * direction[..., 1] - x[..., 1])


def ssr(moments: Array, *, rate: float, window: float = 1.0) -> Array:
    """Pulse by spatial subspace rotation, 2SR (Wang et al., 2016).

    moments: (T, 3, 3) mean of colour × colourᵀ over the skin pixels, mean colour not removed.
    rate:    samples per second [Hz].   window: stride of the paper, one second [s].
    Returns (T,), zero mean, arbitrary unit. In each window the rotation of the first eigenvector
    against the second and third of the window's first frame is SR; the pulse is
    SR₁ − σ(SR₁)/σ(SR₂) · SR₂ without its mean, averaged over the windows that cover a sample.
    Raises InputError for another shape, shorter than one window, or not finite.
    """
    given = np.asarray(moments, dtype=float)
    if given.ndim != 3 or given.shape[1:] != (3, 3):
        shape = "×".join(map(str, given.shape)) or "()"
        raise InputError(
            f"ssr needs moments of shape T×3×3 but got {shape}; "
            "give Trace.moments, the mean of colour × colourᵀ over the skin"
        )
    remedy = " or pass a shorter window="
    long_enough("ssr", len(given), rate=rate, seconds=window, remedy=remedy)
    finite("ssr", given)
    power, axes = np.linalg.eigh((given + np.swapaxes(given, 1, 2)) / 2)
    first = axes[:, :, 2] * np.where(axes[:, :, 2].sum(axis=1) < 0, -1.0, 1.0)[:, None]
    scaled = first * np.sqrt(np.maximum(power[:, 2:], 0))
    length = min(samples(window, rate=rate), len(given))
    turn = _turn(power, axes)[: len(given) - length + 1]
    covariance = turn @ window_covariance(scaled, length) @ turn
    spread = np.sqrt(np.maximum(np.diagonal(covariance, axis1=1, axis2=2), 0))
    ratio = spread[:, 0] / np.where(spread[:, 1] > FLAT, spread[:, 1], np.inf)
    return centred(project(scaled, turn[:, 0] - ratio[:, None] * turn[:, 1], length))


def _turn(power: Array, axes: Array) -> Array:
    """(T, 3, 3) u₂u₂ᵀ/√λ₂ + u₃u₃ᵀ/√λ₃ of every frame: SR(t) = turn(τ) · √λ₁(t) u₁(t)."""
    least = np.maximum(DARK * power[:, 2:], 1e-300)
    scale = 1 / np.sqrt(np.maximum(power[:, :2], least))
    return np.asarray(np.einsum("tik,tk,tjk->tij", axes[:, :, :2], scale, axes[:, :, :2]))
