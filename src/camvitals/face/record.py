"""Traces while they grow: chunks of samples, all of them or those of the last seconds only.

Shape letters: T samples, R regions, P points.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from camvitals.records import Array, Box, Trace

CHUNK = 256  # samples; nothing is moved when there are more


class Record:
    """The samples of one person so far.

    names:  regions.   keep: seconds kept at least, or None for all.
    points: how many feature points are followed, 0 for none.   moments: whether they are kept.
    Without `keep` memory grows by 16 bytes per region and frame.
    """

    def __init__(
        self, names: tuple[str, ...], *, keep: float | None, moments: bool, points: int
    ) -> None:
        self.names, self._keep = names, keep
        self._shapes: dict[str, tuple[int, ...]] = {
            "rgb": (len(names), 3),
            "pixels": (len(names),),
            "box": (4,),
        }
        if moments:
            self._shapes["moments"] = (3, 3)
        if points:
            self._shapes["points"] = (points, 2)
        self._chunks: deque[dict[str, Array]] = deque()
        self._length = 0  # samples in all chunks together
        self._filled = CHUNK  # samples in the newest chunk

    @staticmethod
    def _nothing(name: str) -> float:
        return 0.0 if name == "pixels" else np.nan

    def __len__(self) -> int:
        return self._length

    def append(self, time: float, **values: Array | Box) -> None:
        """Add one sample; what is not given is unseen."""
        if self._filled == CHUNK:
            self._make_room(time)
        chunk, at = self._chunks[-1], self._filled
        chunk["time"][at] = time
        for name, value in values.items():
            chunk[name][at] = value
        self._filled += 1
        self._length += 1

    def withdraw(self, after: float) -> None:
        """Make everything later than `after` [s] unseen."""
        for chunk in reversed(self._chunks):
            start = int(np.searchsorted(chunk["time"], after, side="right"))
            for name in self._shapes:
                chunk[name][start:] = self._nothing(name)
            if start > 0:
                return

    def trace(self) -> Trace:
        """A copy of what there is, the last `keep` seconds if that is set."""
        time = self._joined("time")
        start = 0
        if self._keep is not None and len(time):
            start = int(np.searchsorted(time, time[-1] - self._keep - 1e-9))
        parts: dict[str, Any] = {name: self._joined(name)[start:] for name in self._shapes}
        return Trace(time=time[start:], names=self.names, **parts)

    def _joined(self, name: str) -> Array:
        chunks = [chunk[name] for chunk in self._chunks]
        if not chunks:
            return np.empty((0, *self._shapes.get(name, ())))
        chunks[-1] = chunks[-1][: self._filled]
        return np.concatenate(chunks)

    def _make_room(self, time: float) -> None:
        """Begin a chunk, unseen and later than all so far; drop those that are too old."""
        if self._keep is not None:
            while self._chunks and self._chunks[0]["time"][-1] < time - self._keep - 1e-6:
                self._chunks.popleft()
                self._length -= CHUNK
        chunk = {
            name: np.full((CHUNK, *shape), self._nothing(name), dtype=np.float32)
            for name, shape in self._shapes.items()
        }
        self._chunks.append(chunk | {"time": np.full(CHUNK, np.inf)})
        self._filled = 0
