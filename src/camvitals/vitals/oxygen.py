"""Oxygen saturation by a calibration, or why there is none.

A ratio of colours is no saturation: only a calibration of the same camera at the same site makes it
one, and only inside what that calibration has seen. Without any, the ratio itself can be had.
Shape letters: W windows of all gapless stretches in order of time, K ratios.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from camvitals.dsp.clean import runs, uniform
from camvitals.records import Array, Reading, Trace, withheld
from camvitals.vitals.calibration import Calibration
from camvitals.vitals.ratios import LENGTH_S, by_method, ends_of, method_of

NAME, UNIT = "spo2", "%"
RATIO, RATIO_UNIT = "uncalibrated_red_green_ratio", "1"
UNCALIBRATED = "uncalibrated"
HOP_S = 1.0
DARK, BRIGHT = 3.0, 250.0  # mean colours beyond which some pixels are at the camera's limits
GREY = 0.5  # levels that the colours differ by in any coloured picture
CLEAR = 0.35  # share of a colour's power that is at the pulse and its double; noise has 0.18
NEAR_S = 0.75  # a window is that of the heart rate whose middle is this near
ENOUGH = 0.3  # share of the windows that a reading of the whole rests on
AROUND = 0.1  # how far beyond the range of a calibration its edge still reaches, in widths
COLOURS = ("red", "green", "blue")

NO_PULSE = "there is no trusted pulse to take a ratio from; {why}"
UNCLEAR = "{colour} shows no clear pulse, and the ratio needs it; more light and less motion help"
LIMIT = (
    "{colour} is at the camera's limit ({level:.0f} of 255) and shows no pulse; change the "
    "exposure or press less"
)
ONE_COLOUR = "the picture is grey, and oxygen is told by colours; record in colour"
OTHER = (
    "the colour of the skin is outside what the calibration saw; another camera, light or skin "
    "needs a calibration of its own"
)
FAR = "the ratio of colours is outside what the calibration saw, so that it says nothing here"
BEYOND = "the saturation found is outside the {low:.0f}–{high:.0f} % that the calibration covers"
USELESS = (
    "this calibration was no better than a constant on people it had not seen ({rmse:.1f} against "
    "{floor:.1f} points); calibrate with more recordings"
)
UNBASED = "the baseline of {start:g}–{stop:g} s holds no clear window; give a span that does"
SHORT = f"a saturation needs {LENGTH_S:g} s in view without a break; record longer"

Oxygen = Calibration | str | Path | None


@dataclass(frozen=True, slots=True)
class Look:
    """Windows of a trace, as (W, …) arrays.

    ratios: (W, K).   dc: (W, 3) mean colours.   clear: (W, 3) share of power at the pulse.
    pulse: (W,) True where the heart rate is trusted.   start, stop: [s].
    """

    ratios: Array
    dc: Array
    clear: Array
    pulse: Array
    start: Array
    stop: Array

    @property
    def colours(self) -> Array:
        """(W, 2) log of red over green and of blue over green."""
        level = np.log(np.maximum(self.dc, 0.1))
        return np.asarray(level[:, [0, 2]] - level[:, 1:2])

    def faults(self, method: str) -> Array:
        """(W,) why a window has no ratio that could be used; "" where it has."""
        used = sorted({at for pair in method_of(method).pairs for at in pair})
        why = np.full(len(self.start), "", dtype=object)
        for at in used:
            why[self.clear[:, at] < CLEAR] = UNCLEAR.format(colour=COLOURS[at])
        why[~np.isfinite(self.ratios).all(axis=1)] = UNCLEAR.format(colour="a colour")
        why[~self.pulse] = NO_PULSE.format(why="hold still and keep the light steady")
        for at in used:
            for w in np.flatnonzero((self.dc[:, at] < DARK) | (self.dc[:, at] > BRIGHT)):
                why[w] = LIMIT.format(colour=COLOURS[at], level=self.dc[w, at])
        why[np.ptp(self.dc, axis=1) < GREY] = ONE_COLOUR
        return why


def look(
    trace: Trace, *, method: str, rate: float, pulses: Sequence[Reading], hop: float = HOP_S
) -> Look:
    """The windows of a trace, ten seconds each.

    rate: of the uniform clock [Hz].   pulses: heart rates over sliding windows, some withheld.
    hop:  from window to window [s].
    """
    even, clock = uniform(trace.region(trace.main), trace.time, rate=rate)
    parts = []
    seen = np.asarray(np.isfinite(even).all(axis=1))
    for run in sorted(runs(seen), key=lambda run: run.start):
        colours = even[run]
        stop = clock[run.start] + ends_of(len(colours), rate=rate, stride=hop)
        if len(stop):
            parts.append(_part(colours, stop, method, rate, hop, pulses))
    if not parts:
        none = np.zeros(0)
        empty = np.zeros((0, 3))
        count = len(method_of(method).pairs)
        return Look(np.zeros((0, count)), empty, empty, none.astype(bool), none, none)
    joined = (np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Look))
    return Look(*joined)


def _part(
    colours: Array, stop: Array, method: str, rate: float, hop: float, pulses: Sequence[Reading]
) -> Look:
    start = stop - LENGTH_S + 1 / rate
    beat, trusted = _rates((start + stop) / 2, pulses)
    found = by_method(colours, rate=rate, method=method, stride=hop, pulse=beat)
    return Look(found.ratios(method), found.dc, found.clear, trusted, start, stop)


def _rates(middle: Array, pulses: Sequence[Reading]) -> tuple[Array, Array]:
    """(W,) pulse rate [Hz] and whether it is trusted; where it is not, that of the next window."""
    known = [(sum(r.span) / 2, r.value / 60) for r in pulses if r.value is not None]
    if not known:
        return np.full(len(middle), 1.2), np.zeros(len(middle), dtype=bool)
    time, value = np.array(sorted(known)).T
    nearest = np.abs(time[None] - middle[:, None]).min(axis=1)
    return np.interp(middle, time, value), nearest <= NEAR_S


def calibration_of(oxygen: Oxygen, *, roi: str) -> Calibration | str | None:
    """What `measure(oxygen=…)` was given: a calibration, the path of one, or "uncalibrated".

    Raises InputError when the calibration cannot be read or is of another site than `roi`.
    """
    if oxygen is None or oxygen == UNCALIBRATED:
        return UNCALIBRATED if oxygen else None
    found = oxygen if isinstance(oxygen, Calibration) else Calibration.load(oxygen)
    found.check(roi=roi)
    return found


def told(oxygen: Oxygen) -> str | None:
    """The calibration in words, for a report's settings."""
    if not isinstance(oxygen, Calibration):
        return None if oxygen is None else str(oxygen)
    known = oxygen.baseline
    since = f", {known.value:g}% at {known.span[0]:g}-{known.span[1]:g} s" if known else ""
    return f"{oxygen.camera}, {oxygen.site}, {oxygen.method}, {oxygen.fingerprint}{since}"


