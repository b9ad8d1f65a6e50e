"""Made people in the layout of COHFACE."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from camvitals.data.files import library
from camvitals.data.synthetic.layouts.layout import Layout, Person, Take
from camvitals.data.synthetic.layouts.takes import taken

SIGNAL_HZ = 256.0
BIT_RATE = 250_000
LIGHTS = ("lamp", "lamp", "daylight", "daylight")  # studio twice, then by the window


def write(folder: Path, people: Sequence[Person]) -> None:
    """N/0 … N/3, each with data.avi (MPEG-4, 250 kbit/s) and data.hdf5 (256 Hz)."""
    from camvitals.video import write_video

    for person in people:
        for session, light in enumerate(LIGHTS):
            place = folder / str(person.number) / str(session)
            place.mkdir(parents=True)
            take = taken(person, session, light=light, clock="steady")
            frames = take.frames()
            write_video(place / "data.avi", frames, time=None, codec="mpeg4", bit_rate=BIT_RATE)
            _write_signals(place / "data.hdf5", take)


def _write_signals(path: Path, take: Take) -> None:
    body = take.body
    time = np.arange(int(body.duration * SIGNAL_HZ)) / SIGNAL_HZ
    with library("h5py", "h5py", path=path).File(path, "w") as file:
        file.attrs["sample-rate-hz"] = SIGNAL_HZ
        file["pulse"] = 40 + 10 * body.pulse_at(time)
        file["respiration"] = 45 + 5 * body.breath_at(time)
        file["time"] = time


COHFACE = Layout(rate=20.0, size=(640, 480), takes=len(LIGHTS), write=write)
