"""Degraded video as an axis of evaluation: every method on the same people at every level."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from camvitals.data.degrade import degradation
from camvitals.data.degrade_video import degraded, face_width, kept, untouched
from camvitals.data.recording import Recording
from camvitals.evaluate.protocol import Protocol
from camvitals.evaluate.result import joined
from camvitals.evaluate.score import Scored, Task, score
from camvitals.parallel import Note
from camvitals.records import InputError

Work = Callable[[Task, Note], Scored]


@contextmanager
def work_of(
    protocol: Protocol, recordings: Sequence[Recording], folder: Path | None
) -> Iterator[Work]:
    """How a recording is scored by a protocol: as it is, or at every level as well.

    Films on their way lie below `folder`, or where temporary files do, for each process
    at most one that is drawn and one degraded; all are gone at the end.
    Raises InputError where there is nothing to degrade in any recording.
    """
    if not protocol.degrade:
        yield score
        return
    if recordings and all(take.pictures is None for take in recordings):
        raise InputError(
            "degradation needs recordings with videos but all of these hold colours alone; take a "
            "corpus with videos"
        )
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".camvitals-", dir=folder) as room:
        yield partial(score_levels, room=Path(room))


def score_levels(task: Task, note: Note, *, room: Path) -> Scored:
    """The rows of one recording as it is and at every level of the protocol.

    room: a folder for films on their way.
    Raises InputError, which names the level, where one of them cannot be scored.
    """
    levels = task.protocol.degrade
    parts: list[Scored] = []

    def told(share: float) -> None:
        note((len(parts) + share) / (1 + len(levels)))

    with tempfile.TemporaryDirectory(dir=room) as place:
        for path in task.recording.missing():
            raise InputError(f"its file {path} is missing or empty; copy it again")
        source = kept(task.recording, folder=Path(place), note=lambda share: told(share / 2))
        parts.append(score(replace(task, recording=untouched(source)), told))
        sized = source.pictures and any(degradation(level).face for level in levels)
        face = face_width(source.pictures) if source.pictures and sized else None
        for level in levels:
            parts.append(_at(level, replace(task, recording=source), told, Path(place), face))
    columns = joined([part.columns for part in parts])
    return Scored(columns, tuple(one for part in parts for one in part.excluded))


def _at(level: str, task: Task, told: Note, place: Path, face: float | None) -> Scored:
    with tempfile.TemporaryDirectory(dir=place) as folder:
        take = degraded(task.recording, level, folder=Path(folder), face=face)
        try:
            return score(replace(task, recording=take), told)
        except InputError as error:
            raise InputError(f"at {level}: {error}") from error
