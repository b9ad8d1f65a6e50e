"""Where forehead, cheeks, nose and chin are: polygons of landmarks, or shares of a face box.

Left and right are the person's own. Shape letters: I node rows, J node columns of a window,
R regions, V corners.
"""

from __future__ import annotations

import numpy as np

from camvitals.records import Array, Box

OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
HOLES = {
    "right_eye": (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
    "left_eye": (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466),
    "right_brow": (70, 63, 105, 66, 107, 55, 65, 52, 53, 46),
    "left_brow": (300, 293, 334, 296, 336, 285, 295, 282, 283, 276),
    "mouth": (
        *(61, 146, 91, 181, 84, 17, 314, 405, 321, 375),
        *(291, 409, 270, 269, 267, 0, 37, 39, 40, 185),
    ),
}
POLYGONS = {
    "forehead": (103, 67, 109, 10, 338, 297, 332, 333, 334, 296, 336, 9, 107, 66, 105, 104),
    "left_cheek": (346, 347, 348, 329, 371, 423, 426, 427, 411, 376, 352, 345),
    "right_cheek": (117, 118, 119, 100, 142, 203, 206, 207, 187, 147, 123, 116),
    "nose": (168, 351, 419, 420, 360, 279, 294, 327, 2, 98, 64, 49, 131, 198, 196, 122),
    "chin": (106, 182, 83, 18, 313, 406, 335, 424, 431, 369, 377, 152, 148, 140, 211, 204),
}
SHARES = {  # x0, y0, x1, y1 in shares of the box around brows and chin, without landmarks
    "forehead": (0.25, 0.02, 0.75, 0.20),
    "left_cheek": (0.62, 0.48, 0.88, 0.75),
    "right_cheek": (0.12, 0.48, 0.38, 0.75),
    "nose": (0.40, 0.35, 0.60, 0.62),
    "chin": (0.35, 0.85, 0.65, 0.98),
    "skin": (0.12, 0.02, 0.88, 0.98),
}
HOLE_SHARES = {"eyes": (0.1, 0.22, 0.9, 0.45), "mouth": (0.28, 0.66, 0.72, 0.84)}
NAMES = (*POLYGONS, "skin")
EYE_GROWTH = 1.25  # lids, lashes and the rims of glasses


def coverage(corners_V2: Array, shape: tuple[int, int], *, finer: int = 4) -> Array:
    """(I, J) share 0–1 of each node's cell inside a polygon, float32.

    corners_V2: x, y in nodes; cell (i, j) reaches from i − ½ to i + ½ and j − ½ to j + ½.
    Exact along rows, `finer` lines per row. Self-crossing polygons count where they wind once.
    """
    rows, columns = shape
    start = np.asarray(corners_V2, dtype=float) + 0.5
    stop = np.roll(start, -1, axis=0)
    lines = (np.arange(rows * finer) + 0.5) / finer
    up = (start[:, None, 1] <= lines) & (stop[:, None, 1] > lines)
    down = (stop[:, None, 1] <= lines) & (start[:, None, 1] > lines)
    edge, line = np.nonzero(up | down)
    slope = (stop[edge, 0] - start[edge, 0]) / (stop[edge, 1] - start[edge, 1])
    x = np.clip(start[edge, 0] + slope * (lines[line] - start[edge, 1]), 0, columns)
    sign = np.where(up[edge, line], 1.0, -1.0)
    column = x.astype(int)
    part = x - column
    at = (line // finer) * (columns + 2) + column
    length = rows * (columns + 2)
    change = np.bincount(at, sign * (1 - part), length)
    change += np.bincount(at + 1, sign * part, length)[:length]
    share = np.cumsum(change.reshape(rows, columns + 2), axis=1)[:, :columns] / finer
    return np.clip(np.abs(share), 0, 1).astype(np.float32)


def region_shares(landmarks: Array, shape: tuple[int, int]) -> dict[str, Array]:
    """Region name -> (I, J) share of each node inside it, from (468, 2) landmarks in nodes.

    `skin` is the face oval without eyes, brows and mouth.
    """
    holes = np.zeros(shape, dtype=np.float32)
    for name, points in HOLES.items():
        corners = landmarks[list(points)]
        if name.endswith("eye"):
            corners = corners.mean(axis=0) + EYE_GROWTH * (corners - corners.mean(axis=0))
        np.maximum(holes, coverage(corners, shape), out=holes)
    shares = {n: coverage(landmarks[list(p)], shape) for n, p in POLYGONS.items()}
    shares["skin"] = coverage(landmarks[list(OVAL)], shape)
    return {name: share * (1 - holes) for name, share in shares.items()}


def box_shares(box: Box, shape: tuple[int, int]) -> dict[str, Array]:
    """The same from the face box alone, in nodes."""
    holes = np.zeros(shape, dtype=np.float32)
    for part in HOLE_SHARES.values():
        np.maximum(holes, coverage(_corners(box, part), shape), out=holes)
    return {n: coverage(_corners(box, p), shape) * (1 - holes) for n, p in SHARES.items()}


def _corners(box: Box, part: Box) -> Array:
    x0, y0, x1, y1 = box
    x = x0 + np.array([part[0], part[2], part[2], part[0]]) * (x1 - x0)
    y = y0 + np.array([part[1], part[1], part[3], part[3]]) * (y1 - y0)
    return np.stack([x, y], axis=1)


def cell_shares(landmarks: Array, shape: tuple[int, int], grid: tuple[int, int]) -> list[Array]:
    """(I, J) shares of rows × columns equal cells of the rolled box around the face oval.

    landmarks: (468, 2) in nodes. Cells run from the person's right to left, top to bottom.
    """
    oval = landmarks[list(OVAL)]
    across = landmarks[263] - landmarks[33]
    across = across / np.linalg.norm(across)
    frame = np.stack([across, [-across[1], across[0]]])
    places = oval @ frame.T
    low, high = places.min(axis=0), places.max(axis=0)
    return [coverage((low + part * (high - low)) @ frame, shape) for part in _cells(grid)]


def plain_cells(shape: tuple[int, int], grid: tuple[int, int]) -> list[Array]:
    """(I, J) shares of rows × columns equal cells of the whole window."""
    size = np.array([shape[1], shape[0]])
    return [coverage(part * size - 0.5, shape) for part in _cells(grid)]


def _cells(grid: tuple[int, int]) -> list[Array]:
    """Corners of each cell in the unit square, row by row."""
    unit = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=float)
    rows, columns = grid
    return [np.add(unit, (j, i)) / (columns, rows) for i in range(rows) for j in range(columns)]


def cell_names(grid: tuple[int, int] | None) -> tuple[str, ...]:
    """Names of the grid's regions, row by row: grid_00, grid_01 and so on."""
    count = 0 if grid is None else grid[0] * grid[1]
    return tuple(f"grid_{k:02d}" for k in range(count))
