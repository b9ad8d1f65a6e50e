"""Skin without a face: the whole picture, its skin-coloured part, or a finger on the lens."""

from __future__ import annotations

import numpy as np

from camvitals.face.average import Blend, Regions
from camvitals.face.lattice import read, step_for
from camvitals.face.regions import cell_names, plain_cells
from camvitals.face.skin import BRIGHT, DARK, MASKS, eroded, rgb_of, told, ycbcr
from camvitals.records import Array, Box, Frame, InputError

NODES = 8000
PERIOD_S, FADE_S = 0.5, 0.4
CHANGED = 0.25  # share of nodes that reach or leave the camera's limits before others are averaged
ENOUGH = 0.05  # share of nodes within the limits that a finger's channel needs
KINDS = ("frame", "skin", "finger")


class Picture:
    """Mean colours of regions of the whole picture.

    kind: "frame" (everything is skin), "skin" (what a skin mask keeps, looked for twice a second),
          "finger" (each channel over the pixels where it is within the camera's limits).
    skin: name of the mask.   grid: rows, columns of further regions, or None.
    """

    def __init__(self, kind: str, *, skin: str, grid: tuple[int, int] | None) -> None:
        if kind == "finger" and grid is not None:
            raise InputError("a finger fills the picture evenly: roi='finger' takes no grid=")
        self.names = ("finger" if kind == "finger" else "skin", *cell_names(grid))
        self._kind, self._skin, self._grid = kind, skin, grid
        self._step = 0
        self._shape = (0, 0)
        self._blend: Blend | None = None
        self._next = -np.inf
        self._usable: Array | None = None
        self.box: Box = (0.0, 0.0, 0.0, 0.0)

    def means(self, frame: Frame) -> tuple[Array, Array]:
        """(R, 3) mean RGB and (R,) pixels."""
        if not self._step:
            self._step = step_for(frame, frame.width * frame.height, most=NODES)
            self._shape = (frame.height // self._step, frame.width // self._step)
            self.box = (0.0, 0.0, float(frame.width), float(frame.height))
        planes = read(frame, self._step, (0, 0), self._shape)
        self._planes = planes
        if self._kind == "finger":
            return self._finger(rgb_of(frame, planes))
        if frame.time >= self._next:
            self._draw(frame, planes)
        assert self._blend is not None
        means, pixels = self._blend.means(planes, None, frame.time)
        return np.asarray(rgb_of(frame, means.T).T), pixels

    def moments(self, time: float) -> tuple[Array, Array]:
        """(3, 3) moments and (3,) means of the planes over `skin`, in the frame last seen."""
        if self._blend is None:
            values = self._planes.reshape(3, -1).astype(float)
            return values @ values.T / values.shape[1], values.mean(axis=1)
        mean = self._blend.settle(time).means(self._planes)[0][0]
        return self._blend.moments(self._planes, 0, time), mean

    def _draw(self, frame: Frame, planes: Array) -> None:
        mask = np.ones(self._shape, dtype=bool)
        if self._kind == "skin":
            mask = MASKS[self._skin](ycbcr(frame, planes)) & told(rgb_of(frame, planes))
            inner = eroded(eroded(mask))  # so that a slow hand does not uncover the wall
            mask = inner if inner.sum() > 0.5 * mask.sum() else mask
            self._next = frame.time + PERIOD_S
            self._find_box(mask)
        else:
            self._next = np.inf
        cells = [] if self._grid is None else plain_cells(self._shape, self._grid)
        shares = [mask.astype(np.float32), *(cell * mask for cell in cells)]
        wanted = np.array([0.0] + [float(cell.sum()) for cell in cells])
        regions = Regions.of(shares, wanted)
        if self._blend is None:
            self._blend = Blend(regions, self._step)
        elif self._differs(regions, frame.time):
            self._blend.change(regions, time=frame.time, span=FADE_S)

    def _differs(self, regions: Regions, time: float) -> bool:
        """Whether new regions are worth a change: a mask that only flickers at its edge is not."""
        assert self._blend is not None
        change = np.abs(regions.weights[0] - self._blend.settle(time).weights[0]).sum()
        return bool(change > 0.05)

    def _find_box(self, mask: Array) -> None:
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if len(rows):
            x0, x1 = columns[0] * self._step, (columns[-1] + 1) * self._step
            y0, y1 = rows[0] * self._step, (rows[-1] + 1) * self._step
            self.box = (float(x0), float(y0), float(x1), float(y1))

    def _finger(self, rgb: Array) -> tuple[Array, Array]:
        usable = (rgb > DARK) & (rgb < BRIGHT)
        if self._usable is None or (usable != self._usable).mean(axis=(1, 2)).max() > CHANGED:
            self._usable = usable
        means, counts = np.empty(3), np.empty(3)
        for k in range(3):
            kept = self._usable[k]
            counts[k] = kept.sum()
            enough = counts[k] >= ENOUGH * kept.size  # else the mean shows which end it is at
            means[k] = np.mean(rgb[k], where=kept) if enough else rgb[k].mean()
        return means[None], np.array([counts.mean() * self._step**2])
