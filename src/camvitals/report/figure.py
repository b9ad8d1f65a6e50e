"""Blank plots in the page's style, and their SVG: themed by CSS variables, small, nothing global.

Plots are drawn in stand-in colours; in the SVG each stand-in becomes `var(--name)`, so that one
plot serves light, dark and paper.
"""

from __future__ import annotations

import html
import io
import re
import threading
from typing import TYPE_CHECKING

from camvitals.records import Array
from camvitals.report.series import banded, thinned

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMES = ("ink", "muted", "line", "heart", "breath", "red", "green", "blue", "quality", "shade")
COLOUR = {name: f"#0100{at:02x}" for at, name in enumerate(NAMES, start=16)}
WIDE_PX, NARROW_PX = 860, 340
TEXT_PX = 11
# Settings of matplotlib are one for the whole process: they are held only while writing.
_writing = threading.Lock()


def blank(
    height: float, *, wide: bool, rows: tuple[float, ...] = (1.0,), share: bool = True
) -> tuple[Figure, list[Axes]]:
    """A figure of `height` pixels with one set of axes per row, sharing the horizontal axis."""
    from matplotlib.figure import Figure

    width = WIDE_PX if wide else NARROW_PX
    figure = Figure(figsize=(width / 72, height / 72))
    grid = figure.subplots(
        len(rows),
        1,
        squeeze=False,
        sharex=share,
        gridspec_kw={"height_ratios": rows, "hspace": 0.28},
    )
    axes = [row[0] for row in grid]
    place(figure, top=24, bottom=20)
    for ax in axes:
        style(ax)
        ax.tick_params(labelbottom=ax is axes[-1])
    return figure, axes


def place(figure: Figure, *, top: float, bottom: float, left: float = 36, right: float = 8) -> None:
    """Margins in pixels."""
    width, height = (float(side) * 72 for side in figure.get_size_inches())
    figure.subplots_adjust(
        left=left / width, right=1 - right / width, bottom=bottom / height, top=1 - top / height
    )


def style(ax: Axes, *, grid: str = "y") -> None:
    """Thin lines, quiet text, no box."""
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.spines["bottom"].set(color=COLOUR["line"], linewidth=1)
    ax.tick_params(length=0, labelsize=TEXT_PX, labelcolor=COLOUR["muted"], pad=5)
    ax.grid(axis=grid, color=COLOUR["line"], linewidth=0.7)  # type: ignore[arg-type]
    ax.set_axisbelow(True)


def heading(ax: Axes, text: str) -> None:
    """What the vertical axis shows, set above it."""
    ax.annotate(
        text,
        (0, 1),
        xytext=(-36, 9),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=TEXT_PX,
        color=COLOUR["muted"],
    )


def keys(ax: Axes, *, columns: int = 3) -> None:
    """The key of the labelled lines, in their own colours, above the axes at the right."""
    legend = ax.legend(
        loc="lower right",
        bbox_to_anchor=(1.005, 0.985),
        ncols=columns,
        frameon=False,
        fontsize=TEXT_PX,
        handlelength=1.1,
        handletextpad=0.5,
        columnspacing=1.2,
        borderaxespad=0.1,
    )
    for text in legend.get_texts():
        text.set_color(COLOUR["muted"])


def curve(ax: Axes, time: Array, values: Array, *, colour: str, most: int, label: str = "") -> None:
    """A line; with many more samples than `most`, its median between its lowest and highest."""
    if len(time) <= 3 * most:
        ax.plot(*thinned(time, values, most=most), color=COLOUR[colour], lw=1.1, label=label)
        return
    at, low, middle, high = banded(time, values, most=most // 4)
    ax.fill_between(at, low, high, color=COLOUR[colour], alpha=0.2, linewidth=0)
    ax.plot(at, middle, color=COLOUR[colour], linewidth=1.1, label=label)


def clock(ax: Axes, start: float, stop: float, *, wide: bool) -> None:
    """A time axis from start to stop [s]: seconds, minutes from three minutes on."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ax.set_xlim(start, stop if stop > start else start + 1)
    minutes = stop - start > 180
    steps = [1, 1.5, 2, 3, 6, 10] if minutes else [1, 2, 5, 10]
    ax.xaxis.set_major_locator(MaxNLocator(10 if wide else 5, steps=steps))

    def say(value: float, _at: int | None = None) -> str:
        if minutes:
            return "{}:{:02d}".format(*divmod(round(value), 60))
        return f"{value:g} s"

    ax.xaxis.set_major_formatter(FuncFormatter(say))


def svg(figure: Figure, *, label: str, key: str) -> str:
    """The figure as an inline SVG image that says `label` to who cannot see it.

    key: a name for this drawing, different from all others on the page.
    """
    import matplotlib as mpl

    text = io.StringIO()
    with _writing, mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": key}):
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    return _lean(text.getvalue(), label)


def _lean(text: str, label: str) -> str:
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S)
    text = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", text, flags=re.S)
    used = set(re.findall(r"#([A-Za-z]\w*)", text))
    text = re.sub(r' id="([^"]*)"', lambda m: m.group() if m.group(1) in used else "", text)
    text = re.sub(r"font-family: [^;\"]*;? ?", "", text)
    text = re.sub(r"font: (?:[a-z0-9]+ )*?([\d.]+px)[^;\"]*", r"font-size: \1", text)
    text = re.sub(r"(\d\.\d)\d+(?=[^<>]*>)", r"\1", text)  # places, not what is written
    text = re.sub(r"\s*\n\s*", " ", text).replace("> <", "><").replace("xlink:href", "href")
    for name, stand_in in COLOUR.items():
        text = text.replace(stand_in, f"var(--{name})")
    view = re.search(r'viewBox="[^"]*"', text)
    said = html.escape(label, quote=True)
    head = f'<svg {view.group() if view else ""} role="img" aria-label="{said}">'
    return head + text[text.index(">") + 1 :].strip()
