"""V4V challenge (Revanur et al. 2021): videos of BP4D+ as .mkv with rates for every picture."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from camvitals.data.corpora.corpus import Corpus
from camvitals.data.corpora.references import evenly, reference_wave
from camvitals.data.files import hidden, lines_of, read_columns
from camvitals.data.recording import Recording
from camvitals.records import Array, InputError, Wave
from camvitals.video import open_video

RATE_HZ = 25.0
SIGNAL_HZ = 1000.0
NAME = r"([FM]\d+)[_-](T\d+)"
SPLITS = {"train": "train", "val": "val", "test": "test"}
RELEASES = {"val": "validation_set_gt_release.txt", "test": "test_set_gt_release.txt"}
RATES = {"HR": "heart_rate", "RR": "respiration_rate"}
SEXES = {"F": "female", "M": "male"}


def find(folder: Path) -> Iterator[Recording]:
    """Every SUBJECT_TASK, with video, pressure and rates wherever the phases put them."""
    seen = [path for path in sorted(folder.rglob("*")) if not hidden(path, folder)]
    texts = [path for path in seen if path.suffix == ".txt"]
    videos = {path.stem: path for path in seen if path.suffix == ".mkv" and _key(path)}
    pressures = {_key(path): path for path in texts if "bp" in path.parent.name.lower()}
    rates = {_key(path): path for path in texts if "physiology" in path.parent.name.lower()}
    releases = {path.name: path for path in texts}
    for name in sorted((videos.keys() | pressures.keys() | rates.keys()) - {""}):
        subject, task = name.split("_")
        known = next(found[name] for found in (videos, pressures, rates) if name in found)
        split = _split(known.relative_to(folder))
        video = videos.get(name, folder / "Videos" / f"{name}.mkv")
        own = folder / "Ground truth" / "Physiology" / f"{name}.txt"
        rate = rates.get(name) or releases.get(RELEASES.get(split, ""), own)
        wave = folder / "Ground truth" / "BP_raw_1KHz" / f"{subject}-{task}-BP.txt"
        pressure = pressures.get(name, wave)
        yield Recording(
            corpus="v4v",
            subject=subject,
            task=task,
            split=split,
            references=partial(references, pressure, rate, video.name),
            pictures=partial(open_video, video),
            attributes={"sex": SEXES[subject[0]], "task": task},
            files=(video, pressure, rate),
        )


def references(pressure: Path, rates: Path, video: str) -> Mapping[str, Wave]:
    """Arterial pressure [mmHg] at 1 kHz; heart and breathing rate for each picture."""
    values = next(iter(read_columns(pressure).values()))
    time = evenly(len(values), rate=SIGNAL_HZ)
    found = {"blood_pressure": reference_wave("blood_pressure", values, time, path=pressure)}
    for name, each in _rates(rates, video).items():
        time = evenly(len(each), rate=RATE_HZ)
        found[name] = reference_wave(name, each, time, path=rates)
    return found


def _rates(path: Path, video: str) -> dict[str, Array]:
    """The lines `F001_T1.mkv, HR, 71.2, …` and `…, RR, …` of one video."""
    found = {}
    for number, line in lines_of(path):
        cells = [cell.strip() for cell in line.rstrip(", ").split(",")]
        if Path(cells[0]).stem != Path(video).stem or len(cells) < 4 or cells[1] not in RATES:
            continue
        try:
            found[RATES[cells[1]]] = np.array(cells[2:], dtype=float)
        except ValueError:
            raise InputError(
                f"{path} line {number} needs a rate for every picture of {video} but has words "
                "among them; copy it again"
            ) from None
    if not found:
        raise InputError(f"{path} needs lines of HR and RR for {video} but has none")
    return found


def _key(path: Path) -> str:
    """F001_T1 of F001-T1-BP.txt or F001_T1.txt; "" for another file."""
    matched = re.fullmatch(f"{NAME}(?:[_-]BP)?", path.stem)
    return "_".join(matched.groups()) if matched else ""


def _split(path: Path) -> str:
    """Told by the nearest folder whose name holds train, val or test."""
    for part in reversed(path.parts[:-1]):
        named = [split for word, split in SPLITS.items() if word in part.lower()]
        if named:
            return named[0]
    return ""


V4V = Corpus(
    title="V4V, Vision for Vitals challenge",
    source="Revanur et al. 2021, ICCV workshops; vision4vitals.github.io",
    licence="research, signed agreement",
    layout="Videos/train/F001_T1.mkv, Ground truth/BP_raw_1KHz/F001-T1-BP.txt and "
    "Ground truth/Physiology/F001_T1.txt, or the folders of both phases",
    find=find,
)
