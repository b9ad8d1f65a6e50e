"""PhysDrive (Wang et al. 2025): drivers on the road; labels have one value for each picture."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from camvitals.data.corpora.corpus import Corpus
from camvitals.data.corpora.references import evenly, reference_wave
from camvitals.data.files import read_mat
from camvitals.data.recording import Recording
from camvitals.records import Wave
from camvitals.video import open_video

RATE_HZ = 30.0
PICTURES = ("RGB.mp4", "Video/RGB.mp4", "Align")
PLACES = ("*/Label", "*/*/Label", "*/*/*/Label")
LABELS = {
    "BVP.mat": "pulse",
    "HR.mat": "heart_rate",
    "RESP.mat": "breath",
    "SPO2.mat": "spo2",
}
VEHICLES = {"A": "small car", "B": "car", "C": "SUV"}
LIGHTS = {"Z": "noon", "H": "dusk or dawn", "W": "midnight", "Y": "rain or cloud"}
ROADS = {"A": "flat, free", "B": "flat, congested", "C": "bumpy, congested"}
MOTIONS = {"1": "still", "S": "still", "2": "talk", "T": "talk"}
SEXES = {"F": "female", "M": "male"}


def find(folder: Path) -> Iterator[Recording]:
    """Every SUBJECT/SESSION with a folder Label, such as AMH1/AS."""
    # not at any depth: the folders below hold a file for each of 1.5 million pictures
    for labels in sorted(path for place in PLACES for path in folder.glob(place)):
        take, subject = labels.parent, labels.parents[1].name
        if not re.fullmatch("[ABC][FM][ZHWY][0-9]+/[ABC][0-9A-Z]", f"{subject}/{take.name}"):
            continue
        places = [take / place for place in PICTURES]
        pictures = next((place for place in places if place.exists()), places[0])
        known = ["BVP.mat", *(n for n in list(LABELS)[1:] if (labels / n).exists())]
        yield Recording(
            corpus="physdrive",
            subject=subject,
            task=take.name,
            references=partial(references, labels, tuple(known)),
            pictures=partial(open_video, pictures, fps=RATE_HZ),
            attributes=_attributes(subject, take.name),
            files=(pictures, *(labels / name for name in known)),
        )


def references(labels: Path, names: tuple[str, ...]) -> Mapping[str, Wave]:
    """Pulse, heart rate [bpm], breath and SpO2 [%]: value k belongs to picture k."""
    found = {}
    for file in names:
        path, name = labels / file, LABELS[file]
        values = np.asarray(read_mat(path)[path.stem], dtype=float).ravel()
        time = evenly(len(values), rate=RATE_HZ)
        found[name] = reference_wave(name, values, time, path=path)
    return found


def _attributes(subject: str, session: str) -> dict[str, str]:
    told = {
        "vehicle": VEHICLES[subject[0]],
        "sex": SEXES[subject[1]],
        "light": LIGHTS[subject[2]],
        "road": ROADS.get(session[:1], ""),
        "motion": MOTIONS.get(session[1:2], ""),
    }
    return {name: value for name, value in told.items() if value}


PHYSDRIVE = Corpus(
    title="PhysDrive",
    source="Wang et al. 2025, arXiv 2507.19172; github.com/WJULYW/PhysDrive-Dataset",
    licence="academic use, agreement for the videos",
    layout="AMH1/AS/RGB.mp4 (or Align/*.png) with AMH1/AS/Label/BVP.mat",
    find=find,
)
