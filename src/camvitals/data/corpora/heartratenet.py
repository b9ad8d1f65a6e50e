"""HeartRateNet (NVIDIA TAO): pictures and an oximeter's pulse, both on a UNIX clock."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from camvitals.data.corpora.corpus import Corpus
from camvitals.data.corpora.references import reference_wave
from camvitals.data.files import read_columns
from camvitals.data.recording import Recording
from camvitals.records import Wave
from camvitals.video import open_video

CLOCK, TRUTH = "image_timestamps.csv", "ground_truth.csv"
MADE = ("tone", "light", "motion")  # what the truth beside a made person says of the scene


def find(folder: Path) -> Iterator[Recording]:
    """Every SUBJECT with images/ and image_timestamps.csv, its pulse in ground_truth.csv."""
    places = [folder, *sorted(path for path in folder.glob("*") if path.is_dir())]
    for place in places:
        if not (place / CLOCK).exists() and not (place / "images").is_dir():
            continue
        yield Recording(
            corpus="heartratenet",
            subject=place.resolve().name,
            references=partial(references, place / TRUTH),
            pictures=partial(open_video, place),
            attributes=_attributes(place),
            files=(place / "images", place / CLOCK, place / TRUTH),
        )


def references(path: Path) -> Mapping[str, Wave]:
    """The pulse, at UNIX seconds as the pictures are."""
    columns = read_columns(path, names=("Time", "PulseWaveform"))
    return {"pulse": reference_wave("pulse", columns["PulseWaveform"], columns["Time"], path=path)}


def _attributes(place: Path) -> dict[str, str]:
    """None but for made people, whose scenario lies beside them."""
    try:
        text = (place / f"{place.resolve().name}.truth.json").read_text(encoding="utf-8")
        scenario = json.loads(text)["scenario"]
        return {name: str(scenario[name]) for name in MADE}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


HEARTRATENET = Corpus(
    title="HeartRateNet",
    source="NVIDIA TAO Toolkit, HeartRateNet data format",
    licence="that of whoever recorded it; NVIDIA's own recordings are not public",
    layout="SUBJECT/images/0000.bmp …, SUBJECT/image_timestamps.csv and SUBJECT/ground_truth.csv",
    find=find,
)
