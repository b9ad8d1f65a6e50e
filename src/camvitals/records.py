"""The nouns of the package: frozen arrays that carry their own clock.

Shape letters: T samples in time, R regions of skin, H picture rows, W picture columns, K beats.
Times are seconds on the source's own clock; boxes are x0, y0, x1, y1 in pixels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Box = tuple[float, float, float, float]

RGB_FROM_RGB = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]], dtype=np.float32)


class InputError(ValueError):
    """Wrong input. The message is one line: what was needed, what was given, what to do."""


def check(name: str, array: Array, shape: tuple[int | None, ...]) -> None:
    """Raise InputError unless `array` has this shape; None stands for any length."""
    given = np.shape(array)
    fits = len(given) == len(shape) and all(
        w in (None, g) for w, g in zip(shape, given, strict=True)
    )
    if not fits:
        wanted = "×".join("n" if n is None else str(n) for n in shape)
        raise InputError(f"{name} needs shape {wanted} but got {'×'.join(map(str, given)) or '()'}")


def check_clock(name: str, time_T: Array, length: int) -> None:
    """Raise InputError unless `time_T` holds `length` finite, strictly increasing seconds."""
    check(f"{name}.time", time_T, (length,))
    if not np.all(np.isfinite(time_T)):
        raise InputError(f"{name}.time has values that are not finite; drop those samples first")
    if np.any(np.diff(time_T) <= 0):
        at = int(np.argmax(np.diff(time_T) <= 0))
        raise InputError(
            f"{name}.time must increase but goes from {time_T[at]:.3f} to {time_T[at + 1]:.3f} s; "
            "sort the samples or drop the late ones"
        )


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture: three planes as decoded, and the affine map that makes RGB of them.

    planes: three (H, W) arrays, upright. Y, U, V of a video (U and V may be smaller) or R, G, B.
    matrix: (3, 4) float32; RGB in 0–255 = matrix[:, :3] @ planes + matrix[:, 3].
    time:   presentation time [s].
    Nothing is converted until `rgb` is called.
    """

    planes: tuple[Array, Array, Array]
    matrix: Array
    time: float

    @classmethod
    def of_rgb(cls, image: Array, time: float) -> Frame:
        """A frame of an (H, W, 3) uint8 RGB picture."""
        check("image", image, (None, None, 3))
        return cls((image[..., 0], image[..., 1], image[..., 2]), RGB_FROM_RGB, time)

    @property
    def height(self) -> int:
        """Rows [px]."""
        return int(self.planes[0].shape[0])

    @property
    def width(self) -> int:
        """Columns [px]."""
        return int(self.planes[0].shape[1])

    @property
    def is_rgb(self) -> bool:
        """True when the planes are R, G, B already."""
        return self.matrix is RGB_FROM_RGB

    @property
    def luma(self) -> Array:
        """(H, W) brightness plane as decoded: Y of a video, green of an RGB picture."""
        return self.planes[1] if self.is_rgb else self.planes[0]

    def rgb(self, box: Box | None = None, *, size: tuple[int, int] | None = None) -> Array:
        """The picture, or a box of it, as (h, w, 3) uint8 RGB.

        box:  region [px]; parts outside the picture are black. None means everything.
        size: (rows, columns) to sample by nearest neighbour; None keeps the box's own size.
        """
        x0, y0, x1, y1 = box if box is not None else (0, 0, self.width, self.height)
        rows, columns = size or (max(1, round(y1 - y0)), max(1, round(x1 - x0)))
        y = y0 + (np.arange(rows) + 0.5) * (y1 - y0) / rows
        x = x0 + (np.arange(columns) + 0.5) * (x1 - x0) / columns
        planes = [self._sample(plane, y, x) for plane in self.planes]
        linear = np.tensordot(self.matrix[:, :3], np.stack(planes), axes=1)
        linear += self.matrix[:, 3, None, None]
        np.clip(linear + 0.5, 0, 255, out=linear)
        image = np.moveaxis(linear, 0, -1).astype(np.uint8)
        image[(y < 0) | (y >= self.height)] = 0
        image[:, (x < 0) | (x >= self.width)] = 0
        return image

    def _sample(self, plane: Array, y: Array, x: Array) -> Array:
        rows = np.clip((y * (plane.shape[0] / self.height)).astype(int), 0, plane.shape[0] - 1)
        columns = np.clip((x * (plane.shape[1] / self.width)).astype(int), 0, plane.shape[1] - 1)
        sampled: Array = plane[rows[:, None], columns].astype(np.float32)
        return sampled


