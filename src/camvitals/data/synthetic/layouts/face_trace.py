"""Made faces as mean colours: mean_rgb.mat with a contact pulse in the format of UBFC-rPPG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from camvitals.data.synthetic.layouts.bedside import heart_rate_at
from camvitals.data.synthetic.layouts.layout import Layout, Person
from camvitals.data.synthetic.traces import made_trace


def write(folder: Path, people: Sequence[Person]) -> None:
    """subject1/mean_rgb.mat (mean_rgb, timestamps [µs]) and ground_truth.txt (three lines)."""
    from scipy.io import savemat

    for person in people:
        place = folder / f"subject{person.number}"
        place.mkdir()
        trace, truth = made_trace(person.scenario)
        time = trace.time - trace.time[0]
        colours = {
            "mean_rgb": trace.region("skin").astype(float),
            "timestamps": 1e6 * time[:, None],
        }
        savemat(place / "mean_rgb.mat", colours)
        body = truth.physiology
        rows = [body.pulse_at(trace.time), heart_rate_at(body, trace.time), time]
        np.savetxt(place / "ground_truth.txt", rows, "%.7e")


FACE_TRACE = Layout(rate=30.0, size=(640, 480), takes=1, write=write)
