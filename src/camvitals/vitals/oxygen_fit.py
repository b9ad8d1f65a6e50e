"""A calibration from recordings with a reference: fitted on all, judged on those left out.

Shape letters: W windows, K ratios.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from camvitals.records import Array, InputError
from camvitals.vitals.calibration import RIGHT, Calibration, Line, Span
from camvitals.vitals.oxygen import inside

START_S = 30.0  # the reference of this long from the first usable window on is the baseline
FEWEST = 30  # windows a recording needs
EDGE = 0.01  # share of the windows at each end that make no range
WIDTH = 2.0  # points of SpO2 that the references must span at least


@dataclass(frozen=True, slots=True)
class Sample:
    """The usable windows of one recording.

    ratios: (W, K).   colours: (W, 2) as Look.colours.   spo2: (W,) % at the end of each window.
    stop: (W,) s.
    """

    subject: str
    recording: str
    ratios: Array
    colours: Array
    spo2: Array
    stop: Array

    @property
    def start(self) -> Array:
        """(W,) True for the windows that end in the first START_S."""
        return np.asarray(self.stop <= self.stop[0] + START_S)


def calibrate(
    samples: Sequence[Sample], *, method: str, camera: str, site: str, table: str = ""
) -> Calibration:
    """The calibration of a method.

    camera, site: names; site is the roi.   table: digest of where the samples are from.
    Subjects are left out in turn, or recordings where there is one subject.
    Raises InputError for fewer than two groups, or references that hardly change.
    """
    samples = [sample for sample in samples if len(sample.stop) >= FEWEST]
    subjects = {sample.subject for sample in samples}
    by_subject = len(subjects) > 1
    groups = [sample.subject if by_subject else sample.recording for sample in samples]
    if len(set(groups)) < 2:
        raise InputError(
            f"a calibration needs 2 subjects or recordings with {FEWEST} usable windows each but "
            f"got {len(set(groups))}; record more, longer, in better light"
        )
    spo2 = np.concatenate([sample.spo2 for sample in samples])
    if np.ptp(spo2) < WIDTH:
        raise InputError(
            f"a calibration needs references that span {WIDTH:g} points but they go from "
            f"{spo2.min():.1f} to {spo2.max():.1f} %; record while the saturation changes"
        )
    ratios = [sample.ratios for sample in samples]
    return Calibration(
        camera=camera,
        site=site,
        method=method,
        alone=_line(samples, groups, _alone),
        since=_line(samples, groups, _since),
        spo2=(float(spo2.min()), float(spo2.max())),
        ratios=_ranges(ratios),
        colours=_two(_ranges([sample.colours for sample in samples])),
        subjects=len(subjects),
        recordings=len(samples),
        windows=len(spo2),
        left_out="subject" if by_subject else "recording",
        table=table,
    )


Sides = Callable[[Sample], tuple[Array, Array, float]]


def _alone(sample: Sample) -> tuple[Array, Array, float]:
    """Ratios with a 1 before them, and the saturation."""
    return np.column_stack([np.ones(len(sample.stop)), sample.ratios]), sample.spo2, 0.0


def _since(sample: Sample) -> tuple[Array, Array, float]:
    """Changes of both since the start, and the saturation then."""
    start = sample.start
    known = float(sample.spo2[start].mean())
    ratios = sample.ratios - np.median(sample.ratios[start], axis=0)
    return np.column_stack([np.zeros(len(ratios)), ratios]), sample.spo2 - known, known


def _solve(samples: Sequence[Sample], sides: Sides) -> Array:
    """(1 + K,) offset and slopes by least squares; every recording counts the same."""
    left, right = [], []
    for sample in samples:
        x, y, _ = sides(sample)
        weight = 1 / np.sqrt(len(y))
        left.append(weight * x)
        right.append(weight * y)
    return np.asarray(np.linalg.lstsq(np.concatenate(left), np.concatenate(right), rcond=None)[0])


def _line(samples: Sequence[Sample], groups: Sequence[str], sides: Sides) -> Line:
    solved = _solve(samples, sides)
    errors, floors, given = [], [], []
    for group in sorted(set(groups)):
        rest = [s for s, g in zip(samples, groups, strict=True) if g != group]
        for sample in (s for s, g in zip(samples, groups, strict=True) if g == group):
            error, floor = _left_out(sample, rest, sides)
            known = np.isfinite(error)
            errors.append(error[known])
            floors.append(floor[known])
            given.append(known.mean())
    error, floor = np.concatenate(errors), np.concatenate(floors)
    if len(error) == 0:
        raise InputError(
            "no recording lies in the ranges of the others, so that nothing can be said of the "
            "error; record more people, all of them in the same light"
        )
    size = np.abs(error)
    return Line(
        offset=float(solved[0]),
        slopes=tuple(float(slope) for slope in solved[1:]),
        mae=float(size.mean()),
        rmse=float(np.sqrt((error**2).mean())),
        half=float(np.quantile(size, 0.95)),
        right=float((size <= RIGHT).mean()),
        floor=float(np.sqrt((floor**2).mean())),
        given=float(np.mean(given)),
    )


def _left_out(sample: Sample, rest: Sequence[Sample], sides: Sides) -> tuple[Array, Array]:
    """(W,) errors of a recording by the others, NaN where withheld; and those of the floor."""
    x, y, known = sides(sample)
    low = min(float(s.spo2.min()) for s in rest)
    high = max(float(s.spo2.max()) for s in rest)
    solved = _solve(rest, sides)
    told = np.clip(x @ solved + known, low, high)
    within = inside(sample.ratios, _ranges([s.ratios for s in rest]))
    within &= inside(sample.colours, _ranges([s.colours for s in rest]))
    middle = known or float(np.mean([s.spo2.mean() for s in rest]))
    error = np.where(within, told - (y + known), np.nan)
    return error, middle - (y + known)


def _ranges(values: Sequence[Array]) -> tuple[Span, ...]:
    """Of each column, from the lowest to the highest over the recordings, without rare extremes."""
    low = np.min([np.quantile(v, EDGE, axis=0) for v in values], axis=0)
    high = np.max([np.quantile(v, 1 - EDGE, axis=0) for v in values], axis=0)
    return tuple((float(a), float(b)) for a, b in zip(low, high, strict=True))


def _two(ranges: tuple[Span, ...]) -> tuple[Span, Span]:
    red, blue = ranges
    return red, blue
