"""UBFC-rPPG, set 2 (Bobbia et al. 2019): 42 people who play a number game."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from camvitals.data.corpora.corpus import Corpus
from camvitals.data.corpora.references import reference_wave, shown_by_oximeter
from camvitals.data.files import read_rows
from camvitals.data.recording import Recording
from camvitals.records import InputError, Wave
from camvitals.video import open_video

TRUTH = "ground_truth.txt"


def find(folder: Path) -> Iterator[Recording]:
    """Every subjectN with vid.avi and ground_truth.txt."""
    for place in sorted(folder.rglob("subject*")):
        video = place / "vid.avi"
        if not (video.exists() or (place / TRUTH).exists()):
            continue
        yield Recording(
            corpus="ubfc-rppg-2",
            subject=place.name,
            references=partial(references, place / TRUTH),
            pictures=partial(open_video, video),
            attributes={"task": "game"},
            files=(video, place / TRUTH),
        )


def references(path: Path) -> Mapping[str, Wave]:
    """Pulse and heart rate [bpm] on the clock of the third line [s], that of the video."""
    rows = read_rows(path)
    if len(rows) != 3 or len({len(row) for row in rows}) != 1:
        raise InputError(
            f"{path} needs three equally long lines (pulse, heart rate, time) but has lines of "
            f"{', '.join(str(len(row)) for row in rows)} numbers; copy it again"
        )
    return {
        name: reference_wave(name, shown_by_oximeter(name, row), rows[2], path=path, repeats=True)
        for name, row in zip(("pulse", "heart_rate"), rows[:2], strict=True)
    }


UBFC_RPPG_2 = Corpus(
    title="UBFC-rPPG, set 2",
    source="Bobbia et al. 2019, Pattern Recognition Letters; sites.google.com/view/ybenezeth",
    licence="research, on request",
    layout="subjectN/vid.avi and subjectN/ground_truth.txt",
    find=find,
)
