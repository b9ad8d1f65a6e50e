"""Predicted over true ECG, one row for each way of labelling pictures or each model.

Shape letters: N samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from camvitals.evaluate.ecg import KINDS
from camvitals.evaluate.render import number
from camvitals.records import Array, InputError, check, check_clock
from camvitals.report.figure import COLOUR, TEXT_PX, blank, clock, heading, place, svg
from camvitals.report.plots import Plot
from camvitals.report.training import STYLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW_PX = 132
SHOWN_S = {True: 10.0, False: 5.0}
TRUE, PREDICTED = "blue", "heart"  # the key says which, so that nobody needs the colours


@dataclass(frozen=True, slots=True)
class Overlay:
    """A stretch of one recording: what was true and what was predicted.

    name: of the row, such as the scheme.   kind: as in `ecg_scores`.   unit: of both.
    time: (N,) s.   true, predicted: (N,); NaN is not drawn.   r: to be said, or NaN.
    """

    name: str
    time: Array
    true: Array
    predicted: Array
    kind: str = "trace"
    unit: str = ""
    r: float = float("nan")

    def __post_init__(self) -> None:
        check_clock("overlay", self.time, len(self.time))
        check("overlay.true", self.true, (len(self.time),))
        check("overlay.predicted", self.predicted, (len(self.time),))
        if self.kind not in KINDS:
            raise InputError(f"an overlay needs kind {' or '.join(KINDS)} but got {self.kind!r}")


def overlay(rows: Sequence[Overlay], wide: bool) -> Figure | None:
    """Each row in axes of its own, its first 10 s (5 s on a phone); None without rows."""
    if not rows:
        return None
    figure, axes = blank(44 + ROW_PX * len(rows), wide=wide, rows=(1.0,) * len(rows), share=False)
    place(figure, top=24, bottom=22, left=44)
    figure.subplots_adjust(hspace=0.62)  # the heading of a row stands below the clock of the last
    for row, ax in zip(rows, axes, strict=True):
        _row(ax, row, wide)
    _key(axes[0])
    return figure


def _row(ax: Axes, row: Overlay, wide: bool) -> None:
    from matplotlib.ticker import MaxNLocator

    start = float(row.time[0])
    stop = min(float(row.time[-1]), start + SHOWN_S[wide])
    some = row.time <= stop + 1e-9
    time, true, predicted = row.time[some], row.true[some], row.predicted[some]
    if row.kind == "peaks":
        half = 0.5 * float(np.median(np.diff(row.time))) if len(row.time) > 1 else 0.05
        ax.bar(time, true, width=2 * half, color=COLOUR[TRUE], alpha=0.35, linewidth=0)
        ax.step(time, predicted, where="mid", color=COLOUR[PREDICTED], lw=1.3)
        ax.set_ylim(min(-0.05, float(np.nanmin(predicted, initial=0.0))), 1.08)
    else:
        ax.plot(time, true, color=COLOUR[TRUE], lw=1.1)
        ax.plot(time, predicted, color=COLOUR[PREDICTED], lw=1.1, alpha=0.85)
    said = f"{row.name}{', ' + row.unit if row.unit else ''}"
    heading(ax, said + (f"   r {number(row.r, 2)}" if np.isfinite(row.r) else ""))
    clock(ax, start, stop, wide=wide)
    ax.yaxis.set_major_locator(MaxNLocator(3))
    ax.tick_params(labelbottom=True, labelleft=True)


def _key(ax: Axes) -> None:
    """What the two colours are, above the first row at the right."""
    for text, colour, at in (("predicted", PREDICTED, 1.0), ("true", TRUE, 0.0)):
        ax.annotate(
            f"— {text}",
            (1, 1),
            xytext=(-78 * (1 - at), 9),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="right",
            fontsize=TEXT_PX,
            color=COLOUR[colour],
        )


def say_overlay(rows: Sequence[Overlay]) -> str:
    """In words: how much each prediction varies, and how like the truth it is."""
    said = []
    for row in rows:
        spread = float(np.nanstd(row.true))
        share = float(np.nanstd(row.predicted)) / spread if spread > 0 else float("nan")
        like = f", r {number(row.r, 2)}" if np.isfinite(row.r) else ""
        said.append(f"{row.name} varies {number(share, 2)} times as much as the truth{like}")
    return f"Predicted over true ECG: {'; '.join(said)}."


PLOTS: dict[str, Plot[Sequence[Overlay]]] = {
    "overlay": Plot(
        "Predicted over true ECG",
        overlay,
        say_overlay,
        "Each row has its own recording or labels. A flat line is the mean: nothing was learned.",
    ),
}


def overlay_svg(rows: Sequence[Overlay], *, key: str = "ecg") -> str:
    """A standalone SVG of the rows.   key: a name for this drawing. InputError without rows."""
    figure = overlay(rows, True)
    if figure is None:
        raise InputError("an overlay needs at least one row but got none; give an Overlay")
    head, _, rest = svg(figure, label=say_overlay(rows), key=key).partition(">")
    return f'{head} xmlns="http://www.w3.org/2000/svg">{STYLE}{rest}\n'
