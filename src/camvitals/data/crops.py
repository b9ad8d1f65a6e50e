"""Crops on their way to disk, and how the other arrays of a cache get there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from camvitals.data.prepared import SQUARES, TIME, crops_name
from camvitals.face.area import area_mean
from camvitals.face.crop import Square
from camvitals.records import Array, Frame, InputError

NOWHERE = (np.nan, np.nan, np.nan, np.nan)


class Crops:
    """The crops of one recording: a file for each chunk, of which one alone is in memory.

    folder: where the files go.   size [px], chunk [s]: of each crop and of each file.
    images: False keeps times and squares alone.
    """

    def __init__(self, folder: Path, *, size: int, chunk: float, images: bool) -> None:
        self._folder, self._size, self._chunk, self._images = folder, size, chunk, images
        self._time: list[float] = []
        self._squares: list[tuple[float, float, float, float]] = []
        self._pending: list[Array] = []
        self._counts: list[int] = []
        self._number = 0
        self._wrong: list[int] = []

    def __len__(self) -> int:
        return len(self._time)

    def add(self, frame: Frame, square: Square | None) -> None:
        """The next picture; black where the square is None."""
        self._time.append(frame.time)
        if square is None:
            self._squares.append(NOWHERE)
        else:
            self._squares.append((square.x, square.y, square.side, square.roll))
        if not self._images:
            return
        number = int((frame.time - self._time[0]) / self._chunk)
        if number != self._number:
            self._flush()
            self._number = number
        if square is None:
            self._pending.append(np.zeros((self._size, self._size, 3), np.uint8))
        else:
            self._pending.append(area_mean(frame, square, self._size))

    def withdraw(self, after: float) -> None:
        """What was shown later than `after` [s] was not the person: it is blackened."""
        at = len(self._time) - 1
        while at >= 0 and self._time[at] > after:
            self._squares[at] = NOWHERE
            self._wrong.append(at)
            at -= 1

    def finish(self) -> dict[str, Any]:
        """Write what is left; returns the facts for `Prepared`. InputError when nobody was seen."""
        self._flush()
        self._blacken()
        time, squares = np.array(self._time), np.array(self._squares, dtype=np.float64)
        np.save(self._folder / TIME, time)
        np.save(self._folder / SQUARES, squares)
        extent = extent_of(time, np.isfinite(squares[:, 0]))
        return extent | {"frames": len(time), "chunks": tuple(self._counts)}

    def _flush(self) -> None:
        if self._pending:
            np.save(self._folder / crops_name(len(self._counts)), np.stack(self._pending))
            self._counts.append(len(self._pending))
            self._pending = []

    def _blacken(self) -> None:
        """Chunks may have been written before it was known that they show somebody else."""
        if not self._images:
            return
        starts = np.concatenate([[0], np.cumsum(self._counts)])
        for number in range(len(self._counts)):
            low, high = starts[number], starts[number + 1]
            wrong = [at - low for at in self._wrong if low <= at < high]
            if wrong:
                images = np.load(self._folder / crops_name(number), mmap_mode="r+")
                images[wrong] = 0
                images.flush()


def extent_of(time: Array, seen: Array) -> dict[str, Any]:
    """First and last time, and the share seen. Raises InputError when nobody is."""
    if not seen.any():
        raise InputError("nobody is seen in it; look at the pictures, or choose another roi")
    return {"start": float(time[0]), "stop": float(time[-1]), "seen": float(np.mean(seen))}


def save_all(path: Path, **arrays: Array) -> None:
    """Arrays of numbers or text in one file; InputError for what would need pickling."""
    for name, array in arrays.items():
        if np.asarray(array).dtype.hasobject:
            raise InputError(f"{path.name} needs numbers but {name} holds objects; convert it")
    np.savez(path, **arrays)  # type: ignore[arg-type]


def save_json(path: Path, value: object) -> None:
    """One JSON object, whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    text = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False)
    part.write_text(text + "\n", encoding="utf-8")
    part.replace(path)
