"""Hoffman et al. (2022): fingertips on a phone's lens while oxygen was taken from the air.

A hand is a take. Colours come at 30 a second without times of their own; the bedside devices were
read once a second, and all started together.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from camvitals.data.corpora.colours import colour_trace
from camvitals.data.corpora.corpus import Corpus
from camvitals.data.corpora.references import evenly, reference_wave
from camvitals.data.files import lines_of, read_columns
from camvitals.data.recording import Recording
from camvitals.records import Array, InputError, Trace, Wave

RATE_HZ = 30.0
HANDS = ("Left", "Right")
# Columns from 0. The third oximeter is not filled in. From "ECG 3" on the heading names each
# column five places too far to the left; these are where the values are.
SPO2, PULSE, ECG, BREATH = (1, 2, 4, 5), (6, 7, 9, 10), 41, 45
LOWEST = {"spo2": 20.0, "heart_rate": 20.0, "respiration_rate": 2.0}  # below: no reading
HALF_DAY_S = 43_200


def find(folder: Path) -> Iterator[Recording]:
    """Both hands of every subject: ppg-csv/HAND/SUBJECT.csv, with gt/SUBJECT.csv."""
    found = {(path.parents[2], path.stem) for path in folder.rglob("ppg-csv/*/*.csv")}
    found |= {(path.parents[1], path.stem) for path in folder.rglob("gt/*.csv")}
    subjects = sorted((root, name) for root, name in found if name.isdigit())
    for (root, subject), hand in itertools.product(subjects, HANDS):
        colours = root / "ppg-csv" / hand / f"{subject}.csv"
        truth = root / "gt" / colours.name
        yield Recording(
            corpus="oximetry",
            subject=subject,
            task=hand,
            references=partial(references, truth),
            colours=partial(trace, colours),
            attributes={"hand": hand.lower(), "device": "phone with flash"},
            files=(colours, truth),
            roi="finger",
        )


def trace(path: Path) -> Trace:
    """Mean colour of the lens, one region "finger"."""
    columns = read_columns(path, names=("R", "G", "B"))
    rgb = np.column_stack(list(columns.values()))
    return colour_trace(rgb, evenly(len(rgb), rate=RATE_HZ), region="finger", path=path)


def references(path: Path) -> Mapping[str, Wave]:
    """SpO2 (mean of the oximeters), heart rate (median of them) and breathing rate, 1 Hz."""
    time, table = _table(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a second that no device filled in
        found = {
            "spo2": np.nanmean(_read(table, SPO2, "spo2"), axis=1),
            "heart_rate": np.nanmedian(_read(table, PULSE, "heart_rate"), axis=1),
            "respiration_rate": _read(table, (BREATH,), "respiration_rate")[:, 0],
        }
    return {name: reference_wave(name, v, time, path=path) for name, v in found.items()}


def ecg_heart_rate(path: Path) -> Wave:
    """The heart rate that the monitor counted from the ECG [bpm], 1 Hz: an independent check."""
    time, table = _table(path)
    return reference_wave("heart_rate", _read(table, (ECG,), "heart_rate")[:, 0], time, path=path)


def _table(path: Path) -> tuple[Array, Array]:
    """(N,) s since the first row, by the clock in the first column, and (N, 46) numbers."""
    rows = [(number, line.split(",")) for number, line in lines_of(path)[1:]]
    rows = [row for row in rows if ":" in row[1][0]]  # the last says "Collection Halted"
    if len(rows) < 2:
        raise InputError(f"{path} needs two or more rows under its heading; copy it again")
    time = np.array([_seconds(path, number, cells[0]) for number, cells in rows])
    table = np.full((len(rows), BREATH + 1), np.nan)
    for index, (number, cells) in enumerate(rows):
        if len(cells) <= BREATH:
            raise InputError(
                f"{path} line {number} needs {BREATH + 1} columns but has {len(cells)}; "
                "copy it again"
            )
        table[index] = [_number(cell) for cell in cells[: BREATH + 1]]
    time = np.unwrap(time, period=HALF_DAY_S)  # past noon or midnight
    return time - time[0], table


def _seconds(path: Path, number: int, cell: str) -> float:
    try:
        hours, minutes, seconds = map(float, cell.split(":"))
    except ValueError:
        raise InputError(
            f"{path} line {number} needs a time as 09:25:02 but has {cell!r}; copy it again"
        ) from None
    return 3600 * hours + 60 * minutes + seconds


def _number(cell: str) -> float:
    """A number; NaN for words, with which the monitor fills places that it has no value for."""
    try:
        return float(cell)
    except ValueError:
        return float("nan")


def _read(table: Array, columns: Sequence[int], name: str) -> Array:
    """(N, len(columns)) values, NaN where a device shows none."""
    values = table[:, list(columns)]
    return np.where(values > LOWEST[name], values, np.nan)


OXIMETRY = Corpus(
    title="Hoffman et al. 2022, smartphone camera oximetry in induced hypoxemia",
    source="npj Digital Medicine 5:146; github.com/ubicomplab/oximetry-phone-cam-data",
    licence="MIT",
    layout="ppg-csv/Left/100001.csv and ppg-csv/Right/100001.csv beside gt/100001.csv",
    find=find,
)
