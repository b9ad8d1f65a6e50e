"""One rate a sequence: the four columns in which papers on MAHNOB-HCI compare.

Mean absolute error, relative RMSE, share below 5 bpm and Pearson's r, as Table I of Deng &
Ramakrishnan (2022) has them without defining them; the readings of the first three are ours.
Shape letters: N sequences asked for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from camvitals.evaluate.cells import Cell, Column, Row, Table, cell_of, column_of, named
from camvitals.evaluate.entrant import FLOOR_NAMES, Entrant
from camvitals.evaluate.floors import constant_mean
from camvitals.evaluate.metrics import METRICS, Score, scores
from camvitals.records import Array

PROTOCOLS = ("li2014", "li2014-report")  # those whose table this is
GIVEN = ("mae", "rmse_percent", "below_5", "pearson_r")
TITLES = {"mae": "mean |error|", "rmse_percent": "RMSE", "below_5": "below 5 bpm", "pearson_r": "r"}
BEFORE = "sequence before"
FAR = 1e6  # an error that is below nothing
CHARGED = GIVEN[:3]  # r of answers and guesses together would say little
NOTES = (
    "Of the answers: mean |error|, root mean square of error / truth, share with |error| < 5 bpm, "
    "Pearson's r, and its p against no correlation, as if sequences of one person were independent "
    "(intervals draw people).",
    "All: a withheld sequence counts as missed, which is not below 5 bpm and in error as the mean "
    "of the other subjects would be.",
    f"{BEFORE[0].upper()}{BEFORE[1:]}: the true rate of the same person's sequence before.",
)


def by_sequence(
    answers: Sequence[Entrant],
    vital: str,
    *,
    about: tuple[str, ...],
    notes: tuple[str, ...] = NOTES,
    draws: int = 1000,
) -> Table:
    """The four columns, of the answers and of all that was asked, beside the floors that differ.

    answers: methods and floors, one window a recording.   about, notes: below it, in this order.
    draws:   of subjects, for the intervals.
    Of the floors those that know the time fall together with the mean of the others where every
    recording has one window, and the window before is that of the sequence before.
    """
    methods = [one for one in answers if not one.floor]
    mean = [one for one in answers if one.name == FLOOR_NAMES["constant_mean"]]
    rows = tuple(
        Row(one.name, _cells(one, draws), one.floor)
        for one in (*methods, *mean, sequence_before(methods[0]))
    )
    columns = (
        column_of("coverage", vital),
        *(replace(column_of(name, vital), title=TITLES[name]) for name in GIVEN),
        Column("p", "p of r", "", 4),
        *(
            replace(column_of(name, vital), key=f"all_{name}", title=f"all: {TITLES[name]}")
            for name in CHARGED
        ),
        Column("answers", "n", "", 0),
    )
    title = f"{named(vital)}: agreement, one rate a sequence"
    return Table(f"{vital}.agreement", title, columns, rows, (*about, *notes))


def _cells(one: Entrant, draws: int) -> tuple[Cell, ...]:
    alone = len(set(one.people)) < 2
    found = _scored(one.estimate, one, ("coverage", *GIVEN), draws)
    every = _scored(charged(one), one, CHARGED, draws)
    missed = np.where(np.isfinite(one.estimate), one.estimate, one.reference + FAR)
    every["below_5"] = _scored(missed, one, ("below_5",), draws)["below_5"]
    cells = [cell_of(score, name) for name, score in found.items()]
    cells.append(Cell() if one.floor else Cell(p_of_r(one.estimate, one.reference)))
    cells += [cell_of(score, name) for name, score in every.items()]
    if alone:
        cells = [Cell(cell.value) for cell in cells]
    return (*cells, Cell(found["mae"].count))


def _scored(estimate_N: Array, one: Entrant, names: Sequence[str], draws: int) -> dict[str, Score]:
    chosen = {name: METRICS[name] for name in names}
    return scores(estimate_N, one.reference, one.people, metrics=chosen, draws=draws)


def charged(one: Entrant) -> Array:
    """(N,) the estimates; where withheld the mean reference of the other subjects."""
    blind = constant_mean(one.reference, one.people)
    return np.where(np.isfinite(one.estimate), one.estimate, blind)


def p_of_r(estimate_N: Array, reference_N: Array) -> float:
    """The p of r against no correlation (two-sided, t with n − 2); NaN below 3 answers."""
    from scipy.stats import t

    given = np.isfinite(estimate_N) & np.isfinite(reference_N)
    r = METRICS["pearson_r"].function(np.asarray(estimate_N), np.asarray(reference_N))
    free = int(given.sum()) - 2
    if free < 1 or not np.isfinite(r):
        return float("nan")
    if abs(r) >= 1:
        return 0.0
    return float(2 * t.sf(abs(r) * np.sqrt(free / (1 - r**2)), free))


def sequence_before(like: Entrant) -> Entrant:
    """The floor that says the true rate of the same person's sequence before; NaN for the first.

    like: whose sequences, which go by the numbers in their names.
    """
    truth = dict(zip(like.takes, zip(like.people, like.reference, strict=True), strict=True))
    before: dict[str, float] = {}
    last: dict[str, float] = {}
    for take in sorted(truth, key=_numbered):
        person, rate = truth[take]
        before[take] = last.get(person, np.nan)
        last[person] = float(rate)
    guess = np.array([before[take] for take in like.takes])
    none = np.full(len(guess), np.nan)
    return replace(
        like,
        name=BEFORE,
        floor=True,
        estimate=guess,
        low=none,
        high=none,
        quality=none,
        columns={},
    )


def _numbered(name: str) -> list[tuple[int, str]]:
    """Parts of a name that sort 4 before 132."""
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]
