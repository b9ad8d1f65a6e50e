"""What a plot of a page is, for a wide page and for a phone, and the plots of a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from camvitals.records import Report
from camvitals.report.drawn import NOTE, TITLE, ecg_strips, say_ecg
from camvitals.report.figure import svg
from camvitals.report.over_rate import say_spectra, say_variability, spectra, variability
from camvitals.report.over_time import (
    breath,
    colours,
    oxygen_over_time,
    pulse_strips,
    rate_over_time,
    say_breath,
    say_colours,
    say_oxygen,
    say_pulse,
    say_rate,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Shown = TypeVar("Shown")


@dataclass(frozen=True, slots=True)
class Plot(Generic[Shown]):
    """A drawing (None when there is nothing to draw), its title, what it says, how to read it."""

    title: str
    draw: Callable[[Shown, bool], Figure | None]
    say: Callable[[Shown], str]
    note: str = ""


PLOTS: dict[str, Plot[Report]] = {
    "rate": Plot(
        "Heart rate over time",
        rate_over_time,
        say_rate,
        "Each point is the middle of one window. Grey: withheld, because it could not be trusted.",
    ),
    "oxygen": Plot(
        "Oxygen saturation over time",
        oxygen_over_time,
        say_oxygen,
        "By the calibration given. Grey: withheld, as outside the calibration or not trusted.",
    ),
    "pulse": Plot(
        "Pulse wave and beats",
        pulse_strips,
        say_pulse,
        "Dots mark the beats. Of long recordings, the minute of highest quality is shown.",
    ),
    "ecg": Plot(TITLE, ecg_strips, say_ecg, NOTE),
    "spectra": Plot(
        "Power spectra of the rPPG signals corresponding to each RGB channel",
        spectra,
        say_spectra,
        "A pulse peaks at one rate in all channels, green most, and again in the pulse wave. "
        "Dotted: the heart rate told, on its interval; none where it is withheld.",
    ),
    "breath": Plot(
        "Respiration wave",
        breath,
        say_breath,
        "Of long recordings, the three minutes of highest quality are shown.",
    ),
    "variability": Plot(
        "Beat intervals and Poincaré plot",
        variability,
        say_variability,
        "Each dot is an interval against the next; the ellipse has half axes SD2 and SD1.",
    ),
    "colours": Plot(
        "Skin colour",
        colours,
        say_colours,
        "Change from the median level, which the key gives on a scale of 0 to 255.",
    ),
}


def drawn(
    plots: Mapping[str, Plot[Shown]], shown: Shown, *, key: str
) -> list[tuple[str, Plot[Shown], str, str]]:
    """Every plot that has something to show: its name, itself, wide SVG, narrow SVG.

    key: a name for what is shown, different from all others on the page.
    """
    out = []
    for name, plot in plots.items():
        wide, narrow = plot.draw(shown, True), plot.draw(shown, False)
        if wide is not None and narrow is not None:
            said = plot.say(shown)
            images = [
                svg(figure, label=said, key=f"{key}-{name}-{at}")
                for at, figure in enumerate((wide, narrow))
            ]
            out.append((name, plot, images[0], images[1]))
    return out
