"""Made people in the layout of UBFC-rPPG, set 2."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from camvitals.data.synthetic.layouts.bedside import heart_rate_at
from camvitals.data.synthetic.layouts.layout import Layout, Person
from camvitals.data.synthetic.layouts.takes import taken


def write(folder: Path, people: Sequence[Person]) -> None:
    """subjectN/vid.avi without loss, and ground_truth.txt: lines of pulse, heart rate, time."""
    from camvitals.video import write_video

    for person in people:
        place, take = folder / f"subject{person.number}", taken(person, 0, clock="steady")
        place.mkdir()
        write_video(place / "vid.avi", take.frames(), time=None, codec="ffv1")
        body, time = take.body, take.time  # the owners give a value for each picture
        lines = np.stack([body.pulse_at(time), np.round(heart_rate_at(body, time)), time])
        np.savetxt(place / "ground_truth.txt", lines, "%.7e", "  ")


UBFC_RPPG_2 = Layout(rate=30.0, size=(640, 480), takes=1, write=write)
