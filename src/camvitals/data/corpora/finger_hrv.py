"""Welltory (2021): a fingertip on a phone's lens with frame times, and a chest strap's intervals.

The owners recorded both over the same minutes but do not say when the first beat came.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from camvitals.data.corpora.colours import colour_trace
from camvitals.data.corpora.corpus import Corpus
from camvitals.data.corpora.references import reference_wave
from camvitals.data.files import read_columns, read_rows
from camvitals.data.recording import Recording
from camvitals.records import Trace, Wave


def find(folder: Path) -> Iterator[Recording]:
    """Every folder that holds PPG.csv or RR.txt."""
    places = {path.parent for name in ("PPG.csv", "RR.txt") for path in folder.rglob(name)}
    for place in sorted(places):
        colours, intervals = place / "PPG.csv", place / "RR.txt"
        yield Recording(
            corpus="finger-hrv",
            subject=place.resolve().name,
            references=partial(references, intervals),
            colours=partial(trace, colours),
            attributes={"device": "phone"},
            files=(colours, intervals),
            roi="finger",
            aligned=False,
        )


def trace(path: Path) -> Trace:
    """Mean colour of the lens, one region "finger"; the times are the phone's own."""
    columns = read_columns(path, names=("time", "R", "G", "B"))
    rgb = np.column_stack([columns[name] for name in "RGB"])
    return colour_trace(rgb, columns["time"] / 1e3, region="finger", path=path)


def references(path: Path) -> Mapping[str, Wave]:
    """Beat intervals [ms], each at the beat that ends it, counted from the first beat [s]."""
    rows = read_rows(path)
    intervals = np.concatenate(rows) if rows else np.zeros(0)
    ends = np.cumsum(intervals) / 1e3
    return {"rr": reference_wave("rr", intervals, ends, path=path)}


FINGER_HRV = Corpus(
    title="Welltory PPG dataset",
    source="Neshitov et al. 2021; github.com/Welltory/welltory-ppg-dataset",
    licence="CC0",
    layout="subject_01/PPG.csv (time, R, G, B) and subject_01/RR.txt",
    find=find,
)
