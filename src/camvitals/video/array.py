"""Pictures that are in memory already: one array, or an iterable of pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized

import numpy as np

from camvitals.records import Array, Frame, InputError, check
from camvitals.video.clock import Clock
from camvitals.video.reader import Facts
from camvitals.video.timing import at


def checked(image: object) -> Array:
    """The image as it is when it is (H, W, 3) uint8 RGB, else InputError."""
    if not isinstance(image, np.ndarray):
        raise InputError(f"an image needs to be a numpy array but is {type(image).__name__}")
    check("image", image, (None, None, 3))
    if image.dtype != np.uint8:
        raise InputError(
            f"an image needs uint8 RGB in 0–255 but is {image.dtype}; convert it first"
        )
    if image.size == 0:
        raise InputError(f"an image needs pixels but has shape {image.shape}; pass whole pictures")
    return image


class ArrayReader:
    """(T, H, W, 3) uint8 RGB with a clock (T,) s or a rate [Hz]."""

    def __init__(self, images: Array, *, clock: Array | float | None) -> None:
        check("images", images, (None, None, None, 3))
        if len(images) == 0:
            raise InputError("images needs at least one picture but has none; record first")
        checked(images[0])
        if clock is None:
            raise InputError("images in an array have no times; pass time= in seconds, or fps=")
        if not isinstance(clock, float):
            check("time", clock, (len(images),))
        self._images, self._clock = images, clock
        self.tick = 0.0
        self.facts = Facts("array", images.shape[2], images.shape[1], pixel_format="rgb24")
        self.facts.claimed = len(images)

    @property
    def expected(self) -> int | None:
        """Number of pictures."""
        return len(self._images)

    def frames(self) -> Iterator[Frame]:
        """Every picture with its time."""
        for index, image in enumerate(self._images):
            yield Frame.of_rgb(image, at(self._clock, index))

    def warnings(self, clock: Clock) -> list[str]:
        """Nothing can go wrong but times, which Video counts."""
        del clock
        return []

    def close(self) -> None:
        """Nothing to let go of."""


class SequenceReader:
    """An iterable of (image, time) pairs or Frames; or of images, with a clock."""

    def __init__(self, images: Iterable[object], *, clock: Array | float | None) -> None:
        self._images, self._clock = iter(images), clock
        self.tick = 0.0
        self.facts = Facts("sequence", pixel_format="rgb24")
        self._expected = len(images) if isinstance(images, Sized) else None

    @property
    def expected(self) -> int | None:
        """Number of pictures where the iterable knows it."""
        return self._expected

    def frames(self) -> Iterator[Frame]:
        """Every picture with its time; InputError for something else."""
        for index, item in enumerate(self._images):
            frame = self._frame(item, index)
            if index == 0:
                self.facts.width, self.facts.height = frame.width, frame.height
            yield frame

    def _frame(self, item: object, index: int) -> Frame:
        if isinstance(item, Frame):
            return item
        if self._clock is not None:
            return Frame.of_rgb(checked(item), at(self._clock, index))
        if isinstance(item, tuple) and len(item) == 2:
            return Frame.of_rgb(checked(item[0]), float(item[1]))
        raise InputError(
            "a sequence needs (image, time) pairs, or time= or fps= beside plain images, "
            f"but gave {type(item).__name__}"
        )

    def warnings(self, clock: Clock) -> list[str]:
        """Nothing can go wrong but times, which Video counts."""
        del clock
        return []

    def close(self) -> None:
        """Let go of the iterable."""
        self._images = iter(())
