"""MCD-rPPG (Egorov et al. 2025): 600 people, three cameras, at rest and after exercise.

Pictures and contact pulse carry times of one wall clock: meta/ has that of each picture, ppg/ that
of each sample.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np

from camvitals.data.corpora.corpus import Corpus
from camvitals.data.corpora.references import reference_wave
from camvitals.data.files import lines_of, read_rows
from camvitals.data.recording import Recording
from camvitals.records import Array, InputError, Wave
from camvitals.video import Video, open_video

STEPS = {"before": "rest", "after": "after exercise"}
DEVICES = {"FullHDwebcam": "webcam", "USBVideo": "camcorder", "IriunWebcam": "phone"}


def find(folder: Path) -> Iterator[Recording]:
    """Every SUBJECT_CAMERA_STEP in video/, meta/ or ppg_sync/."""
    places = ("video/*.avi", "meta/*.txt", "ppg_sync/*.txt")
    found = {(path.parents[1], path.stem) for place in places for path in folder.rglob(place)}
    people = {root: _people(root / "db.csv") for root in {root for root, _ in found}}
    for root, name in sorted(found):
        subject, _, rest = name.partition("_")
        camera, _, step = rest.rpartition("_")
        if not camera or step not in STEPS:
            continue
        video, meta = root / "video" / f"{name}.avi", root / "meta" / f"{name}.txt"
        pulse = _pulse(root, subject, camera, step)
        yield Recording(
            corpus="mcd-rppg",
            subject=subject,
            session=step,
            task=camera,
            references=partial(references, pulse, meta),
            pictures=partial(pictures, video, meta),
            attributes={
                "state": STEPS[step],
                "device": DEVICES.get(camera, camera),
                **people[root].get(subject, {}),
            },
            files=(video, meta, pulse),
        )


def pictures(video: Path, meta: Path) -> Video:
    """The video on the clock of meta/; its container has only a nominal rate."""
    stamps = picture_times(meta)
    return open_video(video, time=stamps - stamps[0])


def references(pulse: Path, meta: Path) -> Mapping[str, Wave]:
    """Contact pulse, at its own times (.PW) or one value for each picture (ppg_sync/)."""
    start = picture_times(meta)
    if pulse.suffix == ".PW":
        values, time = _stamped(pulse, value_first=True)
    else:
        rows = [row[0] for row in read_rows(pulse)]  # meta/ may go on after the last picture
        values, time = np.array(rows[: len(start)]), start[: len(rows)]
    wave = reference_wave("pulse", values, time - start[0], path=pulse, repeats=True)
    return {"pulse": wave}


def picture_times(meta: Path) -> Array:
    """(T,) UNIX seconds of the pictures."""
    return _stamped(meta, value_first=False)[1]


def _pulse(root: Path, subject: str, camera: str, step: str) -> Path:
    """The pulse as sampled; else the one matched to the pictures."""
    places = (
        root / "ppg" / f"{subject}_{step}.PW",
        root / "ppg" / f"{subject}_{camera}_{step}.PW",
        root / "ppg_sync" / f"{subject}_{camera}_{step}.txt",
    )
    return next((place for place in places if place.exists()), places[0])


def _stamped(path: Path, *, value_first: bool) -> tuple[Array, Array]:
    """(N,) numbers and (N,) UNIX seconds of lines as `128 2023-11-13 14:18:09.856232`."""
    values, times = [], []
    for number, line in lines_of(path):
        try:
            first, stamp = line.split(None, 1)
            values.append(float(first))
            # the clock shows no zone: naive times are subtracted from each other only
            times.append(
                (datetime.fromisoformat(stamp.strip()) - datetime(1970, 1, 1)).total_seconds()
            )
        except ValueError:
            what = "a value" if value_first else "a picture's number"
            raise InputError(
                f"{path} line {number} needs {what} and a date with time but has {line[:60]!r}; "
                "copy it again"
            ) from None
    if not times:
        raise InputError(f"{path} needs lines with times but has none; copy it again")
    return np.array(values), np.array(times)


def _people(path: Path) -> dict[str, dict[str, str]]:
    """Sex and age of each subject in db.csv; nothing where it is not there."""
    if not path.is_file():
        return {}
    found = {}
    with path.open(encoding="utf-8-sig", newline="", errors="replace") as file:
        for row in csv.DictReader(file):
            told = {name: (row.get(name) or "").strip() for name in ("sex", "age")}
            found[(row.get("patient_id") or "").strip()] = {k: v for k, v in told.items() if v}
    return found


MCD_RPPG = Corpus(
    title="MCD-rPPG",
    source="Egorov et al. 2025, arXiv 2508.17924; huggingface.co/datasets/kyegorov/mcd_rppg",
    licence="CC BY 4.0",
    layout="video/1020_FullHDwebcam_before.avi with meta/….txt and ppg/1020_before.PW",
    find=find,
)
