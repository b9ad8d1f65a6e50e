"""Follow a face from frame to frame by the shift of its brightness pattern.

Inverse compositional image alignment (Baker & Matthews, 2004) on the lattice nodes of the inner
face: shift, zoom and roll are solved together, brightness offset and gain are projected out, and
the shift is applied. Everything that depends on the pattern alone is computed once per pattern.

Shape letters: I node rows, J node columns of the window; N nodes of the inner face.
"""

from __future__ import annotations

import math

import numpy as np

from camvitals.face.lattice import between, inside, read, window_of
from camvitals.records import Array, Box, Frame

MARGIN = 3  # nodes around the window that are read too, for the shift since the last frame
INNER = 0.16  # share of the window at each side that is not used for alignment
ROUNDS = 4
ENOUGH = 3000  # nodes from which only every second one is used for alignment
STILL = 0.02  # shift [nodes] below which another round brings nothing
SEARCH = 0.3  # how far a wide search looks, in window sizes
COARSER = 3  # nodes per side that a wide search melts into one
DOUBT = 0.85  # likeness below which a wide search is made


class Follower:
    """A window of nodes that stays on a face.

    place: x, y [px] of its first node.   step: node spacing [px].   shape: (I, J) nodes.
    likeness: 0–1, how well the face still looks like the pattern (correlation coefficient).
    zoom, roll: change of size (factor − 1) and tilt [rad] since the pattern was taken.
    """

    def __init__(self, frame: Frame, box: Box, step: int) -> None:
        self.step = step
        self.place, self.shape = window_of(box, step)
        self.likeness, self.zoom, self.roll = 1.0, 0.0, 0.0
        self._moved = np.zeros(2)
        self._outside: Array | None = None
        rows, columns = (round(INNER * n) for n in self.shape)
        inner = (self.shape[0] - 2 * rows, self.shape[1] - 2 * columns)
        self._thin = 1 + int(inner[0] * inner[1] > ENOUGH)
        self._inner = (inner[0] // self._thin, inner[1] // self._thin)
        self._corner = (rows // self._thin, columns // self._thin)
        self._read(frame, *self.place.tolist())
        self.renew()

    def renew(self) -> None:
        """Take the pattern anew from where the window is now."""
        pattern = self._view(*self.place.tolist()).reshape(self._inner)
        self._solve, self._pattern = _alignment(pattern)
        self._coarse = _coarse(pattern)
        self.likeness, self.zoom, self.roll = 1.0, 0.0, 0.0

    def follow(self, frame: Frame) -> None:
        """Move the window to where the face is in the next frame."""
        before = self.place
        self._align(frame, before + self._moved)
        if self.likeness < DOUBT:
            found, likeness = self.place, self.likeness
            self._align(frame, self._search(frame, before))
            if self.likeness < likeness:
                self._align(frame, found)
        self._moved = self.place - before

    def patch(self) -> Array:
        """(3, I, J) float32 plane values of the window in the frame last seen."""
        row, column = self._offset(*self.place.tolist())
        return between(self._block, row, column, self.shape)

    @property
    def outside(self) -> Array | None:
        """(I, J) True where the window is out of the picture; None when it is all inside."""
        return self._outside

    # Places are plain numbers from here on: on two of them, arrays take more time than the pixels
    def _read(self, frame: Frame, x: float, y: float) -> None:
        row, column = math.floor(y / self.step), math.floor(x / self.step)
        self._first = (row - MARGIN, column - MARGIN)
        size = (self.shape[0] + 2 * MARGIN + 2, self.shape[1] + 2 * MARGIN + 2)
        self._block = read(frame, self.step, self._first, size)
        present = inside(frame, self.step, (row, column), self.shape)
        self._outside = None if present is None else ~present

    def _offset(self, x: float, y: float) -> tuple[float, float]:
        return y / self.step - self._first[0], x / self.step - self._first[1]

    def _view(self, x: float, y: float) -> Array:
        row, column = self._offset(x, y)
        luma = self._block[0, :: self._thin, :: self._thin]
        row, column = row / self._thin + self._corner[0], column / self._thin + self._corner[1]
        return between(luma, row, column, self._inner).ravel()

    def _align(self, frame: Frame, place: Array) -> None:
        x, y = place.tolist()
        reach, pixels = MARGIN / 2, self.step * self._thin
        self._read(frame, x, y)
        for _ in range(ROUNDS):
            view = self._view(x, y)
            right, down, zoom, roll = (float(weights @ view) for weights in self._solve)
            right, down = min(max(right, -reach), reach), min(max(down, -reach), reach)
            x, y = x + right * pixels, y + down * pixels
            if max(abs(right), abs(down)) < STILL:
                break
            if not all(0 <= at < 2 * MARGIN for at in self._offset(x, y)):
                self._read(frame, x, y)  # further than was read
        else:
            view = self._view(x, y)
        view -= np.add.reduce(view) / len(view)
        norm = math.sqrt(view @ view)
        self.likeness = float(view @ self._pattern) / max(norm, 1e-6)
        self.place, self.zoom, self.roll = np.array([x, y]), zoom, roll

    def _search(self, frame: Frame, place: Array) -> Array:
        """The place in reach that looks most like the pattern, to within a few nodes."""
        coarser = COARSER * self._thin
        reach = [int(np.ceil(SEARCH * n / coarser)) for n in self.shape]
        x, y = np.floor(place / self.step).astype(int)
        top, left = (
            int(at) + corner * self._thin - coarser * far
            for at, corner, far in zip((y, x), self._corner, reach, strict=True)
        )
        rows, columns = (
            coarser * (n + 2 * far) for n, far in zip(self._coarse.shape, reach, strict=True)
        )
        nodes = read(frame, self.step, (top, left), (rows, columns))[0]
        wide = _coarse(nodes[:: self._thin, :: self._thin])
        views = np.lib.stride_tricks.sliding_window_view(wide, self._coarse.shape)
        pattern = self._coarse - self._coarse.mean()
        product = np.einsum("abij,ij->ab", views, pattern)
        mean = views.mean(axis=(2, 3))
        energy = np.einsum("abij,abij->ab", views, views) / pattern.size - mean**2
        score = product / np.sqrt(np.maximum(energy, 1e-6))
        row, column = np.unravel_index(int(np.argmax(score)), score.shape)
        shift = np.array([column - reach[1], row - reach[0]]) * coarser * self.step
        return np.asarray(np.floor(place / self.step) * self.step + shift)


def _coarse(values: Array) -> Array:
    """Means of 3×3 nodes."""
    rows, columns = (n // COARSER for n in values.shape)
    cut = values[: rows * COARSER, : columns * COARSER]
    return np.asarray(cut.reshape(rows, COARSER, columns, COARSER).mean(axis=(1, 3)))


def _alignment(pattern_IJ: Array) -> tuple[Array, Array]:
    """What turns a view into its shift, and the pattern as a unit vector.

    Returns (4, N): times a view it gives how far the window must move x, y [nodes], and the zoom
    and roll [rad] of the face against the pattern; and (N,) the pattern less its mean, unit length.
    """
    smooth = _smoothed(pattern_IJ)
    gy, gx = np.gradient(pattern_IJ)
    sy, sx = np.gradient(smooth)
    rows, columns = pattern_IJ.shape
    y = (np.arange(rows) - (rows - 1) / 2)[:, None]
    x = np.arange(columns) - (columns - 1) / 2
    moves = [np.stack([a, b, a * x + b * y, b * x - a * y]) for a, b in ((gx, gy), (sx, sy))]
    exact, look = (m.reshape(4, -1).astype(float) for m in moves)
    flat = pattern_IJ.ravel().astype(float) - pattern_IJ.mean()
    unit = flat / max(float(np.sqrt(flat @ flat)), 1e-6)
    look -= look.mean(axis=1, keepdims=True)
    look -= np.outer(look @ unit, unit)
    response = look @ exact.T
    response += np.diag(1e-6 * np.abs(np.diag(response)) + 1e-9)
    solve = -np.linalg.solve(response, look)
    return solve.astype(np.float32), unit.astype(np.float32)


def _smoothed(values: Array) -> Array:
    """Binomial smoothing over 3×3 nodes."""
    padded = np.pad(values, 1, mode="edge")
    down = padded[:-2] + 2 * padded[1:-1] + padded[2:]
    return np.asarray((down[:, :-2] + 2 * down[:, 1:-1] + down[:, 2:]) / 16)
