"""A square part of a picture, brought to the size a network takes.

Shape letters: N rows and columns of the result.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from camvitals.records import Array, Box, Frame

SHRINKS = 1.5  # pixels per result pixel from which two points are read along each side


@dataclass(frozen=True, slots=True)
class Square:
    """A square in a picture: centre x, y [px], side [px], and roll [rad], clockwise on screen."""

    x: float
    y: float
    side: float
    roll: float = 0.0

    def to_picture(self, points: Array) -> Array:
        """(..., 2) points of the unit square (0–1, x then y) -> (..., 2) pixels."""
        cos, sin = np.cos(self.roll), np.sin(self.roll)
        turn = np.array([[cos, sin], [-sin, cos]])
        return np.asarray((points - 0.5) * self.side @ turn + (self.x, self.y))

    def from_picture(self, points: Array) -> Array:
        """(..., 2) pixels -> (..., 2) points of the unit square, the other way round."""
        cos, sin = np.cos(self.roll), np.sin(self.roll)
        turn = np.array([[cos, -sin], [sin, cos]])
        return np.asarray((points - (self.x, self.y)) @ turn / self.side + 0.5)


def whole(frame: Frame) -> Square:
    """The square around the whole picture; what lies outside is black."""
    return Square(frame.width / 2, frame.height / 2, float(max(frame.width, frame.height)))


def around(box: Box, scale: float, roll: float = 0.0) -> Square:
    """The square around a box, its side `scale` times the longer side of the box."""
    x0, y0, x1, y1 = box
    return Square((x0 + x1) / 2, (y0 + y1) / 2, scale * max(x1 - x0, y1 - y0), roll)


def tiles(frame: Frame) -> list[Square]:
    """Overlapping squares that cover the picture: full height first, then half height."""
    short = min(frame.height, frame.width)
    found = []
    for side in (short, short / 2):
        ys = _centres(frame.height, side)
        xs = _centres(frame.width, side)
        found += [Square(x, y, side) for y in ys for x in xs]
    return found if frame.height != frame.width else found[1:]


def _centres(length: float, side: float) -> list[float]:
    count = 1 + int(np.ceil((length - side) / (0.7 * side) - 1e-9))
    return [float(c) for c in np.linspace(side / 2, length - side / 2, count)]


def sample(frame: Frame, square: Square, size: int) -> Array:
    """The square as (N, N, 3) float32 RGB, 0–255; what lies outside the picture is black.

    When shrinking, brightness is the mean of 2×2 points per result pixel, so that it does not alias
    much; colour planes of half size are read once. Only the points needed are converted.
    """
    planes = np.empty((3, size, size), dtype=np.float32)
    places: dict[tuple[int, ...], tuple[Array, Array]] = {}
    shrinks = square.side > SHRINKS * size
    for k, plane in enumerate(frame.planes):
        detailed = shrinks and plane.shape == frame.planes[0].shape
        if plane.shape not in places:
            places[plane.shape] = _places(plane, frame, square, 2 * size if detailed else size)
        rows, columns = places[plane.shape]
        if square.roll == 0:  # whole rows first: much faster than picking single points
            points = plane[rows[:, 0]].take(columns[0], axis=1)
        else:
            points = plane[rows, columns]
        planes[k] = _halved(points) if detailed else points
    return _to_rgb(planes, frame, square)


def _halved(fine: Array) -> Array:
    """Mean of 2×2 points."""
    coarse = fine[0::2, 0::2].astype(np.float32)
    for dy, dx in ((0, 1), (1, 0), (1, 1)):
        coarse += fine[dy::2, dx::2]
    coarse *= np.float32(0.25)
    return coarse


def _to_rgb(planes: Array, frame: Frame, square: Square) -> Array:
    if frame.is_rgb:
        image = np.moveaxis(planes, 0, -1)
    else:  # not by matrix product: for so few rows its threads cost more than they bring
        image = np.einsum("cp,pyx->yxc", frame.matrix[:, :3], planes) + frame.matrix[:, 3]
        np.clip(image, 0, 255, out=image)
    corners = square.to_picture(np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float))
    if (corners < 0).any() or (corners > (frame.width, frame.height)).any():
        x, y = _grid(square, len(image))
        image[(x < 0) | (y < 0) | (x >= frame.width) | (y >= frame.height)] = 0
    return np.ascontiguousarray(image, dtype=np.float32)


def _grid(square: Square, size: int) -> tuple[Array, Array]:
    """X and y [px] of the points, (N, N); (1, N) and (N, 1) when the square is level."""
    along = (((np.arange(size) + 0.5) / size - 0.5) * square.side).astype(np.float32)
    if square.roll == 0:
        return square.x + along[None, :], square.y + along[:, None]
    cos, sin = np.float32(np.cos(square.roll)), np.float32(np.sin(square.roll))
    x = (np.float32(square.x) + cos * along)[None, :] - (sin * along)[:, None]
    y = (np.float32(square.y) + sin * along)[None, :] + (cos * along)[:, None]
    return x, y


def _places(plane: Array, frame: Frame, square: Square, size: int) -> tuple[Array, Array]:
    """Row and column indices of the nearest samples in one plane."""
    rows, columns = plane.shape
    x, y = _grid(square, size)
    r = np.clip(y * np.float32(rows / frame.height), 0, rows - 1).astype(np.int32)
    c = np.clip(x * np.float32(columns / frame.width), 0, columns - 1).astype(np.int32)
    return r, c