@dataclass(frozen=True, slots=True)
class Face:
    """A face in one frame: box [px], detector score 0–1, (468, 2) landmarks [px] or None, track."""

    box: Box
    score: float
    landmarks: Array | None = None
    track: int = 0


@dataclass(frozen=True, slots=True)
class Trace:
    """Mean colour of named regions over time.

    rgb:    (T, R, 3) float32, 0–255, gamma-coded as the camera delivered; unseen is NaN.
    pixels: (T, R) pixels behind each mean, 0 where unseen.
    time:   (T,) s.
    names:  R region names.
    box:    (T, 4) face or region box [px]; NaN where unseen.
    moments: (T, 3, 3) mean of colour × colourᵀ over the pixels of region `skin`, or None.
    points: (T, P, 2) followed feature points x, y [px], or None.
    pulses: name of a network that looked at the crops -> (T,) the pulse it saw; NaN where none.
    enhanced: (T, R, 3) the same regions as an enhancer shows them, see face.enhance, or None.
    """

    rgb: Array
    pixels: Array
    time: Array
    names: tuple[str, ...]
    box: Array
    moments: Array | None = None
    points: Array | None = None
    pulses: Mapping[str, Array] = field(default_factory=dict)
    enhanced: Array | None = None

    def __post_init__(self) -> None:
        length, regions = len(self.time), len(self.names)
        check_clock("trace", self.time, length)
        check("trace.rgb", self.rgb, (length, regions, 3))
        check("trace.pixels", self.pixels, (length, regions))
        check("trace.box", self.box, (length, 4))
        if self.moments is not None:
            check("trace.moments", self.moments, (length, 3, 3))
        if self.points is not None:
            check("trace.points", self.points, (length, None, 2))
        if self.enhanced is not None:
            check("trace.enhanced", self.enhanced, (length, regions, 3))
        for name, pulse in self.pulses.items():
            check(f"trace.pulses[{name!r}]", pulse, (length,))

    @property
    def main(self) -> str:
        """The region of all that was seen of a person: `skin`, or the first but the background."""
        names = [name for name in self.names if name != "background"] or list(self.names)
        return "skin" if "skin" in names else names[0]

    def region(self, name: str) -> Array:
        """(T, 3) mean colour of one region; InputError names the regions there are."""
        if name not in self.names:
            raise InputError(f"no region {name!r}; this trace has {', '.join(self.names)}")
        region: Array = self.rgb[:, self.names.index(name)]
        return region

    def regions(self, names: Sequence[str]) -> Array:
        """(T, R, 3) mean colours of these regions; NaN for one that is not there."""
        unseen = np.full_like(self.rgb[:, 0], np.nan)
        return np.stack([self.region(n) if n in self.names else unseen for n in names], axis=1)

    def between(self, start: float, stop: float) -> Trace:
        """The samples with start <= time < stop [s]."""
        keep = (self.time >= start) & (self.time < stop)
        cut = {
            name: value[keep]
            for name in ("rgb", "pixels", "time", "box", "moments", "points", "enhanced")
            if (value := getattr(self, name)) is not None
        }
        pulses = {name: pulse[keep] for name, pulse in self.pulses.items()}
        return Trace(names=self.names, pulses=pulses, **cut)


