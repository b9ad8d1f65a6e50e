"""The electrocardiogram of a made person, and what the heart's filling does to the pulse after it.

Two ECGs: the textbook's, the same for everybody, and one's own, whose shape is drawn for a person
and turns with the breath. A pulse cannot tell the shape of an ECG: it tells when its beats are.
Shape letters: T samples of the clock, K heart beats, the last axis P, Q, R, S, T.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from camvitals.records import Array

# P, Q, R, S, T of McSharry et al. (2003), table 1: angles/2π as seconds of a 1-s beat, widths
# likewise, and the heights a·b² that its equation (1) integrates to, relative to R = 1 mV.
CENTRE_S = np.array([-1 / 6, -1 / 24, 0.0, 1 / 24, 1 / 4])
WIDTH_S = np.array([0.25, 0.1, 0.1, 0.1, 0.4]) / (2 * np.pi)
HEIGHT_MV = np.array([0.25, -0.167, 1.0, -0.25, 0.4])
# A ventricular beat: no P, wide, tall, T the other way.
ECTOPIC_HEIGHT = np.array([0.0, 1.0, 1.3, 1.4, -0.9])
ECTOPIC_WIDTH = 2.2

# One's own ECG: lowest and highest of a person, about lead II of healthy adults.
HEIGHTS_MV = ((0.07, 0.22), (-0.22, -0.02), (0.6, 1.8), (-0.5, -0.04), (0.12, 0.55))
QRS_S = (0.026, 0.036)  # from R to Q and to S, a third of which is their width
PR_S = (0.12, 0.20)  # begin of P to begin of QRS at 60 bpm
QTC_S = (0.37, 0.44)  # Fridericia
P_WIDTH_S, T_WIDTH_S = (0.018, 0.026), (0.032, 0.045)
T_LOPSIDED = 1.5  # it rises this much slower than it falls
TURN = (0.03, 0.12)  # of the heights of R and S with the breath, by the turn of the heart's axis
ADAPTS = 8  # beats over which QT follows the rate
LATE_SHARE = 0.3  # part of QT's change that the last interval makes at once

# Fibrillation of the atria: waves of f instead of P.
F_HZ, F_MV = (4.5, 8.5), (0.02, 0.06)
UNEVEN = 0.24  # relative deviation of the intervals
LEAST_S = 0.3  # no two beats are nearer: the node conducts no sooner

# Pre-ejection period: shorter when the heart is fast or well filled; Weissler et al. (1968) have
# 0.4 ms a bpm over the rates of a person.
PEP_S_PER_BPM, AT_BPM = -0.0004, 72.0
PEP_FILLING_S, PEP_ECTOPIC_S, PEP_MOST_S = -0.035, 0.020, 0.025
VESSELS_S, JITTER_S = 0.003, 0.0015  # what the tone of the vessels, and chance, add


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When the heart beats.

    beats: (K,) s, R peaks.   ectopic: (K,) premature ventricular.   fibrillating: atria.
    """

    beats: Array
    ectopic: Array
    fibrillating: bool

    @property
    def interval(self) -> Array:
        """(K,) to the next beat [s], kept to 0.25–2 s."""
        beats = self.beats
        return np.clip(np.diff(beats, append=2 * beats[-1] - beats[-2]), 0.25, 2.0)

    @property
    def before(self) -> Array:
        """(K,) from the beat before [s]."""
        interval = self.interval
        return np.concatenate([[interval[0]], interval[:-1]])


def textbook_ecg(rhythm: Rhythm, time: Array, *, rate: float) -> Array:
    """(T,) mV: five Gaussians a beat; P and T move with the root of the interval (Bazett)."""
    root = np.sqrt(np.minimum(rhythm.interval, rhythm.before))[:, None]
    stretch = np.where(np.isin(np.arange(5), [0, 4]), root, 1.0)
    centre = rhythm.beats[:, None] + CENTRE_S * stretch
    width = WIDTH_S * stretch
    height = np.tile(HEIGHT_MV, (len(rhythm.beats), 1))
    height[rhythm.ectopic] *= ECTOPIC_HEIGHT
    width[rhythm.ectopic, 1:4] *= ECTOPIC_WIDTH
    if rhythm.fibrillating:
        height[:, 0] = 0.0
    return _summed(centre, width, width, height, time, rate=rate)


