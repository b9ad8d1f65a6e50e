"""How sound a reference signal is over a span, by fixed rules, so that bad truth scores nobody.

The rules for beats are those of Orphanidou et al., IEEE JBHI 19:832 (2015), who judged ECG and
pulse 10 s at a time against what people called usable; the range of rates and the agreement of two
sensors are those of bob.db.hci_tagging (Heusch et al., 2017). What is flat or clipped is ours.
Shape letters: T samples, K beats, U samples around a beat.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from camvitals.dsp.clean import GAP_S, bandpass, rate_of, runs, uniform
from camvitals.records import Array, Wave
from camvitals.vitals.beats import Beats

PIECE_S = 10.0
RATES_BPM = (30.0, 240.0)
LONGEST_S = 3.0  # between two beats
MOST_UNEVEN = 2.2  # longest over shortest interval
LEAST_LIKENESS = {"ecg": 0.66, "pulse": 0.86, "blood_pressure": 0.86}
MOST_APART_BPM = 3.0  # two sensors of one heart
LEAST_SEEN = 0.95
FLAT_S, MOST_FLAT = 1.0, 0.1  # a heart does not rest for so long; share of such samples
EDGE, MOST_CLIPPED = 1e-3, 0.15  # share of the range that is an extreme; share of samples there
LEAST_OWN = 0.5  # of a quality 0–1 that the owners give
BAND_HZ = {"ecg": (0.5, 40.0), "pulse": (0.5, 8.0), "blood_pressure": (0.5, 8.0)}


@dataclass(frozen=True, slots=True)
class Soundness:
    """Of one sensor of the heart over a span; NaN where it has no such thing.

    seen, flat, clipped: share of the span known; not moving for FLAT_S; at the ends of the range.
    rate: [bpm].   longest: interval [s].   uneven: longest over shortest interval.
    lost: intervals in which a beat was lost.   likeness: mean correlation of beats with their mean.
    own: mean quality 0–1 that the owners of the corpus give.
    """

    name: str
    seen: float
    flat: float
    clipped: float
    rate: float
    longest: float
    uneven: float
    lost: int
    likeness: float
    own: float

    @property
    def why(self) -> str:
        """Why it is no truth, in words that do not change with the numbers; "" when it is sound."""
        least = LEAST_LIKENESS.get(self.name, 0.0)
        checks = {
            "is not known throughout": self.seen < LEAST_SEEN,
            "is flat": self.flat > MOST_FLAT,
            "is clipped": self.clipped > MOST_CLIPPED,
            "pauses": self.longest > LONGEST_S,
            "has no rate": not np.isfinite(self.rate),
            "has a rate out of range": not RATES_BPM[0] <= self.rate <= RATES_BPM[1],
            "lost beats": self.lost > 0,
            "has uneven beats": self.uneven > MOST_UNEVEN,
            "has beats unlike each other": self.likeness < least,
            "is bad by its owners' own quality": self.own < LEAST_OWN,
        }
        told = [text for text, bad in checks.items() if bad]
        return f"the {self.name.replace('_', ' ')} {told[0]}" if told else ""


def soundness(
    name: str,
    span: tuple[float, float],
    *,
    wave: Wave | None = None,
    clean: Wave | None = None,
    beats: Beats | None = None,
    rate: float = np.nan,
    own: Wave | None = None,
) -> Soundness:
    """What can be said of one sensor over a span (start, stop) [s].

    wave: as recorded; clean: within its band (of `cleaned`); beats: found in it.
    rate: over the span [bpm].   own: quality 0–1 that the owners give.
    """
    interval, lost = _intervals(beats, span) if beats is not None else (np.zeros(0), 0)
    known = len(interval) > 0
    return Soundness(
        name=name,
        seen=seen_share(wave, span) if wave is not None else _told_share(beats, span),
        flat=flat_share(wave, span) if wave is not None and name in BAND_HZ else 0.0,
        clipped=clipped_share(wave, span) if wave is not None and name in BAND_HZ else 0.0,
        rate=rate,
        longest=float(interval.max()) if known else np.nan,
        uneven=float(interval.max() / interval.min()) if known else np.nan,
        lost=lost,
        likeness=_likeness(clean, beats, span) if clean is not None and beats is not None else 1.0,
        own=mean_between(own, span) if own is not None else np.nan,
    )


def cleaned(wave: Wave) -> Wave:
    """The wave within the band in which its beats are compared; runs under 2 s are NaN."""
    low, high = BAND_HZ[wave.name]
    rate = rate_of(wave.time)
    values, time = uniform(wave.values, wave.time, rate=rate)
    out = np.full(len(values), np.nan)
    for run in runs(np.isfinite(values)):
        if run.stop - run.start >= 2 * rate:
            out[run] = bandpass(values[run], rate=rate, low=low, high=min(high, 0.45 * rate))
    return Wave(out, time, wave.name, wave.unit)


def within(wave: Wave, span: tuple[float, float]) -> Array:
    """The samples of a wave in a span, NaN left in."""
    first, stop = np.searchsorted(wave.time, span)
    return np.asarray(wave.values[first:stop], dtype=float)


def mean_between(wave: Wave, span: tuple[float, float]) -> float:
    """Mean over time of a wave over a span, joined by lines; NaN when it is not known enough."""
    known = np.isfinite(wave.values)
    if not known.any() or seen_share(wave, span) < LEAST_SEEN:
        return float("nan")
    grid = span[0] + (np.arange(200) + 0.5) / 200 * (span[1] - span[0])
    return float(np.interp(grid, wave.time[known], wave.values[known]).mean())


def seen_share(wave: Wave, span: tuple[float, float]) -> float:
    """Share of a span no further than GAP_S, or the wave's own pace, from a known sample."""
    known = wave.time[np.isfinite(wave.values)]
    pace = 1 / rate_of(wave.time) if len(wave.time) > 1 else 0.0
    first, stop = np.searchsorted(known, span)
    inside = known[max(0, first - 1) : stop + 1]
    if len(inside) == 0:
        return 0.0
    ends = np.clip(np.r_[span[0], inside, span[1]], *span)
    gaps = np.diff(ends)
    return float(1 - gaps[gaps > max(GAP_S, 1.5 * pace)].sum() / (span[1] - span[0]))


