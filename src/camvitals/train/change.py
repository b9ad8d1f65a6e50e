"""What every augmentation is: named options within limits, clips in, clips of the same kind out.

Shape letters: T samples, R regions, H rows, W columns.
"""

from __future__ import annotations

import dataclasses
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self, get_type_hints

import numpy as np

from camvitals.records import Array, InputError
from camvitals.train.settings import typed

PICTURES, COLOURS = "pictures", "colours"
SHARE = (0.0, 1.0)
Changed = tuple[Array, Array, Array]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(ABC):
    """One augmentation: (images, time, target, rng) -> the same three.

    images: (T, H, W, 3) uint8 pictures or (T, R, 3) float32 colours, 0–255; not written to.
    time: (T,) s, the moment of the recording at which each sample stands.   target: (T,).
    Whatever is by chance is drawn from `rng` alone. Two numbers in a row are the ends between
    which one is drawn for each clip.
    share: of the clips that are changed, 0–1.
    """

    share: float = 1.0

    # In one sentence, what becomes of the reference
    to_reference: ClassVar[str] = ""
    takes: ClassVar[tuple[str, ...]] = (PICTURES, COLOURS)
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {}

    def __new__(cls, **options: Any) -> Self:
        """Raises InputError for an option that there is not."""
        known = [one.name for one in dataclasses.fields(cls)]
        odd = sorted(set(options) - set(known))
        if odd:
            raise InputError(f"{named(cls)} has options {', '.join(known)} but not {odd[0]!r}")
        return object.__new__(cls)

    def __post_init__(self) -> None:
        """Options as their types, from JSON too. Raises InputError for one out of its limits."""
        hints = get_type_hints(type(self))
        for one in dataclasses.fields(self):
            path = f"{named(type(self))}.{one.name}"
            value = typed(getattr(self, one.name), hints[one.name], path)
            _within(value, ({"share": SHARE} | dict(self.limits)).get(one.name), path)
            object.__setattr__(self, one.name, value)

    def __call__(
        self, images: Array, time: Array, target: Array, rng: np.random.Generator
    ) -> Changed:
        """The clip changed. Raises InputError for a kind of clip that it cannot change."""
        self.check(images, time, target)
        if rng.random() >= self.share:
            return self.unchanged(images, time, target)
        return self.change(images, time, target, rng)

    @abstractmethod
    def change(
        self, images: Array, time: Array, target: Array, rng: np.random.Generator
    ) -> Changed:
        """A clip that was chosen."""

    def unchanged(self, images: Array, time: Array, target: Array) -> Changed:
        """A clip that was not chosen."""
        return images, time, target

    def check(self, images: Array, time: Array, target: Array) -> None:
        """Raises InputError for a clip that cannot be changed."""
        kind = kind_of(images)
        if kind not in self.takes:
            raise InputError(
                f"augmentation {named(type(self))} changes {self.takes[0]} but the corpus gives "
                f"{kind}; take it out of the recipe, or train on another corpus"
            )
        if not len(images) == len(time) == len(target) or len(images) < 2:
            raise InputError(
                f"a clip needs 2 samples or more, each with a time and a reference, but has "
                f"{len(images)}, {len(time)} and {len(target)}"
            )


def named(cls: type) -> str:
    """The name of a class as recipes write it: TimeScale is time_scale."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()


def _within(value: Any, limits: tuple[float, float] | None, path: str) -> None:
    if limits is None:
        return
    parts = value if isinstance(value, tuple) else (value,)
    low, high = limits
    fits = all(math.isfinite(part) and low <= part <= high for part in parts)
    if not fits or list(parts) != sorted(parts):
        rising = ", the first not above the second" if len(parts) > 1 else ""
        told = ", ".join(f"{part:g}" for part in parts)
        raise InputError(f"{path} needs {low:g} to {high:g}{rising}, but got {told}")


def kind_of(images: Array) -> str:
    """Pictures or colours. Raises InputError for anything else."""
    if images.ndim == 4 and images.shape[3] == 3 and images.dtype == np.uint8:
        return PICTURES
    if images.ndim == 3 and images.shape[2] == 3 and images.dtype == np.float32:
        return COLOURS
    raise InputError(
        f"a clip needs (T, H, W, 3) uint8 pictures or (T, R, 3) float32 colours but has "
        f"{images.shape} {images.dtype}"
    )


def between(ends: tuple[float, float], rng: np.random.Generator) -> float:
    """A number between two, each as likely."""
    return float(rng.uniform(*ends))


def by_ratio(ends: tuple[float, float], rng: np.random.Generator) -> float:
    """A number between two above 0, doubled as likely as halved."""
    return float(np.exp(rng.uniform(*np.log(ends))))


def settled(values: Array, images: Array) -> Array:
    """Values of the same kind as the clip's: cut off at 0 and 255; of pictures, whole numbers."""
    values = np.clip(values, 0, 255)
    if images.dtype == np.uint8:
        values += 0.5
    return np.asarray(values.astype(images.dtype))


def scaled(images: Array, factor: Array) -> Array:
    """The clip with every value multiplied; the factor is spread over the axes it lacks."""
    return settled(images.astype(np.float32) * factor.astype(np.float32), images)
