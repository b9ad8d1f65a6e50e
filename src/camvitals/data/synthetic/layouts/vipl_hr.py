"""VIPL-HR as its owners ship it: pictures have their times in time.txt, not in the video."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from camvitals.data.synthetic.layouts.layout import Layout, Person, Take
from camvitals.records import Array
from camvitals.video import write_video

PULSE_HZ = 60.0
TOP = 100  # of the oximeter's scale
CONTAINER_HZ = 25.0  # the videos were written again at this rate, whatever the camera's
SOURCES = ("source1", "source2")


def write(folder: Path, people: Sequence[Person]) -> None:
    """data/p1/v1/source1, a web camera with time.txt, and source2, a phone without."""
    for person in people:
        for index, source in enumerate(SOURCES):
            part = folder / "data" / f"p{person.number}" / "v1" / source
            part.mkdir(parents=True)
            _write_take(part, person.take(index), timed=source != "source2")


def _write_take(folder: Path, take: Take, *, timed: bool) -> None:
    shown = take.time
    rate = CONTAINER_HZ if timed else take.scenario.rate
    write_video(
        folder / "video.avi",
        (image for image, _ in take.frames()),
        time=np.arange(len(shown)) / rate,
        codec="mjpeg",
    )
    if timed:
        np.savetxt(folder / "time.txt", np.round(1e3 * shown), "%d")
    body = take.body
    time = np.arange(int(take.scenario.duration * PULSE_HZ) + 1) / PULSE_HZ
    pulse = TOP * np.clip(0.1 + 0.6 * body.pulse_at(time), 0, 1)
    seconds = np.arange(int(take.scenario.duration) + 1.0)
    _write_column(folder / "wave.csv", "Wave", pulse)
    _write_column(folder / "gt_HR.csv", "HR", np.full(len(seconds), body.heart_rate))
    _write_column(folder / "gt_SpO2.csv", "SpO2", body.spo2_at(seconds))


def _write_column(path: Path, name: str, values: Array) -> None:
    np.savetxt(path, np.round(np.nan_to_num(values)), "%d", header=name, comments="")


VIPL_HR = Layout(rate=30.0, size=(960, 720), takes=len(SOURCES), write=write)
