"""An ECG drawn from a pulse by a network: when the heart beats is measured, how it looks is not.

The network is asked twice. First it says, for every 4 ms, how probable an R peak is there; from
that the beats are taken. Then it is told the beats and draws P, QRS and T about them, sharply. So
the times come from the pulse, and the shapes are those of the people that the network has seen.
Shape letters: N samples of the network's clock, S parts of each, K beats.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from camvitals.card import ModelCard
from camvitals.dsp.clean import rate_of, runs, uniform
from camvitals.dsp.peaks import peaks, upsample
from camvitals.records import Array, InputError, Trace, Wave
from camvitals.runtime import Network, load
from camvitals.steps import Steps, finish
from camvitals.waves.learned import CROPS, ECG, MODELS, SUFFIX, learned

PREFIX = "ecg-"
PULSE = "pulse"  # what a network takes that draws from a pulse
MARK = "model output, not an electrocardiogram"
UNIT = f"mV, {MARK}"
RATE_HZ = 50.0  # of the pulse that the network takes
PARTS = 5  # samples of the ECG for each of the pulse
FINE_HZ = RATE_HZ * PARTS
RHYTHM = "rhythm"
SHORTEST_S = 5.0
CHAPTER_S, MARGIN_S = 20.0, 6.0  # drawn at once, and what is shown besides at either end
BLUR_S = 0.02  # R peaks nearer than this are told apart from the pulse by nobody
REACH_S = 0.12  # on either side of a beat, over which its probability is summed
REFRACTORY_S = 0.25
LEAST = 0.3  # probability from which on a beat is one


@dataclass(frozen=True, slots=True)
class Drawn:
    """An ECG on a uniform clock, NaN where there is none, and (K,) s the R peaks in it.

    odds: (K,) 0–1, the probability that the network gave each.
    """

    wave: Wave
    beats: Array
    odds: Array


def drawers() -> tuple[str, ...]:
    """Names of the networks that come with the package and give an ECG."""
    return tuple(sorted(path.stem for path in MODELS.glob(f"{PREFIX}*{SUFFIX}")))


def gives_ecg(method: str) -> bool:
    """Whether this is the name of such a network, or the file of one whose card says so."""
    if not method.endswith(SUFFIX):
        return method in drawers()
    card = Path(method).with_suffix(".json")
    return card.is_file() and ModelCard.load(card).gives == ECG


def ecg_network(method: str) -> Network:
    """The network of this name or path, which gives an ECG of a pulse, of crops or of colours.

    Raises InputError when the file or its card is missing, damaged or of something else.
    """
    path = MODELS / f"{method}{SUFFIX}" if method in drawers() else Path(method)
    if ModelCard.load(path.with_suffix(".json")).takes != PULSE:
        return learned(method, gives=(ECG,)).network
    found = _loaded(os.fspath(path), path.stat().st_mtime_ns)
    card = found.card
    if card.task != ECG or card.rate != RATE_HZ or not {RHYTHM, ECG} <= set(card.outputs):
        raise InputError(
            f"the card of {card.name} needs task {ECG}, rate {RATE_HZ:g} Hz and the outputs "
            f"{RHYTHM} and {ECG} to draw from a pulse; export it with recipes/pulse_ecg.py"
        )
    return found


def ecg_versions(method: str) -> dict[str, str]:
    """Name and version of the network, for the report; {} where there is none."""
    if not method:
        return {}
    card = ecg_network(method).card
    return {card.name: f"{card.version} (sha256 {card.sha256[:12]})"}


@lru_cache(maxsize=4)
def _loaded(path: str, stamp: int) -> Network:  # noqa: ARG001  stamp: that it has not changed
    return load(path)


def ecg_steps(trace: Trace, pulse: Wave, method: str) -> Steps[Drawn]:
    """The ECG that a network gives of a person, from the pulse or by looking itself.

    One that looks itself says no beats; they are to be found in its wave.
    """
    network = ecg_network(method)
    if network.card.takes == PULSE:
        return (yield from drawn_steps(pulse, network))
    yield
    none = np.zeros(0)
    return Drawn(_looked(trace, method), none, none)


def _looked(trace: Trace, method: str) -> Wave:
    """What a network makes of crops or colours, NaN where it saw nobody for long enough."""
    found = learned(method, gives=(ECG,))
    if found.needs == CROPS:
        return Wave(trace.pulses[method], trace.time, ECG, MARK)
    regions = (*found.card.regions, trace.main)
    colours, time = uniform(trace.regions(regions), trace.time, rate=found.rate)
    values = np.full(len(time), np.nan)
    for run in runs(np.asarray(np.isfinite(colours).all(axis=(1, 2)))):
        if run.stop - run.start >= found.minimum * found.rate:
            values[run] = found.of_colours(colours[run], rate=found.rate)
    return Wave(values, time, ECG, MARK)


def drawn(pulse: Wave, network: Network) -> Drawn:
    """The ECG that a network draws from a pulse.

    pulse: of any unit, more blood up, NaN in gaps; stretches shorter than SHORTEST_S give nothing.
    Returns the ECG at 250 Hz. Raises InputError for a pulse slower than 8 Hz.
    """
    return finish(drawn_steps(pulse, network))


def drawn_steps(pulse: Wave, network: Network) -> Steps[Drawn]:
    """As `drawn`, in steps of some tens of milliseconds each."""
    first, last = float(pulse.time[0]), float(pulse.time[-1])
    time = first + np.arange(int((last - first) * FINE_HZ + 1e-6) + 1) / FINE_HZ
    values = np.full(len(time), np.nan)
    found: list[tuple[Array, Array]] = []
    for start, piece in prepared(pulse):
        beats, odds, ecg = yield from _of_piece(piece, network)
        at = round((start - first) * FINE_HZ)
        inside = slice(at, min(at + len(ecg), len(time)))
        values[inside] = ecg[: inside.stop - at]
        found.append((start + beats, odds))
    none = (np.zeros(0), np.zeros(0))
    beats, odds = (np.concatenate(both) for both in zip(none, *found, strict=True))
    return Drawn(Wave(values, time, ECG, UNIT), beats, odds)


def prepared(pulse: Wave) -> list[tuple[float, Array]]:
    """Start [s] and (N,) samples at RATE_HZ of every stretch: what the network is given of it.

    Each has zero mean and unit spread; it is interpolated within its band, so that beats are told
    as exactly at 15 pictures a second as at 60.
    """
    rate = rate_of(pulse.time)
    if rate < 8:
        raise InputError(f"an ECG needs a pulse of 8 samples a second, not {rate:.1f}")
    even, time = uniform(pulse.values, pulse.time, rate=rate)
    out = []
    for run in sorted(runs(np.isfinite(even)), key=lambda run: run.start):
        if run.stop - run.start < SHORTEST_S * rate:
            continue
        factor = int(np.ceil(2 * RATE_HZ / rate))
        fine = upsample(even[run], factor=factor)
        clock = np.arange(int((len(fine) - 1) / (factor * rate) * RATE_HZ + 1e-6) + 1) / RATE_HZ
        values = np.interp(clock, np.arange(len(fine)) / (factor * rate), fine)
        spread = float(values.std())
        out.append((float(time[run.start]), (values - values.mean()) / (spread + 1e-12)))
    return out


def given_of(pulse: Array, marks: Array) -> Array:
    """(N, 1 + S) what the network takes: the pulse, and the R peaks as `marked` gives them."""
    return np.concatenate([pulse[:, None], marks], axis=1).astype(np.float32)


def marked(beats: Array, length: int) -> Array:
    """(N, S) 1 in all for each beat [s from the first sample], shared by the two parts about it."""
    at = np.asarray(beats, dtype=float) * FINE_HZ
    out = np.zeros(length * PARTS + 1)
    inside = (at >= 0) & (at < length * PARTS - 1)
    whole = np.floor(at[inside]).astype(int)
    np.add.at(out, whole, 1 - (at[inside] - whole))
    np.add.at(out, whole + 1, at[inside] - whole)
    return out[:-1].reshape(length, PARTS)


def beats_in(rhythm: Array) -> tuple[Array, Array]:
    """(K,) s and (K,) 0–1: the R peaks in the probabilities (N, S) of one in each part, and theirs.

    A beat is where most probability lies together; its time is the mean of what lies about it.
    """
    share = np.asarray(rhythm, dtype=float).ravel()
    around = np.arange(-round(3 * BLUR_S * FINE_HZ), round(3 * BLUR_S * FINE_HZ) + 1)
    blur = np.exp(-0.5 * (around / (BLUR_S * FINE_HZ)) ** 2)
    smooth = np.convolve(share, blur / blur.sum(), mode="same")
    at = peaks(smooth, distance=REFRACTORY_S * FINE_HZ)
    reach = round(REACH_S * FINE_HZ)
    index = at[:, None] + np.arange(-reach, reach + 1)
    near = np.pad(share, reach)[index + reach]
    mass = near.sum(axis=1)
    sure = mass >= LEAST
    close = near * np.exp(-0.5 * (np.arange(-reach, reach + 1) / (2 * BLUR_S * FINE_HZ)) ** 2)
    middle = (close * index).sum(axis=1) / np.maximum(close.sum(axis=1), 1e-12)
    return middle[sure] / FINE_HZ, np.minimum(mass[sure], 1.0)


def _of_piece(pulse: Array, network: Network) -> Steps[tuple[Array, Array, Array]]:
    """(K,) s of the R peaks and their odds, and (N · S,) mV, of one stretch of `prepared`."""
    unmarked = np.zeros((len(pulse), PARTS))
    log_odds = yield from _told(given_of(pulse, unmarked), network, RHYTHM)
    beats, odds = beats_in(1 / (1 + np.exp(-log_odds)))
    ecg = yield from _told(given_of(pulse, marked(beats, len(pulse))), network, ECG)
    return beats, odds, ecg.ravel()


def _told(given: Array, network: Network, output: str) -> Steps[Array]:
    """(N, S) one output of the network, chapter after chapter, each seen with what lies about it.

    The margin is wider than the network looks, so that it does not matter where chapters end.
    """
    (name,), parts = network.inputs, []
    chapter, margin = round(CHAPTER_S * RATE_HZ), round(MARGIN_S * RATE_HZ)
    for at in range(0, len(given), chapter):
        first = max(0, at - margin)
        shown = given[first : at + chapter + margin]
        told = network({name: shown[None]})[output][0]
        parts.append(told[at - first :][:chapter])
        yield
    return np.concatenate(parts).astype(float)
