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

SUBSAMPLES = np.array(
    [(0.125, 0.625), (0.375, 0.125), (0.625, 0.875), (0.875, 0.375)], dtype=np.float32
)
FLAT_PX2 = 1e-6  # twice the area of a triangle seen edge-on
SLACK = 3e-5  # of a triangle, so that float32 leaves no cracks between neighbours


@dataclass(frozen=True, slots=True)
class Facets:
    """Quads with a side that faces the camera, as affine functions of the place in the picture.

    Each is two triangles along its diagonal: K quads, then triangle 2k and 2k + 1 of quad k.
    diagonal: (K, 3) of (x, y, constant), negative on the side of triangle 2k.
    plane: (2K, 9) of (x, y, constant) for weight 1, weight 2 and depth; a triangle that faces away
    has weights below 0.   corners: (2K, 3) vertex indices.   box: (K, 4) x0, y0, x1, y1 [px].
    """

    diagonal: Array
    plane: Array
    corners: Array
    box: Array


@dataclass(frozen=True, slots=True)
class Samples:
    """What is seen: `at` (S,) flat sample indices, `corners` (S, 3), `weights` (S, 3), `depth`."""

    at: Array
    corners: Array
    weights: Array
    depth: Array

    def where(self, chosen_S: Array) -> Samples:
        """Only the samples marked True."""
        fields = (self.at, self.corners, self.weights, self.depth)
        return Samples(*(field[chosen_S] for field in fields))

    def interpolate(self, values_NC: Array) -> Array:
        """(S, C) vertex values at the samples."""
        corners, weights = self.corners, self.weights
        out = np.take(values_NC, corners[:, 0], axis=0) * weights[:, :1]
        out += np.take(values_NC, corners[:, 1], axis=0) * weights[:, 1:2]
        out += np.take(values_NC, corners[:, 2], axis=0) * weights[:, 2:]
        return np.asarray(out)


def grid_quads(rows: int, columns: int, first: int = 0) -> Array:
    """(Q, 4) vertex indices of a grid whose vertices start at `first`."""
    index = first + np.arange(rows * columns).reshape(rows, columns)
    quads = np.stack([index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]], axis=-1)
    return np.asarray(quads.reshape(-1, 4))


def facets_of(screen_N2: Array, depth_N: Array, quads_Q4: Array) -> Facets:
    """The quads that have a triangle facing the camera."""
    place = screen_N2[quads_Q4].astype(np.float64)
    away = place[:, 1:] - place[:, :1]
    areas = away[:, :2, 0] * away[:, 1:, 1] - away[:, :2, 1] * away[:, 1:, 0]
    kept = np.flatnonzero((areas > FLAT_PX2).any(axis=1))
    place, away, quads = place[kept], away[kept], quads_Q4[kept]
    corners = np.stack([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]], axis=1).reshape(-1, 3)
    plane = np.empty((2 * len(kept), 3, 3))
    for k in (0, 1):
        _weights(plane[k::2], place[:, 0], away[:, k], away[:, k + 1])
    z = depth_N[corners]
    plane[:, 2] = (z[:, 1] - z[:, 0])[:, None] * plane[:, 0]
    plane[:, 2] += (z[:, 2] - z[:, 0])[:, None] * plane[:, 1]
    plane[:, 2, 2] += z[:, 0]
    across = away[:, 1]
    constant = across[:, 1] * place[:, 0, 0] - across[:, 0] * place[:, 0, 1]
    diagonal = np.stack([-across[:, 1], across[:, 0], constant], axis=1)
    box = np.concatenate([place.min(axis=1), place.max(axis=1)], axis=1)
    flat = plane.reshape(-1, 9).astype(np.float32)
    return Facets(diagonal.astype(np.float32), flat, corners.astype(np.int32), box)


def _weights(plane: Array, origin: Array, ab: Array, ac: Array) -> None:
    """Fill in the first two rows: the barycentric weights of b and c of triangles a, b, c."""
    area = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]
    facing = area > FLAT_PX2
    area = np.where(facing, area, 1.0)
    plane[:, 0, 0], plane[:, 0, 1] = ac[:, 1] / area, -ac[:, 0] / area
    plane[:, 1, 0], plane[:, 1, 1] = -ab[:, 1] / area, ab[:, 0] / area
    plane[:, :2, 2] = -(plane[:, :2, 0] * origin[:, :1] + plane[:, :2, 1] * origin[:, 1:])
    plane[~facing, :2] = [0.0, 0.0, -1.0]


