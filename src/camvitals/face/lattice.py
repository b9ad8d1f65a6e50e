"""Few, evenly spaced nodes of a picture: the colours of a face at bounded cost.

A lattice has one node every `step` brightness pixels, fixed to the picture. A node holds one pixel
of planes in half resolution and, of planes in full resolution, the mean of 2×2 pixels when step is
2, so that every pixel counts, and of two neighbours in a row when the nodes are further apart. A
window of I×J nodes rides on the face at any place between the nodes: its values are interpolated
linearly, so they change smoothly while the face moves.
Places are x, y of the first node in pixels.

Shape letters: I node rows, J node columns of a window.
"""

from __future__ import annotations

import numpy as np

from camvitals.records import Array, Box, Frame

CENTRE = 1.0  # a node at pixel k is the mean of pixels k and k + 1, centred on their common edge


def step_for(frame: Frame, area: float, *, most: int) -> int:
    """Node spacing [px] so that `area` [px²] has at most `most` nodes; a multiple of 2."""
    coarsest = max(round(frame.height / min(p.shape[0] for p in frame.planes)), 2)
    needed = np.sqrt(max(area, 1.0) / most)
    return int(coarsest * max(1, np.ceil(needed / coarsest)))


def read(frame: Frame, step: int, first: tuple[int, int], shape: tuple[int, int]) -> Array:
    """(3, I, J) float32 plane values at the nodes from row, column `first` of the lattice on.

    Nodes outside the picture repeat the nearest ones; see `inside`.
    """
    limits = (1 + (frame.height - 2) // step, 1 + (frame.width - 2) // step)
    spans = []
    for at, length, limit in zip(first, shape, limits, strict=True):
        start = min(max(at, 0), limit - 1)
        stop = max(min(at + length, limit), start + 1)
        spans.append((start, stop))
    (top, bottom), (left, right) = spans
    values = np.empty((3, bottom - top, right - left), dtype=np.float32)
    for out, plane in zip(values, frame.planes, strict=True):
        _read_plane(plane, frame, step, spans, out)
    if values.shape[1:] == shape:
        return values
    rows = np.clip(np.arange(shape[0]) + first[0], top, bottom - 1) - top
    columns = np.clip(np.arange(shape[1]) + first[1], left, right - 1) - left
    return np.asarray(values[:, rows[:, None], columns])


def _read_plane(
    plane: Array, frame: Frame, step: int, spans: list[tuple[int, int]], out: Array
) -> None:
    sizes = (frame.height, frame.width)
    strides, taps, ends = [], [], []
    for (start, stop), size, length in zip(spans, sizes, plane.shape, strict=True):
        ratio = max(1, round(size / length))
        strides.append(step // ratio)
        taps.append(2 if ratio == 1 else 1)
        ends.append((start * strides[-1], (stop - 1) * strides[-1] + 1))
    if step > 2:
        taps[0] = 1
    # rows are copied whole first: memory is read several times faster in a row than in steps
    (y0, y1), (x0, x1) = ends
    every, dy = (1, strides[0]) if taps[0] == 2 else (strides[0], 1)
    part = plane[y0 : y1 + taps[0] - 1 : every, x0 : x1 + taps[1] - 1].copy()
    last = part.shape[0] - taps[0] + 1
    dx, end = strides[1], part.shape[1] - taps[1] + 1
    if taps == [1, 1]:
        out[:] = part[:last:dy, :end:dx]
        return
    total: Array = part[:last:dy, :end:dx].astype(np.uint16 if plane.itemsize == 1 else np.float32)
    for i in range(taps[0]):
        for j in range(taps[1]):
            if i or j:
                np.add(total, part[i : i + last : dy, j : j + end : dx], out=total)
    np.multiply(total, np.float32(1 / (taps[0] * taps[1])), out=out)


def inside(frame: Frame, step: int, first: tuple[int, int], shape: tuple[int, int]) -> Array | None:
    """(I, J) True where nodes lie in the picture; None when all of them do."""
    limits = (1 + (frame.height - 2) // step, 1 + (frame.width - 2) // step)
    ends = (first[0] + shape[0], first[1] + shape[1])
    if min(first) >= 0 and ends[0] <= limits[0] and ends[1] <= limits[1]:
        return None
    rows, columns = (np.arange(n) + at for n, at in zip(shape, first, strict=True))
    in_rows = (rows >= 0) & (rows < limits[0])
    in_columns = (columns >= 0) & (columns < limits[1])
    return np.asarray(in_rows[:, None] & in_columns)


def between(values: Array, row: float, column: float, shape: tuple[int, int]) -> Array:
    """(..., I, J) linear interpolation of (..., rows, columns) node values from a place on.

    row, column: place of the first result among the nodes; a node further must exist.
    """
    r, c = int(np.floor(row)), int(np.floor(column))
    y, x = np.float32(row - r), np.float32(column - c)
    part = values[..., r : r + shape[0] + 1, c : c + shape[1] + 1]
    across = part[..., 1:] - part[..., :-1]
    across *= x
    across += part[..., :-1]
    down = across[..., 1:, :] - across[..., :-1, :]
    down *= y
    down += across[..., :-1, :]
    return np.asarray(down)


def window_of(box: Box, step: int) -> tuple[Array, tuple[int, int]]:
    """Place of the first node (x, y) and shape of the window whose nodes cover a box [px]."""
    x0, y0, x1, y1 = box
    shape = (max(3, int(np.ceil((y1 - y0) / step))), max(3, int(np.ceil((x1 - x0) / step))))
    return np.array([x0 - CENTRE, y0 - CENTRE]), shape
