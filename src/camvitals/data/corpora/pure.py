"""PURE (Stricker et al. 2014): ten people, six ways of moving; every picture has its own time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from camvitals.data.corpora.corpus import Corpus
from camvitals.data.corpora.references import reference_wave, shown_by_oximeter
from camvitals.data.files import present
from camvitals.data.recording import Recording
from camvitals.records import Array, InputError, Wave
from camvitals.video import Video, open_video
from camvitals.video.folder import pictures_in

NAME = r"(\d\d)-(\d\d)"
NANO = 1e-9
MOTIONS = {
    "01": "still",
    "02": "talk",
    "03": "slow translation",
    "04": "fast translation",
    "05": "small rotation",
    "06": "medium rotation",
}
SHOWN = {"waveform": "pulse", "pulseRate": "heart_rate", "o2saturation": "spo2"}


def find(folder: Path) -> Iterator[Recording]:
    """Every SS-TT/SS-TT/Image….png with SS-TT/SS-TT.json, or both beside one another."""
    jsons = [*folder.glob("??-??.json"), *folder.glob("??-??/??-??.json")]
    notes = {path.stem: path for path in jsons}
    inner = {path.name: path for path in folder.glob("??-??/??-??") if path.is_dir()}
    outer = {path.name: path for path in folder.glob("??-??") if path.is_dir()}
    for name in sorted(notes | inner | outer):
        matched = re.fullmatch(NAME, name)
        if not matched:
            continue
        place = outer.get(name, folder)
        pictures = inner.get(name) or (place if name in outer and name in notes else place / name)
        truth = notes.get(name, place / f"{name}.json")
        yield Recording(
            corpus="pure",
            subject=matched[1],
            task=matched[2],
            references=partial(references, truth),
            pictures=partial(film, pictures, truth),
            attributes={"motion": MOTIONS.get(matched[2], "other")},
            files=(pictures, truth),
        )


def film(pictures: Path, truth: Path) -> Video:
    """The pictures at their own times [s], counted from the first that the notes list."""
    paths = pictures_in(pictures)
    stamps = [re.search(r"\d{15,}$", path.stem) for path in paths]
    if paths and all(stamps):  # the name is the time in nanoseconds
        notes = _stamps(_read(truth), "/Image", path=truth)
        time = np.array([int(stamp[0]) for stamp in stamps if stamp], dtype=np.int64)
        return open_video(pictures, time=(time - notes[0]) * NANO)
    notes = _stamps(_read(truth), "/Image", path=truth)
    if paths and len(paths) != len(notes):
        raise InputError(
            f"{truth} needs a time for each picture but has {len(notes)} for the {len(paths)} in "
            f"{pictures}, whose names tell none; copy it again"
        )
    return open_video(pictures, time=(notes - notes[0]) * NANO)


def references(path: Path) -> Mapping[str, Wave]:
    """Pulse, heart rate [bpm] and SpO2 [%] of the oximeter, on the pictures' clock."""
    notes = _read(path)
    stamps = _stamps(notes, "/FullPackage", path=path)
    time = (stamps - _stamps(notes, "/Image", path=path)[0]) * NANO
    found = {}
    for field, name in SHOWN.items():
        try:
            values = np.array([float(row["Value"][field]) for row in notes["/FullPackage"]])
        except (KeyError, TypeError, ValueError):
            raise InputError(
                f"{path} needs a number {field!r} in each /FullPackage; copy it again"
            ) from None
        values = shown_by_oximeter(name, values)
        found[name] = reference_wave(name, values, time, path=path, repeats=True)
    return found


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(present(path).read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise InputError(f"{path} needs JSON but {error}; copy it again") from error
    return found if isinstance(found, dict) else {}


def _stamps(notes: dict[str, Any], name: str, *, path: Path) -> Array:
    """(T,) int64 ns: exact, which a float would not be."""
    rows: Sequence[Any] = notes.get(name, ())
    try:
        stamps = np.array([int(row["Timestamp"]) for row in rows], dtype=np.int64)
    except (KeyError, TypeError, ValueError):
        stamps = np.zeros(0, dtype=np.int64)
    if not len(stamps):
        raise InputError(f"{path} needs rows with a Timestamp under {name!r}; copy it again")
    return stamps


PURE = Corpus(
    title="PURE",
    source="Stricker et al. 2014, RO-MAN; TU Ilmenau, Neuroinformatics and Cognitive Robotics",
    licence="research, on request",
    layout="01-01/01-01/Image1392643993642815000.png … and 01-01/01-01.json",
    find=find,
)
