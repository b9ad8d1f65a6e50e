"""Made people in the layout of UBFC-rPPG, set 1."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from camvitals.data.synthetic.layouts.bedside import heart_rate_at
from camvitals.data.synthetic.layouts.layout import Layout, Person
from camvitals.data.synthetic.layouts.takes import oximeter_shows, taken

OXIMETER_HZ = 62.1
RATE_HZ = 28.67


def write(folder: Path, people: Sequence[Person]) -> None:
    """N-gt/vid.avi without loss, and gtdump.xmp: rows of ms, heart rate, SpO2, pulse."""
    from camvitals.video import write_video

    for person in people:
        place, take = folder / f"{person.number}-gt", taken(person, 0, clock="steady")
        place.mkdir()
        write_video(place / "vid.avi", take.frames(), time=None, codec="ffv1")
        body = take.body
        time = np.arange(int(body.duration * OXIMETER_HZ) + 1) / OXIMETER_HZ
        stamps = np.round(1e3 * time)
        pulse = oximeter_shows(body.pulse_at(stamps / 1e3))
        shown = (heart_rate_at(body, time), body.spo2_at(time), pulse)
        np.savetxt(place / "gtdump.xmp", np.column_stack([stamps, *shown]), "%.0f", ",")


UBFC_RPPG_1 = Layout(rate=RATE_HZ, size=(640, 480), takes=1, write=write)
