"""Crops of a person, handed on as they come to whoever takes them; none is kept here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

from camvitals.face.area import area_mean
from camvitals.face.crop import Square
from camvitals.face.framing import Framing
from camvitals.face.track import Track
from camvitals.records import Array, Frame


class Taker(Protocol):
    """Makes a pulse of one person's crops, without keeping them."""

    @property
    def size(self) -> int:
        """Rows and columns of the crops it takes [px]."""
        ...

    @property
    def framing(self) -> tuple[str, float, float]:
        """The box, extension and smooth [s] of `Framing`."""
        ...

    def take(self, image: Array, time: float) -> None:
        """The next crop, (size, size, 3) uint8 RGB, at its time [s]."""
        ...

    def withdraw(self, after: float) -> None:
        """What was given later than `after` [s] was not the person."""
        ...

    def pulse(self, time_T: Array) -> Array:
        """(T,) the pulse at these times [s]; NaN where it is not known."""
        ...


Takers = Mapping[str, Callable[[], Taker]]


class Crops:
    """One person's crops, picture by picture; takers of the same crop share it."""

    def __init__(self, takers: Takers) -> None:
        self._takers = {name: make() for name, make in takers.items()}
        self._framings = {
            key: Framing(key[0], extension=key[1], smooth=key[2])
            for key in {taker.framing for taker in self._takers.values()}
        }

    def see_face(self, frame: Frame, track: Track) -> None:
        """The next picture, with the face in it or without."""
        squares = {}
        for key, framing in self._framings.items():
            squares[key], lost = framing.update([track], frame.time)
            if np.isfinite(lost):
                self.withdraw(lost, framing=key)
        self._give(frame, squares)

    def see_picture(self, frame: Frame) -> None:
        """The next picture, of which the middle is the person."""
        side = float(min(frame.width, frame.height))
        middle = Square(frame.width / 2, frame.height / 2, side)
        self._give(frame, dict.fromkeys(self._framings, middle))

    def withdraw(self, after: float, *, framing: tuple[str, float, float] | None = None) -> None:
        """What was shown later than `after` [s] was not the person."""
        for taker in self._takers.values():
            if framing in (None, taker.framing):
                taker.withdraw(after)

    def pulses(self, time_T: Array) -> dict[str, Array]:
        """Name of the taker -> (T,) its pulse at these times [s]."""
        return {name: taker.pulse(time_T) for name, taker in self._takers.items()}

    def _give(
        self, frame: Frame, squares: Mapping[tuple[str, float, float], Square | None]
    ) -> None:
        made: dict[tuple[Square, int], Array] = {}
        for taker in self._takers.values():
            square = squares[taker.framing]
            if square is None:
                continue
            if (square, taker.size) not in made:
                made[square, taker.size] = area_mean(frame, square, taker.size)
            taker.take(made[square, taker.size], frame.time)
