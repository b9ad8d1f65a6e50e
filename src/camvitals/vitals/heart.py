"""Heart rate with quality and interval, or the reason why it is withheld.

Shape letters: M windows of all parts in order of time, F rates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from camvitals.records import Array, Reading, withheld
from camvitals.vitals.beats import Beats
from camvitals.vitals.posterior import HeartModel, heart_model, posterior, share_of_window
from camvitals.vitals.quality import RIGHT_BPM, THRESHOLD, interval, log_odds, trust
from camvitals.waves.evidence import FACTS, RATES_BPM, Evidence
from camvitals.waves.lamps import Lamp, hidden_by, too_many

NAME, UNIT = "heart_rate", "bpm"
REFINE_BPM = 6.0
NEAR_BPM = 12.0
COVERED, AGREE, FEWEST = 0.6, 0.06, 3
ABOUT_S = 10.0
MOVES, MOVES_BPM, MOVES_MOST = 0.004, 3.0, 0.6
DENY_BPM, DENY_MASS = 8.0, 0.8
FEW_BITS = 0.5
UNREST_WINDOWS, UNREST_FEWEST, UNREST_MOST = 20, 5, 10.0


@dataclass(frozen=True, slots=True)
class Windows:
    """What the posterior says of each window, as (M,) arrays.

    rate, spread: [bpm]; mass: probability within RIGHT_BPM of the rate; null: of no pulse;
    moved: the head moves notably at this rate; denied: other evidence is sure of another rate;
    start, stop: [s].
    """

    rate: Array
    spread: Array
    mass: Array
    null: Array
    moved: Array
    denied: Array
    start: Array
    stop: Array


WINDOW_FIELDS = tuple(field.name for field in fields(Windows))


def windows_of(parts: Sequence[Evidence], model: HeartModel) -> Windows:
    """The most probable rate of every window, refined between the states by the local mean."""
    return together([_windows_of_one(evidence, model) for evidence in parts])


def together(parts: Sequence[Windows]) -> Windows:
    """The windows of several parts of a recording, in their order."""
    if not parts:
        return Windows(*(np.zeros(0) for _ in WINDOW_FIELDS))
    return Windows(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in WINDOW_FIELDS)
    )


def _windows_of_one(evidence: Evidence, model: HeartModel) -> Windows:
    """Neighbours say about where the rate is; within NEAR_BPM of that, the window itself says."""
    odds = model.log_odds(evidence.facts)
    probability = posterior(odds, evidence)
    states, null = probability[:, :-1], probability[:, -1]
    near = np.abs(RATES_BPM - RATES_BPM[states.argmax(axis=1)][:, None]) <= NEAR_BPM
    known = share_of_window(evidence)
    local = states * np.exp((1 - known) * (odds - odds.max(axis=1, keepdims=True))) * near
    local /= local.sum(axis=1, keepdims=True)
    top = RATES_BPM[local.argmax(axis=1)]
    peak = local * (np.abs(RATES_BPM - top[:, None]) <= REFINE_BPM)
    peak /= peak.sum(axis=1, keepdims=True)
    rate = peak @ RATES_BPM
    spread = np.sqrt((peak * (RATES_BPM - rate[:, None]) ** 2).sum(axis=1))
    right = (local * (np.abs(RATES_BPM - rate[:, None]) <= RIGHT_BPM)).sum(axis=1)
    mass = (states * near).sum(axis=1) * right
    half = evidence.length / 2
    start, stop = evidence.centre - half, evidence.centre + half
    moved, denied = _moves_at(evidence, rate), np.zeros(len(rate), bool)
    return Windows(rate, spread, mass, null, moved, denied, start, stop)


def held_against(windows: Windows, others: Windows) -> Windows:
    """The windows, those denied where the others of the same stretch are sure of another rate.

    A network can be sure of a rate that nothing in the colours of the face supports. Where both
    are of one rate that the others know for motion, so is that of the windows.
    """
    centre = (others.start + others.stop) / 2
    mine = (windows.start + windows.stop) / 2
    nearest = np.abs(centre[None] - mine[:, None]).argmin(axis=1)
    apart = np.abs(others.rate[nearest] - windows.rate) > DENY_BPM
    moved = windows.moved | (others.moved[nearest] & ~apart)
    return replace(windows, moved=moved, denied=apart & (others.mass[nearest] > DENY_MASS))


def _moves_at(evidence: Evidence, rate_M: Array) -> Array:
    """(M,) True where what is seen at the rate could be motion alone.

    The head moves by more than MOVES face widths at the rate, most of all there: that could
    brighten and darken any surface; a nod with the heartbeat is a tenth of it. Or its place, or a
    power of it, goes so far to and fro at the rate, and more than half of what is seen there goes
    with it: shade is no straight line over the place, and the regions of a face of few pixels take
    in what is beside it at every turn, so that a sway is seen at two and three times its rate.
    """
    motion = np.exp(evidence.facts[..., FACTS.index("motion")])
    near = np.abs(RATES_BPM - rate_M[:, None]) <= MOVES_BPM
    there, swing = (np.where(near, size, 0.0).max(axis=1) for size in (motion, evidence.swing))
    explained = (near * evidence.explained).sum(axis=1) / near.sum(axis=1)
    most = (there > MOVES) & (there > MOVES_MOST * motion.max(axis=1))
    return np.asarray(most | ((swing > MOVES) & (explained > 0.5)))


def expected_rate(windows: Windows) -> float | None:
    """A rate to look for beats with [bpm]: the median of the windows, the likely ones; or None."""
    if len(windows.rate) == 0:
        return None
    return float(np.median(windows.rate[windows.mass >= np.median(windows.mass)]))


def by_beats(windows: Windows, beats: Beats) -> Windows:
    """The same windows, their rates from the intervals between beats where these can be had.

    A spectrum shows the rate that is met most, intervals their mean, which is what a rate is. They
    are taken where they cover COVERED of a window and agree with its spectrum.
    """
    rate = windows.rate.copy()
    for m, (start, stop) in enumerate(zip(windows.start, windows.stop, strict=True)):
        rate[m] = _mean_rate(
            beats, (beats.time >= start) & (beats.time <= stop), stop - start, rate[m]
        )
    return replace(windows, rate=rate)


def _mean_rate(beats: Beats, inside_K: Array, seconds: float, rate: float) -> float:
    """Mean rate of the beats inside [bpm] if they cover the seconds and agree, otherwise `rate`."""
    pairs = beats.joined & inside_K[1:] & inside_K[:-1]
    length = np.diff(beats.time)[pairs]
    if len(length) < FEWEST or length.sum() < COVERED * seconds:
        return rate
    found = float(60 * len(length) / length.sum())
    return found if abs(found - rate) <= max(RIGHT_BPM, AGREE * rate) else rate


def heart_rates(
    windows: Windows,
    beats: Beats,
    *,
    method: str,
    span: tuple[float, float],
    missing: str = "",
    coded: float = 1.0,
    lamps: Sequence[Lamp] = (),
) -> tuple[Reading, tuple[Reading, ...]]:
    """The heart rate of the whole recording, and one reading a window [bpm].

    windows: with rates by `by_beats`.   beats: of the pulse wave.   span: of the recording [s].
    missing: why there are no windows, when there are none.
    coded:   share of the bits that a pulse needs which the film has, see `report.capture`. Where
        they lack, blocks that wait for bits look like beats; the odds of being right fall with
        them (fitted on 60 made films coded four ways each: log loss of the quality 0.56 without,
        0.45 with; of ten rates given without a pulse three were left).
    lamps:   that were taken out of the colours. A rate that one of them hides is withheld.
    """
    model = heart_model()
    if len(windows.rate) == 0:
        return withheld(NAME, UNIT, missing, method=method, span=span), ()
    features = window_features(windows)
    hidden = hidden_by(lamps, windows.rate, windows.start, windows.stop)
    doubt = _Doubt(coded, tuple(lamps), hidden)
    rolling = tuple(
        _of_window(windows, m, features[m], method, model, doubt) for m in range(len(windows.rate))
    )
    return _whole(windows, beats, rolling, method, model, doubt), rolling


@dataclass(frozen=True, slots=True)
class _Doubt:
    """What else speaks against a rate: bits that lack, lamps, and (M,) whether one hides it."""

    coded: float
    lamps: tuple[Lamp, ...]
    hidden: Array


def _of_window(
    windows: Windows, m: int, features: Array, method: str, model: HeartModel, doubt: _Doubt
) -> Reading:
    span = (float(windows.start[m]), float(windows.stop[m]))
    quality = trust(features, model.trust["window"], share=doubt.coded)
    if quality < THRESHOLD or windows.moved[m] or windows.denied[m] or doubt.hidden[m]:
        why = _why(windows, slice(m, m + 1), doubt)
        return withheld(NAME, UNIT, why, method=method, span=span, quality=quality)
    rate = float(windows.rate[m])
    low, high = interval(rate, float(windows.spread[m]), model.trust["window_interval"])
    return Reading(NAME, rate, UNIT, low, high, quality, method, span)


def window_features(windows: Windows) -> Array:
    """(M, 2) what the quality of a window rests on: its log odds, and the mean of those around."""
    odds = log_odds(windows.mass)
    centre = (windows.start + windows.stop) / 2
    about = np.abs(centre[:, None] - centre[None]) <= ABOUT_S
    return np.column_stack([odds, (about @ odds) / about.sum(axis=1)])


def whole_features(windows: Windows, trusted: Array) -> Array:
    """What the quality of a whole recording rests on: mean log odds, share trusted, unrest."""
    return np.array([log_odds(windows.mass).mean(), trusted.mean(), unrest(windows)])


def unrest(windows: Windows) -> float:
    """How much the rate goes to and fro [bpm]: noise that is followed does so more than a heart.

    Spread about a straight line in stretches of UNREST_WINDOWS, mean over them; 0 where there are
    too few.
    """
    if len(windows.rate) < UNREST_FEWEST:
        return 0.0
    stretches = max(1, round(len(windows.rate) / UNREST_WINDOWS))
    found = []
    for rate in np.array_split(windows.rate, stretches):
        time = np.arange(len(rate)) - (len(rate) - 1) / 2
        slope = (time @ rate) / (time @ time)
        found.append(np.std(rate - slope * time))
    return float(min(np.mean(found), UNREST_MOST))


def whole_spread(windows: Windows, trusted: Array) -> float:
    """What the interval of a whole recording rests on [bpm]: spread within windows, and unrest."""
    return float(np.hypot(windows.spread[trusted].mean(), unrest(windows)))


def _whole(
    windows: Windows,
    beats: Beats,
    rolling: tuple[Reading, ...],
    method: str,
    model: HeartModel,
    doubt: _Doubt,
) -> Reading:
    trusted = np.array([reading.value is not None for reading in rolling])
    span = (float(windows.start[0]), float(windows.stop[-1]))
    quality = trust(whole_features(windows, trusted), model.trust["whole"], share=doubt.coded)
    if quality < THRESHOLD or not trusted.any() or too_many(doubt.hidden):
        why = _why(windows, slice(None), doubt)
        return withheld(NAME, UNIT, why, method=method, span=span, quality=quality)
    rate = whole_rate(windows, beats, trusted)
    spread = whole_spread(windows, trusted)
    low, high = interval(rate, spread, model.trust["whole_interval"])
    span = (float(windows.start[trusted].min()), float(windows.stop[trusted].max()))
    return Reading(NAME, rate, UNIT, low, high, quality, method, span)


def whole_rate(windows: Windows, beats: Beats, trusted: Array) -> float:
    """Mean rate over the trusted windows [bpm], of their beats where these can be had."""
    start, stop = windows.start[trusted], windows.stop[trusted]
    known = np.searchsorted(start, beats.time, side="right") - 1
    inside = (known >= 0) & (beats.time <= stop[np.maximum(known, 0)])
    later = np.minimum(stop[:-1], start[1:]) if len(start) > 1 else stop[:0]
    seconds = float((later - start[:-1]).sum() + stop[-1] - start[-1])
    return _mean_rate(beats, inside, seconds, float(windows.rate[trusted].mean()))


def _why(windows: Windows, some: slice, doubt: _Doubt) -> str:
    if windows.denied[some].mean() > 0.5:
        return "the colours of the face show another rate; measure with method auto"
    if windows.moved[some].mean() > 0.5:
        return "the head moves at the rate found, which could be motion alone; hold still"
    if too_many(doubt.hidden[some]) or any(lamp.covers for lamp in doubt.lamps):
        lamp = max(doubt.lamps, key=lambda lamp: lamp.blood)
        return (
            f"the light flickers at {60 * lamp.seen:.0f} bpm: lamps on {lamp.mains:.0f} Hz mains "
            f"seen {lamp.rate:.4g} times a second; use daylight, or another frame rate"
        )
    if doubt.coded < FEW_BITS:
        return "compression has left too little of the pulse; record with a higher bit rate"
    if windows.null[some].mean() > 0.5:
        return "no pulse stands out from noise; more light, less motion or less compression help"
    return "several rates fit about equally well; hold still and keep the light steady"
