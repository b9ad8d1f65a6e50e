"""Corpus: how one collection of recordings is read, and where a person gets it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from camvitals.data.files import hidden
from camvitals.data.recording import Recording
from camvitals.records import InputError


@dataclass(frozen=True, slots=True)
class Corpus:
    """One layout, as its owners ship it.

    title: its name in papers.   source: paper or page to ask at.   licence: in a few words.
    layout: what a folder of it holds, in one line; told when a folder holds something else.
    find: folder in, takes out, sorted by name; it lists files and reads no signal.
    """

    title: str
    source: str
    licence: str
    layout: str
    find: Callable[[Path], Iterator[Recording]]

    def read(self, folder: Path | str) -> tuple[Recording, ...]:
        """Every take in a folder. Raises InputError when it holds none in this layout.

        Takes of which a file is hidden, or lies in a hidden folder, are left out.
        """
        folder = Path(folder)
        if not folder.exists():
            raise InputError(f"there is no folder at {folder}; check the path")
        every = (take for take in self.find(folder) if not _hidden(take, folder))
        found = tuple(sorted(every, key=lambda take: take.name))
        if not found:
            raise InputError(f"{folder} holds nothing of {self.title}: it needs {self.layout}")
        return found


def _hidden(take: Recording, folder: Path) -> bool:
    inside = (path for path in take.files if path.is_relative_to(folder))
    return any(hidden(path, folder) for path in inside)
