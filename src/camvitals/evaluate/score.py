"""One recording scored: every method in every window of a protocol.

Shape letters: W windows, M methods.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from camvitals.data.recording import Recording
from camvitals.evaluate.protocol import Protocol
from camvitals.evaluate.reference import Reference
from camvitals.evaluate.result import NUMBERS, SCORES, STRATUM, WORDS, Excluded
from camvitals.evaluate.seen import Seen, see
from camvitals.evaluate.windows import Clock, check_rate, likeness, rates, ready, windows_of
from camvitals.pipeline import (
    Settings,
    clock_rate,
    heart_steps,
    measure_trace,
    pulse_of,
    unmeasurable,
)
from camvitals.records import Array, InputError, Reading, Trace, Wave, withheld
from camvitals.steps import finish
from camvitals.waves.evidence import HOP_S, WINDOW_S

HEART = "heart_rate"
VITALS = {
    HEART: "bpm",
    "respiration_rate": "breaths/min",
    "hrv_sdnn": "ms",
    "hrv_rmssd": "ms",
    "spo2": "%",
}
LONG_S = 30.0  # windows from this on are asked for more than the heart rate
SEEING = 0.5  # of the work, for progress
UNALIGNED = (
    "the owners do not say how pictures and reference lie in time; score whole recordings instead"
)
NO_PULSE = "the reference pulse is not known in enough of the window"
STILL = "the reference pulse has no peak"
NOT_HEART = "the window could not be measured"
FIELDS = ("estimate", "low", "high", "quality")


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be done with one recording.

    folder: where traces are kept, or None.   waves: score the waves too.
    """

    recording: Recording
    methods: tuple[str, ...]
    protocol: Protocol
    folder: Path | None
    waves: bool


@dataclass(frozen=True, slots=True)
class Scored:
    """The rows of one recording as columns, and the windows that were left out."""

    columns: dict[str, Array]
    excluded: tuple[Excluded, ...]


@dataclass(frozen=True, slots=True)
class _Answers:
    """What one method says of one vital sign in W windows: FIELDS (W, 4), and why not (W,)."""

    numbers: Array
    why: Array


def score(task: Task, note: Callable[[float], None]) -> Scored:
    """The rows of one recording. Raises InputError, which says why, where it cannot be scored."""
    recording, protocol = task.recording, task.protocol
    for path in recording.missing():
        raise InputError(f"its file {path} is missing or empty; copy it again")
    reference = Reference.of(recording)
    if not reference.source:
        given = ", ".join(reference.waves) or "none"
        raise InputError(
            f"it needs a reference of the heart that has beats or rates; it has {given}"
        )
    seen = see(
        recording,
        methods=task.methods,
        roi=protocol.roi or recording.roi,
        skin=protocol.skin,
        folder=task.folder,
        note=lambda share: note(SEEING * share),
    )
    check_rate(protocol, seen.source.rate)
    step = 1 / seen.source.rate if seen.source.rate > 0 else 0.0
    windows = windows_of(protocol, seen.start, seen.stop, step=step)
    bench = _Bench(seen, reference, task, windows)
    truths, left_out = bench.truths()
    parts = []
    for k, method in enumerate(task.methods):
        note(SEEING + (1 - SEEING) * k / len(task.methods))
        parts += bench.rows(method, truths)
    return Scored(_stacked(parts, recording), left_out)


def _stacked(parts: Sequence[Mapping[str, Any]], recording: Recording) -> dict[str, Array]:
    """Parts of some rows each, under each other; what a part lacks is NaN or ""."""
    counts = [len(part["start"]) for part in parts]
    same = {"corpus": recording.corpus, "recording": recording.name, "subject": recording.subject}
    same |= {STRATUM + name: value for name, value in sorted(recording.attributes.items())}
    columns: dict[str, Array] = {}
    for name in dict.fromkeys((*WORDS, *same)):
        pieces = [
            np.full(count, same.get(name, ""), dtype=object)
            if name in same
            else np.broadcast_to(np.asarray(part[name], dtype=object), count)
            for part, count in zip(parts, counts, strict=True)
        ]
        columns[name] = np.concatenate([np.array([], dtype=object), *pieces])
    for name in NUMBERS:
        pieces = [
            np.broadcast_to(np.asarray(part.get(name, np.nan), dtype=float), count)
            for part, count in zip(parts, counts, strict=True)
        ]
        columns[name] = np.concatenate([np.zeros(0), *pieces])
    return columns


