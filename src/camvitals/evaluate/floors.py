"""What needs no camera: the numbers that any method has to beat.

Shape letters: N answers, S subjects. Each function returns (N,) estimates, NaN where the floor has
nothing to say, to be scored like any method's on the same rows.
"""

from __future__ import annotations

import numpy as np

from camvitals.records import Array, InputError, check


def constant_mean(reference_N: Array, subject_N: Array) -> Array:
    """The mean reference of all rows of the other subjects; NaN with one subject."""
    reference = np.asarray(reference_N, dtype=float)
    _, code = np.unique(subject_N, return_inverse=True)
    check("subject", code, (len(reference),))
    known = np.isfinite(reference)
    value = np.where(known, reference, 0.0)
    total = value.sum() - np.bincount(code, value)
    count = known.sum() - np.bincount(code, known)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((total / np.where(count > 0, count, np.nan))[code])


def previous_window(reference_N: Array, recording_N: Array, start_N: Array) -> Array:
    """The reference of the window before in the same recording; NaN for the first.

    start_N: of each window [s]. Where windows overlap this knows most of the answer.
    """
    reference = np.asarray(reference_N, dtype=float)
    _, code = np.unique(recording_N, return_inverse=True)
    check("start", np.asarray(start_N), (len(reference),))
    order = np.lexsort((start_N, code))
    before = np.r_[np.nan, reference[order][:-1]]
    first = np.r_[True, np.diff(code[order]) != 0]
    out = np.full(len(reference), np.nan)
    out[order] = np.where(first, np.nan, before)
    return out


def clock(
    reference_N: Array,
    recording_N: Array,
    subject_N: Array,
    time_N: Array,
    *,
    by: str = "elapsed",
) -> Array:
    """The mean of the other subjects' references at the same time of their recordings.

    time_N: of each row, counted within its recording [s].   by: "elapsed" for the same time, or
    "fraction" for the same share of the recording.
    References are joined linearly; beyond its own rows a recording says nothing. Each recording of
    the others counts once. A protocol that is the same for everybody lets this clock do well.
    """
    if by not in ("elapsed", "fraction"):
        raise InputError(f"a clock goes by elapsed or by fraction but got {by!r}")
    reference, time = np.asarray(reference_N, dtype=float), np.asarray(time_N, dtype=float)
    _, people = np.unique(subject_N, return_inverse=True)
    takes, take = np.unique(recording_N, return_inverse=True)
    check("recording", take, (len(reference),))
    if by == "fraction":
        time = _fraction(time, take, len(takes))
    total, count = np.zeros(len(reference)), np.zeros(len(reference))
    for k in range(len(takes)):
        rows = np.flatnonzero((take == k) & np.isfinite(reference))
        rows = rows[np.argsort(time[rows], kind="stable")]
        if len(rows) == 0:
            continue
        others = people != people[rows[0]]
        said = np.interp(time, time[rows], reference[rows], left=np.nan, right=np.nan)
        heard = others & np.isfinite(said)
        total[heard] += said[heard]
        count += heard
    return np.asarray(total / np.where(count > 0, count, np.nan))


def _fraction(time: Array, take: Array, takes: int) -> Array:
    """Time of each row as a share of its recording, 0 at its first row and 1 at its last."""
    first, last = np.full(takes, np.inf), np.full(takes, -np.inf)
    np.minimum.at(first, take, time)
    np.maximum.at(last, take, time)
    length = np.where(last > first, last - first, 1.0)
    return np.asarray((time - first[take]) / length[take])


FLOORS = ("constant_mean", "previous_window", "clock_elapsed", "clock_fraction")


def floors(
    reference_N: Array,
    recording_N: Array,
    subject_N: Array,
    start_N: Array,
) -> dict[str, Array]:
    """All floors on the same rows, by their names in FLOORS; arguments as in the single ones."""
    return {
        "constant_mean": constant_mean(reference_N, subject_N),
        "previous_window": previous_window(reference_N, recording_N, start_N),
        "clock_elapsed": clock(reference_N, recording_N, subject_N, start_N, by="elapsed"),
        "clock_fraction": clock(reference_N, recording_N, subject_N, start_N, by="fraction"),
    }
