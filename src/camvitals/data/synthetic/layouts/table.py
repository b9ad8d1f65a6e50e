"""Made people as a table of one's own recordings."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from camvitals.data.synthetic.layouts.layout import Layout, Person, Take

SIGNAL_HZ = 125.0
SPLITS = ("train", "val", "test")
TOLD = ("tone", "light", "motion")


def write(folder: Path, people: Sequence[Person]) -> None:
    """recordings.csv, videos/NAME.mp4 and references/NAME.csv with time, pulse, ecg, breath."""
    from camvitals.video import write_video

    (folder / "videos").mkdir()
    (folder / "references").mkdir()
    rows = []
    for person in people:
        name, take = f"person{person.number:03d}", person.take(0)
        row = {"video": f"videos/{name}.mp4", "reference": f"references/{name}.csv"}
        write_video(folder / row["video"], take.frames(), time=None, crf=12)
        _write_signals(folder / row["reference"], take)
        row |= {"subject": name, "split": SPLITS[(person.number - 1) % len(SPLITS)]}
        rows.append(row | {what: str(getattr(take.scenario, what)) for what in TOLD})
    with (folder / "recordings.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)


def _write_signals(path: Path, take: Take) -> None:
    body = take.body
    time = np.arange(int(body.duration * SIGNAL_HZ) + 1) / SIGNAL_HZ
    ecg = np.interp(time, body.time, body.ecg)
    columns = np.column_stack([time, body.pulse_at(time), ecg, body.breath_at(time)])
    np.savetxt(path, columns, "%.5f", ",", header="time,pulse,ecg,breath", comments="")


TABLE = Layout(rate=30.0, size=(640, 480), takes=1, write=write)
