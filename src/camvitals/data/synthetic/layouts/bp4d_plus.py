"""Made people as BP4D+ lays its people out: a zip of pictures each, and signals at 1 kHz."""

from __future__ import annotations

import dataclasses
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from zipfile import ZipFile

import numpy as np

from camvitals.data.synthetic.layouts.bedside import breath_rate_at, heart_rate_at, pressure_at
from camvitals.data.synthetic.layouts.layout import Layout, Person, Take
from camvitals.records import Array

RATE_HZ = 25.0
SIGNAL_HZ = 1000.0
TASKS = ("T1", "T2")
JPEG = re.compile(rb"\xff\xd8\xff.*?\xff\xd9", re.DOTALL)  # from its first marker to its last
RESTING_V = 5.0


def write(folder: Path, people: Sequence[Person]) -> None:
    """2D+3D/F001.zip (F001/T1/0000.jpg …) and Physiology/F001/T1/BP_mmHg.txt and others."""
    (folder / "2D+3D").mkdir()
    for person in people:
        subject = subject_code(person.number)
        with ZipFile(folder / "2D+3D" / f"{subject}.zip", "w") as archive:
            for index, task in enumerate(TASKS):
                take = at_rate(person.take(index))
                for number, data in enumerate(_jpegs(take)):
                    archive.writestr(f"{subject}/{task}/{number:04d}.jpg", data)
                place = folder / "Physiology" / subject / task
                place.mkdir(parents=True)
                for name, values in signals(take).items():
                    np.savetxt(place / name, values, "%.6f")


def subject_code(number: int) -> str:
    """F001, M001, F002 … in turn."""
    return f"{'MF'[number % 2]}{(number + 1) // 2:03d}"


def at_rate(take: Take) -> Take:
    """The same take at the owners' 25 pictures a second, none lost."""
    return Take(dataclasses.replace(take.scenario, rate=RATE_HZ, clock="steady"))


def signals(take: Take) -> dict[str, Array]:
    """Their signals at 1 kHz by file name."""
    body = take.body
    time = np.arange(int(take.scenario.duration * SIGNAL_HZ)) / SIGNAL_HZ
    return {
        "BP_mmHg.txt": pressure_at(body, time),
        "Pulse Rate_BPM.txt": heart_rate_at(body, time),
        "Resp_Volts.txt": RESTING_V + body.breath_at(time),
        "Respiration Rate_BPM.txt": breath_rate_at(body, time),
    }


def _jpegs(take: Take) -> Iterator[bytes]:
    """The pictures as JPEG files: those that a film of them consists of."""
    from camvitals.video import write_video

    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "film.avi"
        write_video(film, take.frames(), time=None, codec="mjpeg")
        yield from JPEG.findall(film.read_bytes())


BP4D_PLUS = Layout(rate=RATE_HZ, size=(1040, 1392), takes=len(TASKS), write=write)
