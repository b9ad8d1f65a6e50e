"""VIPL-HR: nine situations before a web camera, a phone and a depth camera; pulse, rate, SpO2."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from camvitals.data.corpora.corpus import Corpus
from camvitals.data.corpora.references import evenly, reference_wave, shown_by_oximeter
from camvitals.data.files import read_columns, read_rows
from camvitals.data.recording import Recording
from camvitals.records import Wave
from camvitals.video import Video, open_video

PULSE_RATE_HZ = 60.0
NUMBER_RATE_HZ = 1.0
DEVICES = {"source1": "web camera", "source2": "phone", "source3": "depth camera"}
SITUATIONS = {
    "v1": {"situation": "stable", "motion": "still", "light": "lamp"},
    "v2": {"situation": "motion", "motion": "large", "light": "lamp"},
    "v3": {"situation": "talking", "motion": "talk", "light": "lamp"},
    "v4": {"situation": "dark", "motion": "still", "light": "dim"},
    "v5": {"situation": "bright", "motion": "still", "light": "bright"},
    "v6": {"situation": "long distance", "motion": "still", "light": "lamp"},
    "v7": {"situation": "after exercise", "motion": "still", "light": "lamp"},
    "v8": {"situation": "phone held, stable", "motion": "still", "light": "lamp"},
    "v9": {"situation": "phone held, motion", "motion": "large", "light": "lamp"},
}


def find(folder: Path) -> Iterator[Recording]:
    """Every p…/v…/source1–3 with a video; source4 is infrared and left out."""
    root = folder / "data" if (folder / "data").is_dir() else folder
    for video in root.glob("p*/v*/source[123]/video.avi"):
        take = video.parent
        person, situation, source = take.parts[-3:]
        timer = take / "time.txt"
        yield Recording(
            corpus="vipl-hr",
            subject=person,
            session=situation,
            task=source,
            references=partial(references, take),
            pictures=partial(pictures, take),
            attributes={
                "device": DEVICES[source],
                "clock": "time.txt" if timer.exists() else "container",
                **SITUATIONS.get(situation.split("-")[0], {}),
            },
            files=(video, take / "wave.csv"),
            aligned=False,
        )


def pictures(take: Path) -> Video:
    """The video at the times of time.txt [ms]; the container's are wrong by up to a third."""
    timer = take / "time.txt"
    if not timer.exists():
        return open_video(take / "video.avi")
    time = np.concatenate(read_rows(timer)) / 1e3
    return open_video(take / "video.avi", time=time)


def references(take: Path) -> dict[str, Wave]:
    """Pulse at 60 Hz; heart rate [bpm] and oxygen saturation [%] once a second where given.

    The owners start them with the pictures and give no times. Numbers that a body cannot have,
    such as 103 % or 0 bpm, are NaN.
    """
    waves = {"pulse": _wave("pulse", take / "wave.csv", "Wave", rate=PULSE_RATE_HZ)}
    for name, file, column in (("heart_rate", "gt_HR.csv", "HR"), ("spo2", "gt_SpO2.csv", "SpO2")):
        if (take / file).exists():
            waves[name] = _wave(name, take / file, column, rate=NUMBER_RATE_HZ)
    return waves


def _wave(name: str, path: Path, column: str, *, rate: float) -> Wave:
    values = shown_by_oximeter(name, read_columns(path, names=[column])[column])
    return reference_wave(name, values, evenly(len(values), rate=rate), path=path)


VIPL_HR = Corpus(
    title="VIPL-HR",
    source="https://vipl.ict.ac.cn/resources/databases (Niu et al., 2018)",
    licence="signed agreement, academic research only",
    layout="p1/v1/source1/video.avi, wave.csv, gt_HR.csv, gt_SpO2.csv, time.txt",
    find=find,
)
