"""What is plotted over time: pulse, heart rate, breath, colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from camvitals.records import Array, Reading, Report, Wave
from camvitals.report.figure import COLOUR, blank, clock, curve, heading, keys, place
from camvitals.report.series import (
    CHANNELS,
    best_start,
    colour_of,
    pooled,
    rolling_arrays,
    thinned,
    wave_named,
)
from camvitals.report.wording import duration_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STRIP_S = {True: 20.0, False: 10.0}
MOST_STRIPS_S = 60.0
MOST_BREATH_S = 180.0
MOST_POINTS = {True: 1600, False: 640}
MOST_ROLLING = {True: 600, False: 300}


def pulse_strips(report: Report, wide: bool) -> Figure | None:
    """The pulse in rows of 20 s (10 s on a phone), beats marked; the best minute of long ones."""
    wave = wave_named(report, "pulse")
    if wave is None:
        return None
    start = best_start(report, wave, length=MOST_STRIPS_S)
    stop = min(float(wave.time[-1]), start + MOST_STRIPS_S)
    row_s = min(STRIP_S[wide], max(stop - start, 2.0))
    count = max(1, int(np.ceil((stop - start) / row_s - 0.02)))
    figure, axes = blank(20 + 80 * count, wide=wide, rows=(1.0,) * count, share=False)
    figure.subplots_adjust(hspace=0.42)
    place(figure, top=4, bottom=18, left=6)
    low, high = np.nanquantile(wave.values, [0.002, 0.998])
    pad = max(0.15 * (high - low), 1e-9)
    for at, ax in enumerate(axes):
        _strip(ax, report, wave, start + at * row_s, row_s)
        ax.set_ylim(low - pad, high + pad)
    return figure


def _strip(ax: Axes, report: Report, wave: Wave, start: float, length: float) -> None:
    from matplotlib.ticker import MultipleLocator

    inside = (wave.time >= start) & (wave.time <= start + length)
    time, values = wave.time[inside], wave.values[inside]
    ax.plot(time, values, color=COLOUR["heart"], linewidth=1.3)
    beats = np.asarray(report.beats, dtype=float)
    beats = beats[(beats >= start) & (beats < start + length)]
    if len(beats) and len(time):
        height = np.interp(beats, time, values)
        ax.plot(beats, height, "o", color=COLOUR["ink"], markersize=3.2, clip_on=False)
    ax.set_yticks([])
    ax.grid(axis="x", color=COLOUR["line"], linewidth=0.7)
    ax.set_xlim(start, start + length)
    ax.xaxis.set_major_locator(MultipleLocator(2.0 if length > 6 else 1.0))
    ax.xaxis.set_major_formatter("{x:g} s")
    ax.tick_params(labelbottom=True, pad=2)


def say_pulse(report: Report) -> str:
    """In words: how long and how many beats."""
    wave = report.wave("pulse")
    seen = float(np.mean(np.isfinite(wave.values)))
    length = duration_text(float(np.ptp(wave.time)))
    return (
        f"Pulse wave over {length}, seen {100 * seen:.0f}% of the time; {len(report.beats)} beats."
    )


def rate_over_time(report: Report, wide: bool) -> Figure | None:
    """Rolling heart rate with its interval, gaps where withheld; quality beneath."""
    return _over_time(report.over_time("heart_rate"), wide, "heart rate", "bpm", "heart")


def oxygen_over_time(report: Report, wide: bool) -> Figure | None:
    """Rolling saturation likewise; None where it was not measured, or withheld throughout."""
    rolling = report.over_time("spo2")
    if all(reading.value is None for reading in rolling):
        return None
    return _over_time(rolling, wide, "oxygen saturation", "%", "blue")


def _over_time(
    rolling: Sequence[Reading], wide: bool, name: str, unit: str, colour: str
) -> Figure | None:
    if len(rolling) < 2:
        return None
    full = rolling_arrays(rolling)
    arrays = pooled(full, most=MOST_ROLLING[wide])
    figure, (above, below) = blank(300 if wide else 270, wide=wide, rows=(3.4, 1.0))
    place(figure, top=24, bottom=20)
    time, ink = arrays["time"], COLOUR[colour]
    above.plot(time, arrays["value"], color=ink, lw=1.8, label=name, zorder=3)
    above.fill_between(
        time, arrays["low"], arrays["high"], color=ink, alpha=0.16, lw=0, label="interval"
    )
    _shade_gaps(above, arrays)
    _lone_points(above, time, arrays["value"], ink)
    _limits(above, full)
    heading(above, unit)
    keys(above)
    below.fill_between(time, 0, 100 * arrays["quality"], color=COLOUR["quality"], alpha=0.3, lw=0)
    below.plot(time, 100 * arrays["quality"], color=COLOUR["quality"], linewidth=1.2)
    below.set(ylim=(0, 104), yticks=[0, 50, 100])
    heading(below, "quality, %")
    clock(below, float(full["time"][0]), float(full["time"][-1]), wide=wide)
    return figure


def _limits(ax: Axes, arrays: dict[str, Array]) -> None:
    """The range of the intervals without their rare extremes, at least 20 wide."""
    from matplotlib.ticker import MaxNLocator

    known = np.isfinite(arrays["value"])
    low, high = 50.0, 100.0
    if known.any():
        low = float(np.quantile(arrays["low"][known], 0.02))
        high = float(np.quantile(arrays["high"][known], 0.98))
        middle, half = (low + high) / 2, max((high - low) * 0.58, 10.0)
        low, high = middle - half, middle + half
    ax.set_ylim(low, high)
    ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))


def _shade_gaps(ax: Axes, arrays: dict[str, Array]) -> None:
    gone = ~np.isfinite(arrays["value"])
    time = arrays["time"]
    step = float(np.median(np.diff(time)))
    edges = np.flatnonzero(np.diff(np.r_[0, gone.astype(int), 0])).reshape(-1, 2)
    for at, (first, last) in enumerate(edges):
        label = "withheld" if at == 0 else None
        start, stop = time[first] - step / 2, time[last - 1] + step / 2
        ax.axvspan(start, stop, color=COLOUR["shade"], linewidth=0, label=label)


def _lone_points(ax: Axes, time: Array, values: Array, ink: str) -> None:
    """Dots for values between two gaps, of which a line shows nothing."""
    known = np.r_[False, np.isfinite(values), False]
    lone = known[1:-1] & ~known[:-2] & ~known[2:]
    if lone.any():
        ax.plot(time[lone], values[lone], "o", color=ink, markersize=3)


def say_rate(report: Report) -> str:
    """In words: range, middle, and how much was withheld."""
    return _say(report.over_time("heart_rate"), "Heart rate", " bpm")


def say_oxygen(report: Report) -> str:
    """Likewise."""
    return _say(report.over_time("spo2"), "Oxygen saturation", "%")


def _say(rolling: Sequence[Reading], name: str, unit: str) -> str:
    arrays = rolling_arrays(rolling)
    known = arrays["value"][np.isfinite(arrays["value"])]
    windows = f"{len(rolling) - len(known)} of {len(rolling)} windows"
    if len(known) == 0:
        return f"{name} withheld in all {len(rolling)} windows."
    ends = f"between {known.min():.0f} and {known.max():.0f}{unit}, median {np.median(known):.0f}"
    return f"{name} over time: {ends}; withheld in {windows}."


def colours(report: Report, wide: bool) -> Figure | None:
    """Mean skin colour as change from its median, in percent."""
    found = colour_of(report.trace)
    if found is None:
        return None
    time, rgb = found
    middle = np.nanmedian(rgb, axis=0)
    figure, (ax,) = blank(210 if wide else 190, wide=wide)
    for at, name in enumerate(CHANNELS):
        change = 100 * (rgb[:, at] / max(float(middle[at]), 1e-6) - 1)
        label = f"{name} {middle[at]:.0f}"
        curve(ax, time, change, colour=name, most=MOST_POINTS[wide], label=label)
    heading(ax, "change, %")
    keys(ax)
    place(figure, top=24, bottom=20)
    clock(ax, float(time[0]), float(time[-1]), wide=wide)
    return figure


def say_colours(report: Report) -> str:
    """In words: the middle colour and how far it swings."""
    found = colour_of(report.trace)
    if found is None:
        return ""
    rgb = found[1]
    middle, spread = np.nanmedian(rgb, axis=0), np.nanstd(rgb, axis=0)
    said = [
        f"{name} {m:.0f} (spread {100 * s / max(m, 1e-6):.1f}%)"
        for name, m, s in zip(CHANNELS, middle.tolist(), spread.tolist(), strict=True)
    ]
    return f"Skin colour, 0 to 255: {', '.join(said)}."


def breath(report: Report, wide: bool) -> Figure | None:
    """The breathing wave."""
    wave = wave_named(report, "breath")
    if wave is None:
        return None
    figure, (ax,) = blank(140 if wide else 130, wide=wide)
    place(figure, top=6, bottom=20, left=6)
    start = best_start(report, wave, length=MOST_BREATH_S)
    stop = min(float(wave.time[-1]), start + MOST_BREATH_S)
    inside = (wave.time >= start) & (wave.time <= stop)
    line = thinned(wave.time[inside], wave.values[inside], most=MOST_POINTS[wide])
    ax.plot(*line, color=COLOUR["breath"], linewidth=1.5)
    ax.set_yticks([])
    clock(ax, start, stop, wide=wide)
    return figure


def say_breath(report: Report) -> str:
    """In words: how long."""
    wave = report.wave("breath")
    return f"Breathing wave over {duration_text(float(np.ptp(wave.time)))}."
