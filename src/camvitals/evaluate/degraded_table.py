"""What degraded video costs each method, as a table."""

from __future__ import annotations

import numpy as np

from camvitals.data.degrade import AS_IS
from camvitals.data.degrade_video import STRATUM
from camvitals.evaluate.cells import Cell, Column, Row, Table, cell_of, column_of, named
from camvitals.evaluate.entrant import UNITS, Entrant, words_of
from camvitals.evaluate.metrics import CLOSE_BPM, METRICS, scores
from camvitals.evaluate.statistics import paired_difference
from camvitals.records import Array


def by_level(
    answers: tuple[Entrant, ...], vital: str, levels: tuple[str, ...], *, draws: int
) -> Table | None:
    """Every method at every level, and what that costs it; None where nothing is degraded.

    levels: of the protocol.   draws: of subjects, for the intervals.
    """
    methods = [one for one in answers if not one.floor]
    if not levels or not methods or AS_IS not in words_of(methods[0], STRATUM):
        return None
    rows = [
        Row(f"{one.name}, {level}", _cells(one, level, draws))
        for one in methods
        for level in (AS_IS, *levels)
        if level in words_of(one, STRATUM)
    ]
    unit = UNITS.get(vital, "")
    shown = [column_of(name, vital) for name in ("coverage", "mae", "within_5")]
    columns = (
        *shown,
        Column("right", "right of all", "%", 0),
        Column("mae_change", "MAE less as is", unit),
        Column("right_change", "right less as is", "%", 0),
        Column("both", "both answered", "", 0),
    )
    notes = (
        f"Right of all: answered, and within {CLOSE_BPM:g} of the reference, as a share of all "
        "windows, so that what is withheld counts as not right. MAE less as is: on the windows "
        "that the method answered both at the level and as the video is. Intervals over subjects, "
        "differences paired.",
    )
    return Table(
        f"{vital}.degradation", f"{named(vital)}: by degradation", columns, tuple(rows), notes
    )


def _cells(one: Entrant, level: str, draws: int) -> tuple[Cell, ...]:
    """The cells of a method at a level."""
    at = np.flatnonzero(words_of(one, STRATUM) == level)
    x, y, people = one.estimate[at], one.reference[at], one.people[at]
    metrics = {name: METRICS[name] for name in ("coverage", "mae", "within_5")}
    found = scores(x, y, people, metrics=metrics, draws=draws)
    cells = [cell_of(found[name], name) for name in metrics]
    mean = {"mean": METRICS["mean_error"]}
    right = scores(_right(one, at), np.zeros(len(at)), people, metrics=mean, draws=draws)["mean"]
    cells.append(Cell(100 * right.value, 100 * right.low, 100 * right.high))
    if level == AS_IS:
        return (*cells, Cell(), Cell(), Cell())
    mine, its = _pairs(one, at)
    answered = np.isfinite(one.error[mine]) & np.isfinite(one.error[its])
    apart = _difference(one, mine[answered], its[answered], np.abs(one.error), draws)
    hits = _right(one, np.arange(len(one.error)))
    fewer = _difference(one, mine, its, 100 * hits, draws)
    return (*cells, apart, fewer, Cell(int(answered.sum())))


def _right(one: Entrant, at: Array) -> Array:
    """1 where a window is answered and close, else 0."""
    return np.asarray((np.abs(one.error[at]) <= CLOSE_BPM).astype(float))


def _difference(one: Entrant, mine: Array, its: Array, values: Array, draws: int) -> Cell:
    """Mean of values at some windows less that at others, the same subjects drawn for both."""
    if len(mine) == 0:
        return Cell()
    value, low, high = paired_difference(
        METRICS["mean_error"],
        values[mine],
        values[its],
        np.zeros(len(mine)),
        one.people[mine],
        draws=draws,
    )
    alone = len(set(one.people[mine])) < 2
    return Cell(value) if alone else Cell(value, low, high)


def _pairs(one: Entrant, at: Array) -> tuple[Array, Array]:
    """Rows of a level, and the rows of the same windows as they are; those that both have."""
    plain = np.flatnonzero(words_of(one, STRATUM) == AS_IS)
    place = {_window(one, row, AS_IS): row for row in plain.tolist()}
    level = str(words_of(one, STRATUM)[at[0]])
    pairs = [(row, place[key]) for row in at.tolist() if (key := _window(one, row, level)) in place]
    found = np.array(pairs, dtype=int).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def _window(one: Entrant, row: int, level: str) -> tuple[str, int]:
    """What a window has in common with the same one at another level."""
    return str(one.takes[row]).removesuffix(f"/{level}"), round(1e3 * float(one.start[row]))
