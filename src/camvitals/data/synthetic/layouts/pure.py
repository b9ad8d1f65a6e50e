"""Made people in the layout of PURE."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from camvitals.data.synthetic.layouts.bedside import heart_rate_at
from camvitals.data.synthetic.layouts.layout import Layout, Person, Take
from camvitals.data.synthetic.layouts.takes import oximeter_shows, taken
from camvitals.records import Array

OXIMETER_HZ = 60.0
EPOCH_NS = 1_392_643_993_642_815_000
EARLIER_S = 0.2  # the oximeter is started before the camera
TASKS: tuple[dict[str, Any], ...] = (
    {"motion": "still"},
    {"motion": "talk"},
    {"motion": "sway", "sway_hz": 0.15},
    {"motion": "sway", "sway_hz": 0.5},
    {"motion": "turn", "motion_scale": 0.7},
    {"motion": "turn", "motion_scale": 1.3},
)


def write(folder: Path, people: Sequence[Person]) -> None:
    """SS-TT/SS-TT/Image….png, named by nanoseconds, and SS-TT/SS-TT.json."""
    for person in people:
        for index, asked in enumerate(TASKS):
            name = f"{person.number:02d}-{index + 1:02d}"
            _write_take(folder / name, name, taken(person, index, **asked))


def _write_take(place: Path, name: str, take: Take) -> None:
    from camvitals.video.write import picture_bytes

    pictures = place / name
    pictures.mkdir(parents=True)
    for image, time in take.frames():
        path = pictures / f"Image{_nanoseconds(np.array([time]))[0]}.png"
        path.write_bytes(picture_bytes(image, "png"))
    notes = {"/FullPackage": _packages(take), "/Image": _images(take)}
    (place / f"{name}.json").write_text(json.dumps(notes), encoding="utf-8")


def _nanoseconds(time: Array) -> list[int]:
    return [EPOCH_NS + round(1e9 * float(second)) for second in time]


def _images(take: Take) -> list[dict[str, Any]]:
    return [{"Timestamp": stamp, "Value": {}} for stamp in _nanoseconds(take.time)]


def _packages(take: Take) -> list[dict[str, Any]]:
    body = take.body
    time = -EARLIER_S + np.arange(int((body.duration + EARLIER_S) * OXIMETER_HZ)) / OXIMETER_HZ
    rows = zip(
        _nanoseconds(time),
        oximeter_shows(body.pulse_at(time)),
        heart_rate_at(body, time),
        body.spo2_at(time),
        strict=True,
    )
    return [
        {
            "Timestamp": stamp,
            "Value": {
                "waveform": int(pulse),
                "pulseRate": round(float(rate)),
                "o2saturation": round(float(spo2)),
                "signalStrength": 8,
            },
        }
        for stamp, pulse, rate, spo2 in rows
    ]


PURE = Layout(rate=30.0, size=(640, 480), takes=len(TASKS), write=write)