@dataclass(frozen=True, slots=True)
class Clip:
    """Aligned crops: `images` (T, H, W, 3) uint8 RGB, `time` (T,) s."""

    images: Array
    time: Array

    def __post_init__(self) -> None:
        check("clip.images", self.images, (len(self.time), None, None, 3))
        check_clock("clip", self.time, len(self.time))


@dataclass(frozen=True, slots=True)
class Wave:
    """A signal: `values` (T,), `time` (T,) s, `name` (pulse, breath, ecg), `unit`. Gaps are NaN."""

    values: Array
    time: Array
    name: str
    unit: str = "1"

    def __post_init__(self) -> None:
        check("wave.values", self.values, (len(self.time),))
        check_clock("wave", self.time, len(self.time))


@dataclass(frozen=True, slots=True)
class Reading:
    """One vital sign over a span of time, with its interval, or the reason why there is none.

    value, low, high: in `unit`; None together when withheld, and then `why` is a sentence.
    quality: 0–1, the calibrated probability that the value is right.
    span:    (start, stop) s.
    """

    name: str
    value: float | None
    unit: str
    low: float | None
    high: float | None
    quality: float
    method: str
    span: tuple[float, float]
    why: str = ""

    def __post_init__(self) -> None:
        if (self.value is None) != bool(self.why):
            raise InputError(f"reading {self.name}: give a value, or the reason why there is none")
        numbers = [n for n in (self.value, self.low, self.high, self.quality) if n is not None]
        if not np.all(np.isfinite(numbers)) or not 0 <= self.quality <= 1:
            raise InputError(f"reading {self.name} has a number out of range: {numbers}")
        if self.value is not None and not (
            self.low is not None and self.high is not None and self.low <= self.value <= self.high
        ):
            raise InputError(f"reading {self.name} needs low <= value <= high, got {numbers[:3]}")


def withheld(
    name: str, unit: str, why: str, *, method: str, span: tuple[float, float], quality: float = 0.0
) -> Reading:
    """A reading without a value, and the sentence that says why."""
    return Reading(name, None, unit, None, None, quality, method, span, why)


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact about the recording: measured value, whether it is fine, what to do if not."""

    name: str
    value: float | None
    unit: str
    fine: bool
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """Facts of the recording, as measured while it was read.

    frames: pictures decoded; claimed: pictures the container promises, or None.
    rate: median frame rate [Hz]; jitter: standard deviation of the frame interval [s].
    duration: last minus first time plus one median interval [s].
    """

    name: str
    width: int = 0
    height: int = 0
    frames: int = 0
    claimed: int | None = None
    duration: float = 0.0
    rate: float = 0.0
    jitter: float = 0.0
    codec: str = ""
    pixel_format: str = ""
    bit_rate: float | None = None
    rotation: int = 0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """Everything measured of one person.

    readings: whole-recording vital signs; rolling: those over sliding windows, heart rates first.
    waves: pulse and others; beats: (K,) s; trace: the colours behind them.
    capture: what the recording itself was like; versions: software and models.
    """

    readings: tuple[Reading, ...]
    source: Source
    rolling: tuple[Reading, ...] = ()
    waves: tuple[Wave, ...] = ()
    beats: Array = field(default_factory=lambda: np.zeros(0))
    trace: Trace | None = None
    capture: tuple[Finding, ...] = ()
    person: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    def reading(self, name: str) -> Reading:
        """The reading of this name; InputError names those there are."""
        for reading in self.readings:
            if reading.name == name:
                return reading
        names = ", ".join(reading.name for reading in self.readings)
        raise InputError(f"no reading {name!r}; this report has {names}")

    def over_time(self, name: str) -> tuple[Reading, ...]:
        """The rolling readings of this name in their order, none where it was not measured."""
        return tuple(reading for reading in self.rolling if reading.name == name)

    def wave(self, name: str) -> Wave:
        """The wave of this name; InputError names those there are."""
        for wave in self.waves:
            if wave.name == name:
                return wave
        raise InputError(f"no wave {name!r}; this report has {[w.name for w in self.waves]}")