def own_ecg(
    rhythm: Rhythm, time: Array, *, rate: float, breath_K: Array, rng: np.random.Generator
) -> Array:
    """(T,) mV: five lopsided Gaussians a beat, their shape drawn for the person.

    The end of T follows Fridericia's cube root of the intervals of the last beats, most of it
    slowly. breath_K: (K,) −1–1, which turns the axis and with it R against S.
    """
    height = np.array([rng.uniform(*limits) for limits in HEIGHTS_MV])
    qrs, p_width, t_width = (rng.uniform(*limits) for limits in (QRS_S, P_WIDTH_S, T_WIDTH_S))
    pr, qtc, turn = rng.uniform(*PR_S), rng.uniform(*QTC_S), rng.uniform(*TURN)
    cube = np.cbrt(_adapted(rhythm.before))
    count, begin = len(cube), -1.7 * qrs  # of the QRS complex, from R
    centre, left = np.zeros((count, 5)), np.full((count, 5), qrs / 3)
    right = left.copy()
    centre[:, 1], centre[:, 3] = -qrs, qrs
    centre[:, 0] = begin - pr * np.minimum(cube, 1.1) + 2.2 * p_width
    left[:, 0] = right[:, 0] = p_width
    right[:, 4] = t_width * cube
    left[:, 4] = T_LOPSIDED * right[:, 4]
    centre[:, 4] = begin + qtc * cube - 2.2 * right[:, 4]
    heights = np.tile(height, (count, 1))
    heights[:, 2] *= 1 + turn * breath_K
    heights[:, 3] *= 1 - turn * breath_K
    early = rhythm.ectopic
    heights[early] *= ECTOPIC_HEIGHT
    left[early, 1:4] *= ECTOPIC_WIDTH
    right[early, 1:4] *= ECTOPIC_WIDTH
    centre[early, 1:5] *= [1.6, 1.0, 1.6, 1.05]
    if rhythm.fibrillating:
        heights[:, 0] = 0.0
    return _summed(rhythm.beats[:, None] + centre, left, right, heights, time, rate=rate)


def _adapted(before: Array) -> Array:
    """(K,) the interval [s] that QT follows: a mean over the last beats, and a little the last."""
    weight = np.exp(-np.arange(4 * ADAPTS) / ADAPTS)
    padded = np.concatenate([np.full(len(weight) - 1, before[:ADAPTS].mean()), before])
    slow = sliding_window_view(padded, len(weight)) @ weight[::-1] / weight.sum()
    return np.asarray((1 - LATE_SHARE) * slow + LATE_SHARE * before)


def _summed(
    centre: Array, left: Array, right: Array, height: Array, time: Array, *, rate: float
) -> Array:
    """(T,) the waves of all beats, each (K, 5): centre, widths before and after it [s], height."""
    reach = int(np.ceil(4.5 * max(left.max(), right.max()) * rate))
    nearest = np.round((centre - time[0]) * rate).astype(int)
    index = nearest[..., None] + np.arange(-reach, reach + 1)
    away = time[0] + index / rate - centre[..., None]
    away = away / np.where(away < 0, left[..., None], right[..., None])
    value = height[..., None] * np.exp(-0.5 * away**2)
    inside = (index >= 0) & (index < len(time))
    return np.asarray(np.bincount(index[inside], weights=value[inside], minlength=len(time)))


def f_waves(time: Array, rng: np.random.Generator) -> Array:
    """(T,) mV: what fibrillating atria add, a sawtooth whose rate and size wander."""
    slow = np.linspace(time[0], time[-1], max(4, int(2 * (time[-1] - time[0]))))
    wander = np.interp(time, slow, rng.standard_normal(len(slow)))
    size = np.interp(time, slow, 1 + 0.25 * rng.standard_normal(len(slow)))
    step = float(time[1] - time[0])
    turns = np.cumsum(rng.uniform(*F_HZ) + 0.4 * wander) * step + rng.random()
    teeth = sum(np.sin(2 * np.pi * k * turns) / k for k in (1, 2, 3))
    return np.asarray(rng.uniform(*F_MV) * size * teeth)


def uneven(ideal: Array, first: int, last: int, rng: np.random.Generator) -> Array:
    """(K,) beats [s] of fibrillating atria: each interval drawn for itself, none below LEAST_S.

    The first and the last of the recording stay where they are, so that the mean rate is kept, and
    none slips in from outside.
    """
    interval = np.diff(ideal)
    shape = 1 / UNEVEN**2
    least = np.minimum(LEAST_S, 0.9 * interval)
    drawn = np.maximum(interval * rng.gamma(shape, 1 / shape, len(interval)), least)
    inside = slice(first, last)
    for _ in range(30):  # what the floor holds back is shared by the others
        spare = drawn[inside] - least[inside]
        wanted = float(ideal[last] - ideal[first] - least[inside].sum())
        drawn[inside] = least[inside] + spare * wanted / max(float(spare.sum()), 1e-12)
    for edge in (first - 1, last):
        if 0 <= edge < len(drawn):
            drawn[edge] = max(drawn[edge], interval[edge])
    beats = ideal[0] + np.concatenate([[0.0], np.cumsum(drawn)])
    return np.asarray(beats - beats[first] + ideal[first])


def transit_change(rhythm: Rhythm, rng: np.random.Generator) -> Array:
    """(K,) s, by how much the pulse follows its beat later than the person's mean transit time.

    The heart ejects sooner when it is fast or well filled, later after a premature beat; the tone
    of the vessels swings about every ten beats; the rest is chance.
    """
    slow, before = _adapted(rhythm.before), rhythm.before
    filling = np.clip(PEP_FILLING_S * (before / slow - 1), -PEP_MOST_S, PEP_MOST_S)
    pep = PEP_S_PER_BPM * (60 / slow - AT_BPM) + filling + PEP_ECTOPIC_S * rhythm.ectopic
    tone = np.sin(2 * np.pi * (0.1 * rhythm.beats + rng.random()))
    chance = JITTER_S * rng.standard_normal(len(before))
    return np.asarray(np.maximum(pep, -0.06) + VESSELS_S * tone + chance)
