"""MMPD as its owners ship it: pictures, pulse and labels of a take in one MATLAB file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from camvitals.data.synthetic.layouts.layout import Layout, Person, Take

RATE_HZ = 30.0
LIGHTS = {"lamp": "Incandescent", "daylight": "Nature", "dim": "LED-low"}
MOTIONS = {"still": "Stationary", "turn": "Rotation", "talk": "Talking", "sway": "Walking"}


def write(folder: Path, people: Sequence[Person]) -> None:
    """subject1/p1_0.mat and so on, at 30 pictures a second whatever the scenario's rate."""
    from scipy.io import savemat

    for person in people:
        part = folder / f"subject{person.number}"
        part.mkdir()
        for index in range(MMPD.takes):
            scenario = replace(person.take(index).scenario, rate=RATE_HZ, clock="steady")
            take = Take(scenario)
            pictures = np.stack([image for image, _ in take.frames()])
            found = {
                "video": (pictures / 255).astype(np.float32),
                "GT_ppg": take.body.pulse_at(take.time)[None],
                "light": LIGHTS.get(scenario.light, "LED-high"),
                "motion": MOTIONS.get(scenario.motion, "Talking"),
                "exercise": "False",
                "skin_color": max(3, scenario.tone),
                "gender": "female" if person.number % 2 else "male",
                "glasser": "False",
                "hair_cover": "False",
                "makeup": "False",
            }
            savemat(part / f"p{person.number}_{index}.mat", found, do_compression=True)


MMPD = Layout(rate=RATE_HZ, size=(240, 320), takes=2, write=write)
