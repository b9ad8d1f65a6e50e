"""Made drivers as PhysDrive lays its drivers out: RGB.mp4, and labels for each picture."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from camvitals.data.synthetic.layouts.bedside import heart_rate_at
from camvitals.data.synthetic.layouts.layout import Layout, Person, Take
from camvitals.data.synthetic.simulate import CRF

RATE_HZ = 30.0
SESSIONS = ("AS", "AT")


def write(folder: Path, people: Sequence[Person]) -> None:
    """AMH1/AS/RGB.mp4 and AMH1/AS/Label/BVP.mat, HR.mat, RESP.mat, SPO2.mat."""
    for person in people:
        for index, session in enumerate(SESSIONS):
            made = person.take(index).scenario
            take = Take(dataclasses.replace(made, rate=RATE_HZ, clock="steady"))
            _write_take(folder / _code(person.number) / session, take)


def _write_take(place: Path, take: Take) -> None:
    from scipy.io import savemat

    from camvitals.video import write_video

    (place / "Label").mkdir(parents=True)
    write_video(place / "RGB.mp4", take.frames(), time=None, crf=CRF["h264"])
    body, time = take.body, take.time
    labels = {
        "BVP": body.pulse_at(time),
        "HR": heart_rate_at(body, time),
        "RESP": body.breath_at(time),
        "SPO2": body.spo2_at(time),
    }
    for name, values in labels.items():
        savemat(place / "Label" / f"{name}.mat", {name: np.atleast_2d(values)})


def _code(number: int) -> str:
    """Vehicle, sex, light and a number, as in AMH1; all of them come before one repeats."""
    rest, vehicle = divmod(number - 1, 3)
    rest, light = divmod(rest, 4)
    rest, sex = divmod(rest, 2)
    return f"{'ABC'[vehicle]}{'FM'[sex]}{'ZHWY'[light]}{rest + 1}"


PHYSDRIVE = Layout(rate=RATE_HZ, size=(640, 480), takes=len(SESSIONS), write=write)
