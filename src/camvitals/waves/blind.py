"""Pulse as one of the hidden sources of the colours: PCA and ICA.

Shape letters: T samples, R regions (any shape, kept), K sources. Separation leaves the sign open:
it is turned so that the wave goes up where green falls against red, as it does with blood whatever
the common brightness does: the polarity of waves.classical.
"""

from __future__ import annotations

import numpy as np

from camvitals.dsp.blind import jade, principal
from camvitals.dsp.clean import bandpass
from camvitals.records import Array, InputError
from camvitals.waves.inputs import centred, colours, relative

SHORTEST_S = 3.0
BAND_HZ = (0.65, 4.0)


def pca(rgb: Array, *, rate: float, component: int = 2) -> Array:
    """Pulse as a principal component of the relative colours (Lewandowska et al., 2011).

    rgb:  (T, 3) or (T, R, 3) mean skin colour, >= 0, any linear unit, uniformly sampled.
    rate: samples per second [Hz].   component: 1, 2 or 3; common brightness is mostly the first,
    so the second is taken.
    Returns (T,) or (T, R), zero mean, relative colour change.
    Raises InputError when shorter than 3 s, not finite or negative, or for another component.
    """
    if component not in (1, 2, 3):
        raise InputError(f"pca needs component 1, 2 or 3 but got {component}")
    x = relative(colours("pca", rgb, rate=rate, seconds=SHORTEST_S))
    return upright(principal(x)[..., component - 1], x[..., 1] - x[..., 0], rate=rate)


def ica(rgb: Array, *, rate: float) -> Array:
    """Pulse as the independent source with the clearest peak (Poh et al., 2010), by JADE.

    rgb:  (T, 3) or (T, R, 3) mean skin colour, >= 0, any linear unit, uniformly sampled.
    rate: samples per second [Hz].
    Returns (T,) or (T, R), zero mean, unit variance (0 where nothing varies).
    Raises InputError when shorter than 3 s, not finite or negative. The slow trend is taken away
    by a zero-phase filter from 0.65 Hz up, in place of the paper's smoothness priors, whose corner
    moves with the frame rate.
    """
    x = relative(colours("ica", rgb, rate=rate, seconds=SHORTEST_S))
    x = bandpass(x, rate=rate, low=BAND_HZ[0], high=0.45 * rate)
    spread = x.std(axis=0)
    sources = jade(x / np.where(spread > 1e-12, spread, np.inf))
    best = clarity(sources, rate=rate).argmax(axis=-1)
    chosen = np.take_along_axis(sources, best[None, ..., None], axis=-1)[..., 0]
    return upright(chosen, x[..., 1] - x[..., 0], rate=rate)


def clarity(sources_TK: Array, *, rate: float, harmonic: bool = False) -> Array:
    """(..., K) share of a source's power at its highest bin between 0.65 and 4 Hz.

    sources_TK: (T, ..., K).   harmonic: count the bin at twice that frequency too.
    """
    power = np.abs(np.fft.rfft(centred(sources_TK), axis=0)) ** 2
    frequency = np.fft.rfftfreq(len(sources_TK), 1 / rate)
    total = np.maximum(power.sum(axis=0), 1e-300)
    inside = power * band_mask(frequency).reshape((-1,) + (1,) * (power.ndim - 1))
    at = inside.argmax(axis=0)
    top = inside.max(axis=0)
    if harmonic:
        twice = np.minimum(2 * at, len(power) - 1)
        top = top + np.take_along_axis(power, twice[None], axis=0)[0]
    return np.asarray(top / total)


def band_mask(frequency_F: Array) -> Array:
    """True for the frequencies [Hz] of a heart."""
    return np.asarray((frequency_F >= BAND_HZ[0]) & (frequency_F <= BAND_HZ[1]))


def upright(wave: Array, reference: Array, *, rate: float) -> Array:
    """The wave, turned over where needed so that it rises as the reference falls.

    wave, reference: (T, ...) of one shape; compared within the heart band.   rate [Hz].
    """
    high = min(BAND_HZ[1], 0.45 * rate)
    banded = bandpass(centred(reference), rate=rate, low=BAND_HZ[0], high=high)
    along = (centred(wave) * banded).sum(axis=0)
    return centred(np.where(along > 0, -wave, wave))
