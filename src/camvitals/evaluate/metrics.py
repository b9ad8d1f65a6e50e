"""Agreement of rates with a reference, beside floors, with intervals over subjects.

Shape letters: N answers; an estimate that was withheld is NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from camvitals.records import Array, InputError, check

CLOSE_BPM = 5.0


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of the answers given: mean absolute error, root mean square error, share within 5, Pearson r.

    mae, rmse: in the unit of the rates.   within: 0–1.   r: NaN with fewer than 3 answers.
    coverage: share answered, 0–1.   count: answers asked for.
    """

    mae: float
    rmse: float
    within: float
    r: float
    coverage: float
    count: int


def agreement(estimate_N: Array, reference_N: Array) -> Agreement:
    """Agreement of estimates (NaN: withheld) with the reference, both (N,) in one unit."""
    check("estimate", estimate_N, (len(reference_N),))
    if len(reference_N) == 0 or not np.all(np.isfinite(reference_N)):
        raise InputError("agreement needs at least one finite reference; drop those without truth")
    given = np.isfinite(estimate_N)
    x, y = np.asarray(estimate_N)[given], np.asarray(reference_N)[given]
    if len(x) == 0:
        return Agreement(np.nan, np.nan, np.nan, np.nan, 0.0, len(given))
    error = x - y
    varied = len(x) > 2 and x.std() > 0 and y.std() > 0
    return Agreement(
        mae=float(np.abs(error).mean()),
        rmse=float(np.sqrt((error**2).mean())),
        within=float((np.abs(error) <= CLOSE_BPM).mean()),
        r=float(np.corrcoef(x, y)[0, 1]) if varied else float("nan"),
        coverage=float(given.mean()),
        count=len(given),
    )


def bootstrap(
    statistic: Callable[[Array], float],
    subject_N: Array,
    *,
    draws: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile interval of a statistic when whole subjects are drawn again with replacement.

    statistic: takes (n,) indices of answers, returns a number.   subject_N: whose answer each is.
    """
    rng = np.random.default_rng(seed)
    subjects = np.unique(subject_N)
    answers_of = [np.flatnonzero(subject_N == subject) for subject in subjects]
    found = []
    for _ in range(draws):
        drawn = rng.integers(len(subjects), size=len(subjects))
        found.append(statistic(np.concatenate([answers_of[k] for k in drawn])))
    tail = 50 * (1 - level)
    low, high = np.nanpercentile(found, [tail, 100 - tail])
    return float(low), float(high)
