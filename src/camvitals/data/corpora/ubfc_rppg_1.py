"""UBFC-rPPG, set 1 (Bobbia et al. 2019): eight people, an oximeter with a clock of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from camvitals.data.corpora.corpus import Corpus
from camvitals.data.corpora.references import reference_wave, shown_by_oximeter
from camvitals.data.files import read_columns
from camvitals.data.recording import Recording
from camvitals.records import InputError, Wave
from camvitals.video import open_video

TRUTH = "gtdump.xmp"
AFTER_EXERCISE = "after-exercise"


def find(folder: Path) -> Iterator[Recording]:
    """Every folder with gtdump.xmp or called N-gt, and its vid.avi (or vid-N.avi)."""
    places = {path.parent for path in folder.rglob(TRUTH)}
    places |= {path.parent for path in folder.rglob("*-gt/vid*.avi")}
    for place in sorted(places):
        video = next(iter(sorted(place.glob("vid*.avi"))), place / "vid.avi")
        name = place.resolve().name
        yield Recording(
            corpus="ubfc-rppg-1",
            subject=name.removesuffix("-gt"),
            references=partial(references, place / TRUTH),
            pictures=partial(open_video, video),
            attributes={"exercise": "after" if name == AFTER_EXERCISE else "none"},
            files=(video, place / TRUTH),
        )


def references(path: Path) -> Mapping[str, Wave]:
    """Pulse, heart rate [bpm] and SpO2 [%] at the oximeter's own times, counted from the video."""
    columns = list(read_columns(path).values())
    if len(columns) < 4:
        raise InputError(
            f"{path} needs four columns (time ms, heart rate, SpO2, pulse) but has {len(columns)}; "
            "copy it again"
        )
    time = columns[0] / 1e3
    return {
        name: reference_wave(name, shown_by_oximeter(name, values), time, path=path, repeats=True)
        for name, values in zip(("heart_rate", "spo2", "pulse"), columns[1:4], strict=True)
    }


UBFC_RPPG_1 = Corpus(
    title="UBFC-rPPG, set 1",
    source="Bobbia et al. 2019, Pattern Recognition Letters; sites.google.com/view/ybenezeth",
    licence="research, on request",
    layout="N-gt/vid.avi and N-gt/gtdump.xmp",
    find=find,
)
