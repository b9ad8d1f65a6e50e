"""Augmentations of pictures alone: where they are, how sharp, and what a codec leaves of them.

Shape letters: T pictures, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from camvitals.data.degrade import (
    AXES,
    CRF,
    ENCODERS,
    QUANTISER,
    Degradation,
    degradation,
    degrade_clip,
    level_index,
)
from camvitals.data.degrade_size import cells, reduced, resized
from camvitals.dsp.clean import rate_of
from camvitals.records import Array, InputError
from camvitals.train.change import PICTURES, Change, Changed, between, by_ratio, settled

EDGE = 0.06  # of half a picture, over which a background sets in


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip(Change):
    """Left and right exchanged."""

    share: float = 0.5

    to_reference: ClassVar[str] = "Unchanged."
    takes: ClassVar[tuple[str, ...]] = (PICTURES,)

    def change(
        self, images: Array, time: Array, target: Array, rng: np.random.Generator
    ) -> Changed:
        """The clip mirrored."""
        del rng
        return np.ascontiguousarray(images[:, :, ::-1]), time, target


@dataclass(frozen=True, slots=True, kw_only=True)
class Crop(Change):
    """A part of the pictures, the same in all of a clip, brought back to their size by area.

    size: of its sides as shares of the picture's.
    """

    size: tuple[float, float] = (0.75, 1.0)

    to_reference: ClassVar[str] = "Unchanged."
    takes: ClassVar[tuple[str, ...]] = (PICTURES,)
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {"size": (0.1, 1.0)}

    def change(
        self, images: Array, time: Array, target: Array, rng: np.random.Generator
    ) -> Changed:
        """The clip with its part enlarged."""
        part = between(self.size, rng)
        weights = []
        for length in images.shape[1:3]:
            start = rng.uniform(0, (1 - part) * length)
            weights.append(cells(length, length, start=start, stop=start + part * length))
        return settled(resized(images, *weights), images), time, target


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution(Change):
    """Fewer pixels: brought down by area, and up again to the size it had.

    size: rows and columns in between, as shares of the picture's; at least 2 px are left.
    """

    size: tuple[float, float] = (0.25, 1.0)

    to_reference: ClassVar[str] = "Unchanged."
    takes: ClassVar[tuple[str, ...]] = (PICTURES,)
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {"size": (0.01, 1.0)}

    def change(
        self, images: Array, time: Array, target: Array, rng: np.random.Generator
    ) -> Changed:
        """The clip with less detail."""
        return reduced(images, by_ratio(self.size, rng)), time, target


@dataclass(frozen=True, slots=True, kw_only=True)
class BlankBackground(Change):
    """One colour, drawn for each clip, around an ellipse in the middle. No face is looked for.

    width, height: of the ellipse as shares of the picture's.   tone: of the colour, codes.
    """

    share: float = 0.5
    width: tuple[float, float] = (0.75, 0.95)
    height: tuple[float, float] = (0.9, 1.1)
    tone: tuple[float, float] = (0.0, 255.0)

    to_reference: ClassVar[str] = "Unchanged."
    takes: ClassVar[tuple[str, ...]] = (PICTURES,)
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {
        "width": (0.1, 2.0),
        "height": (0.1, 2.0),
        "tone": (0.0, 255.0),
    }

    def change(
        self, images: Array, time: Array, target: Array, rng: np.random.Generator
    ) -> Changed:
        """The clip before an even wall."""
        rows, columns = (np.linspace(-1, 1, n) for n in images.shape[1:3])
        y, x = rows[:, None] / between(self.height, rng), columns[None] / between(self.width, rng)
        inside = np.clip((1 - np.hypot(x, y)) / EDGE + 0.5, 0, 1)[..., None].astype(np.float32)
        wall = rng.uniform(*self.tone, 3).astype(np.float32)
        return settled(images * inside + wall * (1 - inside), images), time, target


@dataclass(frozen=True, slots=True, kw_only=True)
class Compression(Change):
    """What is left after a real encoder and back, at the clip's own size, in 8 bit 4:2:0.

    codecs: of h264, h265, vp9, mpeg4 and mjpeg, each as likely.
    crf: constant quality of h264, h265 and vp9, small is good.
        mpeg4 and mjpeg know none and are written at their best.
    Odd sizes are continued by a row or column while they are encoded, those too small for h265 to
    72 px. Goes through a file in the folder for temporary ones.
    """

    codecs: tuple[str, ...] = ("h264",)
    crf: tuple[float, float] = (15.0, 32.0)

    to_reference: ClassVar[str] = "Unchanged."
    takes: ClassVar[tuple[str, ...]] = (PICTURES,)
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {"crf": (0.0, 51.0)}

    def __post_init__(self) -> None:
        """Raises InputError for a codec that there is not."""
        Change.__post_init__(self)
        odd = [name for name in self.codecs if name not in ENCODERS]
        if odd or not self.codecs:
            told = repr(odd[0]) if odd else "none"
            raise InputError(
                f"compression.codecs needs some of {', '.join(ENCODERS)} but got {told}"
            )

    def change(
        self, images: Array, time: Array, target: Array, rng: np.random.Generator
    ) -> Changed:
        """The clip as a player would show it."""
        codec, crf = str(rng.choice(self.codecs)), between(self.crf, rng)
        level = (
            Degradation(encoder=codec, crf=crf)
            if codec in CRF
            else Degradation(encoder=codec, quantiser=QUANTISER[0])
        )
        return degrade_clip(images, level, rate=rate_of(time)), time, target


@dataclass(frozen=True, slots=True, kw_only=True)
class Degrade(Change):
    """One of the named levels of `data.degrade`, as evaluations have them.

    levels: names such as face-16 or crf-36, each as likely.
    """

    levels: tuple[str, ...] = AXES["crf"]

    to_reference: ClassVar[str] = "Unchanged."
    takes: ClassVar[tuple[str, ...]] = (PICTURES,)

    def __post_init__(self) -> None:
        """Raises InputError for a level that there is not."""
        Change.__post_init__(self)
        if not self.levels:
            raise InputError("degrade.levels needs some such as face-16 or crf-36 but got none")
        for level in self.levels:
            degradation(level)

    def change(
        self, images: Array, time: Array, target: Array, rng: np.random.Generator
    ) -> Changed:
        """The clip at one of the levels."""
        level = str(rng.choice(self.levels))
        return degrade_clip(images, level, rate=rate_of(time)), time, target

    def told(self, images: Array, time: Array, rng: np.random.Generator) -> tuple[Array, int]:
        """The clip at one of the levels, and the place of that level in its axis, 0 (best) to 4.

        The place is what an enhancer is told (`data.degrade.AXES`). Draws as `change` does.
        Raises InputError for a level that is on no axis.
        """
        level = str(rng.choice(self.levels))
        return degrade_clip(images, level, rate=rate_of(time)), level_index(level)
