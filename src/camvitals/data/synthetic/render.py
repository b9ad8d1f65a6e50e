"""A small rasteriser: meshes of quads seen by a pinhole camera, as visible samples of triangles.

Everything is numpy on flat arrays. A pixel (row i, column j) has its centre at x = j + 0.5,
y = i + 0.5. Motion below a pixel is exact: what a sample shows is interpolated at its own place.
N vertices, Q quads (corners in the order top left, top right, bottom right, bottom left when seen
from outside), S samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from camvitals.records import Array

SUBSAMPLES = np.array([(0.125, 0.625), (0.375, 0.125), (0.625, 0.875), (0.875, 0.375)])


@dataclass(frozen=True, slots=True)
class Triangles:
    """Front-facing triangles on the screen, as affine functions of the position in the picture.

    corners: (M, 3) vertex indices.   plane: (M, 3, 3) rows (weight 1, weight 2, depth), columns
    (x, y, constant).   box: (M, 4) x0, y0, x1, y1 [px].
    """

    corners: Array
    plane: Array
    box: Array


@dataclass(frozen=True, slots=True)
class Samples:
    """What is seen: `at` (S,) flat sample indices, `corners` (S, 3), `weights` (S, 3), `depth`."""

    at: Array
    corners: Array
    weights: Array
    depth: Array

    def interpolate(self, values_NC: Array) -> Array:
        """(S, C) vertex values at the samples."""
        corners, weights = self.corners, self.weights
        out = values_NC[corners[:, 0]] * weights[:, :1]
        out += values_NC[corners[:, 1]] * weights[:, 1:2]
        out += values_NC[corners[:, 2]] * weights[:, 2:]
        return np.asarray(out)


def grid_quads(rows: int, columns: int, first: int = 0) -> Array:
    """(Q, 4) vertex indices of a grid whose vertices start at `first`."""
    index = first + np.arange(rows * columns).reshape(rows, columns)
    quads = np.stack([index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]], axis=-1)
    return np.asarray(quads.reshape(-1, 4))


def triangles_of(screen_N2: Array, depth_N: Array, quads_Q4: Array) -> Triangles:
    """The triangles of the quads that face the camera."""
    corners = np.concatenate([quads_Q4[:, [0, 1, 2]], quads_Q4[:, [0, 2, 3]]])
    a, b, c = (screen_N2[corners[:, k]].astype(np.float64) for k in range(3))
    ab, ac = b - a, c - a
    area = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]
    facing = area > 1e-6
    corners, a, ab, ac, area = corners[facing], a[facing], ab[facing], ac[facing], area[facing]
    plane = np.empty((len(corners), 3, 3))
    plane[:, 0, 0], plane[:, 0, 1] = ac[:, 1] / area, -ac[:, 0] / area
    plane[:, 1, 0], plane[:, 1, 1] = -ab[:, 1] / area, ab[:, 0] / area
    plane[:, :2, 2] = -(plane[:, :2, 0] * a[:, :1] + plane[:, :2, 1] * a[:, 1:])
    z = depth_N[corners]
    plane[:, 2] = (z[:, 1] - z[:, 0])[:, None] * plane[:, 0]
    plane[:, 2] += (z[:, 2] - z[:, 0])[:, None] * plane[:, 1]
    plane[:, 2, 2] += z[:, 0]
    xy = screen_N2[corners]
    box = np.concatenate([xy.min(axis=1), xy.max(axis=1)], axis=1)
    return Triangles(corners, plane, box)


def _candidates(box: Array, margin: float, width: int, height: int) -> tuple[Array, Array, Array]:
    """Pairs of triangle and pixel whose centre, grown by `margin`, may lie inside."""
    x0, y0 = np.maximum(np.ceil(box[:, :2] - 0.5 - margin), 0).astype(np.int64).T
    x1 = np.minimum(np.floor(box[:, 2] - 0.5 + margin), width - 1).astype(np.int64)
    y1 = np.minimum(np.floor(box[:, 3] - 0.5 + margin), height - 1).astype(np.int64)
    columns, rows = np.maximum(x1 - x0 + 1, 0), np.maximum(y1 - y0 + 1, 0)
    count = columns * rows
    triangle = np.repeat(np.arange(len(box)), count)
    local = np.arange(len(triangle)) - np.repeat(np.cumsum(count) - count, count)
    row, column = np.divmod(local.astype(np.int32), columns.astype(np.int32)[triangle])
    return triangle, y0[triangle] + row, x0[triangle] + column


def _nearest(seen: Triangles, triangle: Array, at: Array, xy: Array, count: int) -> Samples:
    """The nearest triangle at each of `count` sample places; candidates `at` their places `xy`."""
    plane = seen.plane.reshape(-1, 9)[triangle]
    x, y = xy[:, 0], xy[:, 1]
    first = plane[:, 0] * x + plane[:, 1] * y + plane[:, 2]
    second = plane[:, 3] * x + plane[:, 4] * y + plane[:, 5]
    inside = (first >= -1e-9) & (second >= -1e-9) & (first + second <= 1 + 1e-9)
    inside_at = np.flatnonzero(inside)
    plane, x, y, at = plane[inside_at], x[inside_at], y[inside_at], at[inside_at]
    depth = plane[:, 6] * x + plane[:, 7] * y + plane[:, 8]
    order = np.argsort(-depth, kind="stable")
    winner = np.full(count, -1, dtype=np.int64)
    winner[at[order]] = order
    chosen = winner[winner >= 0]
    source = inside_at[chosen]
    one, two = first[source], second[source]
    weights = np.stack([1 - one - two, one, two], axis=1).astype(np.float32)
    return Samples(at[chosen], seen.corners[triangle[source]], weights, depth[chosen])


def at_centres(seen: Triangles, width: int, height: int) -> Samples:
    """What is seen at the pixel centres; `at` is the flat pixel index."""
    triangle, row, column = _candidates(seen.box, 0.0, width, height)
    xy = np.stack([column + 0.5, row + 0.5], axis=1)
    return _nearest(seen, triangle, row * width + column, xy, width * height)


def at_edges(seen: Triangles, edge_HW: Array) -> Samples:
    """What is seen at four places in each marked pixel; `at` is 4 × edge number + place."""
    height, width = edge_HW.shape
    number = np.full(edge_HW.size, -1)
    marked = np.flatnonzero(edge_HW)
    number[marked] = np.arange(len(marked))
    triangle, row, column = _candidates(seen.box, 0.5, width, height)
    pixel = number[row * width + column]
    kept = pixel >= 0
    triangle, pixel = np.repeat(triangle[kept], 4), pixel[kept]
    corner = np.stack([column[kept], row[kept]], axis=1).astype(float)
    xy = (corner[:, None] + SUBSAMPLES).reshape(-1, 2)
    at = (pixel[:, None] * 4 + np.arange(4)).ravel()
    return _nearest(seen, triangle, at, xy, 4 * len(marked))


def edges_of(part_HW: Array, depth_HW: Array, step: float) -> Array:
    """(H, W) pixels beside a change of part, or a jump in depth of more than `step` [cm]."""
    edge = np.zeros(part_HW.shape, dtype=bool)
    for axis in (0, 1):
        ahead = tuple(slice(1, None) if k == axis else slice(None) for k in (0, 1))
        behind = tuple(slice(None, -1) if k == axis else slice(None) for k in (0, 1))
        jump = part_HW[ahead] != part_HW[behind]
        jump |= np.abs(depth_HW[ahead] - depth_HW[behind]) > step
        edge[ahead] |= jump
        edge[behind] |= jump
    return edge


def sample_texture(texture_HWC: Array, column_S: Array, row_S: Array) -> Array:
    """(S, C) bilinear samples at texel coordinates; clamped at the border."""
    rows, columns = texture_HWC.shape[:2]
    x = np.clip(column_S, 0, columns - 1.001)
    y = np.clip(row_S, 0, rows - 1.001)
    left, top = x.astype(np.int32), y.astype(np.int32)
    fx, fy = (x - left)[:, None], (y - top)[:, None]
    flat = texture_HWC.reshape(rows * columns, -1)
    at = top * columns + left
    upper = flat[at]
    upper += fx * (flat[at + 1] - upper)
    lower = flat[at + columns]
    lower += fx * (flat[at + columns + 1] - lower)
    lower -= upper
    lower *= fy
    upper += lower
    return np.asarray(upper)
