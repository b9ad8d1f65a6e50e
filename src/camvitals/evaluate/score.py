"""One recording scored: every method in every window of a protocol.

Shape letters: W windows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from camvitals.data.recording import Recording
from camvitals.evaluate.protocol import Protocol
from camvitals.evaluate.readings import (
    FIELDS,
    HEART,
    VITALS,
    Answers,
    cut_out,
    pulse,
    read,
    sliding,
)
from camvitals.evaluate.reference import Reference
from camvitals.evaluate.result import NUMBERS, SCORES, STRATUM, WORDS, Excluded
from camvitals.evaluate.seen import Seen, see
from camvitals.evaluate.windows import Clock, check_rate, likeness, rates, ready, windows_of
from camvitals.pipeline import Settings
from camvitals.records import Array, InputError, Wave
from camvitals.waves.evidence import WINDOW_S
from camvitals.waves.view import clock_rate

LONG_S = 30.0  # windows from this on are asked for more than the heart rate
SEEING = 0.5  # of the work, for progress
AT_ONCE = 64  # windows whose waves are compared together
NO_PULSE = "the protocol reads the reference off a contact pulse, and there is none"
UNKNOWN = "the contact pulse is not known in enough of the window"
STILL = "the contact pulse has no peak in the band"
UNALIGNED = (
    "the owners do not say how pictures and reference lie in time; score whole recordings instead"
)
Truths = dict[str, tuple[Array, Array]]


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be done with one recording.

    folder: where traces are kept, or None.   waves: score the waves too.   enhance: as `measure`
    takes it.
    """

    recording: Recording
    methods: tuple[str, ...]
    protocol: Protocol
    folder: Path | None
    waves: bool
    enhance: str | None = None

    @property
    def roi(self) -> str:
        """How the recording is looked at."""
        return self.protocol.roi or self.recording.roi

    def settings(self, method: str) -> Settings | str:
        """The settings of `measure` for one method, or why they do not go together."""
        try:
            return Settings(method, self.roi, self.protocol.skin, None, self.enhance)
        except InputError as error:
            return str(error)


@dataclass(frozen=True, slots=True)
class Scored:
    """The rows of one recording as columns, and the windows that were left out."""

    columns: dict[str, Array]
    excluded: tuple[Excluded, ...]


def score(task: Task, note: Callable[[float], None]) -> Scored:
    """The rows of one recording. Raises InputError, which says why, where it cannot be scored."""
    recording, protocol = task.recording, task.protocol
    for path in recording.missing():
        raise InputError(f"its file {path} is missing or empty; copy it again")
    reference = Reference.of(recording)
    if not reference.source:
        has = ", ".join(reference.waves) or "no reference at all"
        raise InputError(f"it needs a reference with beats or rates of the heart but has {has}")
    seen = see(
        recording,
        methods=task.methods,
        roi=task.roi,
        skin=protocol.skin,
        folder=task.folder,
        enhance=task.enhance,
        note=lambda share: note(SEEING * share),
    )
    check_rate(protocol, seen.source.rate)
    step = 1 / seen.source.rate if seen.source.rate > 0 else 0.0
    windows = windows_of(protocol, seen.start, seen.stop, step=step)
    bench = _Bench(task, _within(protocol, seen), reference, windows)
    truths, left_out = bench.truths()
    parts = bench.parts(truths, lambda share: note(SEEING + (1 - SEEING) * share))
    return Scored(_stacked(parts, recording), left_out)


def _within(protocol: Protocol, seen: Seen) -> Seen:
    """What methods may see: of a protocol with a span nothing before and after it."""
    if protocol.span is None:
        return seen
    first, last = (seen.start + edge for edge in protocol.span)
    cut = seen.trace.between(first - 1e-6, last - 1e-6)
    return replace(seen, trace=cut) if len(cut.time) > 2 else seen


