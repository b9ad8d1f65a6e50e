"""Relevance added up: over time, by channel, by region, and by frequency.

Shape letters: T samples, C channels, R regions, H rows, W columns, F frequencies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from camvitals.records import Array, InputError
from camvitals.train.explain.attribute import Relevance

AROUND_HZ = 0.15  # beside a frequency, still it
SLOW_HZ = 0.5  # below: neither level nor pulse
HARMONICS = 3
CELLS = 3  # of a side, where no regions of the face are known


@dataclass(frozen=True, slots=True)
class Share:
    """Part of the relevance.

    relevance: its sum there.   signed: over the sum of all.   size: sum of magnitudes there, over
    that of all; where relevance of both signs cancels only this tells how much of it there is.
    """

    relevance: float
    signed: float
    size: float


def along(values: Array, axes: str, kept: str) -> Array:
    """Sum over all axes but those named in `kept`, which come in that order."""
    total = values.sum(tuple(k for k, name in enumerate(axes) if name not in kept))
    left = [name for name in axes if name in kept]
    return np.asarray(np.transpose(total, [left.index(name) for name in kept]))


def by_index(values: Array, axes: str, axis: str, names: Sequence[str]) -> dict[str, Share]:
    """The share of each index of one axis, by name."""
    at = axes.index(axis)
    if values.shape[at] != len(names):
        raise InputError(f"{values.shape[at]} indices need as many names, not {len(names)}")
    parts = np.moveaxis(values, at, 0).reshape(len(names), -1)
    return _shares(dict(zip(names, parts, strict=True)))


def by_region(values: Array, axes: str, regions: Mapping[str, Array]) -> dict[str, Share]:
    """The share of each region of pictures; name -> (H, W) how much of a pixel belongs to it."""
    flat = np.moveaxis(values, (axes.index("H"), axes.index("W")), (0, 1))
    flat = flat.reshape(*flat.shape[:2], -1)
    parts = {name: flat * weight[..., None] for name, weight in regions.items()}
    whole, size = values.sum(), np.abs(values).sum()
    return {name: _share(part, whole, size) for name, part in parts.items()}


def spectrum(found: Relevance, axes: str) -> Array:
    """(…, F) relevance of each frequency of the input, time made frequency and put last.

    The input is a sum of sines; relevance is shared among their coefficients as it is among the
    samples, through one more linear layer, the inverse Fourier transform. So its sum stays, for
    each channel (Vielhaben et al., Pattern Recognition 2024). Frequencies are those of
    `numpy.fft.rfftfreq`. Raises InputError for a method that has no multipliers.
    """
    if not found.parts:
        raise InputError(f"{found.method} has no multipliers, and so no relevance of frequencies")
    at = axes.index("T")
    total: Array | float = 0.0
    for given, slope, sign in found.parts:
        a, b = (np.fft.rfft(np.moveaxis(part, at, -1), axis=-1) for part in (given, slope))
        count = given.shape[at]
        twice = np.full(a.shape[-1], 2.0)
        twice[0] = 1.0
        if count % 2 == 0:
            twice[-1] = 1.0
        total = total + sign * (a * b.conj()).real * twice / count
    return np.asarray(total)


def by_frequency(
    spectrum_F: Array, *, rate: float, count: int, frequency: float
) -> dict[str, Share]:
    """The shares of level, slow change, pulse, its harmonics, and the rest.

    spectrum_F: (…, F) of `spectrum`.   rate: samples a second [Hz].   count: samples.
    frequency: of the pulse [Hz].
    """
    bins = np.fft.rfftfreq(count, 1 / rate)
    reach = max(AROUND_HZ, 0.75 * rate / count)
    taken = np.zeros(len(bins), dtype=bool)
    parts: dict[str, Array] = {}

    def take(name: str, inside: Array) -> None:
        parts[name] = spectrum_F[..., inside & ~taken]
        taken[inside] = True

    take("level (DC)", bins == 0)
    take("pulse", np.abs(bins - frequency) <= reach)
    for order in range(2, HARMONICS + 1):
        if order * frequency < rate / 2:
            take(f"harmonic {order}", np.abs(bins - order * frequency) <= reach)
    take(f"below {SLOW_HZ:g} Hz", bins < SLOW_HZ)
    take("rest", np.ones(len(bins), dtype=bool))
    return _shares({name: part.ravel() for name, part in parts.items()})


def grid(rows: int, columns: int) -> dict[str, Array]:
    """Nine cells of a picture as regions, where those of the face are not known."""
    found = {}
    for row, words in enumerate(("upper", "middle", "lower")):
        for column, side in enumerate(("left", "centre", "right")):
            cell = np.zeros((rows, columns))
            down, across = (
                slice(round(k * n / CELLS), round((k + 1) * n / CELLS))
                for k, n in ((row, rows), (column, columns))
            )
            cell[down, across] = 1
            found[f"{words} {side}"] = cell
    return found


def _shares(parts: Mapping[str, Array]) -> dict[str, Share]:
    whole = float(sum(part.sum() for part in parts.values()))
    size = float(sum(np.abs(part).sum() for part in parts.values()))
    return {name: _share(part, whole, size) for name, part in parts.items()}


def _share(part: Array, whole: float, size: float) -> Share:
    total = float(part.sum())
    return Share(
        relevance=total,
        signed=total / whole if whole else float("nan"),
        size=float(np.abs(part).sum()) / size if size else float("nan"),
    )
