"""What the references of a recording say of any window.

Shape letters: J intervals between beats, T samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from camvitals.data.recording import Recording
from camvitals.dsp.clean import GAP_S
from camvitals.records import Array, InputError, Wave
from camvitals.vitals.beats import Beats, beats
from camvitals.vitals.ecg import r_peaks

GOOD_BEAT = 0.5
PULSE_HZ = 60.0  # of a pulse made of beats


@dataclass(frozen=True, slots=True)
class Truth:
    """References of one recording. starts, stops: (J,) s of each trusted beat interval."""

    waves: Mapping[str, Wave]
    starts: Array
    stops: Array

    @classmethod
    def of(cls, recording: Recording) -> Truth:
        """Read the references. Raises InputError where none of them tells the heart rate."""
        waves = recording.references()
        known = {n: w for n, w in waves.items() if np.isfinite(w.values).sum() > 1}
        starts, stops = _intervals(known)
        if len(starts) == 0 and "heart_rate" not in known:
            given = ", ".join(n if n in known else f"{n} (empty)" for n in waves) or "no reference"
            raise InputError(
                f"it needs a reference of the heart (rr, ecg, pulse or heart_rate) but has {given}"
            )
        return cls(known, starts, stops)

    def knows(self, vital: str) -> bool:
        """Whether there is anything to compare such readings with."""
        if vital.startswith("hrv_"):
            return len(self.starts) > 0
        return vital == "heart_rate" or vital in self.waves

    def value(self, vital: str, start: float, stop: float, *, usable: float) -> tuple[float, str]:
        """The value in a window [s], or NaN and the reason.

        usable: least share of the window for which the reference must be known, 0–1.
        """
        if vital.startswith("hrv_"):
            share, value = self._variability(vital, start, stop)
        elif vital == "heart_rate" and len(self.starts):
            share, value = self._rate(start, stop)
        else:
            share, value = _mean(self.waves[vital], start, stop)
        if share < usable or not np.isfinite(value):
            return float("nan"), f"the reference is usable in less than {usable:.0%} of the window"
        return value, ""

    def pulse(self) -> Wave | None:
        """The contact pulse; a cosine that goes with the beats where there is only an ECG."""
        if "pulse" in self.waves or len(self.starts) == 0:
            return self.waves.get("pulse")
        time = np.arange(self.starts[0], self.stops[-1], 1 / PULSE_HZ)
        at = np.clip(np.searchsorted(self.starts, time, side="right") - 1, 0, None)
        phase = (time - self.starts[at]) / (self.stops[at] - self.starts[at])
        values = np.where(phase <= 1, np.cos(2 * np.pi * phase), np.nan)
        return Wave(values, time, "pulse")

    def _rate(self, start: float, stop: float) -> tuple[float, float]:
        """Share of the window in beat intervals, and their mean rate [bpm]."""
        inside = np.minimum(self.stops, stop) - np.maximum(self.starts, start)
        inside = np.maximum(inside, 0.0)
        seconds = float(inside.sum())
        beats_inside = float((inside / (self.stops - self.starts)).sum())
        return seconds / (stop - start), 60 * beats_inside / seconds if seconds else float("nan")

    def _variability(self, vital: str, start: float, stop: float) -> tuple[float, float]:
        inside = (self.starts >= start) & (self.stops <= stop)
        first, last = self.starts[inside], self.stops[inside]
        length = 1e3 * (last - first)
        change = np.diff(length)[np.isclose(first[1:], last[:-1], rtol=0, atol=1e-6)]
        if len(change) < 2:
            return 0.0, float("nan")
        value = length.std(ddof=1) if vital == "hrv_sdnn" else np.sqrt((change**2).mean())
        return self._rate(start, stop)[0], float(value)


def _intervals(waves: Mapping[str, Wave]) -> tuple[Array, Array]:
    """Starts and stops [s] of trusted beat intervals of the best reference there is."""
    if "rr" in waves:
        ends, length = waves["rr"].time, waves["rr"].values / 1e3
        good = np.isfinite(length) & (length > 0)
        return ends[good] - length[good], ends[good]
    for name, find in (("ecg", r_peaks), ("pulse", beats)):
        if name in waves:
            found: Beats = find(waves[name])
            ends, length, quality = found.intervals()
            good = quality >= GOOD_BEAT
            return ends[good] - length[good], ends[good]
    return np.zeros(0), np.zeros(0)


def _mean(wave: Wave, start: float, stop: float) -> tuple[float, float]:
    """Share of a window in which a wave is known, and its mean."""
    inside = (wave.time >= start) & (wave.time <= stop) & np.isfinite(wave.values)
    time = wave.time[inside]
    if len(time) == 0:
        return 0.0, float("nan")
    step = max(GAP_S, 1.5 * float(np.median(np.diff(wave.time))))
    edges = np.r_[start, time, stop]
    gaps = np.diff(edges)
    lost = float((gaps - step)[gaps > step].sum())
    return 1 - lost / (stop - start), float(wave.values[inside].mean())
