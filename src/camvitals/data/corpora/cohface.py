"""COHFACE (Heusch et al. 2017): 40 people in two lights, strongly compressed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from camvitals.data.corpora.corpus import Corpus
from camvitals.data.corpora.references import evenly, reference_wave
from camvitals.data.files import Hdf5, read_hdf5
from camvitals.data.recording import Recording
from camvitals.records import Array, InputError, Wave
from camvitals.video import open_video

LIGHTS = {"0": "studio", "1": "studio", "2": "natural", "3": "natural"}
SIGNALS = {"pulse": "pulse", "respiration": "breath"}
RATE = "sample-rate-hz"


def find(folder: Path) -> Iterator[Recording]:
    """Every SUBJECT/SESSION/data.avi with data.hdf5; subjects 1–40, sessions 0–3."""
    places = {path.parent for name in ("data.avi", "data.hdf5") for path in folder.rglob(name)}
    for place in sorted(places):
        subject, session = place.parent.resolve().name, place.resolve().name
        if not (subject.isdigit() and session.isdigit()):
            continue
        video, signals = place / "data.avi", place / "data.hdf5"
        yield Recording(
            corpus="cohface",
            subject=subject,
            session=session,
            references=partial(references, signals),
            pictures=partial(open_video, video),
            attributes={"light": LIGHTS.get(session, "other"), "motion": "still"},
            files=(video, signals),
        )


def references(path: Path) -> Mapping[str, Wave]:
    """Pulse and breath at 256 Hz, from the start of the video."""
    data = read_hdf5(path)
    found = {}
    for field, name in SIGNALS.items():
        if name == "pulse" or field in data:
            values = np.ravel(data[field])
            found[name] = reference_wave(name, values, _time(data, len(values)), path=path)
    return found


def _time(data: Hdf5, count: int) -> Array:
    """By the rate that the file states, else by its own times."""
    stated = data.attributes().get(RATE)
    if stated is not None and float(stated) > 0:
        return evenly(count, rate=float(stated))
    if "time" in data:
        return np.ravel(data["time"])
    raise InputError(f"{data.path} needs the attribute {RATE} or a dataset time; copy it again")


COHFACE = Corpus(
    title="COHFACE",
    source="Heusch, Anjos and Marcel 2017, arXiv 1709.00962; idiap.ch/en/dataset/cohface",
    licence="research, signed agreement",
    layout="1/0/data.avi and 1/0/data.hdf5 (subjects 1–40, sessions 0–3)",
    find=find,
)