def _candidates(box: Array, margin: float, width: int, height: int) -> tuple[Array, Array, Array]:
    """Pairs of quad and pixel whose centre, grown by `margin`, may lie inside."""
    x0, y0 = np.maximum(np.ceil(box[:, :2] - 0.5 - margin), 0).astype(np.int64).T
    x1 = np.minimum(np.floor(box[:, 2] - 0.5 + margin), width - 1).astype(np.int64)
    y1 = np.minimum(np.floor(box[:, 3] - 0.5 + margin), height - 1).astype(np.int64)
    columns, rows = np.maximum(x1 - x0 + 1, 0), np.maximum(y1 - y0 + 1, 0)
    count = columns * rows
    quad = np.repeat(np.arange(len(box), dtype=np.int32), count)
    start = (np.cumsum(count) - count).astype(np.int32)
    local = np.arange(len(quad), dtype=np.int32) - start[quad]
    across = columns.astype(np.int32)[quad]
    row = local // across
    column = local - row * across
    return quad, y0.astype(np.int32)[quad] + row, x0.astype(np.int32)[quad] + column


def _nearest(seen: Facets, quad: Array, at: Array, xy: Array, count: int) -> Samples:
    """The nearest triangle at each of `count` sample places; candidates `at` their places `xy`."""
    x, y = xy[:, 0], xy[:, 1]
    line = np.take(seen.diagonal, quad, axis=0)
    second_half = line[:, 0] * x + line[:, 1] * y + line[:, 2] >= 0
    triangle = 2 * quad + second_half
    plane = np.take(seen.plane, triangle, axis=0)
    first = plane[:, 0] * x + plane[:, 1] * y + plane[:, 2]
    second = plane[:, 3] * x + plane[:, 4] * y + plane[:, 5]
    inside = np.flatnonzero(np.minimum(np.minimum(first, second), 1 - first - second) >= -SLACK)
    plane, at = plane[inside], at[inside]
    depth = plane[:, 6] * x[inside] + plane[:, 7] * y[inside] + plane[:, 8]
    winner = np.full(count, -1, dtype=np.int32)
    open_to = np.arange(len(at), dtype=np.int32)
    while len(open_to):  # once for each layer of surfaces behind one another
        winner[at[open_to]] = open_to
        open_to = open_to[depth[open_to] < depth[winner[at[open_to]]]]
    chosen = winner[winner >= 0]
    source = inside[chosen]
    one, two = first[source], second[source]
    weights = np.stack([1 - one - two, one, two], axis=1)
    return Samples(at[chosen], seen.corners[triangle[source]], weights, depth[chosen])


def at_centres(seen: Facets, width: int, height: int) -> Samples:
    """What is seen at the pixel centres; `at` is the flat pixel index."""
    quad, row, column = _candidates(seen.box, 0.0, width, height)
    xy = np.stack([column, row], axis=1).astype(np.float32) + np.float32(0.5)
    return _nearest(seen, quad, row * width + column, xy, width * height)


def at_edges(seen: Facets, edge_HW: Array) -> Samples:
    """What is seen at four places in each marked pixel; `at` is 4 × edge number + place."""
    height, width = edge_HW.shape
    number = np.full(edge_HW.size, -1)
    marked = np.flatnonzero(edge_HW)
    number[marked] = np.arange(len(marked))
    quad, row, column = _candidates(seen.box, 0.5, width, height)
    pixel = number[row * width + column]
    kept = pixel >= 0
    quad, pixel = np.repeat(quad[kept], 4), pixel[kept]
    corner = np.stack([column[kept], row[kept]], axis=1).astype(np.float32)
    xy = (corner[:, None] + SUBSAMPLES).reshape(-1, 2)
    at = (pixel[:, None] * 4 + np.arange(4)).ravel()
    return _nearest(seen, quad, at, xy, 4 * len(marked))


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
    upper = np.take(flat, at, axis=0)
    right = np.take(flat, at + 1, axis=0)
    right -= upper
    right *= fx
    upper += right
    lower = np.take(flat, at + columns, axis=0)
    np.take(flat, at + columns + 1, axis=0, out=right)
    right -= lower
    right *= fx
    lower += right
    lower -= upper
    lower *= fy
    upper += lower
    return np.asarray(upper)
