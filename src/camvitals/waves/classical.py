"""Pulse from mean skin colour by fixed colour arithmetic: GREEN, CHROM, POS.

Shape letters: T samples in time, R regions (any shape, kept), M windows, L samples of a window.
All take (T, 3) or (T, R, 3) colours and return (T,) or (T, R) in units of relative colour change,
zero mean, **systolic peak upward**: more blood is darker skin, so the sign of a published formula
is turned over where that formula follows the brightness (GREEN, POS).
"""

from __future__ import annotations

import numpy as np

from camvitals.dsp.clean import bandpass
from camvitals.dsp.moving import (
    overlap_add,
    project,
    samples,
    starts,
    window_covariance,
    window_mean,
)
from camvitals.records import Array
from camvitals.waves.inputs import centred, colours, relative

SHORTEST_S = 1.6
FLAT = 1e-9
CHROM_BAND_HZ = (40 / 60, 4.0)
POS_PLANE = np.array([[0.0, 1.0, -1.0], [-2.0, 1.0, 1.0]])
CHROM_PLANE = np.array([[3.0, -2.0, 0.0], [1.5, 1.0, -1.5]])


def channel(rgb: Array, *, rate: float, index: int) -> Array:
    """Pulse as the darkening of one channel: red 0, green 1, blue 2.

    rgb:  (T, 3) or (T, R, 3) mean skin colour, >= 0, any linear unit, uniformly sampled.
    rate: samples per second [Hz].
    Returns (T,) or (T, R): minus the relative change of the channel.
    Raises InputError when shorter than 1.6 s, not finite or negative.
    """
    values = colours("channel", rgb, rate=rate, seconds=SHORTEST_S)
    return centred(-relative(values)[..., index])


def green(rgb: Array, *, rate: float) -> Array:
    """Pulse as the darkening of the green channel (Verkruysse et al., 2008).

    As `channel` with index 1.
    """
    return channel(rgb, rate=rate, index=1)


def pos(rgb: Array, *, rate: float, window: float = SHORTEST_S) -> Array:
    """Pulse by plane-orthogonal-to-skin (Wang et al., 2017, algorithm 1).

    rgb:  (T, 3) or (T, R, 3) mean skin colour, >= 0, any linear unit, uniformly sampled.
    rate: samples per second [Hz].   window: projection window [s].
    Returns (T,) or (T, R). Every window of the signal counts, the last one too, and a sample is
    the mean, not the sum, over the windows that cover it: the ends keep their size.
    Raises InputError when shorter than one window, not finite or negative.
    """
    remedy = " or pass a shorter window="
    x = relative(colours("pos", rgb, rate=rate, seconds=window, remedy=remedy))
    length = samples(window, rate=rate)
    length = min(length, len(x))
    mean = np.maximum(window_mean(x, length) + 1, FLAT)
    covariance = window_covariance(x, length) / (mean[..., :, None] * mean[..., None, :])
    # h = S1 + α S2 is linear in the colours of a window, so each window needs its weights only.
    variance = np.einsum("sc,...cd,sd->...s", POS_PLANE, covariance, POS_PLANE)
    tuning = _ratio(*np.moveaxis(np.sqrt(np.maximum(variance, 0)), -1, 0))
    weights = (POS_PLANE[0] + tuning[..., None] * POS_PLANE[1]) / mean
    return centred(-project(x, weights, length))


def chrom(
    rgb: Array,
    *,
    rate: float,
    window: float = SHORTEST_S,
    band: tuple[float, float] = CHROM_BAND_HZ,
) -> Array:
    """Pulse by chrominance (de Haan & Jeanne, 2013, equations 7–9 and 13).

    rgb:  (T, 3) or (T, R, 3) mean skin colour, >= 0, any linear unit, uniformly sampled.
    rate: samples per second [Hz].   window: length of the overlapping windows [s].
    band: where the two chrominances are matched [Hz]; cut at 0.45 × rate.
    Returns (T,) or (T, R). The last samples are covered by one more window that ends with them.
    Raises InputError when shorter than one window, not finite or negative.
    """
    remedy = " or pass a shorter window="
    values = relative(colours("chrom", rgb, rate=rate, seconds=window, remedy=remedy)) + 1
    length = samples(window, rate=rate)
    length = min(length + length % 2, len(values))
    first = starts(len(values), length)
    pieces = values[first[None, :] + np.arange(length)[:, None]]
    change = pieces / np.maximum(pieces.mean(axis=0), FLAT) - 1
    high = min(band[1], 0.45 * rate)
    axes = bandpass(change @ CHROM_PLANE.T, rate=rate, low=band[0], high=high)
    x, y = axes[..., 0], axes[..., 1]
    pulse = x - _ratio(x.std(axis=0), y.std(axis=0)) * y
    return centred(overlap_add(np.moveaxis(pulse, 1, 0), first, len(values)))


def _ratio(above: Array, below: Array) -> Array:
    """Quotient of two standard deviations; 0 where there is nothing to divide by."""
    return np.asarray(np.where(below > FLAT, above / np.maximum(below, FLAT), 0.0))