def flat_share(wave: Wave, span: tuple[float, float]) -> float:
    """Share of the known samples of a span that lie in stretches of FLAT_S without any change."""
    values = within(wave, span)
    values = values[np.isfinite(values)]
    if len(values) < 2:
        return 0.0
    still = np.abs(np.diff(values)) <= 1e-9 * max(1e-300, float(np.ptp(values)))
    least = FLAT_S * rate_of(wave.time)
    lengths = [run.stop - run.start for run in runs(still)]
    return float(sum(n for n in lengths if n >= least) / len(still))


def clipped_share(wave: Wave, span: tuple[float, float]) -> float:
    """Share of the known samples of a span at either end of the range of the whole wave."""
    values, known = within(wave, span), wave.values[np.isfinite(wave.values)]
    values = values[np.isfinite(values)]
    if len(values) == 0 or np.ptp(known) == 0:
        return 0.0
    margin = EDGE * np.ptp(known)
    at_end = (values >= known.max() - margin) | (values <= known.min() + margin)
    return float(at_end.mean())


def _intervals(beats: Beats, span: tuple[float, float]) -> tuple[Array, int]:
    """Intervals that touch the span and join two beats directly, and how many others do."""
    touching = (beats.time[1:] > span[0]) & (beats.time[:-1] < span[1])
    interval = np.diff(beats.time)
    return interval[touching & beats.joined], int((touching & ~beats.joined).sum())


def _told_share(beats: Beats | None, span: tuple[float, float]) -> float:
    """Share of the span between the first and the last beat, where there is no wave."""
    if beats is None or len(beats.time) == 0:
        return 0.0
    inside = min(span[1], beats.time[-1] + 1.5) - max(span[0], beats.time[0] - 1.5)
    return float(np.clip(inside / (span[1] - span[0]), 0, 1))


def _likeness(clean: Wave, beats: Beats, span: tuple[float, float]) -> float:
    """Mean correlation of the beats of a span, a median interval wide, with their mean."""
    time = beats.time[(beats.time >= span[0]) & (beats.time < span[1])]
    if len(time) < 3:
        return float("nan")
    width = float(np.median(np.diff(time)))
    around = np.linspace(-width / 2, width / 2, 64)
    pieces = np.interp(time[:, None] + around, clean.time, clean.values)
    pieces = pieces[np.isfinite(pieces).all(axis=1)]
    if len(pieces) < 3:
        return float("nan")
    pieces = pieces - pieces.mean(axis=1, keepdims=True)
    mean = pieces.mean(axis=0)
    scale = np.sqrt((pieces**2).sum(axis=1) * (mean**2).sum())
    return float((pieces @ mean / np.maximum(scale, 1e-300)).mean())
