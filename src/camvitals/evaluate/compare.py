"""Two results side by side: the same windows, and whether the difference is more than chance.

Shape letters: N windows that both have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from camvitals.evaluate.metrics import METRICS, by_subject
from camvitals.evaluate.result import Result
from camvitals.evaluate.statistics import holm, paired_difference, wilcoxon
from camvitals.records import Array, InputError

SAME = 1e-3  # of times [s], and of references


@dataclass(frozen=True, slots=True)
class Difference:
    """One method of each result on the windows that both answered.

    first, second: mean absolute error of each; difference: first − second, below 0 when the first
    is better; low, high: its 95 % interval, subjects drawn again.
    p: Wilcoxon's signed rank test of the subjects' mean absolute errors; holm: adjusted for the
    number of differences told together.
    covered: share of the windows that each answered.   windows, subjects: that both answered.
    """

    vital: str
    methods: tuple[str, str]
    first: float
    second: float
    difference: float
    low: float
    high: float
    p: float
    holm: float
    covered: tuple[float, float]
    windows: int
    subjects: int


def compare(first: Result, second: Result, *, across: bool = False) -> tuple[Difference, ...]:
    """The differences of the methods that both results have, or of all pairs where none is.

    across: also compare results of different protocols, on the windows that both have.
    Raises InputError when the protocols differ (it says in what), when references of the same
    windows differ, and when there is no window in common.
    """
    if first.protocol.hash != second.protocol.hash and not across:
        raise InputError(
            f"the protocols {first.protocol.name} and {second.protocol.name} differ: "
            f"{'; '.join(first.protocol.differences(second.protocol))}; evaluate both by one, or "
            "ask for a comparison across protocols (--across)"
        )
    found = []
    for vital in (v for v in first.names("vital") if v in second.names("vital")):
        for pair in _pairs(first.of(vital=vital), second.of(vital=vital)):
            one = _difference(first, second, vital, pair, across=across)
            if one is not None:
                found.append(one)
    if not found:
        raise InputError("the results have no window in common; evaluate the same recordings")
    adjusted = holm(np.array([one.p for one in found]))
    return tuple(replace(one, holm=float(p)) for one, p in zip(found, adjusted, strict=True))


def _pairs(first: Result, second: Result) -> list[tuple[str, str]]:
    mine, theirs = first.names("method"), second.names("method")
    shared = [method for method in mine if method in theirs]
    return [(m, m) for m in shared] or [(m, t) for m in mine for t in theirs]


def _difference(
    first: Result, second: Result, vital: str, methods: tuple[str, str], *, across: bool
) -> Difference | None:
    a = first.of(vital=vital, method=methods[0]).columns
    b = second.of(vital=vital, method=methods[1]).columns
    at, bt = _matched(a, b)
    if len(at) == 0:
        return None
    apart = np.abs(a["reference"][at] - b["reference"][bt])
    if not across and (apart > SAME).any():
        raise InputError(
            f"the references of {int((apart > SAME).sum())} of {len(at)} windows differ between "
            "the results; evaluate both on one copy of the corpus"
        )
    error = [c["estimate"][k] - c["reference"][k] for c, k in ((a, at), (b, bt))]
    people = a["corpus"][at] + "/" + a["subject"][at]
    both = np.isfinite(error[0]) & np.isfinite(error[1])
    mine, theirs, subject = error[0][both], error[1][both], people[both]
    covered = (float(np.isfinite(error[0]).mean()), float(np.isfinite(error[1]).mean()))
    if not both.any():
        none = float("nan")
        return Difference(vital, methods, none, none, none, none, none, none, none, covered, 0, 0)
    mae, zero = METRICS["mae"], np.zeros(len(mine))
    value, low, high = paired_difference(mae, mine, theirs, zero, subject)
    _, of_mine = by_subject(mae, mine, zero, subject)
    _, of_theirs = by_subject(mae, theirs, zero, subject)
    p, count = wilcoxon(of_mine, of_theirs)
    return Difference(
        vital,
        methods,
        float(np.abs(mine).mean()),
        float(np.abs(theirs).mean()),
        value,
        low,
        high,
        p,
        p,
        covered,
        len(mine),
        count,
    )


def _matched(a: Mapping[str, Array], b: Mapping[str, Array]) -> tuple[Array, Array]:
    """Rows (N,) of a and of b that are the same window of the same recording."""
    place = {key: row for row, key in enumerate(_keys(b))}
    pairs = [(row, place[key]) for row, key in enumerate(_keys(a)) if key in place]
    found = np.array(pairs, dtype=int).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def _keys(columns: Mapping[str, Array]) -> list[tuple[str, str, int, int]]:
    start, stop = (np.rint(columns[n] / SAME).astype(int).tolist() for n in ("start", "stop"))
    return list(zip(columns["corpus"], columns["recording"], start, stop, strict=True))
