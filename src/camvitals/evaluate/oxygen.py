"""Oxygen saturation: how well it is told, and how much of that is only the clock.

Who lowers the oxygen of everybody in the same way lets a clock do well: the mean course of the
others is a better answer than the published one from a camera. These controls tell them apart.
Shape letters: N windows, in the order of time within each recording.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from camvitals.evaluate.floors import clock
from camvitals.evaluate.metrics import METRICS, Metric, Score, by_subject, of_sums, scores
from camvitals.records import Array, InputError, check

LOW_PERCENT = 90.0
OVERALL = ("mae", "rmse", "arms", "mean_error", "pearson_r")


def _hits(low: bool) -> Metric:
    """Share of the windows with a reference below (or not below) 90 % that are told as such."""

    def terms(x: Array, y: Array) -> Array:
        wanted = (y < LOW_PERCENT) == low
        return np.column_stack([wanted & ((x < LOW_PERCENT) == low), wanted])

    def combine(sums: Array) -> Array:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(sums[..., 0] / sums[..., 1])

    side = "below" if low else "at or above"
    return of_sums(terms, combine, "1", True, f"of references {side} 90 %, the share told so")


SENSITIVITY, SPECIFICITY = _hits(True), _hits(False)
SPO2_METRICS = {name: METRICS[name] for name in OVERALL} | {
    "sensitivity": SENSITIVITY,
    "specificity": SPECIFICITY,
}


@dataclass(frozen=True, slots=True)
class Course:
    """What is known of each window besides its estimate, all (N,).

    spo2: reference [%].   time: s since the start of its recording.   recording, subject: names.
    pulse: pulse rate, in any unit, as the camera saw it; NaN where it did not.
    """

    spo2: Array
    time: Array
    recording: Array
    subject: Array
    pulse: Array

    def __post_init__(self) -> None:
        for name in ("time", "recording", "subject", "pulse"):
            check(name, getattr(self, name), (len(self.spo2),))

    def at(self, chosen_N: Array) -> Course:
        """Of some windows."""
        return Course(
            self.spo2[chosen_N],
            self.time[chosen_N],
            self.recording[chosen_N],
            self.subject[chosen_N],
            self.pulse[chosen_N],
        )


@dataclass(frozen=True, slots=True)
class Controls:
    """How much of an answer is not the clock.

    within_r: mean over recordings of the correlation within each.
    beyond_clock: the same after what elapsed time (to the third power) and the mean courses of the
        other subjects, by elapsed and by relative time, tell of both has been taken from both.
    beyond_pulse: the same, the pulse rate taken from both as well.
    swapped: mean absolute error [%] against the references of the other subjects at the same
        second, each less its own mean and plus that of the right one. A clock would do no worse so.
    recovery, recovery_r: mean absolute error [%] and mean correlation after each recording's last
        time below 90 % begins to end: from its lowest point on.
    """

    within_r: float
    beyond_clock: float
    beyond_pulse: float
    swapped: float
    recovery: float
    recovery_r: float


def spo2_scores(estimate_N: Array, course: Course) -> dict[str, Score]:
    """MAE, RMSE (= ARMS), mean error, pooled r, sensitivity and specificity at 90 %.

    Intervals are of whole subjects drawn again.
    """
    return scores(estimate_N, course.spo2, course.subject, metrics=SPO2_METRICS)


def by_recording(estimate_N: Array, course: Course) -> dict[str, float]:
    """Mean absolute error of each recording."""
    names, values = by_subject(METRICS["mae"], estimate_N, course.spo2, course.recording)
    return dict(zip(map(str, names), map(float, values), strict=True))


def controls(estimate_N: Array, course: Course) -> Controls:
    """All of Controls for the estimates of windows."""
    check("estimate", estimate_N, (len(course.spo2),))
    known = np.isfinite(estimate_N) & np.isfinite(course.spo2)
    x, seen = np.asarray(estimate_N, dtype=float)[known], course.at(known)
    clocks = clock_terms(course)[known]
    after = _recovering(seen)
    return Controls(
        within_r=_mean_r(x, seen, None),
        beyond_clock=_mean_r(x, seen, clocks),
        beyond_pulse=_mean_r(x, seen, np.column_stack([clocks, seen.pulse])),
        swapped=_swapped(x, seen),
        recovery=float(np.abs(x - seen.spo2)[after].mean()) if after.any() else float("nan"),
        recovery_r=_mean_r(x[after], seen.at(after), None),
    )


def clock_terms(course: Course) -> Array:
    """(N, 5) what a clock knows: time, its square and cube, and the mean courses of the others."""
    known = (course.spo2, course.recording, course.subject, course.time)
    by_time, by_share = (clock(*known, by=way) for way in ("elapsed", "fraction"))
    t = course.time / max(float(course.time.max()), 1.0)
    return np.column_stack([t, t**2, t**3, by_time, by_share])


def _mean_r(x: Array, course: Course, given: Array | None) -> float:
    """Mean over recordings of the correlation of what `given` does not explain of both."""
    found = []
    for name in np.unique(course.recording):
        rows = course.recording == name
        pair = np.column_stack([x[rows], course.spo2[rows]])
        if given is not None:
            pair = _unexplained(pair, given[rows])
        if len(pair) > 2 and np.all(pair.std(axis=0) > 1e-9):
            found.append(np.corrcoef(pair.T)[0, 1])
    return float(np.mean(found)) if found else float("nan")


def _unexplained(values: Array, given: Array) -> Array:
    whole = np.isfinite(given).all(axis=1)
    terms = np.column_stack([np.ones(whole.sum()), given[whole]])
    best, *_ = np.linalg.lstsq(terms, values[whole], rcond=None)
    return np.asarray(values[whole] - terms @ best)


def _swapped(x: Array, course: Course) -> float:
    """Mean error against the others' references at the same time, moved to the right mean."""
    errors = []
    for name in np.unique(course.recording):
        rows = course.recording == name
        subject, time = course.subject[rows][0], course.time[rows]
        for other in np.unique(course.recording[course.subject != subject]):
            theirs = course.recording == other
            moved = np.interp(
                time, course.time[theirs], course.spo2[theirs], left=np.nan, right=np.nan
            )
            moved += course.spo2[rows].mean() - np.nanmean(moved)
            errors.append(np.nanmean(np.abs(x[rows] - moved)))
    return float(np.mean(errors)) if errors else float("nan")


def _recovering(course: Course) -> Array:
    """(N,) whether a window comes after the lowest reference of its recording."""
    after = np.zeros(len(course.spo2), dtype=bool)
    for name in np.unique(course.recording):
        rows = np.flatnonzero(course.recording == name)
        after[rows[int(np.argmin(course.spo2[rows])) :]] = True
    return after


def one_point(estimate_N: Array, course: Course, *, until: float) -> Array:
    """Estimates moved so that each recording's mean until then is that of its reference.

    until: [s] from the start of the recording, as one calibrates a device at its start.
    Raises InputError for a recording with nothing to calibrate by.
    """
    moved = np.array(estimate_N, dtype=float)
    for name in np.unique(course.recording):
        rows = course.recording == name
        first = rows & (course.time < until) & np.isfinite(moved)
        if not first.any():
            raise InputError(f"{name} has no estimate before {until:g} s to calibrate by")
        moved[rows] += (course.spo2[first] - moved[first]).mean()
    return moved
