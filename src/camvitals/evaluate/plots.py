"""The plots of an evaluation, in the style of the report's page: each for a wide page and a phone.

Shape letters: N windows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from camvitals.evaluate.calibration import interval_calibration, reliability, risk_coverage
from camvitals.evaluate.entrant import (
    Entrant,
    words_of,
)
from camvitals.evaluate.limits import Limits, limits_of_agreement
from camvitals.evaluate.metrics import CLOSE_BPM, METRICS, Score, scores
from camvitals.evaluate.ranks import ranks, say_ranks
from camvitals.evaluate.render import number
from camvitals.evaluate.view import COLOURS, View, side_by_side, thin, ticks, under
from camvitals.report.figure import COLOUR, TEXT_PX, blank, heading, keys, place, style
from camvitals.report.plots import Plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def agreement(view: View, wide: bool) -> Figure | None:
    """Bland–Altman plot of the lead, and its estimates against the reference."""
    one = view.lead
    known = np.isfinite(one.error)
    if known.sum() < 3:
        return None
    found = limits_of_agreement(one.error, one.people)
    figure, left, right = side_by_side(wide)
    estimate, reference = one.estimate[known], one.reference[known]
    at = thin(len(estimate))
    mean, error = (estimate + reference) / 2, estimate - reference
    left.plot(mean[at], error[at], "o", color=COLOUR["heart"], alpha=0.45, ms=3.6, mew=0)
    _limit_lines(left, found)
    heading(left, f"estimate − reference, {view.unit}")
    under(left, f"mean of the two, {view.unit}")
    low, high = (
        float(min(estimate.min(), reference.min())),
        float(max(estimate.max(), reference.max())),
    )
    pad = max(0.04 * (high - low), 0.5)
    ends = (low - pad, high + pad)
    right.plot(ends, ends, color=COLOUR["muted"], lw=0.9, ls=(0, (2, 3)))
    right.plot(reference[at], estimate[at], "o", color=COLOUR["heart"], alpha=0.45, ms=3.6, mew=0)
    right.set(xlim=ends, ylim=ends)
    ticks(left)
    ticks(right)
    heading(right, f"estimate, {view.unit}")
    under(right, f"reference, {view.unit}")
    return figure


def _limit_lines(ax: Axes, found: Limits) -> None:
    lines = (
        (found.bias, found.bias_interval, "bias"),
        (found.low, found.low_interval, "lower limit"),
        (found.high, found.high_interval, "upper limit"),
    )
    for value, (low, high), text in lines:
        if np.isfinite(low):
            ax.axhspan(low, high, color=COLOUR["quality"], alpha=0.16, lw=0)
        ax.axhline(value, color=COLOUR["ink"], lw=1.1, ls="-" if text == "bias" else (0, (5, 3)))
        ax.annotate(
            f"{text} {number(value, 1)}",
            (1, value),
            xytext=(-2, 3),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            ha="right",
            fontsize=TEXT_PX,
            color=COLOUR["ink"],
        )
    ax.margins(y=0.12)


def say_agreement(view: View) -> str:
    """In words: bias and limits."""
    f = limits_of_agreement(view.lead.error, view.lead.people)
    return (
        f"{view.lead.name}: bias {number(f.bias, 2)} {view.unit}, 95% limits of agreement "
        f"{number(f.low, 2)} to {number(f.high, 2)}, {f.count} answers of {f.subjects} subjects; "
        f"standard deviation within subjects {f.within:.2f}, between them {f.between:.2f}."
    )


def by_stratum(view: View, wide: bool) -> Figure | None:
    """Mean absolute error in each stratum with its interval: the lead large, others small."""
    lines = stratum_lines(view)
    if not lines:
        return None
    figure, (ax,) = blank(58 + 19 * len(lines), wide=wide)
    place(figure, top=26, bottom=36, left=150 if wide else 112)
    style(ax, grid="x")
    shown = view.shown if wide else view.shown[:3]
    for k, one in enumerate(shown):
        heights, found = [], []
        for row, (name, level) in enumerate(lines):
            if level:
                heights.append(row + 0.13 * (k - (len(shown) - 1) / 2))
                found.append(stratum_score(one, name, level))
        values = np.array([score.value for score in found])
        bars = np.array([[s.value - s.low, s.high - s.value] for s in found]).T
        bars = np.where(np.isfinite(bars), np.maximum(bars, 0), 0.0)
        ax.errorbar(
            values,
            heights,
            xerr=bars,
            fmt="o",
            color=COLOUR[COLOURS[k]],
            ms=4.4 if k == 0 else 3.0,
            lw=1.3 if k == 0 else 0.8,
            label=one.name,
            zorder=10 - k,
        )
    ax.set_yticks(range(len(lines)), [level or name for name, level in lines])
    for label, (_, level) in zip(ax.get_yticklabels(), lines, strict=True):
        if not level:
            label.set_color(COLOUR["ink"])
            label.set_fontweight("bold")
    ax.set_ylim(len(lines) - 0.4, -0.7)
    ax.set_xlim(left=0)
    ticks(ax, axes="x", most=10 if wide else 5)
    keys(ax, columns=len(shown))
    under(ax, f"mean absolute error, {view.unit}")
    return figure


def stratum_lines(view: View) -> list[tuple[str, str]]:
    """Lines of the plot: (stratum, "") for a heading, (stratum, level) for a level."""
    lines = []
    for name in view.strata:
        lines.append((name, ""))
        lines += [(name, level) for level in sorted(set(words_of(view.lead, name)) - {""})]
    return lines


def stratum_score(one: Entrant, stratum: str, level: str) -> Score:
    """Mean absolute error of a method in one stratum."""
    at = words_of(one, stratum) == level
    metric = {"mae": METRICS["mae"]}
    if not at.any():
        return Score(np.nan, np.nan, np.nan, 0, 0)
    return scores(one.estimate[at], one.reference[at], one.people[at], metrics=metric)["mae"]


def say_strata(view: View) -> str:
    """In words: the error of the lead in every stratum."""
    said = []
    for name, level in stratum_lines(view):
        if level:
            said.append(f"{name} {level} {stratum_score(view.lead, name, level).value:.2f}")
    return f"Mean absolute error of {view.lead.name}, {view.unit}: {', '.join(said)}."


def risk(view: View, wide: bool) -> Figure | None:
    """Mean absolute error of the surest answers, against their share of all windows."""
    shown = [one for one in view.shown if _rated(one)]
    if not shown:
        return None
    figure, (ax,) = blank(300 if wide else 270, wide=wide)
    place(figure, top=26, bottom=38)
    for one in shown:
        curve = risk_coverage(one.error, one.quality)
        at = thin(len(curve.risk))
        colour = COLOURS[view.shown.index(one)]
        lw = 2.0 if one is view.lead else 1.2
        ax.plot(
            100 * curve.coverage[at], curve.risk[at], color=COLOUR[colour], lw=lw, label=one.name
        )
        ax.plot(100 * curve.coverage[-1], curve.risk[-1], "o", color=COLOUR[colour], ms=3.5)
    top = ax.get_ylim()[1]
    for floor in (one for one in view.entrants if one.floor):
        value = METRICS["mae"].function(floor.estimate, floor.reference)
        if value < top:
            ax.axhline(value, color=COLOUR["muted"], lw=0.9, ls=(0, (2, 3)))
            _beside_line(ax, value, floor.name)
    ax.set(xlim=(0, 101), ylim=(0, top))
    ticks(ax, axes="y")
    heading(ax, f"mean absolute error, {view.unit}")
    keys(ax, columns=len(shown) if wide else 3)
    under(ax, "windows answered, the surest first, %")
    return figure


def _beside_line(ax: Axes, value: float, text: str) -> None:
    ax.annotate(
        f"floor: {text}",
        (1, value),
        xytext=(-3, 3),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        ha="right",
        fontsize=TEXT_PX - 1,
        color=COLOUR["muted"],
    )


def _rated(one: Entrant) -> bool:
    """Whether every answer has a quality."""
    given = np.isfinite(one.error)
    return bool(given.any()) and bool(np.isfinite(one.quality[given]).all())


def say_risk(view: View) -> str:
    """In words: error of half the windows and of all that were answered."""
    said = []
    for one in view.shown:
        if _rated(one):
            curve = risk_coverage(one.error, one.quality)
            last = f"{curve.risk[-1]:.2f} at {100 * curve.coverage[-1]:.0f}%"
            half = curve.at(0.5)
            first = f"{half:.2f} at 50%, " if np.isfinite(half) else ""
            said.append(f"{one.name} {first}{last}")
    return f"Mean absolute error against windows answered, {view.unit}: {'; '.join(said)}."


def calibration(view: View, wide: bool) -> Figure | None:
    """Quality against the share that was right, and intervals against what they promise."""
    shown = [one for one in view.shown if _rated(one)]
    if not shown or view.vital != "heart_rate":
        return None
    figure, left, right = side_by_side(wide, height=280)
    for ax in (left, right):
        ax.plot((0, 100), (0, 100), color=COLOUR["muted"], lw=0.9, ls=(0, (2, 3)))
        ax.set(xlim=(0, 101), ylim=(0, 103))
    for one in shown:
        colour, lw = COLOUR[COLOURS[view.shown.index(one)]], 1.8 if one is view.lead else 1.0
        given = np.isfinite(one.error)
        right_N = np.abs(one.error[given]) <= CLOSE_BPM
        found = reliability(one.quality[given], right_N)
        some = found.count > 0
        x, y = 100 * found.confidence[some], 100 * found.accuracy[some]
        left.plot(x, y, color=colour, lw=lw)
        size = 6 + 60 * found.count[some] / found.count.sum()
        left.scatter(x, y, s=size, color=colour, linewidth=0, zorder=3)
        held = interval_calibration(one.estimate, one.low, one.high, one.reference)
        if held.count:
            levels = 100 * held.levels, 100 * held.at_levels
            right.plot(*levels, color=colour, lw=lw, marker="o", ms=3.2, label=one.name)
    heading(left, f"right within {CLOSE_BPM:g} bpm, %")
    under(left, "quality, %")
    heading(right, "holds the reference, %")
    key = right.legend(loc="lower right", frameon=False, fontsize=TEXT_PX, handlelength=1.1)
    for text in key.get_texts():
        text.set_color(COLOUR["muted"])
    under(right, "level of the interval, %")
    return figure


def say_calibration(view: View) -> str:
    """In words: of the lead."""
    one = view.lead if _rated(view.lead) else next(o for o in view.shown if _rated(o))
    given = np.isfinite(one.error)
    found = reliability(one.quality[given], np.abs(one.error[given]) <= CLOSE_BPM)
    held = interval_calibration(one.estimate, one.low, one.high, one.reference)
    return (
        f"{one.name}: quality is off by {100 * found.ece:.0f} percentage points on the mean; "
        f"{100 * held.observed:.0f}% of its 95% intervals hold the reference."
    )


PLOTS: dict[str, Plot[View]] = {
    "agreement": Plot(
        "Agreement with the reference",
        agreement,
        say_agreement,
        "Bland–Altman plot with limits of agreement for repeated measures; bands: 95 % intervals "
        "over subjects. Beside it each answer against its reference; the line is equality.",
    ),
    "strata": Plot(
        "Error by stratum",
        by_stratum,
        say_strata,
        "Mean absolute error of what was answered, with 95 % intervals over subjects.",
    ),
    "risk": Plot(
        "Risk–coverage curve",
        risk,
        say_risk,
        "A quality that means something makes the curve rise to the right. It ends where the "
        "method withholds.",
    ),
    "calibration": Plot(
        "Calibration of quality and intervals",
        calibration,
        say_calibration,
        "On the line they mean what they say; below it they promise too much. Larger dots stand "
        "for more answers.",
    ),
    "ranks": Plot(
        "Critical-difference diagram",
        lambda view, wide: ranks(view.comparison, wide),
        lambda view: say_ranks(view.comparison),
        "Mean rank over subjects, 1 is best; a withheld window counts as the mean of the others "
        "would have missed it. Bars join what Nemenyi's test does not tell apart at 5 %.",
    ),
}
