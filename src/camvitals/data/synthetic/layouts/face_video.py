"""Made faces as a plain folder of videos, each with the truth beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from camvitals.data.synthetic.layouts.layout import Layout, Person
from camvitals.data.synthetic.simulate import simulate


def write(folder: Path, people: Sequence[Person]) -> None:
    """person_01/clip_1.mp4 … with clip_1.truth.json and clip_1.truth.csv."""
    for person in people:
        place = folder / f"person_{person.number:02d}"
        place.mkdir()
        for index in range(FACE_VIDEO.takes):
            simulate(place / f"clip_{index + 1}.mp4", person.take(index).scenario)


FACE_VIDEO = Layout(rate=30.0, size=(640, 480), takes=2, write=write)
