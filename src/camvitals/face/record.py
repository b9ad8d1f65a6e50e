"""Traces while they grow: arrays with room ahead, or the last seconds only.

Shape letters: T samples, R regions, P points.
"""

from __future__ import annotations

import numpy as np

from camvitals.records import Array, Box, Trace

ROOM = 256


class Record:
    """The samples of one person so far.

    names:  regions.   keep: seconds kept at least, or None for all.
    points: how many feature points are followed, 0 for none.   moments: whether they are kept.
    Without `keep` memory grows by 17 bytes per region and frame.
    """

    def __init__(
        self, names: tuple[str, ...], *, keep: float | None, moments: bool, points: int
    ) -> None:
        self.names, self._keep, self._length = names, keep, 0
        shapes: dict[str, tuple[int, ...]] = {
            "rgb": (len(names), 3),
            "pixels": (len(names),),
            "box": (4,),
        }
        if moments:
            shapes["moments"] = (3, 3)
        if points:
            shapes["points"] = (points, 2)
        self._time = np.empty(ROOM)
        self._arrays = {
            n: np.full((ROOM, *shape), self._nothing(n), dtype=np.float32)
            for n, shape in shapes.items()
        }

    @staticmethod
    def _nothing(name: str) -> float:
        return 0.0 if name == "pixels" else np.nan

    def __len__(self) -> int:
        return self._length

    def append(self, time: float, **values: Array | Box) -> None:
        """Add one sample; what is not given is unseen."""
        if self._length == len(self._time):
            self._make_room()
        at = self._length
        self._time[at] = time
        for name, array in self._arrays.items():
            array[at] = values.get(name, self._nothing(name))
        self._length += 1

    def withdraw(self, after: float) -> None:
        """Make everything later than `after` [s] unseen."""
        start = int(np.searchsorted(self._time[: self._length], after, side="right"))
        for name, array in self._arrays.items():
            array[start : self._length] = self._nothing(name)

    def trace(self) -> Trace:
        """A copy of what there is, the last `keep` seconds if that is set."""
        start = self._first_kept()
        time = self._time[start : self._length].copy()
        parts = {n: a[start : self._length].copy() for n, a in self._arrays.items()}
        return Trace(time=time, names=self.names, **parts)

    def _first_kept(self) -> int:
        if self._keep is None or self._length == 0:
            return 0
        oldest = self._time[self._length - 1] - self._keep
        return int(np.searchsorted(self._time[: self._length], oldest - 1e-9))

    def _make_room(self) -> None:
        """Drop what is too old when that frees half of the room, otherwise double the room."""
        start = self._first_kept()
        left = self._length - start
        room = len(self._time) if left <= self._length // 2 else 2 * len(self._time)
        self._time = self._moved(self._time, start, left, room)
        self._arrays = {n: self._moved(a, start, left, room) for n, a in self._arrays.items()}
        self._length = left

    def _moved(self, old: Array, start: int, length: int, room: int) -> Array:
        new = np.empty((room, *old.shape[1:]), dtype=old.dtype)
        new[:length] = old[start : start + length]
        return new
