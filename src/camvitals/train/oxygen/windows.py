"""Windows of colour traces with the saturation that belongs to each.

Shape letters: T samples, W windows, N samples of a window, S seconds of the reference.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from camvitals.data.recording import Recording
from camvitals.dsp.clean import GAP_S, rate_of, runs, uniform
from camvitals.evaluate.oxygen import Course
from camvitals.evaluate.oxygen_calibration import OLD_S, reference_at
from camvitals.records import Array, InputError, Wave
from camvitals.vitals.ratios import ends_of, pulsation, windows_of

LABELS = ("end", "centre")


@dataclass(frozen=True, slots=True)
class Take:
    """One recording with its reference on the same clock.

    name, subject: as its owners call them; hand: or whatever the take is of.
    colours: (T, 3) uniform from 0 s, without gaps, at `rate` [Hz].
    time, spo2: (S,) s and % of the reference.
    """

    name: str
    subject: str
    hand: str
    colours: Array
    rate: float
    time: Array
    spo2: Array

    @property
    def gap(self) -> float:
        """The longest time between two readings of the reference, 0 where that is no gap [s]."""
        longest = float(np.diff(self.time).max())
        return longest if longest > OLD_S + GAP_S else 0.0

    @property
    def seconds(self) -> float:
        """How long both are there [s]."""
        return float(min((len(self.colours) - 1) / self.rate, self.time[-1]))

    def spo2_at(self, times: Array) -> Array:
        """Reference by lines between its readings; NaN outside and in gaps of over five seconds."""
        return reference_at(Wave(self.spo2, self.time, "spo2", "%"), times)


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows of several takes, in their order.

    colours: (W, N, 3).   spo2: (W,) the label [%], NaN where there is none.
    start, end: (W,) s of the first and last sample.   take: (W,) index into `takes`.
    """

    colours: Array
    spo2: Array
    start: Array
    end: Array
    take: Array
    takes: tuple[Take, ...]

    def __len__(self) -> int:
        return len(self.spo2)

    @property
    def subject(self) -> Array:
        """(W,) names."""
        return np.array([take.subject for take in self.takes])[self.take]

    @property
    def recording(self) -> Array:
        """(W,) names."""
        return np.array([take.name for take in self.takes])[self.take]

    @property
    def hand(self) -> Array:
        """(W,) names."""
        return np.array([take.hand for take in self.takes])[self.take]

    def at(self, chosen_W: Array) -> Windows:
        """Some of them, by index or by truth."""
        return replace(
            self,
            colours=self.colours[chosen_W],
            spo2=self.spo2[chosen_W],
            start=self.start[chosen_W],
            end=self.end[chosen_W],
            take=self.take[chosen_W],
        )

    def course(self, pulse_W: Array | None = None) -> Course:
        """What the scores need; pulse_W: rates of pulse, if known."""
        pulse = np.full(len(self), np.nan) if pulse_W is None else pulse_W
        return Course(self.spo2, self.end, self.recording, self.subject, pulse)


def read_takes(recordings: Iterable[Recording], *, rate: float) -> tuple[Take, ...]:
    """Takes with a saturation reference at one rate [Hz], from recordings of colours.

    Raises InputError for one with a gap in its colours, or without a reference.
    """
    return tuple(_read(recording, rate) for recording in recordings)


def _read(recording: Recording, rate: float) -> Take:
    if recording.colours is None:
        raise InputError(f"{recording.name} needs colours but is a video; prepare its traces first")
    trace, wave = recording.colours(), recording.reference("spo2")
    rgb = trace.rgb[:, trace.names.index(trace.main)].astype(float)
    time = trace.time - trace.time[0]
    if abs(rate_of(time) - rate) > 1e-6 * rate or np.ptp(np.diff(time)) > 1e-6:
        rgb, _ = uniform(rgb, time, rate=rate)
    stretch = runs(np.isfinite(rgb).all(axis=1))
    if not stretch or stretch[0] != slice(0, len(rgb)):
        raise InputError(f"{recording.name} has a gap in its colours; leave it out")
    known = np.isfinite(wave.values)
    if known.sum() < 2:
        raise InputError(f"{recording.name} needs 2 readings of SpO2; leave it out")
    return Take(
        name=recording.name,
        subject=recording.subject,
        hand=recording.attributes.get("hand", recording.task),
        colours=rgb,
        rate=rate,
        time=wave.time[known] - trace.time[0],
        spo2=np.asarray(wave.values[known], dtype=float),
    )


