"""Made people as rPPG-Toolbox keeps them: raw pictures in chunks, and differences of labels."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from camvitals.data.synthetic.layouts.layout import Layout, Person, Take
from camvitals.data.synthetic.layouts.takes import taken
from camvitals.records import Array

LENGTH = 180


def write(folder: Path, people: Sequence[Person]) -> None:
    """NAME_input0.npy (T, H, W, 3), NAME_label0.npy (T,) and clock.json.

    Chunks are 180 pictures long, or as long as the shortest take; a rest is left out.
    """
    rate = people[0].scenario.rate  # one for all: the layout has but one clock
    takes = [taken(person, 0, rate=rate, clock="steady") for person in people]
    length = min(LENGTH, *(len(take.time) for take in takes))
    width, height = takes[0].scenario.size
    place = folder / (
        f"MADE_SizeW{width}_SizeH{height}_ClipLength{length}_DataTypeRaw_DataAugNone_"
        "LabelTypeDiffNormalized_Crop_faceFalse"
    )
    place.mkdir()
    (place / "clock.json").write_text(json.dumps({"rate_hz": rate}), encoding="utf-8")
    for person, take in zip(people, takes, strict=True):
        _write_take(place, f"subject{person.number}", take, length)


def _write_take(place: Path, name: str, take: Take, length: int) -> None:
    label = _differences(take.body.pulse_at(take.time))
    for number, images in enumerate(_chunks(take, length)):
        np.save(place / f"{name}_input{number}.npy", images)
        part = label[number * length : (number + 1) * length]
        np.save(place / f"{name}_label{number}.npy", part)


def _chunks(take: Take, length: int) -> Iterator[Array]:
    frames = take.frames()
    while len(images := [image for image, _ in islice(frames, length)]) == length:
        yield np.stack(images).astype(np.float32)


def _differences(pulse: Array) -> Array:
    """(T,) step to the next value, in units of its deviation, and a zero at the end."""
    step = np.diff(pulse)
    return np.append(step / step.std(), 0.0)


RPPG_TOOLBOX = Layout(rate=30.0, size=(72, 72), takes=1, write=write)
