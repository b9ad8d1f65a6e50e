"""Made fingertips as the Welltory dataset lays them out: frame times, and a strap's intervals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from camvitals.data.synthetic.finger import made_finger
from camvitals.data.synthetic.layouts.layout import Layout, Person


def write(folder: Path, people: Sequence[Person]) -> None:
    """subject_01/PPG.csv (time [ms], R, G, B) and RR.txt [ms] of each."""
    for person in people:
        place = folder / f"subject_{person.number:02d}"
        place.mkdir()
        trace, truth = made_finger(person.scenario)
        table = np.column_stack([1e3 * (trace.time - trace.time[0]), trace.rgb[:, 0]])
        form = ("%d", "%.3f", "%.3f", "%.3f")
        np.savetxt(place / "PPG.csv", table, form, ",", header="time,R,G,B", comments="")
        beats = truth.beats[(truth.beats >= 0) & (truth.beats <= person.scenario.duration)]
        intervals = np.round(1e3 * np.diff(beats)).astype(int)
        (place / "RR.txt").write_text(" ".join(map(str, intervals)), encoding="utf-8")


FINGER_HRV = Layout(rate=30.0, size=(176, 144), takes=1, write=write)
