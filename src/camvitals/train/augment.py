"""Augmentations of training clips; each says what becomes of the reference.

Options that a recipe gives are checked when the training starts, and so is whether the change is
one of the corpus's kind of clip. What lasts is changed over the clip's `time`, in seconds.
Shape letters: T samples, R regions, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from camvitals.data.degrade_size import cells
from camvitals.dsp.clean import rate_of
from camvitals.records import Array, InputError
from camvitals.train.change import (
    COLOURS,
    Change,
    Changed,
    between,
    by_ratio,
    kind_of,
    scaled,
    settled,
)
from camvitals.train.change_pictures import (
    BlankBackground,
    Compression,
    Crop,
    Degrade,
    Flip,
    Resolution,
)
from camvitals.train.change_time import Drop, Jitter, TimeScale

DRIFT_HZ = (0.02, 0.2)
SLOWEST_HZ = 0.2  # below it red noise is level
PLACES = 3  # rows and columns of places whose noise differs in pictures


@dataclass(frozen=True, slots=True, kw_only=True)
class Illumination(Change):
    """Light that is stronger, uneven, and changes, alike for red, green and blue.

    gain: of all.   gradient: most from the middle to a side, a share; between regions likewise.
    drift: most to either side, a share, slower than 0.2 Hz.
    flicker: most to either side, a share, at one frequency up to half the rate, as lamps give.
    What passes 255 is cut off, as by a camera.
    """

    gain: tuple[float, float] = (0.6, 1.2)
    gradient: float = 0.2
    drift: float = 0.05
    flicker: float = 0.005

    to_reference: ClassVar[str] = "Unchanged."
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {
        "gain": (0.01, 10.0),
        "gradient": (0.0, 0.9),
        "drift": (0.0, 0.9),
        "flicker": (0.0, 0.5),
    }

    def change(
        self, images: Array, time: Array, target: Array, rng: np.random.Generator
    ) -> Changed:
        """The clip in other light."""
        seconds = time - time[0]
        slow = _waves(seconds, rng.uniform(*DRIFT_HZ, 3), rng)
        fast = _waves(seconds, rng.uniform(0, rate_of(time) / 2, 1), rng)
        light = between(self.gain, rng) * (1 + rng.uniform(0, self.drift) * slow)
        light = light * (1 + rng.uniform(0, self.flicker) * fast)
        places = 1 + rng.uniform(0, self.gradient) * _slope(images, rng)
        light = light.reshape(-1, *[1] * (images.ndim - 1))
        return scaled(images, light * places), time, target


def _waves(seconds: Array, frequency: Array, rng: np.random.Generator) -> Array:
    """(T,) sum of waves of these frequencies [Hz], never beyond ±1."""
    phase = rng.uniform(0, 2 * np.pi, len(frequency))
    angle = 2 * np.pi * frequency * seconds[:, None] + phase
    return np.asarray(np.sin(angle).mean(axis=1))


def _slope(images: Array, rng: np.random.Generator) -> Array:
    """(H, W, 1), from -1 to 1 across pictures; (R, 1) of regions."""
    if kind_of(images) == COLOURS:
        return rng.uniform(-1, 1, (images.shape[1], 1))
    angle = rng.uniform(0, 2 * np.pi)
    y, x = (np.linspace(-1, 1, n) for n in images.shape[1:3])
    slope = np.cos(angle) * x[None] + np.sin(angle) * y[:, None]
    return np.asarray(slope / max(float(np.abs(slope).max()), 1e-9))[..., None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise(Change):
    """Of a sensor: of light as it arrives in quanta (shot), and of reading it out.

    shot: variance for each code of brightness [codes].   read: standard deviation [codes].
    pixels: that are averaged for the colour of a region; unused for pictures.
    """

    shot: tuple[float, float] = (0.0, 0.05)
    read: tuple[float, float] = (0.0, 2.0)
    pixels: tuple[float, float] = (200.0, 20000.0)

    to_reference: ClassVar[str] = "Unchanged."
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {
        "shot": (0.0, 10.0),
        "read": (0.0, 50.0),
        "pixels": (1.0, 1e8),
    }

    def change(
        self, images: Array, time: Array, target: Array, rng: np.random.Generator
    ) -> Changed:
        """The clip with noise of its own in every pixel, or region."""
        shot, read = between(self.shot, rng), between(self.read, rng)
        values = images.astype(np.float32)
        spread = np.sqrt(np.float32(shot) * np.maximum(values, 0) + np.float32(read) ** 2)
        if kind_of(images) == COLOURS:
            low, high = np.log(self.pixels)
            count = np.exp(rng.uniform(low, high, images.shape[1]))
            spread /= np.sqrt(count).astype(np.float32)[:, None]
        values += spread * rng.standard_normal(values.shape, dtype=np.float32)
        return settled(values, images), time, target


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsteady(Change):
    """Slow colour noise as of talking, breathing, blushing and exposure, redder than a pulse.

    Brightness common to all, brightness of each region, and colour of each; of pictures, of nine
    places with no edges between them.
    size: standard deviation of the common part as a share of the brightness.
    exponent: of the power law of its spectrum above 0.2 Hz.
    apart, coloured: most of the other two, as shares of the first.
    """

    size: tuple[float, float] = (0.0005, 0.02)
    exponent: tuple[float, float] = (1.0, 2.5)
    apart: float = 0.7
    coloured: float = 0.3

    to_reference: ClassVar[str] = "Unchanged."
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {
        "size": (1e-6, 0.5),
        "exponent": (0.0, 4.0),
        "apart": (0.0, 2.0),
        "coloured": (0.0, 2.0),
    }

    def change(
        self, images: Array, time: Array, target: Array, rng: np.random.Generator
    ) -> Changed:
        """The clip with restless skin."""
        pictures = kind_of(images) != COLOURS
        places = PLACES**2 if pictures else images.shape[1]
        shares = np.array([1.0, rng.uniform(0, self.apart), rng.uniform(0, self.coloured)])
        shares *= by_ratio(self.size, rng)
        waves = _red(len(images), 1 + 4 * places, between(self.exponent, rng), rate_of(time), rng)
        change = shares[0] * waves[:, :1, None] + shares[1] * waves[:, 1 : 1 + places, None]
        change = change + shares[2] * waves[:, 1 + places :].reshape(-1, places, 3)
        if pictures:
            rows, columns = (cells(PLACES, n) for n in images.shape[1:3])
            mixture = np.einsum("hp,wq->hwpq", rows, columns).reshape(*images.shape[1:3], places)
            change = np.moveaxis(np.tensordot(mixture, change.astype(np.float32), (2, 1)), 2, 0)
        return scaled(images, 1 + change), time, target


def _red(length: int, count: int, exponent: float, rate: float, rng: np.random.Generator) -> Array:
    """(T, count) noise of unit spread over all, its power falling by this exponent."""
    frequency = np.fft.rfftfreq(length, 1 / rate)
    shape = np.maximum(frequency, SLOWEST_HZ) ** (-exponent / 2)
    shape[0] = 0
    real, imaginary = rng.standard_normal((2, len(frequency), count))
    waves = np.fft.irfft((real + 1j * imaginary) * shape[:, None], length, axis=0)
    return np.asarray(waves / max(float(waves.std()), 1e-12))


@dataclass(frozen=True, slots=True, kw_only=True)
class Colour(Change):
    """Another camera's colours, the same throughout the clip.

    gains: most by which each channel differs, a share.
    warmth: most by which red is raised and blue lowered, or the other way round, a share.
    gamma: exponent on values from 0 to 1.
    """

    gains: float = 0.05
    warmth: float = 0.15
    gamma: tuple[float, float] = (0.8, 1.25)

    to_reference: ClassVar[str] = "Unchanged."
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {
        "gains": (0.0, 0.9),
        "warmth": (0.0, 0.9),
        "gamma": (0.1, 10.0),
    }

    def change(
        self, images: Array, time: Array, target: Array, rng: np.random.Generator
    ) -> Changed:
        """The clip in other colours."""
        gain = 1 + self.gains * rng.uniform(-1, 1, 3)
        warmth = 1 + self.warmth * rng.uniform(-1, 1)
        gain = (gain * (warmth, 1.0, 1 / warmth)).astype(np.float32)
        gamma = np.float32(by_ratio(self.gamma, rng))
        values = np.maximum(images.astype(np.float32) / 255, 0) ** gamma * gain
        return settled(values * 255, images), time, target


@dataclass(frozen=True, slots=True, kw_only=True)
class OneRegion(Change):
    """The colour of one region in the place of all, as of a trace that knows the face as one.

    region: its place in the corpus's order, from 0; none: drawn for each clip.
    """

    share: float = 0.3
    region: int | None = None

    to_reference: ClassVar[str] = "Unchanged."
    takes: ClassVar[tuple[str, ...]] = (COLOURS,)

    def check(self, images: Array, time: Array, target: Array) -> None:
        """Raises InputError for pictures, and where there is no such region."""
        Change.check(self, images, time, target)
        if self.region is not None and not 0 <= self.region < images.shape[1]:
            raise InputError(
                f"one_region.region needs 0 to {images.shape[1] - 1} for this corpus but got "
                f"{self.region}"
            )

    def change(
        self, images: Array, time: Array, target: Array, rng: np.random.Generator
    ) -> Changed:
        """The clip with all regions alike."""
        drawn = int(rng.integers(images.shape[1]))
        chosen = drawn if self.region is None else self.region
        return np.repeat(images[:, chosen : chosen + 1], images.shape[1], axis=1), time, target


AUGMENTATIONS: dict[str, type[Change]] = {
    "time_scale": TimeScale,
    "flip": Flip,
    "crop": Crop,
    "illumination": Illumination,
    "noise": Noise,
    "unsteady": Unsteady,
    "compression": Compression,
    "degrade": Degrade,
    "drop": Drop,
    "jitter": Jitter,
    "colour": Colour,
    "resolution": Resolution,
    "one_region": OneRegion,
    "blank_background": BlankBackground,
}
