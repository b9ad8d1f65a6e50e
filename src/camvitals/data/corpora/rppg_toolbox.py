"""Chunks that rPPG-Toolbox keeps of a corpus (Liu et al. 2023): arrays of pictures and labels."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from camvitals.data.corpora.corpus import Corpus
from camvitals.data.corpora.references import reference_wave
from camvitals.data.files import hidden, present
from camvitals.data.recording import Recording
from camvitals.records import Array, InputError, Wave
from camvitals.video import Video, open_video

CLOCK = "clock.json"
LABELS = ("Raw", "Standardized", "DiffNormalized")
NAME = r"(.+)_(input|label)(\d+)"
# How the toolbox shortens the names of corpora that have several takes of a person.
PEOPLE = (r"(s\d+)_(T\d)", r"(p\d\d)([a-d])")
PURE_PEOPLE = r"(\d{1,2})(0[1-6])"

Chunks = dict[int, Path]


def find(folder: Path) -> Iterator[Recording]:
    """Every NAME_inputK.npy with its NAME_labelK.npy; the chunks of a name are one take."""
    takes: dict[tuple[Path, str], Chunks] = {}
    for path in sorted(folder.rglob("*_*.npy")):
        matched = None if hidden(path, folder) else re.fullmatch(NAME, path.stem)
        if matched:
            takes.setdefault((path.parent, matched[1]), {})[int(matched[3])] = path.parent
    many = len({place for place, _ in takes}) > 1
    for (place, name), chunks in takes.items():
        numbers = tuple(sorted(chunks))
        subject, task = _person(place, name)
        files = [_path(place, name, kind, k) for kind in ("input", "label") for k in numbers]
        yield Recording(
            corpus="rppg-toolbox",
            subject=subject,
            task=task,
            session=place.name if many else "",
            references=partial(references, place, name, numbers),
            pictures=partial(film, place, name, numbers),
            attributes={"origin": _origin(place)},
            files=tuple(files),
            roi="skin",  # the pictures are cut to the face
        )


def film(place: Path, name: str, numbers: tuple[int, ...]) -> Video:
    """The pictures of all chunks, at the rate that clock.json gives."""
    rate = _rate(place)
    _pictures(_path(place, name, "input", numbers[0]))
    return open_video(_frames(place, name, numbers, rate))


def _frames(
    place: Path, name: str, numbers: tuple[int, ...], rate: float
) -> Iterator[tuple[Array, float]]:
    for number in numbers:
        images = _pictures(_path(place, name, "input", number))
        first = number * len(images)  # chunks are equally long; a missing one leaves a gap
        for index, image in enumerate(images):
            whole = np.clip(np.rint(image[..., :3]), 0, 255).astype(np.uint8)
            yield whole, (first + index) / rate


def references(place: Path, name: str, numbers: tuple[int, ...]) -> Mapping[str, Wave]:
    """The pulse: value k belongs to picture k; differences are summed up again."""
    rate, kind = _rate(place), _label_kind(place)
    values, index = [], []
    for number in numbers:
        label = np.ravel(_load(_path(place, name, "label", number))).astype(float)
        values.append(label)
        index.append(number * len(label) + np.arange(len(label)))
    pulse = np.concatenate(values)
    if kind == "DiffNormalized":
        # a difference is that to the next picture
        pulse = np.concatenate([[0.0], np.cumsum(pulse)[:-1]])
    time = np.concatenate(index) / rate
    path = _path(place, name, "label", numbers[0])
    return {"pulse": reference_wave("pulse", pulse, time, path=path)}


def _path(place: Path, name: str, kind: str, number: int) -> Path:
    return place / f"{name}_{kind}{number}.npy"


def _load(path: Path) -> Array:
    try:
        loaded = np.load(present(path), mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise InputError(f"{path} needs to be a numpy array but {error}; make it again") from error
    return np.asarray(loaded)


def _pictures(path: Path) -> Array:
    """(T, H, W, C) as kept; InputError when its first three channels are no colours 0–255."""
    images = _load(path)
    if images.ndim != 4 or images.shape[3] < 3:
        shape = "×".join(map(str, images.shape))
        raise InputError(f"{path} needs pictures T×H×W×3 but has {shape}; keep it as NDHWC")
    first = images[:1, ..., :3]
    if not np.isfinite(first).all() or first.min() < 0 or not 1 < first.max() <= 255:
        raise InputError(
            f"{path} needs pictures of 0–255 but has values from {first.min():.3g} to "
            f"{first.max():.3g}; DiffNormalized and Standardized ones cannot be turned back into "
            "pictures, so run the toolbox with DATA_TYPE: ['Raw']"
        )
    return images


def _clock(place: Path) -> dict[str, Any]:
    """clock.json of the chunks' folder or the one above it."""
    for folder in (place, place.parent):
        if (folder / CLOCK).is_file():
            try:
                found = json.loads((folder / CLOCK).read_text(encoding="utf-8-sig"))
            except ValueError as error:
                raise InputError(f"{folder / CLOCK} needs JSON but {error}") from error
            return found if isinstance(found, dict) else {}
    return {}


def _rate(place: Path) -> float:
    rate = _clock(place).get("rate_hz")
    if not isinstance(rate, int | float) or isinstance(rate, bool) or not rate > 0:
        raise InputError(
            f"the chunks in {place} have no clock; put {CLOCK} beside them with the frame rate of "
            'the corpus that they were made of, such as {"rate_hz": 30}'
        )
    return float(rate)


def _label_kind(place: Path) -> str:
    """One of LABELS: as clock.json says, else as the toolbox names its folders."""
    named = re.search(r"LabelType([A-Za-z]+)", place.name)
    kind = _clock(place).get("labels", named[1] if named else None)
    if kind not in LABELS:
        raise InputError(
            f"the labels in {place} may be {', '.join(LABELS)} but the folder's name does not say "
            f'which; put "labels": "DiffNormalized" (or another) into {CLOCK}'
        )
    return str(kind)


def _origin(place: Path) -> str:
    """The corpus that the chunks were made of, where the folder's name says so."""
    return place.name.partition("_SizeW")[0] if "_SizeW" in place.name else "unknown"


def _person(place: Path, name: str) -> tuple[str, str]:
    """Subject and task; where the toolbox's short name hides no task, all of it is the subject."""
    known = (PURE_PEOPLE, *PEOPLE) if _origin(place).startswith("PURE") else PEOPLE
    for pattern in known:
        if matched := re.fullmatch(pattern, name):
            return matched[1], matched[2]
    return name, ""


RPPG_TOOLBOX = Corpus(
    title="rPPG-Toolbox chunks",
    source="Liu et al. 2023, NeurIPS Datasets and Benchmarks; made from any corpus by its users",
    licence="that of the corpus that they were made of",
    layout="NAME_input0.npy … and NAME_label0.npy …, with clock.json beside them",
    find=find,
)
