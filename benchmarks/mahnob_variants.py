"""Baselines in the details that their papers have and ours have not, on the same sequences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from camvitals.data.recording import Recording
from camvitals.dsp.adaptive import history, nlms
from camvitals.dsp.clean import detrend, uniform
from camvitals.evaluate.estimators import filtered, rates_of
from camvitals.evaluate.protocol import PROTOCOLS
from camvitals.evaluate.result import Result
from camvitals.evaluate.seen import see
from camvitals.records import Array, Trace
from camvitals.waves.inputs import centred
from camvitals.waves.many import pair_sources, vote
from camvitals.waves.rectify import calm_segments, joined, subramaniam
from camvitals.waves.view import clock_rate

PROTOCOL = PROTOCOLS["li2014"]
SEGMENT_S, DROPPED = 1.0, 0.05
AVERAGED = 23  # samples
FIR_ORDER = 128


@dataclass(frozen=True)
class Li:
    """One way to run Li et al. (2014).

    means: skin and background enter with their means, as in the public code of bob.rppg.base.
    drop:  the 5 % of segments that vary most are of this recording ("own"), or lie above the 95 %
           quantile of those of other people ("others") or of all recordings ("all").
    average: a running mean of 23 samples follows the detrending.   fir: of order 128, forth and
           back, instead of a Butterworth filter.
    """

    means: bool = False
    drop: str = "own"
    average: bool = False
    fir: bool = False


VARIANTS: dict[str, Li] = {
    "li, threshold of other people": Li(drop="others"),
    "li, threshold of all, itself too": Li(drop="all"),
    "li, means kept": Li(means=True),
    "li, running mean of 23": Li(average=True),
    "li, FIR of order 128": Li(fir=True),
    "li, all as published": Li(means=True, drop="all", average=True, fir=True),
}
VOTED = "lam_kuno, its own vote"
AT_ONCE = "subramaniam, 30 s at once"


@dataclass(frozen=True)
class Material:
    """Uniform colours of one sequence: skin and background (T, 2, 3), cells (T, R, 3)."""

    subject: str
    pair: Array
    cells: Array
    rate: float


def with_variants(
    takes: Sequence[Recording], result: Result, *, folder: Path, methods: Sequence[str]
) -> Result:
    """The result's rows of each baseline that has variants, and those of its variants."""
    rows = result.of(method="li").columns
    known = {take.name: take for take in takes}
    if len(rows["recording"]) == 0:
        return result.of(method="li")
    material = [
        _material(known[name], methods, folder, (start, stop))
        for name, start, stop in zip(rows["recording"], rows["start"], rows["stop"], strict=True)
    ]
    found = {name: _li(material, how) for name, how in VARIANTS.items()}
    found[VOTED] = _each(material, _voted)
    found[AT_ONCE] = _each(material, _at_once)
    return _joined(result, rows, found)


def _joined(result: Result, rows: Mapping[str, Array], found: Mapping[str, Array]) -> Result:
    parts = [result.of(method=name).columns for name in ("li", "lam_kuno", "subramaniam")]
    for name, estimate in found.items():
        count = len(estimate)
        part = dict(rows) | {"method": np.full(count, name, dtype=object), "estimate": estimate}
        parts.append(part | {"why": np.where(np.isfinite(estimate), "", "not seen").astype(object)})
    columns = {name: np.concatenate([part[name] for part in parts]) for name in rows}
    return replace(result, columns=columns)


def _material(
    take: Recording, methods: Sequence[str], folder: Path, span: tuple[float, float]
) -> Material:
    seen = see(take, methods=methods, roi=take.roi, skin=PROTOCOL.skin, folder=folder)
    trace: Trace = seen.trace.between(span[0] - 1e-6, span[1] - 1e-6)
    rate = clock_rate(trace)
    pair = np.stack([trace.region(trace.main), trace.region("background")], axis=1)
    cells = trace.rgb[:, [name.startswith("grid_") for name in trace.names]]
    even = [uniform(values, trace.time, rate=rate)[0] for values in (pair, cells)]
    return Material(take.subject, even[0], even[1], rate)


def _each(material: Sequence[Material], rate_of: Callable[[Material], float]) -> Array:
    seen = [np.isfinite(one.pair).all() for one in material]
    return np.array(
        [rate_of(one) if known else np.nan for one, known in zip(material, seen, strict=True)]
    )


def _li(material: Sequence[Material], how: Li) -> Array:
    """(N,) bpm of every sequence."""
    left = [_rectified(one, how) for one in material]
    spread = [_spreads(values, one.rate) for values, one in zip(left, material, strict=True)]
    found = []
    for n, one in enumerate(material):
        judged = [
            values
            for values, other in zip(spread, material, strict=True)
            if how.drop == "all" or other.subject != one.subject
        ]
        threshold = None
        if how.drop != "own" and judged:
            threshold = float(np.nanquantile(np.concatenate(judged), 1 - DROPPED))
        found.append(_read(one, left[n], how, threshold))
    return np.array(found)


def _rectified(one: Material, how: Li) -> Array:
    """(T,) relative change of green that the background does not explain."""
    green, wall = one.pair[:, 0, 1], one.pair[:, 1, 1]
    mean = green.mean()
    if not how.means:
        green, wall = centred(green), centred(wall)
    weights = nlms(green, wall)
    return np.asarray((green - history(wall, len(weights)) @ weights) / mean)


def _spreads(values: Array, rate: float) -> Array:
    size = round(SEGMENT_S * rate)
    return np.asarray(values[: len(values) // size * size].reshape(-1, size).std(axis=1, ddof=1))


def _read(one: Material, left: Array, how: Li, threshold: float | None) -> float:
    if not np.isfinite(left).all():
        return float("nan")
    calm = calm_segments(left, rate=one.rate, segment=SEGMENT_S, share=DROPPED, threshold=threshold)
    values = joined(left, calm)
    if how.average:
        values = detrend(values, smoothness=PROTOCOL.detrend or 300.0)
        values = np.convolve(values, np.ones(AVERAGED) / AVERAGED, mode="same")
    return _rate(one, values, trend=None if how.average else PROTOCOL.detrend, fir=how.fir)


def _rate(one: Material, values: Array, *, trend: float | None, fir: bool = False) -> float:
    """As the protocol reads it [bpm]."""
    order = 0 if fir else PROTOCOL.order
    ready = filtered(values, rate=one.rate, band=PROTOCOL.band, order=order, detrend=trend)
    if fir:
        from scipy.signal import filtfilt, firwin

        taps = firwin(FIR_ORDER + 1, PROTOCOL.band, pass_zero=False, fs=one.rate)
        ready = filtfilt(taps, [1.0], ready)
    found = rates_of(ready[None], estimator="welch", rate=one.rate, band=PROTOCOL.band)
    return float(found[0])


def _voted(one: Material) -> float:
    whole = np.isfinite(one.cells).all(axis=(0, 2))
    if whole.sum() < 2:
        return float("nan")
    _, rates, scores = pair_sources(one.cells[:, whole], rate=one.rate, pairs=500, seed=0)
    return vote(rates, scores)


def _at_once(one: Material) -> float:
    wave = subramaniam(one.pair[:, 0], one.pair[:, 1], rate=one.rate)
    return _rate(one, wave, trend=PROTOCOL.detrend)
