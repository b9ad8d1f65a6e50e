"""LGI-PPGI as its owners ship it; the oximeter starts a little before the camera."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from camvitals.data.synthetic.layouts.layout import Layout, Person, Take
from camvitals.video import write_video

OXIMETER_HZ = 60.0
BEFORE_S = 0.8
TOP = 127  # of the oximeter's scale
NAMES = ("alex", "angelo", "cpi", "david", "felix", "harun")
SESSIONS = ("gym", "resting", "rotation", "talk")


def write(folder: Path, people: Sequence[Person]) -> None:
    """alex/alex_gym and so on; each with the video, its timer and the oximeter."""
    for person in people:
        known = person.number <= len(NAMES)
        name = NAMES[person.number - 1] if known else f"person{person.number}"
        for index in range(LGI_PPGI.takes):
            part = folder / name / f"{name}_{SESSIONS[index]}"
            part.mkdir(parents=True)
            _write_take(part, person.take(index))


def _write_take(folder: Path, take: Take) -> None:
    shown = take.time
    write_video(
        folder / "cv_camera_sensor_stream_handler.avi",
        (image for image, _ in take.frames()),
        time=np.arange(len(shown)) / take.scenario.rate,
        codec="ffv1",
    )
    rows = ((str(n), f"{1e3 * time:.3f}") for n, time in enumerate(shown))
    _write_xml(folder / "cv_camera_sensor_timer_stream_handler.xml", rows)
    count = int((shown[-1] + BEFORE_S) * OXIMETER_HZ) + 1
    time = shown[-1] - np.arange(count)[::-1] / OXIMETER_HZ
    body = take.body
    pulse = np.round(TOP * np.clip(0.1 + 0.6 * body.pulse_at(time), 0, 1)).astype(int)
    rate = str(round(body.heart_rate)) if np.isfinite(body.heart_rate) else "0"
    samples = ((str(n), rate, str(value)) for n, value in enumerate(pulse))
    _write_xml(folder / "cms50_stream_handler.xml", samples)


def _write_xml(path: Path, rows: Iterable[tuple[str, ...]]) -> None:
    """Numbers as the C++ library cereal writes a list of structures."""
    with path.open("w", encoding="utf-8") as file:
        file.write('<?xml version="1.0" encoding="utf-8"?>\n<cereal>\n')
        for number, cells in enumerate(rows):
            values = "".join(f"<value{k}>{cell}</value{k}>" for k, cell in enumerate(cells))
            file.write(f"\t<value{number}>{values}</value{number}>\n")
        file.write("</cereal>\n")


LGI_PPGI = Layout(rate=25.0, size=(640, 480), takes=4, write=write)
