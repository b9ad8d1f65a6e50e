"""Made people in the layout of iBVP."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from camvitals.data.synthetic.layouts.layout import Layout, Person, Take
from camvitals.data.synthetic.layouts.takes import taken

RATE_HZ = 30.0
MOTIONS = {"a": "still", "b": "still", "c": "still", "d": "turn"}
COLUMNS = "BVP,SQPhysMD,SQ1,SQ2,Perfusion_Value"


def write(folder: Path, people: Sequence[Person]) -> None:
    """pNN_x/pNN_x_rgb/*.bmp and pNN_x_bvp.csv, always at 30 Hz; no thermal pictures."""
    for person in people:
        for index, (condition, motion) in enumerate(MOTIONS.items()):
            take = taken(person, index, motion=motion, rate=RATE_HZ, clock="steady")
            _write_take(folder, f"p{person.number:02d}_{condition}", take)


def _write_take(folder: Path, name: str, take: Take) -> None:
    from camvitals.video.write import picture_bytes

    pictures = folder / name / f"{name}_rgb"
    pictures.mkdir(parents=True)
    for index, (image, _) in enumerate(take.frames()):
        (pictures / f"{index:05d}.bmp").write_bytes(picture_bytes(image, "bmp"))
    pulse = take.body.pulse_at(take.time)
    good, perfusion = np.ones(len(pulse)), np.full(len(pulse), 2.0)
    table = np.column_stack([pulse, good, good, good, perfusion])
    path = folder / name / f"{name}_bvp.csv"
    np.savetxt(path, table, "%.5f", ",", header=COLUMNS, comments="")


IBVP = Layout(rate=RATE_HZ, size=(640, 480), takes=len(MOTIONS), write=write)
