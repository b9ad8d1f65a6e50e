"""Agreement of estimates with a reference, with intervals by bootstrap over subjects.

Shape letters: N answers asked for, S subjects, D draws, K sums. An estimate that was withheld is
NaN. Every metric of METRICS is a function of a few sums over answers, so that a draw of subjects is
a weighted sum over subjects: a thousand draws cost one matrix product.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from camvitals.records import Array, InputError, check

CLOSE_BPM = 5.0
AT_ONCE = 4_000_000  # subjects × draws counted together, which bounds the memory
SPREAD = 1e-12  # a variance below this share of the mean square is rounding, not spread

Terms = Callable[[Array, Array], Array]
Combine = Callable[[Array], Array]


@dataclass(frozen=True, slots=True)
class Metric:
    """One number about estimates (N,) and references (N,), NaN where an estimate was withheld.

    function: of (estimate, reference).   unit: "" when it is that of the estimates.
    terms, combine: where the function is `combine(terms(estimate, reference).sum(axis=0))`, these
    two: (N,), (N,) -> (N, K) and (..., K) -> (...); otherwise None, and drawing again takes longer.
    """

    function: Callable[[Array, Array], float]
    unit: str
    larger_is_better: bool
    explanation: str
    terms: Terms | None = None
    combine: Combine | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """A metric with its interval. value: NaN where it is not defined.

    low, high: percentile interval, subjects drawn again.   count: answers given; subjects: of them.
    """

    value: float
    low: float
    high: float
    count: int
    subjects: int


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


def of_sums(terms: Terms, combine: Combine, unit: str, larger: bool, explanation: str) -> Metric:
    """A metric that is a function of sums over answers; terms and combine as in Metric."""

    def function(estimate: Array, reference: Array) -> float:
        return float(combine(_terms_of(terms, estimate, reference).sum(axis=0)))

    return Metric(function, unit, larger, explanation, terms, combine)


def _terms_of(terms: Terms, estimate: Array, reference: Array) -> Array:
    """(N, K) terms: zero where the reference is missing, one count a row asked for last but one.

    The last two columns are 1 where asked, and 1 where answered.
    """
    x, y = np.asarray(estimate, dtype=float), np.asarray(reference, dtype=float)
    check("estimate", x, (len(y),))
    asked = np.isfinite(y)
    given = asked & np.isfinite(x)
    with np.errstate(divide="ignore", invalid="ignore"):  # relative to a reference of 0
        found = terms(np.where(given, x, 1.0), np.where(given, y, 1.0)) * given[:, None]
    return np.column_stack([found, asked, given])


def _mean_of(term: Callable[[Array, Array], Array]) -> Terms:
    return lambda x, y: term(x, y)[:, None]


def _divided(sums: Array) -> Array:
    """First sum over the answers given."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(sums[..., 0] / sums[..., -1])


def _root(sums: Array) -> Array:
    return np.asarray(np.sqrt(_divided(sums)))


def _percent(sums: Array) -> Array:
    return np.asarray(100 * _divided(sums))


def _percent_root(sums: Array) -> Array:
    return np.asarray(100 * _root(sums))


def _coverage(sums: Array) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(sums[..., -1] / sums[..., -2])


def _spread(sums: Array) -> Array:
    """Standard deviation (n − 1) from sums of x and x²."""
    total, square, given = sums[..., 0], sums[..., 1], sums[..., -1]
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = (square - total**2 / given) / (given - 1)
        return np.asarray(np.sqrt(np.where(given > 1, np.maximum(variance, 0), np.nan)))


def _pairs(x: Array, y: Array) -> Array:
    """x, y, x², y², xy about the mean of y, so that the sums keep their digits."""
    centre = y.mean() if len(y) else 0.0
    x, y = x - centre, y - centre
    return np.column_stack([x, y, x**2, y**2, x * y])


def _moments(sums: Array) -> tuple[Array, ...]:
    """Means, variances and covariance, from sums of `_pairs`; NaN below 3 answers or no spread."""
    given = np.where(sums[..., -1] > 2, sums[..., -1], np.nan)
    mean_x, mean_y, square_x, square_y, product = (sums[..., k] / given for k in range(5))
    variance_x, variance_y = square_x - mean_x**2, square_y - mean_y**2
    flat = (variance_x <= SPREAD * square_x) | (variance_y <= SPREAD * square_y)
    covariance = np.where(flat, np.nan, product - mean_x * mean_y)
    return mean_x, mean_y, variance_x, variance_y, covariance


def _pearson(sums: Array) -> Array:
    _, _, variance_x, variance_y, covariance = _moments(sums)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.clip(covariance / np.sqrt(variance_x * variance_y), -1, 1))


def _concordance(sums: Array) -> Array:
    mean_x, mean_y, variance_x, variance_y, covariance = _moments(sums)
    return np.asarray(2 * covariance / (variance_x + variance_y + (mean_x - mean_y) ** 2))