def saturation(
    trace: Trace,
    *,
    oxygen: Calibration | str,
    rate: float,
    heart: Reading,
    pulses: Sequence[Reading],
) -> tuple[Reading, tuple[Reading, ...]]:
    """The saturation [%] of the whole recording, the median of its windows, and of each window.

    oxygen: a calibration, or "uncalibrated" for the bare ratio of red over green.
    rate:   of the uniform clock [Hz].   heart, pulses: heart rate, of the whole and sliding.
    quality: the share of people left out of the calibration that it was right for, within RIGHT
        points, times the share of windows that could be used; the interval held 95 % of them.
    """
    span = (float(trace.time[0]), float(trace.time[-1]))
    judge = _Ratio() if isinstance(oxygen, str) else _Saturation(oxygen)
    if heart.value is None:
        return judge.none(NO_PULSE.format(why=heart.why), span), ()
    seen = look(trace, method=judge.method, rate=rate, pulses=pulses)
    if len(seen.start) == 0:
        return judge.none(SHORT, span), ()
    values, why = judge(seen)
    spans = list(zip(seen.start.tolist(), seen.stop.tolist(), strict=True))
    rolling = tuple(
        judge.none(reason, at) if reason else judge.reading(value, 1.0, at)
        for value, reason, at in zip(values.tolist(), why, spans, strict=True)
    )
    good = why == ""
    if good.mean() < ENOUGH:
        common = Counter(why[~good].tolist()).most_common(1)[0][0]
        return judge.none(common, span, quality=0.0), rolling
    value = float(np.median(values[good]))
    return judge.reading(value, float(good.mean()), span), rolling


class _Saturation:
    """From windows to saturations by a calibration."""

    name, unit = NAME, UNIT

    def __init__(self, calibration: Calibration) -> None:
        self._calibration, self._line = calibration, calibration.line
        self.method = calibration.method

    def none(self, why: str, span: tuple[float, float], quality: float = 0.0) -> Reading:
        return withheld(NAME, UNIT, why, method=self.method, span=span, quality=quality)

    def reading(self, value: float, share: float, span: tuple[float, float]) -> Reading:
        half, quality = self._line.half, self._line.right * share
        low, high = max(0.0, value - half), min(100.0, value + half)
        return Reading(NAME, value, UNIT, low, high, quality, self.method, span)

    def __call__(self, seen: Look) -> tuple[Array, Array]:
        """(W,) saturations [%] and (W,) why not."""
        why = seen.faults(self.method)
        calibration, line = self._calibration, self._line
        within = inside(seen.ratios, calibration.ratios) & (why == "")
        why[(why == "") & ~inside(seen.colours, calibration.colours)] = OTHER
        why[(why == "") & ~within] = FAR
        if not line.tells:
            why[why == ""] = USELESS.format(rmse=line.rmse, floor=line.floor)
        values = line(seen.ratios)
        if calibration.baseline is not None:
            known = calibration.baseline
            start, stop = known.span
            there = (seen.start >= start - 0.5) & (seen.stop <= stop + 0.5) & (why == "")
            if there.any():
                values = known.value + values - np.median(values[there])
            else:
                why[why == ""] = UNBASED.format(start=start, stop=stop)
        low, high = calibration.spo2
        out = (values < low - line.rmse) | (values > high + line.rmse)
        why[(why == "") & out] = BEYOND.format(low=low, high=high)
        return np.clip(values, low, high), why


class _Ratio:
    """The ratio of red over green itself, for research; no saturation."""

    name, unit = RATIO, RATIO_UNIT
    method = "rg"

    def none(self, why: str, span: tuple[float, float], quality: float = 0.0) -> Reading:
        return withheld(RATIO, RATIO_UNIT, why, method=self.method, span=span, quality=quality)

    def reading(self, value: float, share: float, span: tuple[float, float]) -> Reading:
        return Reading(RATIO, value, RATIO_UNIT, value, value, share, self.method, span)

    def __call__(self, seen: Look) -> tuple[Array, Array]:
        return seen.ratios[:, 0], seen.faults(self.method)


def inside(values: Array, ranges: Sequence[tuple[float, float]]) -> Array:
    """(W,) True where all of (W, K) values are in their ranges, AROUND of a width beyond too."""
    low, high = np.array(ranges).T
    reach = AROUND * (high - low)
    return np.asarray(((values >= low - reach) & (values <= high + reach)).all(axis=1))
