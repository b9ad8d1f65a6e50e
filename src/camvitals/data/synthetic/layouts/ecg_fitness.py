"""ECG-Fitness as its owners ship it: ECG in packets with one stamp each, places of the pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from camvitals.data.synthetic.layouts.layout import Layout, Person, Take
from camvitals.video import write_video

ECG_HZ = 125.0
PACKET = 5  # samples that share a stamp
BEFORE_S = 0.9
GAIN = 400.0  # of the ECG, in units of the device
EPOCH_MS = 1_500_000_000_000
HEADING = "milliseconds, ECG, ECG HR, PPG, PPG HR, SpO2, PI"
CAMERAS = ("c920-1", "c920-2")


def write(folder: Path, people: Sequence[Person]) -> None:
    """00/01 and so on, as seen by two cameras at once; both see the same here."""
    for person in people:
        part = folder / f"{person.number - 1:02d}" / "01"
        part.mkdir(parents=True)
        take = person.take(0)
        for camera in CAMERAS:
            write_video(
                part / f"{camera}.avi",
                (image for image, _ in take.frames()),
                time=np.arange(len(take.time)) / take.scenario.rate,
                codec="ffv1",
            )
        _write_signals(part, take)


def _write_signals(folder: Path, take: Take) -> None:
    body, shown = take.body, take.time
    count = int((BEFORE_S + take.scenario.duration) * ECG_HZ)
    time = np.arange(count) / ECG_HZ - BEFORE_S
    stamps = EPOCH_MS + np.round(1e3 * time[np.arange(count) // PACKET * PACKET]).astype(int)
    ecg = GAIN * np.interp(time, body.time, body.ecg)
    rate = round(body.heart_rate) if np.isfinite(body.heart_rate) else -1
    rate = rate - 256 if rate > 127 else rate
    with (folder / "viatom-raw.csv").open("w", encoding="utf-8") as file:
        file.write(f"{HEADING}\n")
        rows = zip(stamps, ecg, strict=True)
        file.writelines(f"{s},{v:.2f},{rate},-1,-1,-1,-1\n" for s, v in rows)
    places = np.clip(np.round((shown + BEFORE_S) * ECG_HZ), 0, count - 1).astype(int)
    pictures = EPOCH_MS + np.round(1e3 * shown).astype(int)
    with (folder / "c920.csv").open("w", encoding="utf-8") as file:
        file.writelines(f"{s},{p}\n" for s, p in zip(pictures, places, strict=True))


ECG_FITNESS = Layout(rate=30.0, size=(1920, 1080), takes=len(CAMERAS), write=write)
