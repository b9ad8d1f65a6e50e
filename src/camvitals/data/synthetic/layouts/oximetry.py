"""Made fingertips as Hoffman et al. (2022) lay theirs out: both hands, and a monitor's table."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from camvitals.data.synthetic.finger import made_finger
from camvitals.data.synthetic.layouts.bedside import breath_rate_at, heart_rate_at
from camvitals.data.synthetic.layouts.layout import Layout, Person
from camvitals.data.synthetic.physiology import Physiology
from camvitals.records import Array

RATE_HZ = 30.0
HANDS = ("Left", "Right")
DEVICES = ("SpO2", "Pulse", "PI")
DRIVES = ("Red Drv", "IR Drv", "DC Gain", "AC Gain")
MONITOR = ("ECG 3", "FiO2 3", "EtCO2 pct 3", "EtCO2 mmHg 3", "RR CO2 3", "RR ECG 3")
VOLUMES = ("Insp TV 3", "Exp TV 3", "Rig FiO2")
START_S = 9 * 3600 + 25 * 60 + 2
ECG, BREATH, COLUMNS = 41, 45, 50  # where the values stand, five places right of their names
UNFILLED = 2  # the third oximeter, counted from 0
_END = "Collection Halted" + "," * (COLUMNS - 1)


def write(folder: Path, people: Sequence[Person]) -> None:
    """ppg-csv/Left/100001.csv and Right (R, G, B at 30 Hz), gt/100001.csv (1 Hz)."""
    for person in people:
        name = f"{100_000 + person.number}.csv"
        body = person.take(0).body
        for hand in HANDS:
            path = folder / "ppg-csv" / hand / name
            path.parent.mkdir(parents=True, exist_ok=True)
            rgb = _colours(person, hand)
            np.savetxt(path, rgb, "%.6f", ",", header="R,G,B", comments="")
        (folder / "gt").mkdir(exist_ok=True)
        text = "\n".join([",".join(_heading()), *_rows(body), _END, ""])
        (folder / "gt" / name).write_text(text, encoding="utf-8-sig")


def _colours(person: Person, hand: str) -> Array:
    """(T, 3) mean colours: the same body and minutes, on the right hand under a dimmer flash."""
    scenario = dataclasses.replace(person.scenario, rate=RATE_HZ, clock="steady")
    rgb = made_finger(scenario)[0].rgb[:, 0].astype(float)
    if hand == HANDS[0]:
        return rgb
    rng = np.random.default_rng([scenario.seed, 47])
    return np.asarray(np.clip(0.8 * rgb + 0.02 * rng.standard_normal(rgb.shape), 0, 255))


def _heading() -> list[str]:
    """Their heading: the names of the monitor stand five columns too far to the left."""
    names = ["Time", *(f"{kind} {k}" for kind in DEVICES for k in range(1, 6))]
    names += [f"{drive} {k}" for k in range(1, 6) for drive in DRIVES]
    names += [*MONITOR, *VOLUMES]
    return names + [""] * (COLUMNS - len(names))


def _rows(body: Physiology) -> list[str]:
    time = np.arange(int(body.duration) + 1, dtype=float)
    shown = zip(
        body.spo2_at(time), heart_rate_at(body, time), breath_rate_at(body, time), strict=True
    )
    return [_row(second, *values) for second, values in enumerate(shown)]


def _row(second: int, spo2: float, pulse: float, breath: float) -> str:
    at = START_S + second
    cells = ["0"] * COLUMNS
    cells[0] = f" {at // 3600 % 24:02d}:{at // 60 % 60:02d}:{at % 60:02d}"
    for oximeter in range(5):
        filled = oximeter != UNFILLED
        cells[1 + oximeter] = f"{spo2:.1f}" if filled else "0"
        cells[6 + oximeter] = f"{pulse:.0f}" if filled else "0"
        cells[11 + oximeter] = "1.5" if filled else "0"
    cells[36:41] = ["", "            AS AO", "", "            AS AO", "600000"]
    cells[ECG], cells[BREATH] = f"{pulse:.0f}", f"{breath:.0f}"
    return ",".join(cells)


OXIMETRY = Layout(rate=RATE_HZ, size=(176, 144), takes=len(HANDS), write=write)
