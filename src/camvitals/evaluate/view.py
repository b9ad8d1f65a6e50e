"""What the plots of one vital sign share: who is shown, in which colours, on which axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from camvitals.evaluate.entrant import (
    UNITS,
    Entrant,
    entrants,
    lead_of,
    mean_loss,
    strata_of,
)
from camvitals.evaluate.result import Result
from camvitals.evaluate.statistics import Comparison
from camvitals.evaluate.verdict import ranked
from camvitals.records import Array
from camvitals.report.figure import COLOUR, TEXT_PX, blank, place, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("heart", "blue", "green", "muted", "ink")
MOST_POINTS = 700
SHOWN = 5  # methods that share one plot


@dataclass(frozen=True, slots=True)
class View:
    """What the plots of one vital sign show.

    lead: the method shown alone.   shown: those that share plots, lead first.
    comparison: ranks of all, None with too few subjects.
    """

    vital: str
    unit: str
    entrants: tuple[Entrant, ...]
    lead: Entrant
    shown: tuple[Entrant, ...]
    strata: tuple[str, ...]
    comparison: Comparison | None

    @classmethod
    def of(cls, result: Result, vital: str, *, lead: str = "") -> View:
        """The view of one vital sign. lead: "" is auto, or else the best method."""
        among = entrants(result, vital)
        first = next((one for one in among if one.name == lead), None) or lead_of(among)
        others = [one for one in among if not one.floor and one is not first]
        answering = [one for one in others if np.isfinite(one.error).any()]
        best = sorted(answering, key=mean_loss)[: SHOWN - 1]
        unit, strata = UNITS.get(vital, ""), strata_of(result, among[0])
        return cls(vital, unit, among, first, (first, *best), strata, ranked(among))


def thin(count: int) -> Array:
    """Which of so many points are drawn: at most MOST_POINTS, evenly."""
    return np.unique(np.linspace(0, count - 1, min(count, MOST_POINTS)).round().astype(int))


def side_by_side(wide: bool, *, height: float = 300) -> tuple[Figure, Axes, Axes]:
    """Two panels with axes of their own, beside or above each other."""
    if wide:
        figure, (left,) = blank(height, wide=True)
        place(figure, top=26, bottom=38, right=450)
        right = figure.add_axes(
            (460 / 860, 38 / height, 392 / 860, (height - 64) / height), label="right"
        )
    else:
        tall = 2 * height - 30
        figure, (left,) = blank(tall, wide=False)
        place(figure, top=26, bottom=tall / 2 + 26)
        right = figure.add_axes(
            (36 / 340, 38 / tall, 296 / 340, (tall / 2 - 64) / tall), label="right"
        )
    for ax in (left, right):
        style(ax, grid="both")
    return figure, left, right


def ticks(ax: Axes, *, axes: str = "xy", most: int = 6) -> None:
    """Round ticks of at most one decimal, as the drawing keeps no more in its text."""
    from matplotlib.ticker import MultipleLocator

    for name in axes:
        axis = ax.xaxis if name == "x" else ax.yaxis
        low, high = sorted(axis.get_view_interval())
        steps = (base * 10.0**power for power in range(-1, 6) for base in (1, 2, 5))
        step = next(step for step in steps if high - low <= most * step)
        axis.set_major_locator(MultipleLocator(step))


def under(ax: Axes, text: str) -> None:
    """What the horizontal axis shows."""
    ax.set_xlabel(text, fontsize=TEXT_PX, color=COLOUR["muted"], labelpad=2)
