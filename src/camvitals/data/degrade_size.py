"""Pictures brought to another size: down by area, up by linear interpolation.

Shape letters: T pictures, H rows, W columns.
"""

from __future__ import annotations

import numpy as np

from camvitals.records import Array

DENSE = 16  # pixels a cell takes part of, times this: from here on most weights are zero


def cells(length: int, count: int, *, start: float = 0.0, stop: float | None = None) -> Array:
    """(count, length) float32 weights: means over even cells between two places along pixels.

    start, stop: [px]; None: the end.   Cells below a pixel are taken a pixel wide, which is linear
    interpolation. Each row adds up to 1, at the edge too.
    """
    stop = length if stop is None else stop
    pitch = (stop - start) / count
    centre = start + (np.arange(count)[:, None] + 0.5) * pitch
    half = max(pitch, 1.0) / 2
    pixel = np.arange(length)[None]
    weight = np.minimum(centre + half, pixel + 1) - np.maximum(centre - half, pixel)
    weight = np.maximum(weight, 0)
    return np.asarray((weight / weight.sum(axis=1, keepdims=True)).astype(np.float32))


def resized(images: Array, rows: Array, columns: Array) -> Array:
    """(T, H', W', 3) float32 from (T, H, W, 3) by `cells` of both axes."""
    values = images.astype(np.float32)
    if len(rows) * images.shape[2] <= images.shape[1] * len(columns):  # the smaller step first
        return _weighed(_weighed(values, rows, 1), columns, 2)
    return _weighed(_weighed(values, columns, 2), rows, 1)


def reduced(images: Array, share: float) -> Array:
    """The pictures with fewer pixels, brought down by area and back linearly, both to 8 bits.

    images: (T, H, W, 3) uint8.   share: of the sides that is left in between, at least 2 px; from
    1 on the pictures are what they were.
    """
    sides = images.shape[1:3]
    counts = [min(n, max(2, round(share * n))) for n in sides]
    if list(sides) == counts:
        return images
    pairs = list(zip(sides, counts, strict=True))
    small = _eight_bits(resized(images, *(cells(n, few) for n, few in pairs)))
    return _eight_bits(resized(small, *(cells(few, n) for n, few in pairs)))


def _eight_bits(values: Array) -> Array:
    return np.asarray((np.clip(values, 0, 255) + 0.5).astype(np.uint8))


def _weighed(values: Array, weights: Array, axis: int) -> Array:
    """Sums along an axis by (count, length) weights, skipping the zeros where most are."""
    used = weights > 0
    most = int(used.sum(axis=1).max())
    if weights.shape[1] < DENSE * most:
        return np.moveaxis(np.tensordot(weights, values, (1, axis)), 0, axis)
    at = used.argmax(axis=1)[:, None] + np.arange(most)
    inside = at < weights.shape[1]
    at = np.where(inside, at, 0)
    weight = np.where(inside, np.take_along_axis(weights, at, axis=1), 0)
    spread = [1] * values.ndim
    spread[axis] = len(weights)
    total = values.take(at[:, 0], axis=axis) * weight[:, 0].reshape(spread)
    for k in range(1, most):
        total += values.take(at[:, k], axis=axis) * weight[:, k].reshape(spread)
    return np.asarray(total)
