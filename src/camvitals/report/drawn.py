"""The plot of an ECG that a network gives, beneath the pulse that it was drawn from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from camvitals.records import Array, Report, Wave
from camvitals.report.figure import COLOUR, blank, place
from camvitals.report.series import best_start, wave_named
from camvitals.report.wording import duration_text
from camvitals.waves.ecg import MARK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STRIP_S = {True: 10.0, False: 5.0}
MOST_S = {True: 30.0, False: 15.0}
ROWS = (0.55, 1.0)  # heights of pulse and ECG
TITLE = f"ECG: {MARK}"
NOTE = (
    "Only when the heart beats is read from the video. The shapes of P, QRS and T are those of the "
    "people that the network learned from, not of this one, and say nothing of their heart."
)


def ecg_strips(report: Report, wide: bool) -> Figure | None:
    """Pulse and ECG in rows of 10 s (5 s on a phone), of the best half minute."""
    ecg, pulse = wave_named(report, "ecg"), wave_named(report, "pulse")
    if ecg is None or pulse is None:
        return None
    start = best_start(report, ecg, length=MOST_S[wide])
    stop = min(float(ecg.time[-1]), start + MOST_S[wide])
    row_s = min(STRIP_S[wide], max(stop - start, 2.0))
    count = max(1, int(np.ceil((stop - start) / row_s - 0.02)))
    figure, axes = blank(20 + 130 * count, wide=wide, rows=ROWS * count, share=False)
    figure.subplots_adjust(hspace=0.3)
    place(figure, top=4, bottom=18, left=6)
    for at in range(count):
        upper, lower = axes[2 * at : 2 * at + 2]
        first = start + at * row_s
        _row(upper, pulse, first, row_s, colour="heart")
        _row(lower, ecg, first, row_s, colour="ink")
        upper.tick_params(labelbottom=False)
        _name(upper, "pulse, measured")
        _name(lower, f"ECG, {MARK}")
    return figure


def _row(ax: Axes, wave: Wave, start: float, length: float, *, colour: str) -> None:
    from matplotlib.ticker import MultipleLocator

    inside = (wave.time >= start) & (wave.time <= start + length)
    ax.plot(wave.time[inside], wave.values[inside], color=COLOUR[colour], linewidth=1.1)
    ax.set_ylim(*_limits(wave.values))
    ax.set_yticks([])
    ax.grid(axis="x", color=COLOUR["line"], linewidth=0.7)
    ax.set_xlim(start, start + length)
    ax.xaxis.set_major_locator(MultipleLocator(1.0))
    ax.xaxis.set_major_formatter("{x:g} s")
    ax.tick_params(labelbottom=True, pad=2)


def _limits(values: Array) -> tuple[float, float]:
    low, high = np.nanquantile(values, [0.001, 0.999])
    pad = max(0.15 * float(high - low), 1e-9)
    return float(low) - pad, float(high) + 2 * pad


def _name(ax: Axes, text: str) -> None:
    ax.annotate(
        text,
        (0, 1),
        xytext=(4, -9),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=9,
        color=COLOUR["muted"],
    )


def say_ecg(report: Report) -> str:
    """In words: how long, and what it is not."""
    wave = report.wave("ecg")
    seen = float(np.mean(np.isfinite(wave.values)))
    length = duration_text(float(np.ptp(wave.time)))
    return f"ECG over {length}, shown {100 * seen:.0f}% of the time: {MARK}."
