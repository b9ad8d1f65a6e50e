"""What is plotted over rate and interval: power spectra, beat intervals, the Poincaré cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from camvitals.dsp.spectrum import peak
from camvitals.records import Array, Reading, Report
from camvitals.report.figure import (
    COLOUR,
    TEXT_PX,
    blank,
    clock,
    curve,
    heading,
    keys,
    place,
    style,
)
from camvitals.report.series import (
    CHANNELS,
    beat_intervals,
    channel_spectra,
    poincare,
    thinned,
    wave_named,
    wave_spectrum,
)
from camvitals.report.wording import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BAND_BPM = (40.0, 200.0)
FAST_BPM, HIGHEST_BPM = 185.0, 240.0  # from the first on the axis goes to the second
MOST_INTERVALS = {True: 500, False: 240}
MOST_BEATS = 1200


def spectra(report: Report, wide: bool) -> Figure | None:
    """Power spectra of the colours and of the pulse over one axis in beats a minute."""
    colours = channel_spectra(report.trace)
    pulse = wave_spectrum(wave_named(report, "pulse"))
    panels = [panel for panel in (colours, pulse) if panel is not None]
    if not panels:
        return None
    rows = (1.5, 1.0) if len(panels) == 2 else (1.0,)
    band = _band(report)
    figure, axes = blank(64 + 108 * sum(rows), wide=wide, rows=rows)
    figure.subplots_adjust(hspace=0.34)
    if colours is not None:
        _spectrum_panel(axes[0], *colours, names=CHANNELS, band=band)
        of = "relative change of R, G, B: power" if wide else "R, G, B: power"  # beside the key
        heading(axes[0], f"{of}, highest = 1")
        keys(axes[0])
    if pulse is not None:
        _spectrum_panel(axes[-1], *pulse, names=("heart",), band=band)
        heading(axes[-1], "pulse: power, highest = 1")
    _mark_rate(axes, report)
    axes[-1].set_xlim(*band)
    axes[-1].set_xticks(range(40, round(band[1]) + 1, 20 if wide else 40))
    axes[-1].xaxis.set_major_formatter("{x:g}")
    axes[-1].set_xlabel("beats per minute", fontsize=TEXT_PX, color=COLOUR["muted"], labelpad=1)
    place(figure, top=24, bottom=34)
    return figure


def _band(report: Report) -> tuple[float, float]:
    """What is shown [bpm]: more where the heart is fast."""
    rate = report_rate(report)
    fast = rate is not None and (rate.value or 0.0) > FAST_BPM
    return BAND_BPM[0], HIGHEST_BPM if fast else BAND_BPM[1]


def report_rate(report: Report) -> Reading | None:
    """The heart rate of the whole recording; None where it is withheld."""
    found = (r for r in report.readings if r.name == "heart_rate" and r.value is not None)
    return next(found, None)


def _spectrum_panel(
    ax: Axes,
    frequency: Array,
    power: Array,
    *,
    names: tuple[str, ...],
    band: tuple[float, float],
) -> None:
    bpm = 60 * frequency
    inside = (bpm >= band[0]) & (bpm <= band[1])
    shown = power[inside] / max(float(power[inside].max(initial=0.0)), 1e-300)
    for name, line in zip(names, shown.T, strict=True):
        time, values = thinned(bpm[inside], line, most=800)
        ax.fill_between(time, 0, values, color=COLOUR[name], alpha=0.08, linewidth=0)
        ax.plot(time, values, color=COLOUR[name], linewidth=1.4, label=name)
    ax.set(ylim=(0, 1.06), yticks=[0, 0.5, 1])


def _mark_rate(axes: list[Axes], report: Report) -> None:
    """A line at the rate of the report, its interval as a band; nothing where it is withheld."""
    reading = report_rate(report)
    if reading is None or reading.value is None:
        return
    rate = reading.value
    for ax in axes:
        if reading.low is not None and reading.high is not None:
            ax.axvspan(reading.low, reading.high, color=COLOUR["muted"], alpha=0.13, linewidth=0)
        ax.axvline(rate, color=COLOUR["muted"], linewidth=1, linestyle=(0, (2, 3)))
    right = rate < 150
    axes[-1].annotate(
        f"{rate:.1f} bpm",
        (rate, 0.98),
        xytext=(9 if right else -9, 0),
        textcoords="offset points",
        ha="left" if right else "right",
        va="top",
        fontsize=TEXT_PX,
        color=COLOUR["ink"],
    )


def say_spectra(report: Report) -> str:
    """In words: where each spectrum peaks."""
    found = channel_spectra(report.trace)
    lines = {} if found is None else dict(zip(CHANNELS, found[1].T, strict=True))
    frequency = None if found is None else found[0]
    pulse = wave_spectrum(wave_named(report, "pulse"))
    band = _band(report)
    said = [_say_peak(name, frequency, line, band) for name, line in lines.items()]
    if pulse is not None:
        said.append(_say_peak("pulse", pulse[0], pulse[1][:, 0], band))
    rate = report_rate(report)
    told = "withheld" if rate is None else f"{rate.value:.1f} bpm"
    return f"Power spectra, highest at: {', '.join(said)}. Heart rate of the report: {told}."


def _say_peak(name: str, frequency: Array | None, line: Array, band: tuple[float, float]) -> str:
    if frequency is None or frequency[-1] * 60 < band[0]:
        return f"{name} not known"
    at, _ = peak(frequency, line, low=band[0] / 60, high=band[1] / 60)
    return f"{name} {60 * at:.0f} bpm"


def variability(report: Report, wide: bool) -> Figure | None:
    """Beat intervals over time, and each against the next with the ellipse of SD1 and SD2."""
    time, interval = beat_intervals(report.beats)
    if np.isfinite(interval).sum() < 4:
        return None
    figure, (left,) = blank(280 if wide else 600, wide=wide)
    if wide:
        place(figure, top=24, bottom=34, right=286)
        right = figure.add_axes((630 / 860, 34 / 280, 222 / 860, 222 / 280))
    else:
        place(figure, top=24, bottom=394)
        right = figure.add_axes((36 / 340, 36 / 600, 296 / 340, 296 / 600))
    curve(left, time, interval, colour="heart", most=MOST_INTERVALS[wide])
    if len(time) <= 200:
        left.plot(time, interval, "o", color=COLOUR["heart"], markersize=2.6)
    heading(left, "interval between beats, ms")
    clock(left, float(time[0]), float(time[-1]), wide=wide)
    style(right, grid="both")
    _cloud(right, interval)
    return figure


def _cloud(ax: Axes, interval: Array) -> None:
    from matplotlib.patches import Ellipse
    from matplotlib.ticker import MaxNLocator

    this, following, sd1, sd2 = poincare(interval)
    stride = -(-len(this) // MOST_BEATS) or 1
    ax.plot(
        this[::stride], following[::stride], "o", color=COLOUR["heart"], alpha=0.45, ms=3.4, mew=0
    )
    low, high = (float(f(interval)) for f in (np.nanmin, np.nanmax))
    pad = max(0.1 * (high - low), 10.0)
    low, high = low - pad, high + pad
    ax.plot([low, high], [low, high], color=COLOUR["muted"], linewidth=0.8, linestyle=(0, (2, 3)))
    if sd1 > 0 and sd2 > 0:
        centre = (float(this.mean()), float(following.mean()))
        ellipse = Ellipse(centre, 2 * sd2, 2 * sd1, angle=45, fill=False, ec=COLOUR["ink"], lw=1.2)
        ax.add_patch(ellipse)
    ax.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(4, integer=True))
    heading(ax, "next interval, ms")
    ax.set_xlabel("interval, ms", fontsize=TEXT_PX, color=COLOUR["muted"], labelpad=2)


def say_variability(report: Report) -> str:
    """In words: mean interval and the widths of the cloud."""
    _, interval = beat_intervals(report.beats)
    _, _, sd1, sd2 = poincare(interval)
    mean = float(np.nanmean(interval))
    widths = f"SD1 {number(sd1)} and SD2 {number(sd2)} ms"
    return f"Beat intervals, mean {mean:.0f} ms; widths of the Poincaré plot {widths}."
