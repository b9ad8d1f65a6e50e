"""Error of each participant, its mean and median over them, and bars of it.

Where a mean over all rows lets those speak who were recorded longest, here each participant counts
once. Shape letters: N answers, S participants, D draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from camvitals.evaluate.metrics import METRICS, by_subject, draw_counts, percentile_interval
from camvitals.evaluate.view import COLOURS, ticks, under
from camvitals.records import Array, InputError
from camvitals.report.figure import COLOUR, blank, heading, keys, place
from camvitals.report.plots import Plot

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 3  # entrants in one plot of bars
DRAWS = 2000
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Participants:
    """RMSE of one entrant, participant by participant.

    names (S,), sorted; rmse (S,) in the unit of the estimates.   mean, median: over participants,
    with percentile intervals, participants drawn again.   r2: 1 − squared error over that of the
    overall mean, all answers.   within_r: correlation after each participant's own means are taken
    away, which knowing whom one sees does not help.   coverage: share answered.
    """

    entrant: str
    names: Array
    rmse: Array
    mean: float
    mean_interval: Interval
    median: float
    median_interval: Interval
    r2: float
    within_r: float
    within_interval: Interval
    coverage: float


def by_participant(
    entrant: str, estimate_N: Array, reference_N: Array, person_N: Array, *, draws: int = DRAWS
) -> Participants:
    """What an entrant does for each participant; estimates are NaN where withheld.

    Raises InputError where nothing was answered.
    """
    estimate, reference = (np.asarray(x, dtype=float) for x in (estimate_N, reference_N))
    known = np.isfinite(estimate) & np.isfinite(reference)
    if not known.any():
        raise InputError(f"{entrant} answered nothing that there is a reference of; leave it out")
    coverage = float(known.sum() / np.isfinite(reference).sum())
    estimate, reference, person = estimate[known], reference[known], np.asarray(person_N)[known]
    names, rmse = by_subject(METRICS["rmse"], estimate, reference, person)
    counts = np.concatenate(draw_counts(len(names), draws=draws, seed=0))
    inner = _inner_sums(estimate, reference, person)
    return Participants(
        entrant=entrant,
        names=names,
        rmse=rmse,
        mean=float(rmse.mean()),
        mean_interval=percentile_interval(counts @ rmse / len(names)),
        median=float(np.median(rmse)),
        median_interval=percentile_interval(_medians(rmse, counts)),
        r2=_r2(estimate, reference),
        within_r=float(_correlation(inner.sum(axis=0))),
        within_interval=percentile_interval(_correlation(counts @ inner)),
        coverage=coverage,
    )


def _r2(estimate: Array, reference: Array) -> float:
    spread = float(((reference - reference.mean()) ** 2).sum())
    return 1 - float(((estimate - reference) ** 2).sum()) / spread if spread > 0 else float("nan")


def _inner_sums(estimate: Array, reference: Array, person: Array) -> Array:
    """(S, 3) sums of x², y², xy about each participant's means."""
    _, code = np.unique(person, return_inverse=True)
    count = np.bincount(code)
    x, y = (v - (np.bincount(code, v) / count)[code] for v in (estimate, reference))
    return np.stack([np.bincount(code, part) for part in (x * x, y * y, x * y)], axis=1)


def _correlation(sums: Array) -> Array:
    """Of (..., 3) sums; NaN where one of the two does not move."""
    size = np.sqrt(sums[..., 0] * sums[..., 1])
    still = sums[..., 0] <= 1e-12 * sums[..., 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(still, np.nan, sums[..., 2] / size))


def _medians(values_S: Array, counts: Array) -> Array:
    """(D,) median of the values, each so often as counted."""
    order = np.argsort(values_S)
    upto, total = counts[:, order].cumsum(axis=1), int(counts[0].sum())
    middle = [(upto > place).argmax(axis=1) for place in ((total - 1) // 2, total // 2)]
    return np.asarray(values_S[order][np.stack(middle)].mean(axis=0))


def bars(found: Sequence[Participants], wide: bool) -> Figure | None:
    """RMSE of each participant, entrants beside one another; lines are their means."""
    shown = found[: MOST if wide else 1]
    if not shown:
        return None
    figure, (ax,) = blank(240, wide=wide)
    place(figure, top=34, bottom=36)
    names = shown[0].names
    width = 0.8 / len(shown)
    for k, one in enumerate(shown):
        at = np.searchsorted(names, one.names) + width * (k - (len(shown) - 1) / 2)
        ax.bar(at, one.rmse, width, color=COLOUR[COLOURS[k]], alpha=0.75, label=one.entrant, lw=0)
        ax.axhline(one.mean, color=COLOUR[COLOURS[k]], lw=1.0, ls=(0, (5, 3)))
    few = len(names) > (40 if wide else 12)
    step = max(1, len(names) // (20 if wide else 8)) if few else 1
    ax.set_xticks(range(0, len(names), step), [str(name) for name in names[::step]])
    if len(names) > 12:
        ax.tick_params(axis="x", rotation=90)
    ticks(ax, axes="y")
    heading(ax, "RMSE, bpm")
    under(ax, "")
    keys(ax, columns=len(shown))
    return figure


def say_bars(found: Sequence[Participants]) -> str:
    """In words: means and medians."""
    return "; ".join(
        f"{one.entrant}: mean {one.mean:.2f}, median {one.median:.2f} bpm over "
        f"{len(one.names)} participants"
        for one in found[:MOST]
    )


BARS: Plot[Sequence[Participants]] = Plot(
    "RMSE of each participant",
    bars,
    say_bars,
    "Dashed: mean over participants.",
)
