"""ECG-Fitness: talking and sport before two web cameras; an ECG that knows each picture's place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from camvitals.data.corpora.corpus import Corpus
from camvitals.data.corpora.references import reference_wave, shown_by_oximeter
from camvitals.data.files import read_columns
from camvitals.data.recording import Recording
from camvitals.dsp.clean import GAP_S
from camvitals.records import Array, InputError, Wave
from camvitals.video import Video, open_video

PICTURES, SIGNALS = "c920.csv", "viatom-raw.csv"
CAMERAS = {"c920-1": "beside", "c920-2": "on the machine"}
ACTIVITIES = {
    "01": {"motion": "talk", "light": "daylight"},
    "02": {"motion": "rowing", "light": "daylight"},
    "03": {"motion": "talk", "light": "lamp"},
    "04": {"motion": "rowing", "light": "lamp"},
    "05": {"motion": "elliptical trainer", "light": "daylight"},
    "06": {"motion": "exercise bike", "light": "daylight"},
}
SWAPPED = {("11", "01"): "02", ("11", "02"): "01"}  # the owners' numbers of these two takes
SIGNED = 256  # heart rates above 127 were written as signed bytes
ABSENT = -1
NEAR_S = 0.05


def find(folder: Path) -> Iterator[Recording]:
    """Both cameras of every PERSON/TAKE."""
    for video in folder.glob("*/*/c920-[12].avi"):
        take = video.parent
        person, session = take.parent.name, take.name
        if person == "bbox":
            continue
        activity = ACTIVITIES.get(SWAPPED.get((person, session), session), {})
        yield Recording(
            corpus="ecg-fitness",
            subject=person,
            session=session,
            task=video.stem,
            references=partial(references, take),
            pictures=partial(pictures, take, video.name),
            attributes={"camera": CAMERAS[video.stem], **activity},
            files=(video, take / PICTURES, take / SIGNALS),
        )


def pictures(take: Path, name: str) -> Video:
    """One camera's video at the times of c920.csv."""
    stamps, _ = _pictures(take)
    return open_video(take / name, time=stamps)


def references(take: Path) -> dict[str, Wave]:
    """ECG of unknown scale; heart rate [bpm], pulse and oxygen saturation [%] where recorded.

    The ECG has an even rate between gaps; it is set so that the sample which c920.csv names for a
    picture has that picture's time.
    """
    path = take / SIGNALS
    stamps, index = _pictures(take)
    columns = read_columns(path)
    if len(columns) < 2:
        raise InputError(f"{path} needs milliseconds, ECG and more but has {', '.join(columns)}")
    table = {name.strip().lower(): values for name, values in columns.items()}
    if "milliseconds" not in table or "ecg" not in table:
        raise InputError(f"{path} needs columns milliseconds and ECG but has {', '.join(columns)}")
    # milliseconds since 1970 would leave too few digits for the line through them
    time = even_times((table["milliseconds"] - table["milliseconds"][0]) / 1e3)
    time = time + _shift(stamps, index, time, path=take / PICTURES)
    rates = table.get("ecg hr", np.full(len(time), np.nan))
    if not np.any(rates != ABSENT):
        rates = table.get("ppg hr", rates)
    given = {
        "ecg": table["ecg"],
        "heart_rate": np.where(rates < ABSENT, rates + SIGNED, rates),
        "pulse": table.get("ppg"),
        "spo2": table.get("spo2"),
    }
    waves = {}
    for name, values in given.items():
        known = None if values is None else _known(name, values)
        if known is not None:
            waves[name] = reference_wave(name, known, time, path=path, repeats=True)
    waves["ecg"] = replace(waves["ecg"], unit="1")
    return waves


def even_times(stamps: Array) -> Array:
    """(T,) s of samples that came in packets with one stamp each: an even rate between gaps.

    stamps: (T,) s, not falling; each stretch without a gap above 0.5 s gets its own line.
    """
    index = np.arange(len(stamps), dtype=float)
    time = np.asarray(stamps, dtype=float).copy()
    for part in np.split(np.arange(len(stamps)), np.flatnonzero(np.diff(stamps) > GAP_S) + 1):
        packets, first, count = np.unique(stamps[part], return_index=True, return_counts=True)
        if len(packets) > 2:
            # a line through the steps of the stamps would be too flat: take their middles
            middles = index[part][first] + (count - 1) / 2
            line = np.polyfit(middles - middles[0], packets, 1)
            time[part] = np.polyval(line, index[part] - middles[0])
    return time


def _pictures(take: Path) -> tuple[Array, Array]:
    """(T,) s of the pictures from the first on, and the (T,) ECG sample of each."""
    table = read_columns(take / PICTURES, names=["milliseconds", "index"])
    stamps = table["milliseconds"]
    return (stamps - stamps[0]) / 1e3, table["index"]


def _shift(stamps: Array, index: Array, time: Array, *, path: Path) -> float:
    """Seconds from the ECG's clock to that of the pictures."""
    named = np.isfinite(index) & (index >= 0) & (index < len(time))
    if not named.any():
        raise InputError(f"{path} needs ECG samples 0–{len(time) - 1} in column 2 but names none")
    apart = stamps[named] - time[index[named].astype(int)]
    near = np.abs(apart - np.median(apart)) <= NEAR_S
    return float(apart[near].mean())


def _known(name: str, values: Array) -> Array | None:
    """The column with what is absent as NaN; None when nothing was recorded."""
    values = shown_by_oximeter(name, values)
    finite = values[np.isfinite(values)]
    recorded = len(finite) > 0 and (name == "ecg" or np.any(finite != ABSENT))
    return values if recorded else None


ECG_FITNESS = Corpus(
    title="ECG-Fitness",
    source="https://cmp.felk.cvut.cz/~spetlrad/ecg-fitness (Špetlík et al., 2018)",
    licence="signed agreement, academic research only",
    layout="PERSON/TAKE/c920-1.avi, c920-2.avi, c920.csv, viatom-raw.csv",
    find=find,
)