def _within(limit: float) -> Terms:
    return _mean_of(lambda x, y: (np.abs(x - y) <= limit).astype(float))


def _below(limit: float) -> Terms:
    return _mean_of(lambda x, y: (np.abs(x - y) < limit).astype(float))


_ABSOLUTE = _mean_of(lambda x, y: np.abs(x - y))
_SQUARE = _mean_of(lambda x, y: (x - y) ** 2)
_RELATIVE = _mean_of(lambda x, y: np.abs(x - y) / np.abs(y))
_RELATIVE_SQUARE = _mean_of(lambda x, y: ((x - y) / y) ** 2)
_SIGNED = _mean_of(lambda x, y: x - y)


def _error_moments(x: Array, y: Array) -> Array:
    return np.column_stack([x - y, (x - y) ** 2])


METRICS: dict[str, Metric] = {
    "mae": of_sums(_ABSOLUTE, _divided, "", False, "mean absolute error"),
    "rmse": of_sums(_SQUARE, _root, "", False, "root mean square error"),
    "rmse_percent": of_sums(
        _RELATIVE_SQUARE, _percent_root, "%", False, "root mean square of error / reference"
    ),
    "mape": of_sums(_RELATIVE, _percent, "%", False, "mean of |error| / reference"),
    "pearson_r": of_sums(_pairs, _pearson, "1", True, "Pearson correlation; from 3 answers"),
    "ccc": of_sums(
        _pairs, _concordance, "1", True, "concordance correlation (Lin, 1989), variances over n"
    ),
    "within_3": of_sums(_within(3.0), _divided, "1", True, "share with |error| <= 3"),
    "within_5": of_sums(_within(5.0), _divided, "1", True, "share with |error| <= 5"),
    "below_5": of_sums(
        _below(5.0), _divided, "1", True, "share with |error| < 5, as papers on rates"
    ),
    "within_10": of_sums(_within(10.0), _divided, "1", True, "share with |error| <= 10"),
    "mean_error": of_sums(_SIGNED, _divided, "", False, "mean of estimate − reference; best at 0"),
    "sd_error": of_sums(_error_moments, _spread, "", False, "standard deviation (n − 1) of errors"),
    "me_rate": of_sums(_RELATIVE, _percent, "%", False, "MeRate of Li et al. (2014); as mape"),
    "arms": of_sums(_SQUARE, _root, "", False, "accuracy of SpO2 by ISO 80601-2-61; as rmse"),
    "coverage": of_sums(_SIGNED, _coverage, "1", True, "share of what was asked that was answered"),
}


def metric(name: str) -> Metric:
    """The metric of this name; InputError lists those there are."""
    if name not in METRICS:
        raise InputError(f"no metric {name!r}; choose one of {', '.join(METRICS)}")
    return METRICS[name]


def agreement(estimate_N: Array, reference_N: Array) -> Agreement:
    """Agreement of estimates (NaN: withheld) with the reference, both (N,) in one unit."""
    check("estimate", estimate_N, (len(reference_N),))
    if len(reference_N) == 0 or not np.all(np.isfinite(reference_N)):
        raise InputError("agreement needs at least one finite reference; drop those without truth")
    names = ("mae", "rmse", "within_5", "pearson_r", "coverage")
    mae, rmse, within, r, coverage = (METRICS[n].function(estimate_N, reference_N) for n in names)
    return Agreement(mae, rmse, within, r, coverage, len(reference_N))


