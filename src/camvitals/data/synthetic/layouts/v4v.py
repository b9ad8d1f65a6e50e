"""Made people as the V4V challenge lays its people out, in the folders of both phases."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from camvitals.data.synthetic.layouts.bedside import breath_rate_at, heart_rate_at
from camvitals.data.synthetic.layouts.bp4d_plus import RATE_HZ, at_rate, signals, subject_code
from camvitals.data.synthetic.layouts.layout import Layout, Person, Take
from camvitals.data.synthetic.simulate import CRF

TASKS = ("T1", "T2")
FIRST = Path("Phase 1_ Training_Validation sets")
SECOND = Path("Phase 2_ Testing set")
VIDEOS = (FIRST / "Videos" / "train", FIRST / "Videos" / "valid", SECOND / "Videos" / "test")
TRUTH = FIRST / "Ground truth"
PRESSURES = (
    TRUTH / "BP_raw_1KHz",
    SECOND / "blood_pressure" / "val_set_bp",
    SECOND / "blood_pressure" / "test_set_bp",
)
RELEASES = ("", "validation_set_gt_release.txt", "test_set_gt_release.txt")


def write(folder: Path, people: Sequence[Person]) -> None:
    """The first of every three people for training, the next for validation, then for testing."""
    for place in (*VIDEOS, *PRESSURES, TRUTH / "Physiology"):
        (folder / place).mkdir(parents=True, exist_ok=True)
    for person in people:
        for index, task in enumerate(TASKS):
            name = f"{subject_code(person.number)}_{task}"
            _write_take(folder, name, at_rate(person.take(index)), (person.number - 1) % 3)


def _write_take(folder: Path, name: str, take: Take, phase: int) -> None:
    from camvitals.video import write_video

    video = folder / VIDEOS[phase] / f"{name}.mkv"
    write_video(video, take.frames(), time=None, crf=CRF["h264"])
    dashed = name.replace("_", "-")
    pressure = f"{dashed}.txt" if phase else f"{dashed}-BP.txt"
    np.savetxt(folder / PRESSURES[phase] / pressure, signals(take)["BP_mmHg.txt"], "%.6f")
    body, time = take.body, take.time
    rates = {"HR": heart_rate_at(body, time), "RR": breath_rate_at(body, time)}
    lines = [
        f"{name}.mkv, {kind}, {', '.join(f'{v:.6f}' for v in values)}\n"
        for kind, values in rates.items()
    ]
    own = TRUTH / "Physiology" / f"{name}.txt"
    path = folder / (SECOND / RELEASES[phase] if phase else own)
    with path.open("a", encoding="utf-8") as file:
        file.writelines(lines)


V4V = Layout(rate=RATE_HZ, size=(1040, 1392), takes=len(TASKS), write=write)
