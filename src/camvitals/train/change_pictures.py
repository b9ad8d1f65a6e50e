"""Augmentations of pictures alone: where they are, how sharp, and what a codec leaves of them.

Shape letters: T pictures, H rows, W columns.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from camvitals.dsp.clean import rate_of
from camvitals.records import Array, InputError
from camvitals.train.change import (
    PICTURES,
    Change,
    Changed,
    between,
    by_ratio,
    cells,
    resized,
    settled,
)

# Encoder -> the end of its file, and the preset that keeps it near the speed of the rest.
# Not HEVC: its encoder writes beyond its memory for pictures of 40 and 48 px, and takes the
# process with it.
ENCODERS = {
    "h264": (".mp4", "veryfast"),
    "vp9": (".webm", "8"),
    "mpeg4": (".mp4", ""),
    "mjpeg": (".mov", ""),
}
QUALITIES = ("h264", "vp9")  # that know a crf
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
        part = by_ratio(self.size, rng)
        counts = [min(n, max(2, round(part * n))) for n in images.shape[1:3]]
        pairs = list(zip(images.shape[1:3], counts, strict=True))
        small = settled(resized(images, *(cells(n, few) for n, few in pairs)), images)
        back = resized(small, *(cells(few, n) for n, few in pairs))
        return settled(back, images), time, target


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

    codecs: of h264, vp9, mpeg4 and mjpeg, each as likely.
    crf: constant quality of h264 and vp9, small is good.
        mpeg4 and mjpeg know none and are written at their best.
    Odd sizes are continued by a row or column while they are encoded. Goes through a file in the
    folder for temporary ones.
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
        rows, columns = images.shape[1:3]
        even = np.pad(images, ((0, 0), (0, rows % 2), (0, columns % 2), (0, 0)), mode="edge")
        found = _played(even, codec, crf if codec in QUALITIES else None, rate=rate_of(time))
        return np.ascontiguousarray(found[:, :rows, :columns]), time, target


def _played(images: Array, codec: str, crf: float | None, *, rate: float) -> Array:
    """(T, H, W, 3) uint8 pictures after an encoder and its decoder."""
    from camvitals.video.encoding import Encoding
    from camvitals.video.open import open_video
    from camvitals.video.write import write_video

    suffix, preset = ENCODERS[codec]
    more = Encoding(threads=1)  # as many processes make clips as there are cores; and repeatable
    if preset:
        more["preset"] = preset
    clock = np.arange(len(images)) / rate
    with tempfile.TemporaryDirectory(prefix="camvitals-") as folder:
        path = Path(folder) / f"clip{suffix}"
        write_video(path, images, time=clock, codec=codec, crf=crf, **more)
        with open_video(path) as video:
            found = [np.array(frame.rgb()) for frame in video]
    if len(found) != len(images):
        raise InputError(
            f"{codec} gave back {len(found)} of {len(images)} pictures; leave it out of "
            "compression.codecs"
        )
    return np.stack(found)