def scores(
    estimate_N: Array,
    reference_N: Array,
    subject_N: Array,
    *,
    metrics: Mapping[str, Metric] | None = None,
    draws: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> dict[str, Score]:
    """Every metric with its percentile interval when whole subjects are drawn with replacement.

    estimate_N: NaN where withheld.   reference_N: a row without one counts for nothing.
    subject_N: whose answer each row is.   metrics: all of METRICS when None.
    All metrics see the same draws, as do calls with the same subjects, draws and seed.
    """
    chosen = METRICS if metrics is None else metrics
    given = np.isfinite(estimate_N) & np.isfinite(reference_N)
    subjects, code = np.unique(subject_N, return_inverse=True)
    people = len(np.unique(code[given]))
    counts = draw_counts(len(subjects), draws=draws, seed=seed)
    found = {}
    for name, one in chosen.items():
        drawn = _replicates(one, estimate_N, reference_N, code, counts)
        low, high = percentile_interval(drawn, level=level)
        value = float(one.function(np.asarray(estimate_N), np.asarray(reference_N)))
        found[name] = Score(value, low, high, int(given.sum()), people)
    return found


def replicates(
    metric: Metric,
    estimate_N: Array,
    reference_N: Array,
    subject_N: Array,
    *,
    draws: int,
    seed: int,
) -> Array:
    """The metric in every draw of subjects, (D,)."""
    subjects, code = np.unique(subject_N, return_inverse=True)
    counts = draw_counts(len(subjects), draws=draws, seed=seed)
    return _replicates(metric, estimate_N, reference_N, code, counts)


def _replicates(
    metric: Metric, estimate_N: Array, reference_N: Array, code_N: Array, counts: list[Array]
) -> Array:
    if metric.terms is not None and metric.combine is not None:
        sums = subject_sums(metric, estimate_N, reference_N, code_N)
        return metric.combine(np.concatenate([part @ sums for part in counts]))
    order = np.argsort(code_N, kind="stable")
    held = np.split(order, np.cumsum(np.bincount(code_N))[:-1])
    x, y = np.asarray(estimate_N), np.asarray(reference_N)
    found = []
    for drawn in np.concatenate(counts).astype(int):
        index = np.concatenate([held[k] for k in np.repeat(np.arange(len(drawn)), drawn)])
        found.append(metric.function(x[index], y[index]))
    return np.array(found)


def subject_sums(metric: Metric, estimate_N: Array, reference_N: Array, code_N: Array) -> Array:
    """(S, K) sums of the terms of a metric over each subject; code_N: number of the subject."""
    if metric.terms is None:
        raise InputError("only metrics made of sums have them; give one with terms and combine")
    terms = _terms_of(metric.terms, estimate_N, reference_N)
    count = int(code_N.max()) + 1 if len(code_N) else 0
    return np.stack([np.bincount(code_N, column, minlength=count) for column in terms.T], axis=1)


def by_subject(
    metric: Metric, estimate_N: Array, reference_N: Array, subject_N: Array
) -> tuple[Array, Array]:
    """The metric of each subject alone: subjects (S,), sorted, and values (S,)."""
    subjects, code = np.unique(subject_N, return_inverse=True)
    if metric.combine is not None:
        return subjects, metric.combine(subject_sums(metric, estimate_N, reference_N, code))
    x, y = np.asarray(estimate_N), np.asarray(reference_N)
    values = [metric.function(x[code == k], y[code == k]) for k in range(len(subjects))]
    return subjects, np.array(values)


def draw_counts(subjects: int, *, draws: int, seed: int) -> list[Array]:
    """How often each subject is in each draw: (D, S) in parts of some draws."""
    if subjects == 0 or draws < 1:
        raise InputError(f"a bootstrap needs subjects and draws, got {subjects} and {draws}")
    rng = np.random.default_rng(seed)
    step = max(1, AT_ONCE // subjects)
    parts = []
    for at in range(0, draws, step):
        rows = min(step, draws - at)
        drawn = rng.integers(subjects, size=(rows, subjects))
        drawn += subjects * np.arange(rows)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=rows * subjects)
        parts.append(counts.reshape(rows, subjects).astype(np.float64))
    return parts


def percentile_interval(drawn_D: Array, *, level: float = 0.95) -> tuple[float, float]:
    """Percentile interval of drawn values; draws where the metric is not defined are left out."""
    known = drawn_D[np.isfinite(drawn_D)]
    if len(known) == 0:
        return float("nan"), float("nan")
    tail = 50 * (1 - level)
    low, high = np.percentile(known, [tail, 100 - tail])
    return float(low), float(high)


def bootstrap(
    statistic: Callable[[Array], float],
    subject_N: Array,
    *,
    draws: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile interval of any statistic when whole subjects are drawn again with replacement.

    statistic: takes (n,) indices of answers, returns a number.   subject_N: whose answer each is.
    For the metrics of METRICS `scores` gives the same much faster.
    """
    rows = np.arange(len(subject_N), dtype=float)
    of_rows = Metric(lambda index, _: statistic(index.astype(int)), "", False, "")
    drawn = replicates(of_rows, rows, rows, subject_N, draws=draws, seed=seed)
    return percentile_interval(drawn, level=level)


def standard_error(name: str, estimate_N: Array, reference_N: Array) -> float:
    """What rPPG-Toolbox prints after ±: mae, rmse, mape or pearson_r; answers taken as independent.

    Windows of one subject are not: for an interval that can be believed use `scores`.
    """
    given = np.isfinite(estimate_N) & np.isfinite(reference_N)
    x, y = np.asarray(estimate_N)[given], np.asarray(reference_N)[given]
    root = np.sqrt(len(x))
    if name == "pearson_r":
        r = METRICS[name].function(x, y)
        return float(np.sqrt((1 - r**2) / (len(x) - 2)))
    if name == "rmse":
        return float(np.sqrt(np.std((x - y) ** 2) / root))
    if name in ("mae", "mape"):
        scale = 100 / np.abs(y) if name == "mape" else 1.0
        return float(np.std(np.abs(x - y) * scale) / root)
    raise InputError(f"no standard error of {name!r}; choose mae, rmse, mape or pearson_r")
