"""Limits of agreement when each subject is measured many times.

Shape letters: N answers, S subjects, D draws. Variance components follow Bland & Altman, J Biopharm
Stat 17:571 (2007), section 3 (the true value varies): one-way analysis of variance of the
differences by subject.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from camvitals.evaluate.metrics import draw_counts, percentile_interval
from camvitals.records import Array, InputError, check

NORMAL_95 = 1.96


@dataclass(frozen=True, slots=True)
class Limits:
    """Bias and 95 % limits of agreement, in the unit of the differences.

    bias: mean difference; low, high: bias ∓ 1.96 × the standard deviation of one difference of one
    subject, of which `within` is the part of one subject and `between` that of the subjects.
    bias_interval, low_interval, high_interval: 95 %, subjects drawn again; NaN with one subject.
    """

    bias: float
    low: float
    high: float
    within: float
    between: float
    bias_interval: tuple[float, float]
    low_interval: tuple[float, float]
    high_interval: tuple[float, float]
    count: int
    subjects: int


def limits_of_agreement(
    difference_N: Array, subject_N: Array, *, draws: int = 1000, seed: int = 0
) -> Limits:
    """Limits of agreement of differences (estimate − reference, NaN where withheld).

    Raises InputError below two differences.
    """
    difference = np.asarray(difference_N, dtype=float)
    check("subject", np.asarray(subject_N), (len(difference),))
    known = np.isfinite(difference)
    difference, subject = difference[known], np.asarray(subject_N)[known]
    if len(difference) < 2:
        raise InputError(f"limits of agreement need 2 answers but got {len(difference)}")
    people, code = np.unique(subject, return_inverse=True)
    centre = difference.mean()  # so that the sums keep their digits
    moved = difference - centre
    sums = np.stack([np.bincount(code), np.bincount(code, moved), np.bincount(code, moved**2)])
    one = [float(x) for x in _components(np.ones((1, len(people))), sums)[:, 0]]
    bias, within, between = one[0] + centre, one[1], one[2]
    reach = NORMAL_95 * float(np.hypot(within, between))
    none = (float("nan"), float("nan"))
    of_bias, of_low, of_high = none, none, none
    if len(people) > 1:
        counts = np.concatenate(draw_counts(len(people), draws=draws, seed=seed))
        mean, w, b = _components(counts, sums)
        half = NORMAL_95 * np.hypot(w, b)
        of_bias, of_low, of_high = (
            percentile_interval(centre + x) for x in (mean, mean - half, mean + half)
        )
    return Limits(
        bias,
        bias - reach,
        bias + reach,
        within,
        between,
        of_bias,
        of_low,
        of_high,
        len(difference),
        len(people),
    )


def _components(weight_DS: Array, sums_3S: Array) -> Array:
    """(3, D) mean, standard deviation within and between subjects, each drawn `weight` times."""
    size, total, square = sums_3S
    count, people = weight_DS @ size, weight_DS.sum(axis=1)
    mean = weight_DS @ total / count
    of_means = weight_DS @ (total**2 / size)
    with np.errstate(invalid="ignore", divide="ignore"):
        within = (weight_DS @ square - of_means) / (count - people)
        within = np.where(count > people, np.maximum(within, 0), 0.0)
        among = (of_means - count * mean**2) / (people - 1)
        usual = (count**2 - weight_DS @ size**2) / ((people - 1) * count)
        between = np.where(people > 1, np.maximum((among - within) / usual, 0), 0.0)
    return np.stack([mean, np.sqrt(within), np.sqrt(between)])
