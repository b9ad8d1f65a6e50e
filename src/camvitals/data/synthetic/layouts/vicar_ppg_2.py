"""Made people as VicarPPG 2 lays its people out: Videos/ and GroundTruth/PPG/Cleaned/."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from camvitals.data.synthetic.layouts.layout import Layout, Person
from camvitals.data.synthetic.simulate import CRF

CONDITIONS = ("base", "hrv")
PULSE_HZ = 60.0


def write(folder: Path, people: Sequence[Person]) -> None:
    """Videos/01-base.mp4 and GroundTruth/PPG/Cleaned/01-base PPG.csv (ms, pulse)."""
    from camvitals.video import write_video

    pulses = folder / "GroundTruth" / "PPG" / "Cleaned"
    pulses.mkdir(parents=True)
    (folder / "Videos").mkdir()
    for person in people:
        for index, condition in enumerate(CONDITIONS):
            take, name = person.take(index), f"{person.number:02d}-{condition}"
            video = folder / "Videos" / f"{name}.mp4"
            write_video(video, take.frames(), time=None, crf=CRF["h264"])
            time = np.arange(int(take.scenario.duration * PULSE_HZ) + 1) / PULSE_HZ
            table = np.column_stack([1e3 * time, take.body.pulse_at(time)])
            path = pulses / f"{name} PPG.csv"
            np.savetxt(path, table, "%.6f", ",", header="Time,Signal", comments="")


VICAR_PPG_2 = Layout(rate=60.0, size=(1280, 720), takes=len(CONDITIONS), write=write)