def cut(
    takes: Iterable[Take],
    *,
    length: float,
    stride: float,
    label: str = "end",
    lag: float = 0.0,
) -> Windows:
    """Sliding windows of every take, those without a label left out.

    length, stride: [s].   label: where a window's saturation is taken, at its "end" or "centre".
    lag: [s] by which the reference shows later what the camera sees.
    """
    if label not in LABELS:
        raise InputError(f"no label {label!r}; choose {' or '.join(LABELS)}")
    every = tuple(takes)
    parts = [_cut(take, length, stride, label, lag) for take in every]
    rates = {take.rate for take in every}
    if len(rates) != 1:
        raise InputError(f"windows need takes of one rate but these have {sorted(rates)}")
    colours, spo2, start, end = (np.concatenate(column) for column in zip(*parts, strict=True))
    owner = np.repeat(np.arange(len(every)), [len(part[1]) for part in parts])
    whole = np.isfinite(spo2)
    return Windows(colours, spo2, start, end, owner, every).at(whole)


def _cut(
    take: Take, length: float, stride: float, label: str, lag: float
) -> tuple[Array, Array, Array, Array]:
    colours = windows_of(take.colours, rate=take.rate, length=length, stride=stride)
    end = ends_of(len(take.colours), rate=take.rate, length=length, stride=stride)
    start = end - (round(length * take.rate) - 1) / take.rate
    at = end if label == "end" else (start + end) / 2
    return colours.astype(np.float32), take.spo2_at(at + lag), start, end


def fitted_lag(takes: Iterable[Take], *, lags: Iterable[float]) -> float:
    """The lag [s] of the reference behind the camera that is best for all of some takes.

    It is judged by the mean over takes of the correlation between the logarithm of the red level,
    mean of ten seconds, and the reference: give training takes only.
    """
    every, wanted = tuple(takes), tuple(lags)
    found = {}
    for lag in wanted:
        windows = cut(every, length=10.0, stride=2.0, lag=lag)
        level = np.log(np.maximum(windows.colours[..., 0].mean(axis=1), 1e-3))
        each = [
            np.corrcoef(level[windows.take == k], windows.spo2[windows.take == k])[0, 1]
            for k in range(len(every))
        ]
        found[lag] = float(np.mean(each))
    return max(found, key=lambda lag: abs(found[lag]))


def relative_to_start(takes: Iterable[Take], *, until: float) -> tuple[Take, ...]:
    """Colours over their mean in the first `until` seconds, times 100: no reference is looked at.

    It takes for granted that all began alike, as with normal saturation.
    """
    return tuple(
        replace(take, colours=100 * take.colours / take.colours[: round(until * take.rate)].mean(0))
        for take in takes
    )


def shuffled(take: Take, *, block: float, rng: np.random.Generator) -> Take:
    """The same colours with a reference whose stretches of `block` seconds are in another order."""
    number = (take.time // block).astype(int)
    order = rng.permutation(np.unique(number))
    rows = np.concatenate([np.flatnonzero(number == one) for one in order])
    return replace(take, spo2=take.spo2[rows])


def pulse_rates(windows: Windows, *, length: float, stride: float) -> Array:
    """(W,) bpm of windows that `cut` made with these, as the camera sees it."""
    found = np.full(len(windows), np.nan)
    for k, take in enumerate(windows.takes):
        rows = windows.take == k
        seen = pulsation(take.colours, rate=take.rate, length=length, stride=stride)
        found[rows] = 60 * np.interp(windows.end[rows], seen.end, seen.pulse)
    return found
