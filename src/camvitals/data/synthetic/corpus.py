"""A whole labelled corpus of drawn people, in the layout of HeartRateNet."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from camvitals.data.synthetic.layouts.heartratenet import write_subject
from camvitals.data.synthetic.layouts.layout import Person
from camvitals.data.synthetic.scenario import draw
from camvitals.data.synthetic.truth import Truth
from camvitals.records import InputError


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
    fixed:  fields of Scenario that all share, such as light="daylight"; of a list, such as
        light=["daylight", "lamp"], each has one (`dealt`).
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
        shared = dealt(fixed, number - 1)
        scenario = draw(seed + number - 1, duration=duration, rate=rate, size=size, **shared)
        truths.append(write_subject(folder, Person(number, scenario)))
    return tuple(truths)


def dealt(fixed: Mapping[str, Any], index: int) -> dict[str, Any]:
    """The fields of one of many people: of each list one value, so that all pairs come about.

    The first list goes on with each person, the second when the first has come round, and so on.
    """
    found = dict(fixed)
    for name, values in fixed.items():
        if isinstance(values, list):
            index, at = divmod(index, len(values))
            found[name] = values[at]
    return found
