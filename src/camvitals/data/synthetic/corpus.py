"""A whole labelled corpus of drawn people, in the layout of HeartRateNet."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from camvitals.data.synthetic.scenario import Scenario, draw
from camvitals.data.synthetic.simulate import noting
from camvitals.data.synthetic.truth import Truth
from camvitals.records import Array, InputError

PULSE_RATE_HZ = 60.0  # of the layout's ground_truth.csv
EPOCH_S = 1_600_000_000.0  # UNIX seconds at which the first recording starts
BETWEEN_S = 86_400.0


def simulate_corpus(
    folder: str | os.PathLike[str],
    *,
    subjects: int,
    duration: float,
    rate: float,
    seed: int = 0,
    size: tuple[int, int] = (320, 240),
    **fixed: Any,
) -> tuple[Truth, ...]:
    """Write Subject_001 … with pictures, pulse and both clocks; returns each subject's truth.

    folder: made when missing.   subjects: how many, 1–999.   duration [s], rate [Hz] of each.
    seed:   subject k has the scenario draw(seed + k − 1, …), so that their heart rates, tones,
            motions and lights are spread evenly.   size: (width, height) px.
    fixed:  fields of Scenario that all share, such as light="daylight".
    In each: images/0000.bmp …, image_timestamps.csv (ID, Time), ground_truth.csv (Time,
    PulseWaveform at 60 Hz), both in UNIX seconds, and Subject_001.truth.json and .csv in seconds
    since the first picture's clock started. A subject's folder appears whole or not at all.
    Raises InputError when one is there already or a field is wrong.
    """
    if not 1 <= subjects <= 999:
        raise InputError(f"a corpus needs 1–999 subjects but got {subjects}")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    truths = []
    for number in range(1, subjects + 1):
        scenario = draw(seed + number - 1, duration=duration, rate=rate, size=size, **fixed)
        start = EPOCH_S + BETWEEN_S * (number - 1)
        truths.append(_write_subject(folder / f"Subject_{number:03d}", scenario, start))
    return tuple(truths)


def _write_subject(folder: Path, scenario: Scenario, start: float) -> Truth:
    from camvitals.data.synthetic.scene import frames
    from camvitals.video.write import write_images

    if folder.exists():
        raise InputError(f"{folder} is there already; choose another folder or remove it")
    part = folder.with_name(f".{uuid.uuid4().hex[:8]}-{folder.name}")
    times: list[float] = []
    try:
        pictures = noting(frames(scenario), times)
        write_images(part, _shifted(pictures, start), time=None)
        truth = Truth.of(scenario, np.array(times))
        _write_pulse(part / "ground_truth.csv", truth, start)
        truth.save(part / f"{folder.name}.bmp")
        part.replace(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return truth


def _shifted(
    pictures: Iterator[tuple[Array, float]], start: float
) -> Iterator[tuple[Array, float]]:
    return ((image, start + time) for image, time in pictures)


def _write_pulse(path: Path, truth: Truth, start: float) -> None:
    """Time [UNIX s], PulseWaveform: as an oximeter beside the camera gives it."""
    time = np.arange(int(truth.scenario.duration * PULSE_RATE_HZ) + 1) / PULSE_RATE_HZ
    columns = np.column_stack([start + time, truth.physiology.pulse_at(time)])
    header = "Time,PulseWaveform"
    np.savetxt(path, columns, ("%.6f", "%.6f"), ",", header=header, comments="")
