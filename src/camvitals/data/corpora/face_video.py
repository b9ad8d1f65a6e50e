"""A plain folder of videos: one's own clips, with a made truth beside each or with none."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from camvitals.data.corpora.corpus import Corpus
from camvitals.data.corpora.references import reference_wave
from camvitals.data.files import hidden
from camvitals.data.recording import Recording
from camvitals.data.synthetic.truth import Truth
from camvitals.records import Wave
from camvitals.video import open_video

VIDEOS = {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".wmv", ".mts", ".3gp"}
WAVES = ("pulse", "ecg", "breath", "spo2")
TOLD = ("tone", "light", "motion", "codec", "rate", "camera", "clock", "subject")


def find(folder: Path) -> Iterator[Recording]:
    """Every video at any depth; hidden files and folders are left out.

    The subject is the first folder on the way, or the video's own name where it lies on top.
    """
    found = (path for path in sorted(folder.rglob("*")) if path.suffix.lower() in VIDEOS)
    videos = [path for path in found if not hidden(path, folder)]
    same = Counter(path.with_suffix("") for path in videos)
    for path in videos:
        name = path.stem if same[path.with_suffix("")] == 1 else path.name
        subject, *between = (*path.relative_to(folder).parts[:-1], name)
        truth = tuple(path.with_name(f"{path.stem}.truth.{kind}") for kind in ("json", "csv"))
        known = any(beside.exists() for beside in truth)
        yield Recording(
            corpus="face-video",
            subject=subject,
            session="/".join(between[:-1]),
            task=between[-1] if between else "",
            references=partial(references, path) if known else no_references,
            pictures=partial(open_video, path),
            attributes=_attributes(truth[0]),
            files=(path, *truth) if known else (path,),
        )


def references(path: Path) -> Mapping[str, Wave]:
    """Pulse, ECG, breath and SpO2 of the truth beside a video, and its beat intervals."""
    truth = Truth.load(path)
    body, beats = truth.physiology, truth.beats
    values = {name: (getattr(body, name), body.time) for name in WAVES}
    values["rr"] = 1e3 * np.diff(beats), beats[1:]
    if not truth.alive:  # a picture or a wall has no vital signs
        return {}
    return {name: reference_wave(name, v, t, path=path) for name, (v, t) in values.items()}


def no_references() -> Mapping[str, Wave]:
    """Nothing is known of a video without a truth beside it."""
    return {}


def _attributes(truth: Path) -> dict[str, str]:
    """What the scenario says of tone, light and the like; nothing where it cannot be read."""
    try:
        scenario: dict[str, Any] = json.loads(truth.read_text(encoding="utf-8"))["scenario"]
        return {name: str(scenario[name]) for name in TOLD if name in scenario}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


FACE_VIDEO = Corpus(
    title="A folder of videos",
    source="one's own",
    licence="one's own",
    layout="video files at any depth, each with NAME.truth.json and NAME.truth.csv or without",
    find=find,
)
