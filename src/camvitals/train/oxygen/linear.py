"""Saturation from a few numbers of each window by a regularised line.

What a finger shows of its oxygen are the level of each colour (blood with less oxygen takes more
red light) and how deep each pulses. A line through few numbers is all that six subjects can carry.
Shape letters: W windows, F features.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from camvitals.records import Array, InputError
from camvitals.train.oxygen.windows import Take
from camvitals.vitals.ratios import pulsation, ratios

LENGTH_S = 10.0
LIMITS = (50.0, 100.0)  # % between which an answer is kept
STEADY = 1e-9

# The ratio of ratios of each pair is the exponential of a difference of two of these.
GROUPS = {
    "ratios": "logarithm of the ratio of ratios, red over green and blue over green",
    "strengths": "logarithm of the pulse, red over green and blue over green, no level in it",
    "levels": "logarithm of the mean of each colour",
    "rg": "ratio of ratios, red over green",
    "rb": "ratio of ratios, red over blue",
    "multi": "the three ratios of ratios in a narrow band about the pulse",
    "shared": "what of the red and the blue pulse goes with the green one, over green",
    "pulse": "pulse rate [Hz]",
    "clock": "time since the start, its square and its cube: no camera",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """Features of the windows of one take.

    groups: (W, ·) of each name of GROUPS.   end: (W,) s.   spo2: (W,) reference at the end [%].
    """

    take: Take
    groups: dict[str, Array]
    end: Array
    spo2: Array


@dataclass(frozen=True, slots=True)
class Plan:
    """How a line is made; every field but `groups` is chosen on the subjects it is learnt from.

    groups: names of GROUPS.   smooth: [s] of trailing mean over windows.
    lag: [s] of the label after the window's end, in training.   penalty: ridge, on features of
    spread 1.
    """

    groups: tuple[str, ...]
    smooth: float
    lag: float
    penalty: float


@dataclass(frozen=True, slots=True)
class Way:
    """What may be known of a recording that is tested.

    from_start: features are changes since the first `until` seconds (no reference is needed).
    calibrated: the mean reference of that time is given too: one point, as devices are used.
    until: [s].
    """

    from_start: bool = False
    calibrated: bool = False
    until: float = 30.0


@dataclass(frozen=True, slots=True)
class Ridge:
    """y = offset + (x − mean) · slope."""

    mean: Array
    slope: Array
    offset: float

    def __call__(self, x_WF: Array) -> Array:
        """(W,) estimates."""
        return np.asarray((x_WF - self.mean) @ self.slope + self.offset)


def look(take: Take, *, stride: float) -> Seen:
    """Features of windows of ten seconds, one every `stride` seconds."""
    found = pulsation(take.colours, rate=take.rate, length=LENGTH_S, stride=stride, narrow=True)
    ac, dc = np.log(np.maximum(found.ac, STEADY)), np.log(np.maximum(found.dc, STEADY))
    deep = ac - dc
    t = found.end / 600.0
    groups = {
        "ratios": deep[:, [0, 2]] - deep[:, [1]],
        "strengths": ac[:, [0, 2]] - ac[:, [1]],
        "levels": dc,
        "pulse": found.pulse[:, None],
        "clock": np.column_stack([t, t**2, t**3]),
    }
    for method in ("rg", "rb", "multi", "shared"):
        groups[method] = ratios(take.colours, rate=take.rate, method=method, stride=stride)
    spo2 = take.spo2_at(found.end)
    known = np.isfinite(spo2)
    kept = {name: values[known] for name, values in groups.items()}
    return Seen(take, kept, found.end[known], spo2[known])


def inputs(seen: Seen, plan: Plan, way: Way) -> Array:
    """(W, F) features as a plan and a way take them."""
    odd = [name for name in plan.groups if name not in GROUPS]
    if odd or not plan.groups:
        raise InputError(f"no features {odd}; choose among {', '.join(GROUPS)}")
    x = np.concatenate([seen.groups[name] for name in plan.groups], axis=1)
    step = float(seen.end[1] - seen.end[0])
    x = trailing(x, max(1, round(plan.smooth / step)))
    return x - x[seen.end < way.until].mean(axis=0) if way.from_start else x


def trailing(values_WF: Array, count: int) -> Array:
    """Mean of each window and those before it, `count` in all, fewer at the start."""
    total = np.cumsum(np.vstack([np.zeros(values_WF.shape[1:]), values_WF]), axis=0)
    stop = np.arange(1, len(values_WF) + 1)
    start = np.maximum(stop - count, 0)
    return np.asarray((total[stop] - total[start]) / (stop - start)[:, None])


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums over the windows of one take, from which lines are made of any set of takes."""

    count: float
    x: Array
    xx: Array
    y: float
    xy: Array


def _sums(x: Array, y: Array) -> _Sums:
    known = np.isfinite(y)
    x, y = x[known], y[known]
    # Every take counts the same, however long
    weight = 1.0 / max(len(y), 1)
    return _Sums(
        1.0, weight * x.sum(0), weight * x.T @ x, weight * float(y.sum()), weight * x.T @ y
    )


