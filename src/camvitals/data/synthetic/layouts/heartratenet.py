"""Made people in the layout of HeartRateNet (NVIDIA TAO), the truth beside each."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from camvitals.data.synthetic.layouts.layout import Layout, Person
from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.simulate import noting
from camvitals.data.synthetic.truth import Truth
from camvitals.records import Array, InputError

PULSE_HZ = 60.0
EPOCH_S = 1_600_000_000.0  # UNIX seconds at which the first recording starts
BETWEEN_S = 86_400.0


def write(folder: Path, people: Sequence[Person]) -> None:
    """Subject_001/images/0000.bmp …, image_timestamps.csv and ground_truth.csv."""
    for person in people:
        write_subject(folder, person)


def write_subject(folder: Path, person: Person) -> Truth:
    """Write one subject, whole or not at all; InputError when there is one already."""
    from camvitals.data.synthetic.scene import frames
    from camvitals.video.write import write_images

    place = folder / f"Subject_{person.number:03d}"
    if place.exists():
        raise InputError(f"{place} is there already; choose another folder or remove it")
    start = EPOCH_S + BETWEEN_S * (person.number - 1)
    part = place.with_name(f".{uuid.uuid4().hex[:8]}-{place.name}")
    times: list[float] = []
    try:
        pictures = noting(frames(person.scenario), times)
        write_images(part, _shifted(pictures, start), time=None)
        truth = Truth.of(person.scenario, np.array(times))
        _write_pulse(part / "ground_truth.csv", truth, person.scenario, start)
        truth.save(part / f"{place.name}.bmp")
        part.replace(place)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return truth


def _shifted(
    pictures: Iterator[tuple[Array, float]], start: float
) -> Iterator[tuple[Array, float]]:
    return ((image, start + time) for image, time in pictures)


def _write_pulse(path: Path, truth: Truth, scenario: Scenario, start: float) -> None:
    """Time [UNIX s], PulseWaveform: as an oximeter beside the camera gives it."""
    time = np.arange(int(scenario.duration * PULSE_HZ) + 1) / PULSE_HZ
    columns = np.column_stack([start + time, truth.physiology.pulse_at(time)])
    header = "Time,PulseWaveform"
    np.savetxt(path, columns, ("%.6f", "%.6f"), ",", header=header, comments="")


HEARTRATENET = Layout(rate=30.0, size=(640, 480), takes=1, write=write)
