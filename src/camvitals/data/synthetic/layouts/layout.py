"""Layout: how one public corpus lays out its files, and the made people put into it."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from camvitals.data.synthetic.camera import time_stamps
from camvitals.data.synthetic.physiology import Physiology, simulate_physiology
from camvitals.data.synthetic.scenario import Scenario
from camvitals.records import Array, InputError


@dataclass(frozen=True, slots=True)
class Person:
    """One made subject of a corpus: `number` from 1, and the scenario of the first take."""

    number: int
    scenario: Scenario

    def take(self, index: int) -> Take:
        """Another recording of the same person: 0 is the first; the others beat on differently."""
        seed = self.scenario.seed + 1_000_003 * index
        return Take(self.scenario if index == 0 else self.scenario.again(seed))


@dataclass(frozen=True, slots=True)
class Take:
    """One recording to be laid out: pictures when asked, and what the body did."""

    scenario: Scenario

    @property
    def body(self) -> Physiology:
        """Waves and beats on the clock of the pictures; `pulse_at(time)` and the like."""
        return simulate_physiology(self.scenario)

    @property
    def time(self) -> Array:
        """(T,) s of the pictures."""
        return np.asarray(time_stamps(self.scenario))

    def frames(self) -> Iterator[tuple[Array, float]]:
        """(H, W, 3) uint8 RGB pictures and their times [s]."""
        from camvitals.data.synthetic.scene import frames

        return frames(self.scenario)


@dataclass(frozen=True, slots=True)
class Layout:
    """The public layout of one corpus.

    rate: pictures a second [Hz], as its owners recorded.   size: (width, height) px of theirs.
    takes: recordings of each person that `write` makes.
    write: folder, people; writes them exactly as the owners ship theirs.
    take: person, number from 0: what the body does in each, where a protocol asks for more than
        another seed.   more_from: number of the person from whom on there is one take more.
    """

    rate: float
    size: tuple[int, int]
    takes: int
    write: Callable[[Path, Sequence[Person]], None]
    take: Callable[[Person, int], Take] = Person.take
    more_from: int | None = None


def write_corpus(
    folder: str | os.PathLike[str], layout: Layout, scenarios: Sequence[Scenario]
) -> None:
    """Write made people into a new folder in a public layout; it appears whole or not at all.

    scenarios: one for each subject; rate and size may differ from the owners'.
    Raises InputError when the folder is there already.
    """
    folder = Path(folder)
    if folder.exists():
        raise InputError(f"{folder} is there already; choose another folder or remove it")
    part = folder.with_name(f".{uuid.uuid4().hex[:8]}-{folder.name}")
    part.mkdir(parents=True)
    try:
        layout.write(part, [Person(n, s) for n, s in enumerate(scenarios, start=1)])
        part.replace(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