def _stacked(parts: Sequence[Mapping[str, Any]], recording: Recording) -> dict[str, Array]:
    """Parts of some rows each, under each other; what a part lacks is NaN."""
    counts = [len(part["start"]) for part in parts]
    same = {"corpus": recording.corpus, "recording": recording.name, "subject": recording.subject}
    same |= {STRATUM + name: value for name, value in sorted(recording.attributes.items())}
    columns: dict[str, Array] = {}
    for name in dict.fromkeys((*WORDS, *same)):
        if name in same:
            columns[name] = np.full(sum(counts), same[name], dtype=object)
            continue
        pieces = [
            np.broadcast_to(np.asarray(p[name], dtype=object), len(p["start"])) for p in parts
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
    """One recording as it was seen, its reference, and the windows (W, 2) to be scored [s]."""

    task: Task
    seen: Seen
    reference: Reference
    windows: Array

    @property
    def clock(self) -> Clock:
        """That of the trace, which is that of every wave made of it."""
        trace, source = self.seen.trace, self.seen.source
        if len(trace.time) < 3:  # nobody was seen
            return Clock(self.seen.start, source.rate)
        return Clock(float(trace.time[0]), clock_rate(trace))

    @property
    def vitals(self) -> tuple[str, ...]:
        """What the windows are long enough for, the protocol reads, and the reference knows."""
        lengths = np.diff(self.windows, axis=1)
        long = len(lengths) > 0 and lengths[0, 0] >= LONG_S
        if self.task.protocol.estimator == "report" and long:
            return tuple(vital for vital in VITALS if self._known(vital))
        return (HEART,)

    def _known(self, vital: str) -> bool:
        waves = self.reference.waves
        if vital == "respiration_rate":
            return vital in waves or len(self.reference.breaths) > 0
        return vital in waves if vital == "spo2" else vital == HEART or bool(self.reference.beats)

    def truths(self) -> tuple[Truths, tuple[Excluded, ...]]:
        """For each vital sign the windows (w, 2) that have a truth, and it (w,); and the others."""
        recording, protocol = self.task.recording, self.task.protocol
        found: Truths = {}
        left_out = Counter[tuple[str, str]]()
        for vital in self.vitals:
            values, why = self._truth(vital)
            known = np.isfinite(values)
            found[vital] = (self.windows[known], values[known])
            left_out.update((vital, word) for word in why[~known])
        if len(self.windows) == 0:
            needed = protocol.window if protocol.span is None else protocol.span[1]
            length = self.seen.stop - self.seen.start
            why_short = f"the recording has {length:.1f} s but {needed or 0:.1f} are needed"
            left_out[HEART, why_short] = 1
        return found, tuple(
            Excluded(recording.corpus, recording.name, vital, word, count)
            for (vital, word), count in left_out.items()
        )

    def _truth(self, vital: str) -> tuple[Array, Array]:
        """(W,) values, NaN where there is none, and (W,) why not."""
        protocol = self.task.protocol
        values = np.full(len(self.windows), np.nan)
        why = np.full(len(self.windows), "", dtype=object)
        whole = protocol.window is None and protocol.span is None
        if not (whole or self.task.recording.aligned):
            why[:] = UNALIGNED
            return values, why
        for w, (start, stop) in enumerate(self.windows.tolist()):
            sound, why[w] = self.reference.usable(start, stop, vital=vital, least=protocol.usable)
            if sound:
                values[w] = self.reference.value(vital, start, stop)
        if vital == HEART and protocol.reference == "same":
            return self._same(np.isfinite(values), why)
        return values, why

    def _same(self, sound_W: Array, why: Array) -> tuple[Array, Array]:
        """Of the contact pulse through the protocol's own estimator, where it is sound."""
        contact = self._contact()
        if contact is None:
            return np.full(len(why), np.nan), np.full(len(why), NO_PULSE, dtype=object)
        values, known = rates(self.task.protocol, contact, self.windows, self.clock)
        unread = np.where(known < self.task.protocol.covered, UNKNOWN, STILL).astype(object)
        return np.where(sound_W, values, np.nan), np.where(sound_W, unread, why)

    def _contact(self) -> Wave | None:
        try:
            return self.reference.pulse()
        except InputError:
            return None

    def parts(self, truths: Truths, note: Callable[[float], None]) -> list[dict[str, Any]]:
        """Rows as columns, in parts: one for each method and vital sign."""
        methods, protocol = self.task.methods, self.task.protocol
        windows, truth = truths[HEART]
        pulses: dict[str, Wave | str] = {}
        answers: dict[str, dict[str, Answers]] = {}
        reports = protocol.estimator == "report"
        for k, method in enumerate(methods):
            note(k / len(methods))
            settings = self.task.settings(method)
            if reports:
                answers[method] = self._reported(settings, truths)
            if self.task.waves or not reports:
                pulses[method] = (
                    settings if isinstance(settings, str) else pulse(self.seen, settings)
                )
        if not reports:
            found = read(protocol, pulses, windows, self.clock)
            answers = {method: {HEART: found[method]} for method in methods}
        parts = []
        for method in methods:
            scores = self._likeness(pulses.get(method), windows, truth)
            for vital, said in answers[method].items():
                windows_of_it, value = truths[vital]
                place = {"start": windows_of_it[:, 0], "stop": windows_of_it[:, 1]}
                words = {"method": method, "vital": vital, "why": said.why, "reference": value}
                numbers = dict(zip(FIELDS, said.numbers.T, strict=True))
                parts.append(place | words | numbers | (scores if vital == HEART else {}))
        return parts

    def _reported(self, settings: Settings | str, truths: Truths) -> dict[str, Answers]:
        """Readings of the report: its sliding ones, or those of each window cut out."""
        if isinstance(settings, str):
            return {HEART: Answers.none(len(truths[HEART][0]), settings)}
        if self.task.protocol.window == WINDOW_S:
            return {HEART: sliding(self.seen, settings, truths[HEART][0])}
        windows = {vital: known for vital, (known, _) in truths.items()}
        return cut_out(self.seen, settings, windows)

    def _likeness(self, wave: Wave | str | None, windows: Array, truth: Array) -> dict[str, Array]:
        """The wave columns, of waves made ready as the protocol does."""
        contact = self._contact() if self.task.waves else None
        if not isinstance(wave, Wave) or contact is None:
            return {}
        found = np.full((len(windows), len(SCORES)), np.nan)
        protocol, clock = self.task.protocol, self.clock
        for at in range(0, len(windows), AT_ONCE):
            part = slice(at, at + AT_ONCE)
            mine, theirs = (
                ready(protocol, clock.cut(one, windows[part]), rate=clock.rate)[0]
                for one in (wave, contact)
            )
            found[part] = likeness(mine, theirs, truth[part], rate=clock.rate)
        return dict(zip(SCORES, found.T, strict=True))