@dataclass(frozen=True, slots=True)
class _Bench:
    """One recording with its reference, and the windows (W, 2) to be scored [s]."""

    seen: Seen
    reference: Reference
    task: Task
    windows: Array

    @property
    def vitals(self) -> tuple[str, ...]:
        """What the windows are long enough for, and the protocol reads."""
        lengths = np.diff(self.windows, axis=1)
        long = len(lengths) > 0 and lengths[0, 0] >= LONG_S
        if self.task.protocol.estimator == "report" and long:
            return tuple(vital for vital in VITALS if self._known(vital))
        return (HEART,)

    def _known(self, vital: str) -> bool:
        """Whether there is anything to compare such a reading with."""
        waves = self.reference.waves
        if vital == "respiration_rate":
            return vital in waves or len(self.reference.breaths) > 0
        return vital in waves if vital == "spo2" else vital == HEART or bool(self.reference.beats)

    @property
    def clock(self) -> Clock:
        """That of the trace, which is that of every wave made of it."""
        trace, source = self.seen.trace, self.seen.source
        if len(trace.time) < 3:  # nobody was seen
            return Clock(self.seen.start, source.rate)
        return Clock(float(trace.time[0]), clock_rate(trace))

    def truths(self) -> tuple[dict[str, tuple[Array, Array]], tuple[Excluded, ...]]:
        """For each vital sign the windows (w, 2) that have a truth, and it (w,); and the others."""
        recording, protocol = self.task.recording, self.task.protocol
        found, left_out = {}, Counter[tuple[str, str]]()
        for vital in self.vitals:
            same = vital == HEART and protocol.reference == "same"
            values, why = self._same() if same else self._own(vital)
            known = np.isfinite(values)
            found[vital] = (self.windows[known], values[known])
            left_out.update((vital, word) for word in why[~known])
        if len(self.windows) == 0:
            left_out[HEART, self._short()] += 1
        return found, tuple(
            Excluded(recording.corpus, recording.name, vital, why, count)
            for (vital, why), count in left_out.items()
        )

    def _short(self) -> str:
        protocol = self.task.protocol
        needed = protocol.span[1] if protocol.span is not None else protocol.window
        length = self.seen.stop - self.seen.start
        return f"the recording has {length:.1f} s but {needed or 0:.1f} are needed"

    def _own(self, vital: str) -> tuple[Array, Array]:
        """(W,) values of the reference, NaN where it has none, and (W,) why not."""
        protocol = self.task.protocol
        whole = protocol.window is None and protocol.span is None
        if not (whole or self.task.recording.aligned):
            none = np.full(len(self.windows), np.nan)
            return none, np.full(len(self.windows), UNALIGNED, dtype=object)
        values = np.full(len(self.windows), np.nan)
        why = np.full(len(self.windows), "", dtype=object)
        for w, (start, stop) in enumerate(self.windows.tolist()):
            sound, why[w] = self.reference.usable(start, stop, vital=vital, least=protocol.usable)
            if sound:
                values[w] = self.reference.value(vital, start, stop)
        return values, why

    def _same(self) -> tuple[Array, Array]:
        """As `_own`, of the contact pulse through the protocol's own estimator."""
        values, why = self._own(HEART)
        try:
            pulse = self.reference.pulse()
        except InputError:
            word = "the protocol reads the reference off a contact pulse, which there is none of"
            return np.full(len(values), np.nan), np.full(len(values), word, dtype=object)
        values, share = rates(self.task.protocol, pulse, self.windows, self.clock)
        usable = np.array([not word for word in why], dtype=bool)
        values = np.where(usable, values, np.nan)
        unknown = np.array(
            [NO_PULSE if s < self.task.protocol.covered else STILL for s in share], dtype=object
        )
        return values, np.where(usable, unknown, why)

    def rows(self, method: str, truths: Mapping[str, tuple[Array, Array]]) -> list[dict[str, Any]]:
        """One part of rows for each vital sign."""
        scores: dict[str, Array] = {}
        windows, truth = truths[HEART]
        if self.task.protocol.estimator == "report":
            answers = self._reported(method, truths)
        else:
            answers = {HEART: self._read(method, windows)}
        if self.task.waves and len(windows):
            scores = self._likeness(method, windows, truth)
        parts = []
        for vital, (windows, truth) in truths.items():
            if vital not in answers:  # reports by this method do not have it
                continue
            found = answers[vital]
            numbers = dict(zip(FIELDS, found.numbers.T, strict=True))
            place = {"start": windows[:, 0], "stop": windows[:, 1], "reference": truth}
            words = {"method": method, "vital": vital, "why": found.why}
            parts.append(words | place | numbers | (scores if vital == HEART else {}))
        return parts

    def _settings(self, method: str) -> Settings:
        protocol = self.task.protocol
        return Settings(method, protocol.roi or self.task.recording.roi, protocol.skin)

    def _pulse(self, method: str) -> Wave | str:
        """The pulse of the report, or why there is none."""
        try:
            trace = self.seen.for_method(method)
            return unmeasurable(trace) or pulse_of(trace, settings=self._settings(method))
        except InputError as error:
            return str(error)

    def _read(self, method: str, windows: Array) -> _Answers:
        """Rates read off the pulse of the report as the protocol does."""
        wave = self._pulse(method)
        numbers = np.full((len(windows), len(FIELDS)), np.nan)
        if isinstance(wave, str):
            return _Answers(numbers, np.full(len(windows), wave, dtype=object))
        numbers[:, 0], share = rates(self.task.protocol, wave, windows, self.clock)
        why = np.full(len(windows), "", dtype=object)
        for w in np.flatnonzero(np.isnan(numbers[:, 0])):
            why[w] = (
                f"the pulse is known in {share[w]:.0%} of the window"
                if share[w] < self.task.protocol.covered
                else "the pulse does not vary"
            )
        return _Answers(numbers, why)

    def _likeness(self, method: str, windows: Array, truth: Array) -> dict[str, Array]:
        """The wave columns; where rates are read off reports, of the waves unfiltered."""
        protocol, clock = self.task.protocol, self.clock
        wave = self._pulse(method)
        found = np.full((len(windows), len(SCORES)), np.nan)
        try:
            pulse = self.reference.pulse()
        except InputError:
            return {}
        if isinstance(wave, str):
            return {}
        at_once = 64
        for at in range(0, len(windows), at_once):
            part = slice(at, at + at_once)
            mine, theirs = (
                ready(protocol, clock.cut(w, windows[part]), rate=clock.rate)[0]
                for w in (wave, pulse)
            )
            found[part] = likeness(mine, theirs, truth[part], rate=clock.rate)
        return dict(zip(SCORES, found.T, strict=True))

    def _reported(
        self, method: str, truths: Mapping[str, tuple[Array, Array]]
    ) -> dict[str, _Answers]:
        """Readings of the report: its sliding ones, or those of each window cut out."""
        windows = truths[HEART][0]
        if self.task.protocol.window == WINDOW_S:
            return {HEART: _answers(self._sliding(method, windows))}
        spans = dict.fromkeys(tuple(s) for wanted, _ in truths.values() for s in wanted.tolist())
        read = {span: self._cut_out(method, span, tuple(truths)) for span in spans}
        had = {HEART}.union(*read.values())
        return {
            vital: _answers(
                [
                    read[span].get(vital) or _none(vital, NOT_HEART, method, span)
                    for span in map(tuple, wanted.tolist())
                ]
            )
            for vital, (wanted, _) in truths.items()
            if vital in had
        }

    def _sliding(self, method: str, windows: Array) -> list[Reading]:
        """For each window the sliding reading nearest to it, at most half a hop away."""
        missing = "the face is not in view, or the signal broken, for a part of the window"
        rolling: tuple[Reading, ...] = ()
        try:
            trace = self.seen.for_method(method)
            heart, rolling, _, _ = finish(heart_steps(trace, settings=self._settings(method)))
            missing = missing if rolling else heart.why
        except InputError as error:
            missing = str(error)
        starts = np.array([reading.span[0] for reading in rolling])
        found = []
        for start, stop in windows.tolist():
            at = int(np.abs(starts - start).argmin()) if len(starts) else -1
            if at >= 0 and abs(starts[at] - start) <= 0.5 * HOP_S + 1e-6 and _long(rolling[at]):
                found.append(rolling[at])
            else:
                found.append(_none(HEART, missing, method, (start, stop)))
        return found

    def _cut_out(
        self, method: str, span: tuple[float, float], vitals: tuple[str, ...]
    ) -> dict[str, Reading]:
        """The readings of the report of one window cut out, as if it were the recording."""
        start, stop = span
        try:
            trace = self.seen.for_method(method)
            whole = start <= self.seen.start and stop >= self.seen.stop
            trace = trace if whole else trace.between(start - 1e-9, stop - 1e-9)
            return _readings(trace, self.seen, self._settings(method), vitals)
        except InputError as error:
            return {HEART: _none(HEART, str(error), method, span)}


def _readings(
    trace: Trace, seen: Seen, settings: Settings, vitals: tuple[str, ...]
) -> dict[str, Reading]:
    if len(trace.time) < 2:
        raise InputError("nobody is in the picture; show the face to the camera")
    if vitals == (HEART,):
        return {HEART: finish(heart_steps(trace, settings=settings))[0]}
    report = measure_trace(trace, source=seen.source, settings=settings)
    return {reading.name: reading for reading in report.readings}


def _long(reading: Reading) -> bool:
    """A stretch shorter than a window gives one reading that is shorter too."""
    return reading.span[1] - reading.span[0] >= WINDOW_S - 0.5 * HOP_S


def _none(vital: str, why: str, method: str, span: tuple[float, float]) -> Reading:
    return withheld(vital, VITALS[vital], why, method=method, span=span)


def _answers(readings: Sequence[Reading]) -> _Answers:
    """Readings as columns; None becomes NaN."""
    rows = [(reading.value, reading.low, reading.high, reading.quality) for reading in readings]
    numbers = np.array(rows, dtype=float).reshape(-1, len(FIELDS))
    return _Answers(numbers, np.array([reading.why for reading in readings], dtype=object))
