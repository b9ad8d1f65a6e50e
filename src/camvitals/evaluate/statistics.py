"""Whether a difference between methods or groups is more than chance.

Shape letters: S subjects (or recordings), M methods, N answers, D draws, P pairs of methods.
What is compared is one error for each subject, never windows: windows of one person are not
independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from camvitals.evaluate.metrics import (
    Metric,
    draw_counts,
    percentile_interval,
    replicates,
    subject_sums,
)
from camvitals.records import Array, InputError, check


@dataclass(frozen=True, slots=True)
class Pair:
    """Two methods on the same subjects.

    difference: median of first − second.   p: Wilcoxon's; holm: adjusted for all pairs;
    nemenyi: after Friedman's test.   count: subjects that both answered.
    """

    first: str
    second: str
    difference: float
    p: float
    holm: float
    nemenyi: float
    count: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Methods on the same subjects: ranks, one test of all, one of each pair.

    ranks: (M,) mean rank, 1 is best.   critical: two mean ranks further apart than this differ at
    `level` (Nemenyi), what a critical-difference plot draws; NaN with one method.
    friedman, p: statistic and p value that all methods are alike.
    count: subjects that all methods answered, on which ranks and Friedman's test rest.
    """

    methods: tuple[str, ...]
    ranks: Array
    critical: float
    level: float
    friedman: float
    p: float
    pairs: tuple[Pair, ...]
    count: int


@dataclass(frozen=True, slots=True)
class Gap:
    """How far apart the strata of one method are.

    value: largest less smallest of `values`, in the metric's unit; low, high: percentile interval
    over subjects.   best, worst: names of strata.   chance: mean gap when subjects are dealt to
    strata of the same sizes at random: a gap is never below 0, so compare with this, not with 0.
    p: share of random deals with a gap at least as large.   Both NaN where a subject is in several
    strata.
    """

    strata: tuple[str, ...]
    values: Array
    value: float
    low: float
    high: float
    best: str
    worst: str
    chance: float
    p: float


