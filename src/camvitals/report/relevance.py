"""Relevance as pictures: curves over time and frequency, bars of shares, and maps on a face.

Shape letters: T samples, F frequencies, H rows, W columns.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from camvitals.records import Array
from camvitals.report.figure import COLOUR, TEXT_PX, blank, clock, heading, keys, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LINES = ("green", "red", "blue", "quality", "breath", "heart", "ink", "muted", "red")
ROW_PX = 26
LEVEL_TIMES = 8.0  # how much taller than all else a level is left out
STRONGEST = 0.85  # of the overlay
GAMMA = 0.6  # of the overlay's strength, so that weak relevance is seen


@dataclass(frozen=True, slots=True)
class Drawing:
    """One plot for a wide page and a phone, both SVG."""

    title: str
    note: str
    wide: str
    narrow: str


def over_time(rows: Sequence[tuple[str, Array, Mapping[str, Array]]], *, rate: float) -> Drawing:
    """Curves on one clock: (what, (T,) seconds or None, name -> (T,) values) for each row."""

    def draw(wide: bool) -> Figure:
        figure, axes = blank(130 * len(rows) + 44, wide=wide, rows=(1.0,) * len(rows))
        stop = 0.0
        for ax, (what, time, lines) in zip(axes, rows, strict=True):
            heading(ax, what)
            ax.ticklabel_format(axis="y", scilimits=(-3, 4), useMathText=True)
            ax.yaxis.get_offset_text().set(fontsize=TEXT_PX, color=COLOUR["muted"], x=0.2)
            for at, (name, values) in enumerate(lines.items()):
                label = name if len(lines) > 1 else ""
                ax.plot(time, values, color=COLOUR[_colour(name, at)], lw=1.1, label=label)
            stop = max(stop, float(time[-1]))
            if len(lines) > 1 and wide:
                keys(ax, columns=min(len(lines), 6))
        clock(axes[-1], 0.0, stop + 1 / rate, wide=wide)
        return figure

    return _drawn(
        draw, "Input, output and relevance over time",
        "Relevance above zero speaks for the answer, below zero against it.", "time",
    )  # fmt: skip


def bars(title: str, parts: Mapping[str, tuple[float, float]], *, note: str = "") -> Drawing:
    """Bars of shares: name -> (signed share, share of size), both of 1."""
    names = list(parts)
    signed = np.nan_to_num(np.array([parts[name][0] for name in names]))
    sizes = np.nan_to_num(np.array([parts[name][1] for name in names]))

    def draw(wide: bool) -> Figure:
        from matplotlib.ticker import MaxNLocator

        figure, (ax,) = blank(ROW_PX * len(names) + 62, wide=wide)
        ax.xaxis.set_major_locator(MaxNLocator(9 if wide else 4))
        place = np.arange(len(names))
        ax.barh(place - 0.18, 100 * sizes, height=0.34, color=COLOUR["quality"], label="of size")
        ax.barh(place + 0.18, 100 * signed, height=0.34, color=COLOUR["heart"], label="of the sum")
        ax.axvline(0, color=COLOUR["muted"], lw=0.8)
        ax.set_yticks(place, names)
        ax.invert_yaxis()
        ax.grid(axis="y", visible=False)
        ax.grid(axis="x", color=COLOUR["line"], linewidth=0.7)
        _room_for(ax, names)
        ax.xaxis.set_major_formatter("{x:g} %")
        keys(ax)
        return figure

    return _drawn(draw, title, note, title.replace(" ", "-").lower())


def _room_for(ax: Axes, names: Sequence[str]) -> None:
    figure = ax.get_figure(root=True)
    assert figure is not None
    width = float(figure.get_size_inches()[0]) * 72
    figure.subplots_adjust(left=(16 + 6.2 * max(map(len, names))) / width)


def over_frequency(frequency_F: Array, relevance_F: Array, *, pulse: float, top: float) -> Drawing:
    """Relevance of each frequency [Hz] up to `top`; the pulse is marked where it is known.

    A level (0 Hz) beside which nothing else could be seen is told in words.
    """
    rest = np.abs(relevance_F[1:]).max(initial=0.0)
    tall = bool(frequency_F[0] == 0 and abs(relevance_F[0]) > LEVEL_TIMES * rest > 0)
    level = f" The level has {relevance_F[0]:.3g} and is not drawn." if tall else ""

    def draw(wide: bool) -> Figure:
        figure, (ax,) = blank(190, wide=wide)
        heading(ax, "relevance")
        shown = (frequency_F <= top) & (frequency_F >= (1e-9 if tall else 0.0))
        if np.isfinite(pulse):
            ax.axvline(pulse, color=COLOUR["heart"], lw=6, alpha=0.18)
        ax.vlines(frequency_F[shown], 0, relevance_F[shown], color=COLOUR["ink"], lw=1.6)
        ax.axhline(0, color=COLOUR["muted"], lw=0.8)
        ax.xaxis.set_major_formatter("{x:g} Hz")
        return figure

    return _drawn(
        draw, "Relevance of frequencies",
        "The sum over frequencies is the sum over time. The pulse frequency is shaded."
        + level.replace("-", "−"),
        "frequencies",
    )  # fmt: skip


def curves(title: str, lines: Mapping[str, Sequence[float]], *, note: str, across: str) -> Drawing:
    """Curves over equal steps from 0 to 100 %."""

    def draw(wide: bool) -> Figure:
        figure, (ax,) = blank(190, wide=wide)
        heading(ax, across)
        for at, (name, values) in enumerate(lines.items()):
            place = np.linspace(0, 100, len(values))
            ax.plot(place, values, color=COLOUR[LINES[at]], lw=1.3, label=name)
        ax.xaxis.set_major_formatter("{x:g} %")
        keys(ax)
        return figure

    return _drawn(draw, title, note, title.replace(" ", "-").lower())


def overlay(image: Array, relevance: Array, *, largest: float) -> Array:
    """(H, W, 3) uint8: a picture in grey, relevance for the answer red and against it blue.

    image: (H, W, 3), 0–255.   relevance: (H, W).   largest: magnitude that is drawn strongest.
    """
    grey = np.asarray(image, dtype=float).mean(-1, keepdims=True).repeat(3, -1)
    strength = np.clip(np.abs(relevance) / max(largest, 1e-30), 0, 1)[..., None] ** GAMMA
    colour = np.where(relevance[..., None] > 0, (215.0, 40.0, 50.0), (40.0, 90.0, 215.0))
    mixed = grey + STRONGEST * strength * (colour - grey)
    return np.asarray(np.clip(mixed + 0.5, 0, 255).astype(np.uint8))


def enlarged(image: Array, *, least: int) -> Array:
    """An (H, W, 3) picture of at least so many rows and columns, pixels repeated, both even."""
    times = max(1, -(-least // min(image.shape[:2])))
    big = image.repeat(times, 0).repeat(times, 1)
    return np.asarray(big[: big.shape[0] // 2 * 2, : big.shape[1] // 2 * 2])


def png(image: Array) -> bytes:
    """An (H, W, 3) uint8 picture as a PNG file."""
    from matplotlib.image import imsave

    file = io.BytesIO()
    imsave(file, np.ascontiguousarray(image), format="png")
    return file.getvalue()


def inline(image: Array, *, alt: str) -> str:
    """The picture as HTML that needs no other file; `alt` must be safe HTML."""
    data = base64.b64encode(png(image)).decode()
    return f'<img class="map" src="data:image/png;base64,{data}" alt="{alt}">'


def _colour(name: str, at: int) -> str:
    last = name.rsplit(" ", maxsplit=1)[-1]
    own = {"R": "red", "G": "green", "B": "blue"}.get(last)
    return own or LINES[at % len(LINES)]


def _drawn(draw: Callable[[bool], Figure], title: str, note: str, key: str) -> Drawing:
    wide, narrow = (
        svg(draw(wide), label=f"{title}. {note}", key=f"{key}-{at}")
        for at, wide in enumerate((True, False))
    )
    return Drawing(title, note, wide, narrow)
