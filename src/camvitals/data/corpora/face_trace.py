"""Mean skin colours of a face with a contact pulse in the format of UBFC-rPPG beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from camvitals.data.corpora.colours import colour_trace
from camvitals.data.corpora.corpus import Corpus
from camvitals.data.corpora.references import reference_wave
from camvitals.data.files import read_mat, read_rows
from camvitals.data.recording import Recording
from camvitals.records import InputError, Trace, Wave


def find(folder: Path) -> Iterator[Recording]:
    """Every folder that holds mean_rgb.mat or ground_truth.txt."""
    places = {path.parent for path in folder.rglob("mean_rgb.mat")}
    # beside a video it belongs to UBFC-rPPG itself
    truths = (
        path for path in folder.rglob("ground_truth.txt") if not any(path.parent.glob("*.avi"))
    )
    for place in sorted(places | {path.parent for path in truths}):
        colours, truth = place / "mean_rgb.mat", place / "ground_truth.txt"
        yield Recording(
            corpus="face-trace",
            subject=place.resolve().name,
            references=partial(references, truth),
            colours=partial(trace, colours),
            files=(colours, truth),
        )


def trace(path: Path) -> Trace:
    """Mean colour of the whole skin; times are the camera's own [µs], counted from the first."""
    found = read_mat(path)
    time = np.asarray(found["timestamps"], dtype=float).ravel() / 1e6
    return colour_trace(found["mean_rgb"], time - time[:1], region="skin", path=path)


def references(path: Path) -> Mapping[str, Wave]:
    """Contact pulse and the device's heart rate [bpm] on the clock of the third line [s]."""
    rows = read_rows(path)
    if len(rows) != 3 or len({len(row) for row in rows}) != 1:
        raise InputError(
            f"{path} needs three equally long lines (pulse, heart rate, time) but has lines of "
            f"{', '.join(str(len(row)) for row in rows)} numbers; copy it again"
        )
    pulse, rate, time = rows
    return {
        name: reference_wave(name, values, time, path=path, repeats=True)
        for name, values in (("pulse", pulse), ("heart_rate", rate))
    }


FACE_TRACE = Corpus(
    title="Mean skin colours with a contact pulse",
    source="one's own, or of a UBFC-rPPG subject (Bobbia et al. 2019)",
    licence="that of the recording",
    layout="SUBJECT/mean_rgb.mat (mean_rgb, timestamps) and SUBJECT/ground_truth.txt",
    find=find,
)