def holm(p_P: Array) -> Array:
    """Adjust p values for their number by Holm (1979); NaN stays NaN and does not count."""
    p = np.asarray(p_P, dtype=float)
    out = np.full(len(p), np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    scaled = p[order] * np.arange(len(order), 0, -1)
    out[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return out


def wilcoxon(first_S: Array, second_S: Array) -> tuple[float, int]:
    """Wilcoxon's signed rank test of paired errors: its p value, and the pairs both answered.

    Zero differences are dropped; exact up to 50 pairs without ties, normal otherwise (scipy).
    1 when nothing differs, NaN without a pair.
    """
    from scipy.stats import wilcoxon as signed_rank

    difference = np.asarray(first_S, dtype=float) - np.asarray(second_S, dtype=float)
    difference = difference[np.isfinite(difference)]
    if len(difference) == 0:
        return float("nan"), 0
    moved = difference[difference != 0]
    if len(moved) == 0:
        return 1.0, len(difference)
    tied = len(np.unique(np.abs(moved))) < len(moved)
    method = "exact" if len(moved) <= 50 and not tied else "approx"
    return float(signed_rank(moved, method=method).pvalue), len(difference)


def compare(error_SM: Array, methods: Sequence[str], *, level: float = 0.05) -> Comparison:
    """Which methods differ: mean ranks, Friedman's test, Nemenyi's and Wilcoxon's with Holm.

    error_SM: one error for each subject and method, smaller is better; NaN where not answered.
    methods:  their names.   level: of the critical difference.
    Raises InputError below 2 methods or 2 subjects that all answered. Demšar (2006) describes all.
    """
    error = np.asarray(error_SM, dtype=float)
    check("error", error, (None, len(methods)))
    whole = error[np.isfinite(error).all(axis=1)]
    count, many = len(whole), len(methods)
    if count < 2 or many < 2:
        raise InputError(
            f"a comparison needs 2 methods and 2 subjects that all answered, got {many} and {count}"
        )
    ranks_SM = _ranks(whole)
    ranks = ranks_SM.mean(axis=0)
    statistic, p = _friedman(ranks_SM)
    found = []
    for i, j in combinations(range(many), 2):
        p_pair, both = wilcoxon(error[:, i], error[:, j])
        distance = abs(ranks[i] - ranks[j]) / np.sqrt(many * (many + 1) / (6 * count))
        median = float(np.nanmedian(error[:, i] - error[:, j]))
        found.append((i, j, median, p_pair, _nemenyi(distance, many), both))
    adjusted = holm(np.array([row[3] for row in found]))
    pairs = tuple(
        Pair(methods[i], methods[j], median, p_pair, float(h), nemenyi, both)
        for (i, j, median, p_pair, nemenyi, both), h in zip(found, adjusted, strict=True)
    )
    critical = critical_difference(many, count, level=level)
    return Comparison(tuple(methods), ranks, critical, level, statistic, p, pairs, count)


def critical_difference(methods: int, subjects: int, *, level: float = 0.05) -> float:
    """Least distance of two mean ranks that is significant by Nemenyi's test (Demšar, 2006)."""
    from scipy.stats import studentized_range

    quantile = float(studentized_range.ppf(1 - level, methods, np.inf)) / np.sqrt(2)
    return float(quantile * np.sqrt(methods * (methods + 1) / (6 * subjects)))


def _nemenyi(distance: float, methods: int) -> float:
    from scipy.stats import studentized_range

    return float(np.clip(studentized_range.sf(distance * np.sqrt(2), methods, np.inf), 0, 1))


def _ranks(error_SM: Array) -> Array:
    """Ranks along each row, 1 the smallest, ties share their mean."""
    from scipy.stats import rankdata

    return np.asarray(rankdata(error_SM, axis=1))


def _friedman(ranks_SM: Array) -> tuple[float, float]:
    """Friedman's statistic, corrected for ties, and its p value by chi-square."""
    from scipy.stats import chi2

    count, many = ranks_SM.shape
    spread = ((ranks_SM - (many + 1) / 2) ** 2).sum() / (count * (many - 1))
    if spread == 0:  # every subject finds all methods alike
        return 0.0, 1.0
    between = count * ((ranks_SM.mean(axis=0) - (many + 1) / 2) ** 2).sum()
    statistic = float(between / spread)
    return statistic, float(chi2.sf(statistic, many - 1))


def paired_difference(
    metric: Metric,
    first_N: Array,
    second_N: Array,
    reference_N: Array,
    subject_N: Array,
    *,
    draws: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float, float]:
    """Metric of the first method less that of the second, and its interval over subjects.

    Both are drawn with the same subjects. For a fair pair drop the rows that only one answered.
    """
    value = metric.function(first_N, reference_N) - metric.function(second_N, reference_N)
    a, b = (
        replicates(metric, x, reference_N, subject_N, draws=draws, seed=seed)
        for x in (first_N, second_N)
    )
    return float(value), *percentile_interval(a - b, level=level)


def gap(
    metric: Metric,
    estimate_N: Array,
    reference_N: Array,
    subject_N: Array,
    stratum_N: Array,
    *,
    draws: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Gap:
    """The gap between strata of a metric made of sums, with its interval over subjects.

    stratum_N: to which stratum each answer belongs; rows with "" are left out.
    Strata that a draw holds nobody of are left out of its gap.
    """
    known = np.asarray(stratum_N) != ""
    x, y, subject, stratum = (
        np.asarray(a)[known] for a in (estimate_N, reference_N, subject_N, stratum_N)
    )
    names, code = np.unique(stratum, return_inverse=True)
    if len(names) == 0 or metric.combine is None:
        raise InputError("a gap needs strata, and a metric made of sums; give such a one")
    combine = metric.combine
    people, person = np.unique(subject, return_inverse=True)
    cells = subject_sums(metric, x, y, person * len(names) + code)
    flat = np.zeros((len(people) * len(names), cells.shape[1]))
    flat[: len(cells)] = cells
    sums = flat.reshape(len(people), len(names), -1)
    counts = np.concatenate(draw_counts(len(people), draws=draws, seed=seed))
    values = combine(sums.sum(axis=0))
    drawn = _range(combine(np.einsum("ds,sgk->dgk", counts, sums)))
    low, high = percentile_interval(drawn, level=level)
    order = np.argsort(-values if metric.larger_is_better else values)
    order = order[np.isfinite(values[order])]
    best, worst = (str(names[order[0]]), str(names[order[-1]])) if len(order) else ("", "")
    value = float(_range(values))
    chance, p = _dealt(metric, sums, value, draws=draws, seed=seed)
    return Gap(tuple(map(str, names)), values, value, low, high, best, worst, chance, p)


def _range(values: Array) -> Array:
    """Largest less smallest along the last axis, of what is defined; NaN below two."""
    known = np.isfinite(values)
    spread = np.where(known, values, -np.inf).max(-1) - np.where(known, values, np.inf).min(-1)
    return np.asarray(np.where(known.sum(axis=-1) > 1, spread, np.nan))


def _dealt(
    metric: Metric, sums_SGK: Array, value: float, *, draws: int, seed: int
) -> tuple[float, float]:
    """Mean gap of random deals of the subjects to the strata, and the share at least as large."""
    asked = sums_SGK[..., -2] > 0
    if metric.combine is None or not np.all(asked.sum(axis=1) <= 1) or not np.isfinite(value):
        return float("nan"), float("nan")
    group, whole = asked.argmax(axis=1), sums_SGK.sum(axis=1)
    rng = np.random.default_rng(seed)
    member = np.eye(sums_SGK.shape[1])
    gaps = np.array(
        [_range(metric.combine(member[rng.permutation(group)].T @ whole)) for _ in range(draws)]
    )
    return float(np.nanmean(gaps)), float((1 + (gaps >= value - 1e-12).sum()) / (1 + draws))
