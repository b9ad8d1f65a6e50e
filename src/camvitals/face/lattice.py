"""Few, evenly spaced nodes of a picture: the colours of a face at bounded cost.

A lattice has one node every `step` brightness pixels, fixed to the picture, and a node holds the
mean of its step × step pixels, so that every pixel counts against noise. A window of I×J nodes
rides on the face at any place between the nodes: its values are interpolated linearly, so they
change smoothly while the face moves.
Places are x, y of the first node in pixels.

Shape letters: I node rows, J node columns of a window.
"""

from __future__ import annotations

import numpy as np

from camvitals.records import Array, Box, Frame

WORD = 4  # brightness pixels that are added up at once, a byte each
TAPS = 4  # most pixels of a node that are read along one side where words are no help


def step_for(frame: Frame, area: float, *, most: int) -> int:
    """Node spacing [px], a power of 2, so that `area` [px²] has at most `most` nodes.

    More than a fourth of that; fewer only where the coarsest plane has fewer pixels.
    """
    coarsest = max(round(frame.height / min(p.shape[0] for p in frame.planes)), 2)
    needed = np.sqrt(max(area, 1.0) / most)
    return int(max(coarsest, 2 ** np.ceil(np.log2(max(needed, 1.0)))))


def limits_of(frame: Frame, step: int) -> tuple[int, int]:
    """Rows and columns of whole nodes that a picture has, at least one."""
    return max(1, frame.height // step), max(1, frame.width // step)


def read(frame: Frame, step: int, first: tuple[int, int], shape: tuple[int, int]) -> Array:
    """(3, I, J) float32 plane values at the nodes from row, column `first` of the lattice on.

    Nodes outside the picture repeat the nearest ones; see `inside`.
    """
    limits = limits_of(frame, step)
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
    """Means of the blocks of one plane, which may have fewer pixels than the brightness."""
    sizes = (frame.height, frame.width)
    high, wide = (
        max(1, step // max(1, round(size / length)))
        for size, length in zip(sizes, plane.shape, strict=True)
    )
    (top, bottom), (left, right) = spans
    part = plane[top * high : bottom * high, left * wide : right * wide]
    if part.shape != (out.shape[0] * high, out.shape[1] * wide):  # smaller than one node
        out[:] = part.mean()
    elif high == wide == 1:
        out[:] = part
    elif plane.itemsize == 1 and plane.strides[1] == 1 and wide % WORD == 0:
        _mean_of_words(part, high, wide, out)
    else:
        _mean_of_taps(part, high, wide, out)


def _mean_of_words(part: Array, high: int, wide: int, out: Array) -> None:
    """Block means of bytes, four of a row at once: two 16-bit lanes of a word hold pairs."""
    words = part.copy().view(np.uint32)
    pairs = words & np.uint32(0x00FF00FF)
    pairs += (words >> np.uint32(8)) & np.uint32(0x00FF00FF)
    total = pairs[::high]
    for row in range(1, high):
        total = total + pairs[row::high]
    fours = (total & np.uint32(0xFFFF)) + (total >> np.uint32(16))
    columns = wide // WORD
    if columns > 1:
        fours = fours.reshape(len(fours), -1, columns).sum(axis=2)
    np.multiply(fours, np.float32(1 / (high * wide)), out=out)


def _mean_of_taps(part: Array, high: int, wide: int, out: Array) -> None:
    """Block means of anything, of TAPS × TAPS even pixels where a block has more."""
    rows, columns = (range(0, n, max(1, n // TAPS)) for n in (high, wide))
    total = np.zeros(out.shape, dtype=np.uint16 if part.itemsize == 1 else np.float32)
    for row in rows:
        across = part[row::high]
        for column in columns:
            np.add(total, across[:, column::wide], out=total)
    np.multiply(total, np.float32(1 / (len(rows) * len(columns))), out=out)


def inside(frame: Frame, step: int, first: tuple[int, int], shape: tuple[int, int]) -> Array | None:
    """(I, J) True where nodes lie in the picture; None when all of them do."""
    limits = limits_of(frame, step)
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
    return np.array([x0 - step / 2, y0 - step / 2]), shape
