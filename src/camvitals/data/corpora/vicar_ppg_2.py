"""VicarPPG 2 (Gudi et al. 2020): ten people, four conditions, 60 pictures a second."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from camvitals.data.corpora.corpus import Corpus
from camvitals.data.corpora.references import reference_wave
from camvitals.data.files import read_columns
from camvitals.data.recording import Recording
from camvitals.records import Wave
from camvitals.video import open_video

KINDS = ("Cleaned", "Raw")  # of the contact pulse, the better one first


def find(folder: Path) -> Iterator[Recording]:
    """Every Videos/NN-CONDITION.mp4, with GroundTruth/PPG/Cleaned/NN-CONDITION PPG.csv."""
    names = {(path.parents[1], path.stem) for path in folder.rglob("Videos/*.mp4")}
    for path in folder.rglob("GroundTruth/PPG/*/* PPG.csv"):
        names.add((path.parents[3], path.stem.removesuffix(" PPG")))
    for root, name in sorted(names):
        subject, _, condition = name.partition("-")
        if not (subject.isdigit() and condition):
            continue
        video, truth = root / "Videos" / f"{name}.mp4", root / "GroundTruth" / "PPG"
        places = [truth / kind / f"{name} PPG.csv" for kind in KINDS]
        pulse = next((place for place in places if place.exists()), places[0])
        yield Recording(
            corpus="vicar-ppg-2",
            subject=subject,
            task=condition,
            references=partial(references, pulse),
            pictures=partial(open_video, video),
            attributes={"condition": condition},
            files=(video, pulse),
        )


def references(path: Path) -> Mapping[str, Wave]:
    """Contact pulse; its times [ms] are counted from the first sample, the video's start."""
    columns = list(read_columns(path).values())
    time = columns[0] / 1e3
    values = columns[1] if len(columns) > 1 else np.zeros(0)
    return {"pulse": reference_wave("pulse", values, time - time[:1], path=path, repeats=True)}


VICAR_PPG_2 = Corpus(
    title="VicarPPG 2",
    source="Gudi et al. 2020, Applied Sciences 10:8630; ask VicarVision",
    licence="research, on request",
    layout="Videos/01-base.mp4 beside GroundTruth/PPG/Cleaned/01-base PPG.csv",
    find=find,
)
