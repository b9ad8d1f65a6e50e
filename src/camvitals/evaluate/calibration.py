"""Whether quality and intervals mean what they say.

Shape letters: N answers asked for, B bins, L levels. An estimate that was withheld is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from camvitals.records import Array, InputError, check


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """Mean error of the answers of highest quality, against the share of questions answered.

    coverage, risk: (n,), coverage rising.   area: mean of risk over the answers given.
    best: the area if quality ranked the errors perfectly; worst: if it ranked them the other way.
    Areas compare only between methods that answered the same questions.
    """

    coverage: Array
    risk: Array
    area: float
    best: float
    worst: float

    def at(self, coverage: float) -> float:
        """Risk when this share of the questions is answered; NaN beyond what was answered."""
        if len(self.coverage) == 0 or coverage > self.coverage[-1] + 1e-12:
            return float("nan")
        index = int(np.searchsorted(self.coverage, coverage - 1e-12))
        return float(self.risk[index])


@dataclass(frozen=True, slots=True)
class IntervalCalibration:
    """Intervals against the reference.

    nominal: what they promise; observed: share that holds the reference; width: mean.
    score: mean interval score (Gneiting & Raftery, 2007), width plus 2/α × distance outside.
    levels, at_levels: (L,) nominal and observed cover when each side is scaled as a normal
    distribution's would be. count: intervals.
    """

    nominal: float
    observed: float
    width: float
    score: float
    levels: Array
    at_levels: Array
    count: int


@dataclass(frozen=True, slots=True)
class Reliability:
    """Quality as the probability of being right.

    edges: (B + 1,); confidence, accuracy, count: (B,) mean quality, share right, answers in each
    bin, NaN where a bin is empty.  ece: mean |accuracy − confidence| over answers; largest: of a
    bin; brier: mean (quality − right)²; floor: Brier score of always saying the share right.
    """

    edges: Array
    confidence: Array
    accuracy: Array
    count: Array
    ece: float
    largest: float
    brier: float
    floor: float


def risk_coverage(error_N: Array, quality_N: Array) -> RiskCoverage:
    """Risk–coverage curve: |error| (or any loss, NaN where withheld) sorted by falling quality.

    Answers of equal quality are met in no order: each counts with the mean of them all.
    """
    check("quality", quality_N, (len(error_N),))
    given = np.isfinite(error_N)
    loss = np.abs(np.asarray(error_N, dtype=float)[given])
    quality = np.asarray(quality_N, dtype=float)[given]
    if not np.all(np.isfinite(quality)):
        raise InputError("risk_coverage needs a finite quality for every answer given")
    risk = _running_mean(_tied_mean(loss, quality))
    coverage = np.arange(1, len(loss) + 1) / max(1, len(error_N))
    rising = np.sort(loss)
    areas = [
        float(curve.mean()) if len(curve) else float("nan")
        for curve in (risk, _running_mean(rising), _running_mean(rising[::-1]))
    ]
    return RiskCoverage(coverage, risk, *areas)


def _tied_mean(loss: Array, quality: Array) -> Array:
    """Losses by falling quality, each that of its tie on the mean."""
    _, code, count = np.unique(-quality, return_inverse=True, return_counts=True)
    mean = np.bincount(code, loss, minlength=len(count)) / count
    return np.asarray(np.repeat(mean, count))


def _running_mean(values: Array) -> Array:
    return np.asarray(np.cumsum(values) / np.arange(1, len(values) + 1))


def interval_calibration(
    estimate_N: Array,
    low_N: Array,
    high_N: Array,
    reference_N: Array,
    *,
    nominal: float = 0.95,
    levels: tuple[float, ...] = (0.5, 0.68, 0.8, 0.9, 0.95, 0.99),
) -> IntervalCalibration:
    """Cover of intervals; rows with NaN anywhere are left out.

    Only intervals of one nominal level are known; at other levels each side is scaled by the ratio
    of normal quantiles, so `at_levels` tests the shape of the errors as well as the width.
    """
    columns = np.stack([np.asarray(c, dtype=float) for c in (estimate_N, low_N, high_N)])
    reference = np.asarray(reference_N, dtype=float)
    check("interval columns", columns, (3, len(reference)))
    known = np.isfinite(columns).all(axis=0) & np.isfinite(reference)
    (estimate, low, high), true = columns[:, known], reference[known]
    levels_L = np.array(levels)
    if len(true) == 0:
        nan = float("nan")
        return IntervalCalibration(nominal, nan, nan, nan, levels_L, np.full(len(levels), nan), 0)
    scale = np.array([_quantile(level) for level in levels]) / _quantile(nominal)
    below = estimate - scale[:, None] * (estimate - low) <= true
    above = true <= estimate + scale[:, None] * (high - estimate)
    outside = np.maximum(low - true, 0) + np.maximum(true - high, 0)
    score = high - low + 2 / (1 - nominal) * outside
    return IntervalCalibration(
        nominal=nominal,
        observed=float((outside == 0).mean()),
        width=float((high - low).mean()),
        score=float(score.mean()),
        levels=levels_L,
        at_levels=(below & above).mean(axis=1),
        count=len(true),
    )


def _quantile(level: float) -> float:
    """Half width of a normal distribution's central interval, in standard deviations."""
    if not 0 < level < 1:
        raise InputError(f"an interval's level lies between 0 and 1 but {level:g} was given")
    return NormalDist().inv_cdf(0.5 + level / 2)


def reliability(quality_N: Array, right_N: Array, *, bins: int = 10) -> Reliability:
    """Reliability of quality as the probability of being right, in bins of equal width.

    quality_N: 0–1.   right_N: True where the answer was right (heart rate: within 5 bpm).
    """
    quality, right = np.asarray(quality_N, dtype=float), np.asarray(right_N, dtype=float)
    check("right", right, (len(quality),))
    if len(quality) == 0 or not np.all((quality >= 0) & (quality <= 1)):
        raise InputError("reliability needs qualities from 0 to 1; leave out rows without one")
    edges = np.linspace(0, 1, bins + 1)
    code = np.minimum((quality * bins).astype(int), bins - 1)
    count = np.bincount(code, minlength=bins)
    with np.errstate(invalid="ignore"):
        confidence = np.bincount(code, quality, minlength=bins) / count
        accuracy = np.bincount(code, right, minlength=bins) / count
    gap = np.where(count > 0, np.abs(accuracy - confidence), 0.0)
    return Reliability(
        edges=edges,
        confidence=confidence,
        accuracy=accuracy,
        count=count,
        ece=float((gap * count).sum() / count.sum()),
        largest=float(gap.max()),
        brier=float(((quality - right) ** 2).mean()),
        floor=float(right.mean() * (1 - right.mean())),
    )
