"""iBVP (Joshi and Cho 2024): pictures and an ear's pulse at 30 Hz, with judged signal quality."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from camvitals.data.corpora.corpus import Corpus
from camvitals.data.corpora.references import evenly, reference_wave
from camvitals.data.files import read_columns
from camvitals.data.recording import Recording
from camvitals.records import Wave
from camvitals.video import open_video

RATE_HZ = 30.0  # of pictures and pulse, which the owners give sample for sample
NAME = r"(p\d+)_([a-z])"
CONDITIONS = {
    "a": {"condition": "slow breathing and rest", "motion": "still"},
    "b": {"condition": "easy sums", "motion": "still"},
    "c": {"condition": "difficult sums", "motion": "still"},
    "d": {"condition": "head movement", "motion": "turn"},
}
# BVP, SQPhysMD (of the owners' network), SQ1 and SQ2 (by hand), Perfusion_Value
QUALITY = 3


def find(folder: Path) -> Iterator[Recording]:
    """Every pNN_x with pNN_x_rgb/*.bmp and pNN_x_bvp.csv."""
    for place in sorted([*folder.glob("p*_?"), *folder.glob("*/p*_?")]):
        matched = re.fullmatch(NAME, place.name)
        pictures, truth = place / f"{place.name}_rgb", place / f"{place.name}_bvp.csv"
        if not matched or not (pictures.is_dir() or truth.exists()):
            continue
        yield Recording(
            corpus="ibvp",
            subject=matched[1],
            task=matched[2],
            references=partial(references, truth),
            pictures=partial(open_video, pictures, fps=RATE_HZ),
            attributes=CONDITIONS.get(matched[2], {}),
            files=(pictures, truth),
        )


def references(path: Path) -> Mapping[str, Wave]:
    """Pulse and its signal quality: value k belongs to picture k."""
    columns = list(read_columns(path).values())
    time = evenly(len(columns[0]), rate=RATE_HZ)
    found = {"pulse": reference_wave("pulse", columns[0], time, path=path)}
    if len(columns) > QUALITY:
        found["signal_quality"] = reference_wave(
            "signal_quality", columns[QUALITY], time, path=path
        )
    return found


IBVP = Corpus(
    title="iBVP",
    source="Joshi and Cho 2024, Electronics 13:1334; github.com/PhysiologicAILab/iBVP-Dataset",
    licence="academic research, signed agreement of a supervisor",
    layout="p01_a/p01_a_rgb/*.bmp and p01_a/p01_a_bvp.csv",
    find=find,
)
