"""Reference: what is true of a recording, and over which spans it may be believed.

Shape letters: K beats.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from camvitals.data.recording import Recording
from camvitals.data.synthetic.physiology import TEMPLATE
from camvitals.dsp.clean import bandpass, rate_of, runs, uniform
from camvitals.dsp.peaks import peaks, prominences, refine
from camvitals.evaluate.soundness import (
    LEAST_SEEN,
    LONGEST_S,
    MOST_APART_BPM,
    MOST_FLAT,
    PIECE_S,
    Soundness,
    cleaned,
    flat_share,
    mean_between,
    seen_share,
    soundness,
)
from camvitals.records import Array, InputError, Wave
from camvitals.vitals.beats import Beats, beats
from camvitals.vitals.ecg import r_peaks
from camvitals.vitals.variability import GOOD_BEAT, artefacts

ESTIMATORS = {
    "ecg": "R peaks of the ECG (Pan & Tompkins, 1985)",
    "pulse": "upslopes of the contact pulse",
    "blood_pressure": "upslopes of the blood pressure",
    "rr": "the beat intervals that the sensor gives",
    "heart_rate": "mean over the span of the heart rate that the device shows",
}
COUNTED = "; mean rate over the span, parts of beats counted at both ends"
ASIDE = 2  # beats that a rate is carried on for beyond the first and the last one found
OFF_S = 0.02  # between a given interval and the times of its beats
BREATH_HZ = (0.05, 1.0)
BREATH_RATES = (3.0, 60.0)  # per minute
BREATH_SHARE = 0.3  # of the third quartile of rises, below which a rise is no breath
SPO2_RANGE = (50.0, 100.0)
VITALS = ("heart_rate", "respiration_rate", "spo2", "hrv_sdnn", "hrv_rmssd")


@dataclass(frozen=True, slots=True)
class Reference:
    """What is true of one recording, on the clock of its pictures.

    waves:  the reference waves by name.
    source: the one that beats or rates are of, "" when there is none of the heart.
    beats:  of `source`, None when that is a rate.
    second: name and beats of another sensor of the heart, or None.
    breaths: (K,) s at which breathing in ends, NaN between stretches; empty when not known.
    """

    waves: Mapping[str, Wave]
    source: str = ""
    beats: Beats | None = None
    second: tuple[str, Beats] | None = None
    breaths: Array = field(default_factory=lambda: np.zeros(0))
    clean: Mapping[str, Wave] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, recording: Recording) -> Reference:
        """The truth of a recording; raises InputError when its references cannot be read."""
        return cls.of_waves(recording.references())

    @classmethod
    def of_waves(cls, waves: Mapping[str, Wave]) -> Reference:
        """The truth that these reference waves tell; names are those of data.recording.REFERENCES.

        Beats are of the ECG where there is one that has any, else of the contact pulse, the blood
        pressure, the beat intervals; else there is only the rate that a device shows.
        """
        found = {n: b for n in BEATS if n in waves and len((b := BEATS[n](waves[n])).time) > 2}
        names = list(found)
        source = names[0] if names else "heart_rate" if "heart_rate" in waves else ""
        others = [n for n in names[1:] if n != "rr"]
        return cls(
            waves=dict(waves),
            source=source,
            beats=found[source] if names else None,
            second=(others[0], found[others[0]]) if others else None,
            breaths=_breaths(waves["breath"]) if "breath" in waves else np.zeros(0),
            clean={name: cleaned(waves[name]) for name in names if name != "rr"},
        )

    @property
    def estimator(self) -> str:
        """How the heart rate is had, for the text of a protocol."""
        counted = COUNTED if self.beats is not None else ""
        return ESTIMATORS.get(self.source, "no reference of the heart") + counted

    def value(self, vital: str, start: float, stop: float) -> float:
        """One of VITALS over a span [s], in its unit; NaN when it is not known."""
        between = {
            "heart_rate": self.rate_between,
            "respiration_rate": self.breath_between,
            "spo2": self.spo2_between,
            "hrv_sdnn": self.sdnn_between,
            "hrv_rmssd": self.rmssd_between,
        }
        if vital not in between:
            raise InputError(f"no reference of {vital!r}; choose one of {', '.join(VITALS)}")
        return between[vital](start, stop)

    def rate_between(self, start: float, stop: float) -> float:
        """Mean heart rate over a span [bpm], parts of beats counted at both ends.

        NaN when the beats do not reach so far or pause for more than LONGEST_S in it. Where there
        are no beats it is the mean of the rate that the device shows.
        """
        if self.beats is not None:
            return _counted(self.beats.time, start, stop, longest=LONGEST_S)
        wave = self.waves.get("heart_rate")
        return mean_between(wave, (start, stop)) if wave is not None else float("nan")

    def breath_between(self, start: float, stop: float) -> float:
        """Mean breathing rate over a span [breaths/min], parts of breaths counted at both ends.

        Of the breath wave, else the mean of the rate that a device shows; NaN when not known.
        """
        if len(self.breaths):
            return _counted(self.breaths, start, stop, longest=60 / BREATH_RATES[0])
        wave = self.waves.get("respiration_rate")
        return mean_between(wave, (start, stop)) if wave is not None else float("nan")

    def spo2_between(self, start: float, stop: float) -> float:
        """Mean oxygen saturation over a span [%]; NaN when not known or out of SPO2_RANGE."""
        wave = self.waves.get("spo2")
        if wave is None:
            return float("nan")
        good = (wave.values >= SPO2_RANGE[0]) & (wave.values <= SPO2_RANGE[1])
        shown = Wave(np.where(good, wave.values, np.nan), wave.time, "spo2", wave.unit)
        return mean_between(shown, (start, stop))

    def sdnn_between(self, start: float, stop: float) -> float:
        """Standard deviation of the normal intervals within a span [ms]; NaN for fewer than 3."""
        interval, _ = self._normal(start, stop)
        return float(1e3 * interval.std(ddof=1)) if len(interval) > 2 else float("nan")

    def rmssd_between(self, start: float, stop: float) -> float:
        """Root mean square of successive differences of normal intervals [ms]; NaN without."""
        interval, follows = self._normal(start, stop)
        change = np.diff(interval)[follows[1:]]
        return float(1e3 * np.sqrt(np.mean(change**2))) if len(change) > 1 else float("nan")

    def _normal(self, start: float, stop: float) -> tuple[Array, Array]:
        """Normal intervals inside a span [s], and whether each follows the one before directly."""
        if self.beats is None:
            return np.zeros(0), np.zeros(0, dtype=bool)
        end, interval, quality = self.beats.intervals()
        normal = (quality >= GOOD_BEAT) & ~artefacts(interval)
        kept = np.flatnonzero(normal & (end - interval >= start) & (end <= stop))
        touching = np.isclose(end[kept[1:]] - interval[kept[1:]], end[kept[:-1]], atol=1e-6)
        return interval[kept], np.r_[False, touching & (np.diff(kept) == 1)][: len(kept)]

    def soundness(self, start: float, stop: float, *, of: str = "") -> Soundness:
        """How sound the signal of the heart is over a span; of: "" for `source`, or the second."""
        name = of or self.source
        found = self.beats
        if self.second is not None and name == self.second[0]:
            found = self.second[1]
        wave = self.waves.get(name)
        rate = self.rate_between(start, stop)
        if found is not None:
            rate = _counted(found.time, start, stop, longest=LONGEST_S)
        return soundness(
            name,
            (start, stop),
            wave=None if name == "rr" else wave,
            clean=self.clean.get(name),
            beats=found,
            rate=rate,
            own=self.waves.get("signal_quality"),
        )

    def usable(
        self, start: float, stop: float, *, vital: str = "heart_rate", least: float = 1.0
    ) -> tuple[bool, str]:
        """Whether a span may be scored, and if not, why, in words that can be counted.

        vital: one of VITALS.   least: share of its pieces of PIECE_S that must be sound, 0–1.
        """
        whys = self.faults(start, stop, vital=vital)
        bad = [why for why in whys if why]
        if 1 - len(bad) / len(whys) >= least and np.isfinite(self.value(vital, start, stop)):
            return True, ""
        return False, bad[0] if bad else "the reference is not known throughout"

    def faults(self, start: float, stop: float, *, vital: str = "heart_rate") -> list[str]:
        """Why each piece of a span (PIECE_S, or the whole when shorter) is unsound; "" if not."""
        if not stop > start:
            raise InputError(f"a span needs start < stop but got {start:g}–{stop:g} s")
        count = max(1, round((stop - start) / PIECE_S))
        edges = np.linspace(start, stop, count + 1)
        pieces = [(float(a), float(b)) for a, b in pairwise(edges)]
        if vital == "respiration_rate":
            return [self._breath_fault((start, stop))]
        if vital == "spo2":
            return ["" if np.isfinite(self.spo2_between(*p)) else _NO_SPO2 for p in pieces]
        return [self._heart_fault(*piece) for piece in pieces]

    def _heart_fault(self, start: float, stop: float) -> str:
        if not self.source:
            return "there is no reference of the heart"
        mine = self.soundness(start, stop)
        if mine.why or self.second is None:
            return mine.why
        other = self.soundness(start, stop, of=self.second[0])
        apart = abs(other.rate - mine.rate)
        if not other.why and apart > MOST_APART_BPM:
            names = f"{self.source} and {self.second[0]}".replace("_", " ")
            return f"the {names} disagree"
        return ""

    def _breath_fault(self, span: tuple[float, float]) -> str:
        rate, wave = self.breath_between(*span), self.waves.get("breath")
        if not np.isfinite(rate):
            return "the breath is not known throughout"
        if not BREATH_RATES[0] <= rate <= BREATH_RATES[1]:
            return "the breath has a rate out of range"
        if wave is not None and seen_share(wave, span) < LEAST_SEEN:
            return "the breath is not known throughout"
        return "the breath is flat" if wave and flat_share(wave, span) > MOST_FLAT else ""

    def pulse(self) -> Wave:
        """The contact pulse as recorded (blood pressure likewise), or one made of the beats.

        A made pulse starts its rise at the R peak: it is earlier than a contact pulse by the time
        that the blood takes to the skin. Raises InputError when there are neither.
        """
        for name in ("pulse", "blood_pressure"):
            if name in self.waves:
                return self.waves[name]
        if self.beats is None:
            raise InputError("a pulse needs an ECG, contact pulse or beat intervals; none is here")
        return pulse_of(self.beats)


_NO_SPO2 = "the oxygen saturation is not known throughout"
MADE_HZ = 125.0


def pulse_of(found: Beats) -> Wave:
    """A pulse wave of a fixed shape at MADE_HZ, one foot at each beat; NaN where beats do not join.

    found: at least two beats.
    """
    time = np.arange(found.time[0], found.time[-1], 1 / MADE_HZ)
    beat = np.clip(np.searchsorted(found.time, time, side="right") - 1, 0, len(found.time) - 2)
    part = (time - found.time[beat]) / np.diff(found.time)[beat]
    values = np.interp(part, np.linspace(0, 1, len(TEMPLATE)), TEMPLATE)
    return Wave(np.where(found.joined[beat], values, np.nan), time, "pulse")


def _counted(time: Array, start: float, stop: float, *, longest: float) -> float:
    """Events a minute over a span, parts counted; NaN where they pause or do not reach."""
    if len(time) < 3 or not stop > start:
        return float("nan")
    before = time[0] - (time[1] - time[0]) * np.arange(ASIDE, 0, -1)
    after = time[-1] + (time[-1] - time[-2]) * np.arange(1, ASIDE + 1)
    events = np.r_[before, time, after]
    if start < events[0] or stop > events[-1]:
        return float("nan")
    first = int(np.searchsorted(events, start, side="right")) - 1
    last = int(np.searchsorted(events, stop))
    if np.diff(events[first : last + 1]).max() > longest:
        return float("nan")
    counted = np.interp([start, stop], events, np.arange(len(events)))
    return float(60 * (counted[1] - counted[0]) / (stop - start))


def _beats_of_intervals(wave: Wave) -> Beats:
    """Beats of given intervals [ms], each at the time of the beat that ends it."""
    known = np.isfinite(wave.values)
    time, interval = wave.time[known], wave.values[known] / 1e3
    if len(time) == 0:
        time, interval = np.zeros(0), np.zeros(0)
        joined = np.zeros(0, dtype=bool)
    else:
        joined = np.abs(np.diff(time) - interval[1:]) <= OFF_S
        time, joined = np.r_[time[0] - interval[0], time], np.r_[True, joined]
    sure, none = np.ones(len(time)), np.zeros(len(time))
    run = np.r_[0, np.cumsum(~joined)] if len(time) else none.astype(int)
    span = (float(wave.time[0]), float(wave.time[-1]))
    return Beats(time, sure, run, none, int((~joined).sum()), span)


BEATS: dict[str, Callable[[Wave], Beats]] = {
    "ecg": r_peaks,
    "pulse": beats,
    "blood_pressure": beats,
    "rr": _beats_of_intervals,
}


def _breaths(wave: Wave) -> Array:
    """(K,) s of the ends of breathing in (Schäfer & Kratky, Ann Biomed Eng 36:476, 2008).

    Rises smaller than BREATH_SHARE of the third quartile are no breaths.
    """
    rate = min(rate_of(wave.time), 25.0)
    if rate <= 2.5 * BREATH_HZ[1]:
        return np.zeros(0)
    values, time = uniform(wave.values, wave.time, rate=rate)
    found = []
    for run in sorted(runs(np.isfinite(values)), key=lambda run: run.start):
        if run.stop - run.start < PIECE_S * rate:
            continue
        x = bandpass(values[run], rate=rate, low=BREATH_HZ[0], high=BREATH_HZ[1])
        at = peaks(x)
        if len(at) > 1:
            least = BREATH_SHARE * float(np.quantile(prominences(x, at), 0.75))
            tops = refine(x, peaks(x, prominence=least))
            found.append(time[run.start] + tops / rate)
    return np.concatenate(found) if found else np.zeros(0)
