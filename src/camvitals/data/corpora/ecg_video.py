"""ECG beside a video, each on a clock of its own: for recordings such as system A learns from."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

from camvitals.data.corpora.corpus import Corpus
from camvitals.data.corpora.references import evenly, reference_wave
from camvitals.data.files import lines_of, read_columns
from camvitals.data.recording import Recording
from camvitals.records import InputError, Wave
from camvitals.video import Video, open_video

VIDEO, ECG, CLOCKS = "video.mp4", "ecg.csv", "clocks.csv"
COLUMNS = ("stream", "first_s", "samples", "seconds")
STATES = {"rest": "rest", "exercise": "after exercise", "later": "later after exercise"}


@dataclass(frozen=True, slots=True)
class Clock:
    """first: time of the first sample [s], on one axis for all; rate: samples a second, exact."""

    first: float
    rate: Fraction


def find(folder: Path) -> Iterator[Recording]:
    """Every PERSON/SESSION with a video."""
    for video in folder.glob(f"*/*/{VIDEO}"):
        take = video.parent
        yield Recording(
            corpus="ecg-video",
            subject=take.parent.name,
            session=take.name,
            references=partial(references, take),
            pictures=partial(pictures, take),
            attributes={"state": STATES.get(take.name, take.name)},
            files=(video, take / ECG, take / CLOCKS),
        )


def pictures(take: Path) -> Video:
    """The video at the rate of its clock, from 0 s on."""
    return open_video(take / VIDEO, fps=float(clocks(take)["video"].rate))


def references(take: Path) -> dict[str, Wave]:
    """The ECG [mV] at its own rate, on the time axis of the pictures."""
    known = clocks(take)
    path = take / ECG
    values = read_columns(path, names=["ecg_mv"])["ecg_mv"]
    start = known["ecg"].first - known["video"].first
    time = evenly(len(values), rate=float(known["ecg"].rate), start=start)
    return {"ecg": reference_wave("ecg", values, time, path=path)}


def clocks(take: Path) -> dict[str, Clock]:
    """Of each stream, "video" and "ecg" at least. Raises InputError that names the line."""
    path = take / CLOCKS
    found: dict[str, Clock] = {}
    rows = csv.reader(text for _, text in lines_of(path))
    heading = tuple(next(rows))
    if heading != COLUMNS:
        raise InputError(f"{path} needs the heading {','.join(COLUMNS)} but has {heading}")
    for cells in rows:
        try:
            name, first, samples, seconds = cells
            found[name] = Clock(float(first), Fraction(samples) / Fraction(seconds))
            if not found[name].rate > 0:
                raise ValueError("no rate")
        except (ValueError, ZeroDivisionError) as error:
            raise InputError(
                f"{path} needs a stream, its first second, samples and seconds but has "
                f"{','.join(cells)!r}; mend that line"
            ) from error
    missing = [name for name in ("video", "ecg") if name not in found]
    if missing:
        raise InputError(f"{path} has no line for {missing[0]}; add one")
    return found


ECG_VIDEO = Corpus(
    title="ECG beside video",
    source="one's own; the set of system A, by AICure, is not public",
    licence="that of the recording",
    layout="PERSON/SESSION/video.mp4, ecg.csv, clocks.csv",
    find=find,
)