def _line(sums: Sequence[_Sums], penalty: float) -> Ridge:
    count = sum(one.count for one in sums)
    mean = sum((one.x for one in sums), np.zeros_like(sums[0].x)) / count
    offset = sum(one.y for one in sums) / count
    square = sum((one.xx for one in sums), np.zeros_like(sums[0].xx)) / count
    product = sum((one.xy for one in sums), np.zeros_like(sums[0].xy)) / count
    covariance, product = square - np.outer(mean, mean), product - mean * offset
    spread = np.sqrt(np.maximum(np.diag(covariance), 0)) + STEADY
    matrix = covariance / np.outer(spread, spread) + penalty * np.eye(len(mean))
    return Ridge(mean, np.linalg.solve(matrix, product / spread) / spread, offset)


def fit_line(x_WF: Array, y_W: Array, *, penalty: float) -> Ridge:
    """The line of some windows; those without a label (NaN) are left out."""
    return _line([_sums(x_WF, y_W)], penalty)


class Lines:
    """Lines of one plan and way on any of some takes."""

    def __init__(self, seen: Sequence[Seen], plan: Plan, way: Way) -> None:
        self._seen, self._plan, self._way = seen, plan, way
        self._x = [inputs(one, plan, way) for one in seen]
        self._start = [float(one.spo2[one.end < way.until].mean()) for one in seen]
        self._sums = [self._of(k) for k in range(len(seen))]

    def _of(self, k: int) -> _Sums:
        one = self._seen[k]
        label = one.take.spo2_at(one.end + self._plan.lag)
        return _sums(self._x[k], label - (self._start[k] if self._way.calibrated else 0.0))

    def fit(self, takes: Sequence[int]) -> Ridge:
        """The line of these takes, by their numbers."""
        return _line([self._sums[k] for k in takes], self._plan.penalty)

    def estimate(self, line: Ridge, k: int) -> Array:
        """(W,) % of take number k; its reference is looked at in the first seconds alone."""
        told = line(self._x[k])
        if self._way.calibrated:
            first = self._seen[k].end < self._way.until
            told = told - told[first].mean() + self._start[k]
        return np.clip(told, *LIMITS)


@dataclass(frozen=True, slots=True)
class Tested:
    """Estimates of the takes of one subject that nothing was learnt from.

    estimates: take number -> (W,).   plan: chosen; inner: its mean error on the others [%].
    line: the one that was tested.
    """

    subject: str
    estimates: dict[int, Array]
    plan: Plan
    inner: float
    line: Ridge


def plans(
    groups: Sequence[tuple[str, ...]],
    *,
    smooth: Sequence[float] = (10.0, 30.0, 60.0),
    lags: Sequence[float] = (-10.0, 0.0, 10.0, 20.0),
    penalties: Sequence[float] = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0),
) -> list[Plan]:
    """Every combination."""
    return [Plan(*one) for one in itertools.product(groups, smooth, lags, penalties)]


def nested(
    seen: Sequence[Seen],
    choices: Sequence[Plan],
    way: Way,
    *,
    hands: tuple[str, str] | None = None,
) -> list[Tested]:
    """Leave one subject out; its plan is the best when each of the others is left out in turn.

    Nothing of the tested subject is looked at in choosing or in learning.
    hands: (learnt and chosen on, tested on) where only those takes are to be used.
    """
    learn, test = hands or (None, None)
    people = [one.take.subject for one in seen]
    rows = _Rows(
        tuple(k for k, one in enumerate(seen) if learn in (None, one.take.hand)),
        tuple(k for k, one in enumerate(seen) if test in (None, one.take.hand)),
        tuple(people),
    )
    subjects = sorted(set(people))
    if len(subjects) < 3:
        raise InputError(f"choosing while leaving one out needs 3 subjects but got {len(subjects)}")
    best: dict[str, tuple[float, Plan]] = {}
    for plan in choices:
        lines = Lines(seen, plan, way)
        for subject in subjects:
            error = _inner(lines, seen, rows, subject, way)
            if subject not in best or error < best[subject][0]:
                best[subject] = (error, plan)
    found = []
    for subject in subjects:
        inner, plan = best[subject]
        lines = Lines(seen, plan, way)
        line = lines.fit(rows.without(subject))
        own = [k for k in rows.tested if people[k] == subject]
        found.append(Tested(subject, {k: lines.estimate(line, k) for k in own}, plan, inner, line))
    return found


@dataclass(frozen=True, slots=True)
class _Rows:
    """Numbers of the takes that are learnt from and tested, and whose each is."""

    learnt: tuple[int, ...]
    tested: tuple[int, ...]
    people: tuple[str, ...]

    def without(self, *subjects: str) -> list[int]:
        return [k for k in self.learnt if self.people[k] not in subjects]


def _inner(lines: Lines, seen: Sequence[Seen], rows: _Rows, subject: str, way: Way) -> float:
    errors = []
    for judge in sorted(set(rows.people) - {subject}):
        line = lines.fit(rows.without(subject, judge))
        for k in (k for k in rows.learnt if rows.people[k] == judge):
            later = seen[k].end >= way.until
            errors.append(np.abs(lines.estimate(line, k) - seen[k].spo2)[later].mean())
    return float(np.mean(errors))
