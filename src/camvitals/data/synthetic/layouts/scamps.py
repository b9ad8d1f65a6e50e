"""SCAMPS as its owners ship it: one MATLAB 7.3 file a person, and a table of the splits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from camvitals.data.files import library
from camvitals.data.synthetic.layouts.layout import Layout, Person, Take

RATE_HZ = 30.0
HEADING = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, HDF5 schema 1.00 ."
HEADING_BYTES = 512
SPLITS = ("Train", "Validation", "Test")


def write(folder: Path, people: Sequence[Person]) -> None:
    """P000001.mat and so on, at 30 pictures a second whatever the scenario's rate."""
    for person in people:
        scenario = replace(person.take(0).scenario, rate=RATE_HZ, clock="steady")
        _write_file(folder / f"P{person.number:06d}.mat", Take(scenario))
    rows = [f"P{person.number:06d}.mat,{SPLITS[person.number % 3 - 1]}" for person in people]
    table = folder / "ScampsTrainTestSplit.csv"
    table.write_text("\n".join(["File,Split", *rows]) + "\n", encoding="utf-8")


def _write_file(path: Path, take: Take) -> None:
    h5py = library("h5py", "h5py", path=path)
    width, height = take.scenario.size
    side = min(width, height)
    left, top, count = (width - side) // 2, (height - side) // 2, len(take.time)
    with h5py.File(path, "w", userblock_size=HEADING_BYTES) as file:
        kind = {"dtype": "f4", "compression": "gzip", "compression_opts": 1}
        raw = file.create_dataset("RawFrames", (3, width, height, count), **kind)
        crop = file.create_dataset("Xsub", (3, side, side, count), **kind)
        # MATLAB's axes are picture, row, column, colour; HDF5 has them backwards
        pictures = np.stack([image for image, _ in take.frames()]).transpose(3, 2, 1, 0) / 255
        raw[:] = pictures
        crop[:] = pictures[:, left : left + side, top : top + side]
        for name, wave in (("d_ppg", take.body.pulse_at), ("d_br", take.body.breath_at)):
            file[name] = wave(take.time)[:, None]
        for name in file:
            file[name].attrs["MATLAB_class"] = np.bytes_("double")
    with path.open("r+b") as raw_file:
        raw_file.write(HEADING.ljust(HEADING_BYTES - 4) + b"\x00\x02IM")


SCAMPS = Layout(rate=RATE_HZ, size=(320, 240), takes=1, write=write)
