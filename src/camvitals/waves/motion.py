"""Pulse from the small nods of the head. T samples, P followed points."""

from __future__ import annotations

import numpy as np

from camvitals.dsp.clean import bandpass
from camvitals.records import Array, InputError
from camvitals.waves.blind import clarity
from camvitals.waves.inputs import centred, finite, long_enough

SHORTEST_S = 5.0
BAND_HZ = (0.75, 5.0)
FEWEST = 3
COMPONENTS = 5


def balakrishnan(points: Array, *, rate: float, drop: float = 0.25) -> Array:
    """Pulse from the vertical motion of the head (Balakrishnan et al., 2013).

    points: (T, P, 2) x, y of at least 3 points followed throughout [px], uniformly sampled.
    rate:   samples per second [Hz]; the paper's 250 Hz only place the peaks, which is done later.
    drop:   share of the samples, those that move most, left out when an axis is chosen, 0–1.
    Returns (T,), zero mean [px]: of the first five principal components of the trajectories,
    0.75–5 Hz, the one with the largest share of power at its peak and twice that frequency, the
    dropped samples not counted (the paper counts them). Its sign is arbitrary.
    Raises InputError when shorter than 5 s, fewer than 3 points, not finite, or not T×P×2.
    """
    given = np.asarray(points, dtype=float)
    if given.ndim != 3 or given.shape[1] < FEWEST or given.shape[2] != 2:
        raise InputError(
            f"balakrishnan needs at least {FEWEST} points, T×P×2, but got "
            f"{'×'.join(map(str, given.shape))}; follow more points"
        )
    long_enough("balakrishnan", len(given), rate=rate, seconds=SHORTEST_S)
    finite("balakrishnan", given)
    high = min(BAND_HZ[1], 0.45 * rate)
    vertical = steady(given[..., 1])
    moved = bandpass(centred(vertical), rate=rate, low=BAND_HZ[0], high=high, order=5)
    size = np.linalg.norm(moved, axis=1)
    calm = size <= np.quantile(size, 1 - drop)
    axes = np.linalg.svd(centred(moved[calm]), full_matrices=False)[2][:COMPONENTS]
    waves = moved @ axes.T
    # Judged without the dropped samples: one jerk holds more power than all nods together.
    clear = clarity(waves * calm[:, None], rate=rate, harmonic=True)
    return centred(waves[:, clear.argmax()])


def steady(vertical_TP: Array) -> Array:
    """The trajectories whose largest step is not above the mode of the largest steps [whole px].

    vertical_TP: (T, P) px. All are kept where fewer than 3 would be left.
    """
    largest = np.abs(np.diff(vertical_TP, axis=0)).max(axis=0)
    steps, count = np.unique(np.round(largest), return_counts=True)
    keep = np.round(largest) <= steps[count.argmax()]
    return np.asarray(vertical_TP[:, keep] if keep.sum() >= FEWEST else vertical_TP)
