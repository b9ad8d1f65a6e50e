"""The critical-difference diagram (Demšar, JMLR 7:1, 2006)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from camvitals.evaluate.statistics import Comparison
from camvitals.records import Array
from camvitals.report.figure import COLOUR, TEXT_PX, blank, place

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEVEL_PX = 19
BAR = 0.32  # between bars, in levels


def groups(ranks_M: Array, critical: float) -> list[tuple[float, float]]:
    """(lowest, highest) mean rank of each largest set that lies within the critical difference."""
    ordered = np.sort(np.asarray(ranks_M, dtype=float))
    found: list[tuple[float, float]] = []
    for first, low in enumerate(ordered):
        last = int(np.searchsorted(ordered, low + critical + 1e-12, side="right")) - 1
        if last > first and (not found or ordered[last] > found[-1][1]):
            found.append((float(low), float(ordered[last])))
    return found


def ranks(comparison: Comparison | None, wide: bool) -> Figure | None:
    """Mean ranks on a line, names hung from it, bars over what does not differ."""
    if comparison is None or not np.isfinite(comparison.critical):
        return None
    order = np.argsort(comparison.ranks, kind="stable")
    bars = groups(comparison.ranks, comparison.critical)
    half = -(-len(order) // 2) if wide else len(order)  # names to the left of the scale
    above = 2.4
    below = BAR * (len(bars) + 1) + 0.7 + half
    figure, (ax,) = blank((above + below) * LEVEL_PX + 8, wide=wide)
    place(figure, top=4, bottom=4, left=10, right=10)
    count = len(comparison.methods)
    before, after = (0.34, 0.34) if wide else (1.1, 0.06)
    ax.set(xlim=(1 - before * (count - 1), count + after * (count - 1)), ylim=(-below, above))
    ax.axis("off")
    _scale(ax, count, comparison.critical, every=-(-count // (20 if wide else 7)))
    for at, (low, high) in enumerate(bars):
        height = -BAR * (at + 1)
        ax.plot(
            [low, high],
            [height, height],
            color=COLOUR["heart"],
            lw=3.4,
            solid_capstyle="butt",
        )
    start = -BAR * (len(bars) + 1) - 0.5
    for place_at, k in enumerate(order):
        left = place_at < half
        level = start - (place_at if left else len(order) - 1 - place_at)
        _name(ax, comparison.methods[k], float(comparison.ranks[k]), level, left=left, count=count)
    return figure


def _scale(ax: Axes, count: int, critical: float, *, every: int) -> None:
    ax.plot([1, count], [0, 0], color=COLOUR["ink"], lw=1.1)
    for rank in range(1, count + 1):
        ax.plot([rank, rank], [0, 0.22], color=COLOUR["ink"], lw=1.1)
        if (rank - 1) % every:
            continue
        ax.annotate(
            str(rank),
            (rank, 0.35),
            ha="center",
            va="bottom",
            fontsize=TEXT_PX,
            color=COLOUR["muted"],
        )
    end = 1 + min(critical, count - 1)
    ax.plot([1, end], [1.55, 1.55], color=COLOUR["muted"], lw=1.1)
    for x in (1, end):
        ax.plot([x, x], [1.42, 1.68], color=COLOUR["muted"], lw=1.1)
    ax.annotate(
        f"critical difference {critical:.1f}",
        ((1 + end) / 2, 1.72),
        ha="center",
        va="bottom",
        fontsize=TEXT_PX,
        color=COLOUR["muted"],
    )


def _name(ax: Axes, name: str, rank: float, level: float, *, left: bool, count: int) -> None:
    """A line down from the rank and out to the name."""
    low, high = ax.get_xlim()
    edge = 1 - 0.06 * (high - low) if left else count + 0.06 * (high - low)
    ax.plot([rank, rank, edge], [0, level, level], color=COLOUR["muted"], lw=0.9, label=name)
    ax.annotate(
        f"{name} {rank:.1f}" if left else f"{rank:.1f} {name}",
        (edge, level),
        xytext=(-4 if left else 4, 0),
        textcoords="offset points",
        ha="right" if left else "left",
        va="center",
        fontsize=TEXT_PX,
        color=COLOUR["ink"],
    )


def say_ranks(comparison: Comparison | None) -> str:
    """In words: ranks, best first, and the critical difference."""
    if comparison is None:
        return ""
    order = np.argsort(comparison.ranks, kind="stable")
    said = ", ".join(f"{comparison.methods[k]} {comparison.ranks[k]:.2f}" for k in order)
    return (
        f"Mean ranks over {comparison.count} subjects: {said}; "
        f"critical difference {comparison.critical:.2f}."
    )
