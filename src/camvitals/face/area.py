"""A square part of a picture brought to another size, every result pixel the mean of its area.

`crop.sample` reads a few points for a network's eye; here every pixel counts as much as it is
covered, so that noise averages out and a face that moves by a fraction of a pixel changes its
colours by as little. Shape letters: N rows and columns of the result; K cells along one side.
"""

from __future__ import annotations

import numpy as np

from camvitals.face.crop import Square
from camvitals.face.skin import rgb_of
from camvitals.records import Array, Frame

FINE = 1.5  # pixels per result pixel from which a turn is made at half the pitch, to keep it sharp


def area_mean(frame: Frame, square: Square, size: int) -> Array:
    """The square as (N, N, 3) uint8 RGB; what lies outside the picture is black.

    Each result pixel is the mean over its area, in a level square exactly; when enlarging, over one
    pixel's width, which is linear interpolation. A rolled square is taken level and finer, and then
    turned with linear interpolation. The planes are averaged as decoded and mapped to RGB then.
    """
    image = area_colours(frame, square, size)
    image += np.float32(0.5)
    return image.astype(np.uint8, order="C")


def area_colours(frame: Frame, square: Square, size: int) -> Array:
    """As `area_mean`, (N, N, 3) float32, not rounded to whole codes."""
    image = _level(frame, square, size) if square.roll == 0 else _rolled(frame, square, size)
    return np.moveaxis(image, 0, -1)


def _rolled(frame: Frame, square: Square, size: int) -> Array:
    """(3, N, N) float32 RGB of a tilted square, turned from a level one at half its pitch."""
    finer = 2 if square.side > FINE * size else 1
    count = finer * size
    reach = abs(np.cos(square.roll)) + abs(np.sin(square.roll))
    more = 2 * int(np.ceil((reach - 1) * count / 2 + 1))  # even, so that centres stay in place
    wide = Square(square.x, square.y, square.side * (count + more) / count)
    image = _turned(_level(frame, wide, count + more), count, square.roll)
    if finer == 1:
        return image
    rows = image[:, 0::2] + image[:, 1::2]
    return np.asarray((rows[:, :, 0::2] + rows[:, :, 1::2]) * np.float32(0.25))


def _level(frame: Frame, square: Square, size: int) -> Array:
    """(3, N, N) float32 RGB of an upright square."""
    pitch = square.side / size
    centres = (np.arange(size) + 0.5) * pitch - square.side / 2
    rows, columns = square.y + centres, square.x + centres
    planes = np.empty((3, size, size), dtype=np.float32)
    for out, plane in zip(planes, frame.planes, strict=True):
        down = _cells(rows, pitch, length=plane.shape[0], whole=frame.height)
        across = _cells(columns, pitch, length=plane.shape[1], whole=frame.width)
        left, right = _span(across, plane.shape[1])
        lines = _means(plane[:, left:right], down)
        out[:] = _means(np.ascontiguousarray(lines.T), across - left).T
    image = np.array(rgb_of(frame, planes), dtype=np.float32)
    np.clip(image, 0, 255, out=image)
    for axis, (at, whole) in enumerate(((rows, frame.height), (columns, frame.width))):
        covered = np.diff(_cells(at, pitch, length=whole, whole=whole), axis=0)[0]
        if covered.min() < max(pitch, 1.0) - 1e-9:
            share = (covered / max(pitch, 1.0)).astype(np.float32)
            image *= share[:, None] if axis == 0 else share
    return image


def _cells(centres: Array, pitch: float, *, length: int, whole: int) -> Array:
    """(2, K) ends of the cells around these centres [px] on a plane so long, as far as it goes."""
    ratio = length / whole
    half = max(pitch * ratio, 1.0) / 2
    return np.clip([centres * ratio - half, centres * ratio + half], 0, length)


def _span(cells: Array, length: int) -> tuple[int, int]:
    """First and last + 1 of the pixels that the cells touch, at least one."""
    first = min(int(cells.min()), length - 1)
    return first, max(first + 1, int(np.ceil(cells.max())))


def _means(values: Array, cells: Array) -> Array:
    """(K, …) float32 means of (rows, …) values over cells (2, K) along the first axis.

    0 where a cell is empty. From sums up to each end; whole numbers are summed exactly.
    """
    first, stop = _span(cells, len(values))
    part = values[first:stop]
    sums = np.zeros(part.shape, dtype=np.uint32 if part.dtype.kind == "u" else np.float64)
    np.cumsum(part[:-1], axis=0, dtype=sums.dtype, out=sums[1:])
    (low, high), (start, end) = _split(cells - first, len(part))
    total = (sums[high] - sums[low]).astype(np.float32)
    total += end * part[high]
    total -= start * part[low]
    total /= np.maximum(cells[1] - cells[0], 1e-9).astype(np.float32)[:, None]
    return np.asarray(total)


def _split(ends: Array, length: int) -> tuple[Array, Array]:
    """(2, K) pixels in which the cells end, and (2, K, 1) how far into them."""
    whole = np.minimum(ends.astype(np.intp), length - 1)
    return whole, (ends - whole).astype(np.float32)[:, :, None]


def _turned(image: Array, size: int, roll: float) -> Array:
    """(3, N, N) from the middle of a larger (3, M, M) picture, turned by `roll` [rad]."""
    along = (np.arange(size) + 0.5 - size / 2).astype(np.float32)
    cos, sin = np.float32(np.cos(roll)), np.float32(np.sin(roll))
    middle = np.float32((image.shape[1] - 1) / 2)
    x = middle + cos * along[None, :] - sin * along[:, None]
    y = middle + sin * along[None, :] + cos * along[:, None]
    column, row = x.astype(np.intp), y.astype(np.intp)
    x, y = x - column, y - row
    pairs = [row * image.shape[2] + column]
    pairs.append(pairs[0] + image.shape[2])
    out = np.empty((3, size, size), dtype=np.float32)
    for plane, result in zip(image.reshape(3, -1), out, strict=True):
        top, bottom = (_between(plane.take(at), plane.take(at + 1), x) for at in pairs)
        result[:] = _between(top, bottom, y)
    return out


def _between(first: Array, second: Array, share: Array) -> Array:
    """Linear interpolation, in place of the second."""
    second -= first
    second *= share
    second += first
    return second
