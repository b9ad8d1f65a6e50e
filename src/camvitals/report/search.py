"""The trials of a search as one drawing: the best so far above, all settings below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from camvitals.records import Array
from camvitals.report.figure import COLOUR, blank, heading, keys, place, svg
from camvitals.report.training import STYLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BETTER = 0.2  # share of the complete trials that are drawn in colour
MOST_MARKS = 8


@dataclass(frozen=True, slots=True)
class Axis:
    """One setting. at: (N,) where each trial crosses it, 0–1.   marks: places and their names."""

    name: str
    at: Array
    marks: list[tuple[float, str]]


def search_svg(values: Array, complete: Array, axes: Sequence[Axis], *, metric: str) -> str:
    """A standalone SVG of a search.

    values: (N,) of the trials in their order, the lower the better.   complete: (N,) whether each
    ran to its end; of the others the value is what was known.   axes: one a setting.
    """
    figure, (upper, lower) = blank(460, wide=True, rows=(1.0, 1.1), share=False)
    place(figure, top=24, bottom=34)
    upper.tick_params(labelbottom=True)
    figure.subplots_adjust(hspace=0.45)
    number = np.arange(1, len(values) + 1)
    said = f"search over {len(values)} trials"
    upper.plot(number[~complete], values[~complete], "x", color=COLOUR["muted"], markersize=4)
    if complete.any():
        best = np.minimum.accumulate(np.where(complete, values, np.inf))
        known = np.isfinite(best)
        upper.plot(number[complete], values[complete], "o", color=COLOUR["blue"], markersize=3)
        upper.step(
            number[known], best[known], where="post", color=COLOUR["heart"], label="best so far"
        )
        said += f"; best {metric} {values[complete].min():.4g}"
        upper.set_ylim(*_limits(values[complete]))
        keys(upper)
    heading(upper, f"{metric} of each trial; a cross was given up")
    upper.set_xlabel("trial", fontsize=11, color=COLOUR["muted"])
    _parallel(lower, values, complete, axes)
    heading(lower, f"settings; in red the best {BETTER:.0%} of those that ended")
    text = svg(figure, label=said, key="search")
    head, _, rest = text.partition(">")
    return f'{head} xmlns="http://www.w3.org/2000/svg">{STYLE}{rest}\n'


def _limits(values: Array) -> tuple[float, float]:
    """What is drawn: all but the far ones, which would press the others together."""
    low, high = float(values.min()), float(np.percentile(values, 90))
    room = 0.08 * (high - low) or 0.05 * abs(high) or 1.0
    return low - room, high + 2 * room


def _parallel(ax: Axes, values: Array, complete: Array, axes: Sequence[Axis]) -> None:
    """A line a trial through its settings, moved apart a little so that many can be seen."""
    shown = np.flatnonzero(complete)
    ranked = shown[np.lexsort((shown, values[shown]))][::-1]
    best = max(1, round(BETTER * len(ranked)))
    spread = np.random.default_rng(5).uniform(-0.02, 0.02, (len(values), len(axes)))
    across = np.arange(len(axes))
    for rank, trial in enumerate(ranked):
        good = rank >= len(ranked) - best
        at = [axis.at[trial] + spread[trial, k] for k, axis in enumerate(axes)]
        colour, width, faint = ("heart", 1.2, 0.9) if good else ("blue", 0.6, 0.35)
        mark = "." if len(axes) == 1 else ""
        ax.plot(across, at, color=COLOUR[colour], lw=width, alpha=faint, marker=mark)
    for k, axis in enumerate(axes):
        ax.axvline(k, color=COLOUR["line"], lw=1)
        every = max(1, -(-len(axis.marks) // MOST_MARKS))
        for height, name in axis.marks[::every]:
            ax.annotate(
                name,
                (k, height),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                fontsize=9,
                color=COLOUR["muted"],
            )
    ax.set_ylim(-0.08, 1.08)
    ax.set_xlim(-0.15, max(0.15, len(axes) - 1) + 0.35)
    ax.set_yticks([])
    ax.set_xticks(across, [axis.name.removeprefix("model.options.") for axis in axes])
