"""SCAMPS: rendered people, 600 pictures at 30 fps with pulse and breath, in MATLAB 7.3 files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from camvitals.data.corpora.corpus import Corpus
from camvitals.data.corpora.references import evenly, reference_wave
from camvitals.data.corpora.stored import eight_bit
from camvitals.data.files import lines_of, read_hdf5
from camvitals.data.recording import Recording
from camvitals.records import Array, InputError, Wave
from camvitals.video import Video, open_video

RATE_HZ = 30.0
AT_ONCE = 30  # pictures read together; one by one is slow where the file packs many in a chunk
WHOLE, CROPPED = "RawFrames", "Xsub"
WAVES = {"pulse": "d_ppg", "breath": "d_br"}
SPLITS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}


def find(folder: Path) -> Iterator[Recording]:
    """Every PXXXXXX.mat of a folder, wherever in it."""
    splits = read_splits(folder)
    for path in folder.rglob("P*.mat"):
        if re.fullmatch(r"P\d+", path.stem) is None:
            continue
        yield Recording(
            corpus="scamps",
            subject=path.stem,
            references=partial(references, path),
            pictures=partial(pictures, path),
            split=splits.get(path.stem, ""),
            attributes={"source": "rendered"},
            files=(path,),
        )


def references(path: Path) -> dict[str, Wave]:
    """Pulse and breath, one sample a picture."""
    file, waves = read_hdf5(path), {}
    for name, variable in WAVES.items():
        if variable in file or name == "pulse":
            values = file[variable].ravel()
            time = evenly(len(values), rate=RATE_HZ)
            waves[name] = reference_wave(name, values, time, path=path)
    return waves


def pictures(path: Path) -> Video:
    """The whole pictures, or the cropped ones where there are no others."""
    return open_video(_images(path), fps=RATE_HZ)


def _images(path: Path) -> Iterator[Array]:
    """(H, W, 3) uint8 one by one. HDF5 sees MATLAB's axes backwards: colour, column, row, time."""
    file = read_hdf5(path)
    name = WHOLE if WHOLE in file or CROPPED not in file else CROPPED
    shape = file.shape(name)
    if len(shape) != 4 or shape[0] != 3:
        raise InputError(
            f"{path} needs {name} of 3 colours × columns × rows × pictures but has "
            f"{'×'.join(map(str, shape))}; copy it again"
        )
    for start in range(0, shape[3], AT_ONCE):
        block = eight_bit(file.part(name, np.s_[:, :, :, start : start + AT_ONCE]), path=path)
        yield from np.ascontiguousarray(block.transpose(3, 2, 1, 0))


def read_splits(folder: Path) -> dict[str, str]:
    """File -> train, val or test, from the owners' table beside the files; empty without one.

    It is read with a row a file, or with a column a split.
    """
    splits: dict[str, str] = {}
    for table in sorted(folder.glob("[Ss]camps*rain*est*")):
        rows = [re.split(r"[,;\s]+", line.lower()) for _, line in lines_of(table)]
        heading = [SPLITS.get(cell) for cell in rows[0]]
        for row in rows:
            own = next((SPLITS[cell] for cell in row if cell in SPLITS), None)
            for place, cell in enumerate(row):
                named = re.search(r"p\d+", cell)
                column = heading[place] if place < len(heading) else None
                if named and (own or column):
                    splits[named[0].upper()] = own or column or ""
    return splits


SCAMPS = Corpus(
    title="SCAMPS",
    source="https://github.com/danmcduff/scampsdataset (McDuff et al., 2022)",
    licence="Research Use of Data Agreement v1.0, no commercial use",
    layout="PXXXXXX.mat with RawFrames, d_ppg and d_br",
    find=find,
)
