"""Pulse from many regions of which some are bad: SAMC, Lam & Kuno.

Shape letters: T samples, R regions, P pairs of regions. Systolic peak upward.
"""

from __future__ import annotations

import numpy as np

from camvitals.dsp.blind import jade
from camvitals.dsp.clean import bandpass
from camvitals.dsp.completion import complete
from camvitals.dsp.spectrum import peak, spectrum
from camvitals.records import Array, InputError
from camvitals.waves.blind import BAND_HZ, clarity, upright
from camvitals.waves.classical import chrom
from camvitals.waves.inputs import centred, colours, relative

SHORTEST_S = 5.0
FEWEST = 2
VOTE_BPM = 5.0


def samc(rgb: Array, *, rate: float, shrink: float = 0.1, share: float = 0.7) -> Array:
    """Pulse by self-adaptive matrix completion over regions (Tulyakov et al., 2016).

    rgb:    (T, R, 3) mean colours of at least 2 regions, >= 0, uniformly sampled.
    rate:   samples per second [Hz].
    shrink: singular-value threshold, share of the largest.   share: of entries believed, 0–1.
    Returns (T,), zero mean, unit variance: the first left singular vector of the completed matrix
    of the regions' chrominance signals, its sign that of their mean. A region is scaled by its
    median absolute value, so that a burst of motion does not make it loud.
    Raises InputError when shorter than 5 s, fewer than 2 regions, not finite or negative.
    """
    x = _regions("samc", rgb, rate)
    chrominance = chrom(x, rate=rate)
    size = np.median(np.abs(chrominance), axis=0)
    known = size > 1e-9
    if not known.any():
        return np.zeros(len(x))
    found = complete(chrominance[:, known] / size[known], shrink=shrink, share=share)
    left, _, right = np.linalg.svd(found.low_rank, full_matrices=False)
    wave = left[:, 0] * (1.0 if right[0].sum() >= 0 else -1.0)
    return _unit(wave)


def lam_kuno(rgb: Array, *, rate: float, pairs: int = 500, seed: int = 0) -> Array:
    """Pulse by voting over pairs of skin patches (Lam & Kuno, 2015).

    rgb:   (T, R, 3) mean colours of at least 2 patches, >= 0, uniformly sampled.
    rate:  samples per second [Hz].   pairs: most random pairs that vote.   seed: of their choice.
    Returns (T,), zero mean, unit variance: the mean of the sources whose rate is within 5 bpm of
    the vote, each weighted by its score. Each pair's green signals are separated into two sources
    by JADE; the one that is clear and in both patches speaks for the pair, and the half of the
    pairs that agree less has no vote (the paper rejects pairs by agreement; the rule is ours).
    Raises InputError when shorter than 5 s, fewer than 2 regions, not finite or negative.
    """
    sources, rates, scores = pair_sources(rgb, rate=rate, pairs=pairs, seed=seed)
    agree = np.abs(rates - vote(rates, scores)) <= VOTE_BPM
    weight = scores * agree
    return _unit(sources @ (weight / max(float(weight.sum()), 1e-300)))


def pair_sources(rgb: Array, *, rate: float, pairs: int, seed: int) -> tuple[Array, Array, Array]:
    """The better source of each pair of patches: (T, P) waves, (P,) rates [bpm], (P,) scores 0–1.

    Arguments and errors as in lam_kuno. Pairs are drawn without repetition. Score: share of power
    at the peak times the product of the correlations with both patches, 0 where their signs differ.
    """
    x = relative(_regions("lam_kuno", rgb, rate))[..., 1]
    first, second = np.triu_indices(x.shape[1], k=1)
    order = np.random.default_rng(seed).permutation(len(first))[:pairs]
    low, high = BAND_HZ[0], min(BAND_HZ[1], 0.45 * rate)
    x = bandpass(x, rate=rate, low=low, high=high)
    mixed = centred(np.stack([x[:, first[order]], x[:, second[order]]], axis=-1))
    spread = mixed.std(axis=0)
    mixed = mixed / np.where(spread > 1e-12, spread, np.inf)
    sources = jade(mixed)
    shared = (np.einsum("tpc,tpk->pck", mixed, sources) / len(x)).prod(axis=1)
    scores = clarity(sources, rate=rate) * np.clip(shared, 0, 1)
    best = scores.argmax(axis=-1)
    chosen = np.take_along_axis(sources, best[None, :, None], axis=-1)[..., 0]
    chosen = upright(chosen, mixed.mean(axis=-1), rate=rate)
    frequency, power = spectrum(chosen, rate=rate)
    found = [60 * peak(frequency, column, low=low, high=high)[0] for column in power.T]
    return chosen, np.array(found), scores.max(axis=-1)


def vote(rates_P: Array, scores_P: Array) -> float:
    """The rate [bpm] that most pairs agree on: 1-bpm bins smoothed over 5 bpm.

    rates_P: (P,) bpm.   scores_P: (P,) 0–1; the half of the pairs with lower scores has no vote.
    """
    heard = rates_P[scores_P >= np.median(scores_P)]
    bins = np.arange(60 * BAND_HZ[0] - 5, 60 * BAND_HZ[1] + 5.5)
    count, edges = np.histogram(heard, bins=bins)
    smooth = np.convolve(count, np.ones(round(VOTE_BPM)), mode="same")
    return float(edges[int(smooth.argmax())] + 0.5)


def _regions(method: str, rgb: Array, rate: float) -> Array:
    x = colours(method, rgb, rate=rate, seconds=SHORTEST_S)
    if x.ndim != 3 or x.shape[1] < FEWEST:
        raise InputError(
            f"{method} needs at least {FEWEST} regions, T×R×3, but got "
            f"{'×'.join(map(str, x.shape))}; collect a grid, or use a method for one region"
        )
    return x


def _unit(wave: Array) -> Array:
    spread = wave.std()
    return centred(wave / (spread if spread > 1e-300 else 1.0))
