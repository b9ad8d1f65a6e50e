"""Made people as MCD-rPPG lays its people out: three cameras, one wall clock for all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from camvitals.data.synthetic.layouts.layout import Layout, Person, Take
from camvitals.records import Array

# In the order of their names, which is that of the readers: the first take is "after".
STEPS = ("after", "before")
CAMERA = "FullHDwebcam"
PULSE_HZ = 100.0
SPARE = 11  # lines that meta/ goes on after the last picture, as theirs do
LEAD_S = 0.7  # the pulse is recorded from before the first picture on
EPOCH = datetime(2023, 11, 13, 14, 18, 9, 856232)


def write(folder: Path, people: Sequence[Person]) -> None:
    """video/, meta/, ppg/ and ppg_sync/ of the frontal webcam, and db.csv."""
    for name in ("video", "meta", "ppg", "ppg_sync"):
        (folder / name).mkdir()
    rows = ["patient_id,camera,step,sex,age,video,ppg_sync,meta,ppg"]
    for person in people:
        number = 1019 + person.number
        for index, step in enumerate(STEPS):
            take, name = person.take(index), f"{number}_{CAMERA}_{step}"
            start = EPOCH + timedelta(days=person.number, minutes=10 * index)
            _write_take(folder, name, f"{number}_{step}.PW", take, start)
            sex, age = "FM"[person.number % 2], 20 + person.number % 60
            rows.append(
                f"{number},{CAMERA},{step},{sex},{age},video/{name}.avi,ppg_sync/{name}.txt,"
                f"meta/{name}.txt,ppg/{number}_{step}.PW"
            )
    (folder / "db.csv").write_text("\n".join([*rows, ""]), encoding="utf-8")


def _write_take(folder: Path, name: str, pulse: str, take: Take, start: datetime) -> None:
    from camvitals.video import write_video

    video = folder / "video" / f"{name}.avi"
    # their container counts pictures at a nominal rate, whenever they were taken
    count = np.arange(len(take.time)) / take.scenario.rate
    images = (image for image, _ in take.frames())
    write_video(video, images, time=count, codec="mpeg4")
    shown = take.time - take.time[0]
    spare = shown[-1] + (1 + np.arange(SPARE)) / take.scenario.rate
    stamps = _stamps(start, np.concatenate([shown, spare]))
    lines = [f"{number}  {stamp}" for number, stamp in enumerate(stamps, start=1)]
    (folder / "meta" / f"{name}.txt").write_text("\n".join([*lines, ""]), encoding="utf-8")
    time = np.arange(-LEAD_S, shown[-1] + LEAD_S, 1 / PULSE_HZ)
    values = take.body.pulse_at(time + take.time[0])
    lines = [f"{v:.6f}   {s}" for v, s in zip(values, _stamps(start, time), strict=True)]
    (folder / "ppg" / pulse).write_text("\n".join([*lines, ""]), encoding="utf-8")
    nearest = np.abs(time[:, None] - shown).argmin(axis=0)
    away = np.abs(time[nearest] - shown)
    table = np.column_stack([values[nearest], away])
    np.savetxt(folder / "ppg_sync" / f"{name}.txt", table, "%.6f")


def _stamps(start: datetime, seconds: Array) -> list[str]:
    moments = (start + timedelta(seconds=float(second)) for second in seconds)
    return [f"{moment:%Y-%m-%d %H:%M:%S.%f}" for moment in moments]


MCD_RPPG = Layout(rate=30.0, size=(640, 480), takes=len(STEPS), write=write)
