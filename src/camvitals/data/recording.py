"""Recording: one take of one person as a corpus has it, with references on their own clocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from camvitals.records import InputError, Trace, Wave
from camvitals.video import Video

# What a reference wave may be called, and its unit; a wave of unknown scale has unit "1".
REFERENCES = {
    "pulse": "1",  # contact photoplethysmogram
    "ecg": "mV",
    "breath": "1",
    "blood_pressure": "mmHg",
    "heart_rate": "bpm",
    "respiration_rate": "breaths/min",
    "spo2": "%",
    "rr": "ms",  # each beat interval, at the time of the beat that ends it
    "signal_quality": "1",  # of the contact pulse, as the owners judged it; larger is better
}


@dataclass(frozen=True, slots=True)
class Recording:
    """One take of one person; nothing is read before it is asked for.

    corpus, subject, session, task: as the owners name them; session and task may be "".
    references: called without arguments, returns the reference waves by their names in
        REFERENCES. Each has its own clock, in seconds on the time axis of the pictures.
    pictures: opens the video; or None where the owners give colour traces only, and then
    colours: returns the Trace.
    split: train, val or test where the owners say so, else "".
    attributes: what strata are made of, such as tone, light, motion, device; in words.
    files: everything that this take needs, so that what is missing can be named.
    roi: how to look at it, as in measure(roi=…).
    span: seconds of the pictures' clock that belong to the take, or None for all.
    aligned: False where the owners do not give the offset between pictures and references.

    It can be sent to another process: use functools.partial of module functions, not closures.
    """

    corpus: str
    subject: str
    references: Callable[[], Mapping[str, Wave]]
    pictures: Callable[[], Video] | None = None
    colours: Callable[[], Trace] | None = None
    session: str = ""
    task: str = ""
    split: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    roi: str = "face"
    span: tuple[float, float] | None = None
    aligned: bool = True

    def __post_init__(self) -> None:
        if (self.pictures is None) == (self.colours is None):
            raise InputError(f"recording {self.name} needs pictures or colours, one of the two")

    @property
    def name(self) -> str:
        """Subject, session and task joined by "/", unique within its corpus."""
        return "/".join(part for part in (self.subject, self.session, self.task) if part)

    def reference(self, name: str) -> Wave:
        """One reference wave; InputError names those there are."""
        found = self.references()
        if name not in found:
            raise InputError(
                f"{self.corpus} {self.name} has no reference {name!r}; it has "
                f"{', '.join(found) or 'none'}"
            )
        return found[name]

    def missing(self) -> Iterator[Path]:
        """The files of this take that are not there or are empty."""
        for path in self.files:
            if not path.exists() or (path.is_file() and path.stat().st_size == 0):
                yield path
