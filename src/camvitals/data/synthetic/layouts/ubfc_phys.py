"""Made people in the layout of UBFC-Phys."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from camvitals.data.synthetic.layouts.layout import Layout, Person
from camvitals.data.synthetic.layouts.takes import taken

PULSE_HZ, SKIN_HZ = 64.0, 4.0
MOTIONS = {"T1": "still", "T2": "talk", "T3": "talk"}


def write(folder: Path, people: Sequence[Person]) -> None:
    """sN/vid_sN_Tk.avi (motion JPEG), bvp_sN_Tk.csv (64 Hz) and eda_sN_Tk.csv (4 Hz)."""
    from camvitals.video import write_video

    for person in people:
        subject = f"s{person.number}"
        place = folder / subject
        place.mkdir()
        for index, (task, motion) in enumerate(MOTIONS.items()):
            take = taken(person, index, motion=motion, clock="steady")
            end = f"{subject}_{task}"
            write_video(place / f"vid_{end}.avi", take.frames(), time=None, codec="mjpeg")
            body = take.body
            time = np.arange(int(body.duration * PULSE_HZ)) / PULSE_HZ
            np.savetxt(place / f"bvp_{end}.csv", 100 * body.pulse_at(time), "%.2f")
            slow = np.arange(int(body.duration * SKIN_HZ)) / SKIN_HZ
            conductance = 2 + 0.05 * body.breath_at(slow)  # µS; nobody's stress is modelled
            np.savetxt(place / f"eda_{end}.csv", conductance, "%.4f")


UBFC_PHYS = Layout(rate=35.0, size=(1024, 1024), takes=len(MOTIONS), write=write)
