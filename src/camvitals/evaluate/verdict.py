"""Which method is better on the same people: each against one, and all by their ranks.

Shape letters: N windows, S subjects, M methods and floors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from camvitals.evaluate.entrant import Entrant
from camvitals.evaluate.metrics import METRICS, by_subject
from camvitals.evaluate.statistics import Comparison, compare, holm, paired_difference, wilcoxon
from camvitals.records import InputError

NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Line:
    """One method or floor against another on the windows that both answered.

    rank: mean over subjects, 1 is best.   difference: its mean absolute error less the other's;
    low, high: 95 % over subjects.   better: share of subjects with a smaller error (half where
    alike).   p: Wilcoxon's; holm: adjusted for the methods in the table.   nemenyi: of the ranks.
    subjects: that both answered.   NaN where not defined, and for the other itself.
    """

    name: str
    floor: bool
    rank: float
    difference: float = NAN
    low: float = NAN
    high: float = NAN
    better: float = NAN
    p: float = NAN
    holm: float = NAN
    nemenyi: float = NAN
    subjects: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Lines by rank, and Friedman's test of all; other fields as in statistics.Comparison."""

    lines: tuple[Line, ...]
    comparison: Comparison

    @property
    def friedman(self) -> float:
        """Friedman's statistic."""
        return self.comparison.friedman

    @property
    def p(self) -> float:
        """Probability of such ranks if all are alike."""
        return self.comparison.p

    @property
    def critical(self) -> float:
        """Least distance of mean ranks that differs."""
        return self.comparison.critical

    @property
    def level(self) -> float:
        """Level of the critical distance."""
        return self.comparison.level

    @property
    def count(self) -> int:
        """Subjects ranked."""
        return self.comparison.count


def ranked(answers: Sequence[Entrant]) -> Comparison | None:
    """Mean ranks of methods and floors by `Entrant.loss`; None below two subjects or two methods.

    A floor that has nothing to say in a window is no answer to all questions: only floors that
    always have one are ranked, and previous_window, which knows the reference, is not.
    """
    shown = [one for one in answers if not one.floor or np.isfinite(one.estimate).all()]
    losses = []
    for one in shown:
        loss = one.loss
        people, values = by_subject(METRICS["mae"], loss, np.zeros(len(loss)), one.people)
        losses.append(dict(zip(people, values, strict=True)))
    shared = [person for person in losses[0] if all(person in found for found in losses)]
    error = np.array([[found[person] for found in losses] for person in shared])
    try:
        return compare(error.reshape(len(shared), len(shown)), [one.name for one in shown])
    except InputError:
        return None


def verdict(answers: Sequence[Entrant], *, against: str, draws: int = 1000) -> Verdict | None:
    """Every method and ranked floor against one; None where people or methods are too few.

    Raises InputError when there is no method `against`.
    """
    named = {one.name: one for one in answers}
    if against not in named:
        raise InputError(f"no method {against!r} in the result; it has {', '.join(named)}")
    comparison = ranked(answers)
    if comparison is None:
        return None
    other = named[against]
    nemenyi = {frozenset((pair.first, pair.second)): pair.nemenyi for pair in comparison.pairs}
    lines = []
    for name, rank in zip(comparison.methods, comparison.ranks.tolist(), strict=True):
        line = Line(name, named[name].floor, rank)
        if name != against:
            line = replace(
                _against(named[name], other, line, draws),
                nemenyi=nemenyi[frozenset((name, against))],
            )
        lines.append(line)
    adjusted = holm(np.array([NAN if line.floor else line.p for line in lines]))
    lines = [replace(line, holm=float(p)) for line, p in zip(lines, adjusted, strict=True)]
    return Verdict(tuple(sorted(lines, key=lambda line: (line.floor, line.rank))), comparison)


def _against(one: Entrant, other: Entrant, line: Line, draws: int) -> Line:
    if len(one.reference) != len(other.reference):
        return line
    both = np.isfinite(one.error) & np.isfinite(other.error)
    if not both.any():
        return line
    mine, theirs, people = one.error[both], other.error[both], one.people[both]
    mae, zero = METRICS["mae"], np.zeros(int(both.sum()))
    value, low, high = paired_difference(mae, mine, theirs, zero, people, draws=draws)
    _, of_mine = by_subject(mae, mine, zero, people)
    _, of_theirs = by_subject(mae, theirs, zero, people)
    p, subjects = wilcoxon(of_mine, of_theirs)
    better = float(np.mean((of_mine < of_theirs) + 0.5 * (of_mine == of_theirs)))
    if subjects < 2:
        low = high = NAN
    return replace(
        line, difference=value, low=low, high=high, better=better, p=p, subjects=subjects
    )
