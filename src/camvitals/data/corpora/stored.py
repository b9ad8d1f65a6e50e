"""Pictures that a corpus stores as arrays of numbers instead of video, made 8 bits wide."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np

from camvitals.data.files import present
from camvitals.records import Array, InputError

MATRIX, PACKED = 14, 15
NUMBERS = {1: "i1", 2: "u1", 3: "<i2", 4: "<u2", 5: "<i4", 6: "<u4", 7: "<f4", 9: "<f8"}
BLOCK_BYTES = 1 << 16  # of the packed file, read at once
AT_ONCE = 1 << 20  # numbers made 8 bits wide at once


def eight_bit(images: Array, *, path: Path) -> Array:
    """The same pictures as uint8: floats are 0–1, whole numbers 0–255; else InputError."""
    if images.dtype == np.uint8:
        return images
    is_float = images.dtype.kind == "f"
    low, high = np.min(images, initial=0), np.max(images, initial=0)
    if not (low >= -1e-3 and high <= (1.001 if is_float else 255)):
        raise InputError(
            f"{path} needs pictures of {'0–1' if is_float else '0–255'} but has {low:g}–{high:g}"
        )
    scaled = images * 255 + 0.5 if is_float else images
    return np.asarray(np.clip(scaled, 0, 255).astype(np.uint8))


def read_pictures(path: Path, name: str) -> Array:
    """A variable of a MATLAB 5–7 file as uint8, in MATLAB's order of axes.

    It is unpacked and narrowed bit by bit: as doubles, a minute of a phone's video takes 3.3 GB.
    Raises InputError when the file is missing, broken, of another version or lacks the variable.
    """
    with present(path).open("rb") as file:
        if file.read(128)[124:] != b"\x00\x01IM":
            raise InputError(f"{path} needs to be a MATLAB 5–7 file; copy it from the corpus again")
        while len(tag := file.read(8)) == 8:
            kind, size = struct.unpack("<II", tag)
            after = file.tell() + size
            if kind in (MATRIX, PACKED):
                found = _Element(file, size, packed=kind == PACKED, path=path).pictures(name)
                if found is not None:
                    return found
            file.seek(after)
    raise InputError(f"{path} needs a variable {name!r} but has none of that name")


class _Element:
    """One variable of a file, unpacked as far as it is read."""

    def __init__(self, file: BinaryIO, size: int, *, packed: bool, path: Path) -> None:
        self._file, self._left, self._path = file, size, path
        self._zip = zlib.decompressobj() if packed else None
        self._ready = bytearray()
        if packed:
            self._read(8)  # the tag of the matrix itself

    def pictures(self, name: str) -> Array | None:
        """Its numbers as uint8, or None when it is called something else."""
        self._part()
        shape = tuple(np.frombuffer(self._part(), dtype="<i4"))
        if self._part().decode("latin-1") != name:
            return None
        kind, _ = struct.unpack("<II", self._read(8))
        if kind not in NUMBERS or not shape:
            raise InputError(f"{self._path} needs numbers in {name!r} but has something else")
        width, count = np.dtype(NUMBERS[kind]), int(np.prod(shape, dtype=np.int64))
        flat = np.empty(count, dtype=np.uint8)
        for start in range(0, count, AT_ONCE):
            stop = min(count, start + AT_ONCE)
            numbers = np.frombuffer(self._read((stop - start) * width.itemsize), dtype=width)
            flat[start:stop] = eight_bit(numbers, path=self._path)
        return flat.reshape(shape, order="F")

    def _part(self) -> bytes:
        """The bytes of the next part; those of up to 4 lie within their tag."""
        kind, size = struct.unpack("<II", tag := self._read(8))
        if kind >> 16:
            return tag[4 : 4 + (kind >> 16)]
        return self._read(-(-size // 8) * 8)[:size]

    def _read(self, count: int) -> bytes:
        """The next bytes; InputError where the file ends before them."""
        try:
            while len(self._ready) < count:
                block = self._file.read(min(BLOCK_BYTES, self._left))
                self._left -= len(block)
                if not block:
                    raise InputError(f"{self._path} ends too early; copy it from the corpus again")
                self._ready += block if self._zip is None else self._zip.decompress(block)
        except zlib.error as error:
            raise InputError(f"{self._path} is damaged ({error}); copy it again") from error
        found = bytes(self._ready[:count])
        del self._ready[:count]
        return found
