"""The mean colour of what is not a person: the light that falls on everything."""

from __future__ import annotations

import numpy as np

from camvitals.face.average import Blend, Regions
from camvitals.face.skin import rgb_of, told
from camvitals.records import Array, Box, Frame

ROWS, COLUMNS = 12, 240  # few rows, but along them: rows apart lie in other parts of memory
SHIFT = 0.25  # in face sizes: motion of a face from which the background is drawn anew
FADE_S = 0.8
LEAST = 0.03  # share of the picture that must be background


class Backdrop:
    """Region `background`: all that is away from faces and the bodies below them."""

    def __init__(self) -> None:
        self._area = 1.0  # pixels per node
        self._blend: Blend | None = None
        self._drawn: list[Box] = []

    def mean(self, frame: Frame, boxes: list[Box]) -> tuple[Array, float]:
        """(3,) mean plane values (NaN when people fill the picture) and the number of pixels."""
        planes = _read(frame)
        if self._blend is None or not _alike(boxes, self._drawn):
            self._draw(frame, planes, boxes)
        assert self._blend is not None
        means, pixels = self._blend.means(planes, None, frame.time)
        return means[0], float(pixels[0]) * self._area

    def _draw(self, frame: Frame, planes: Array, boxes: list[Box]) -> None:
        free = told(rgb_of(frame, planes))
        rows, columns = free.shape
        y = (np.arange(rows)[:, None] + 0.5) * (frame.height / rows)
        x = (np.arange(columns) + 0.5) * (frame.width / columns)
        for x0, y0, x1, y1 in boxes:
            wide, high = x1 - x0, y1 - y0
            head = (x > x0 - 0.6 * wide) & (x < x1 + 0.6 * wide) & (y > y0 - 0.8 * high)
            body = (x > x0 - 1.5 * wide) & (x < x1 + 1.5 * wide) & (y > y1)
            free &= ~(head | body)
        wanted = np.array([free.size * LEAST / 0.25])
        regions = Regions.of([free], wanted)
        if self._blend is None:
            self._blend = Blend(regions, 1)
            self._area = frame.height * frame.width / free.size
        else:
            self._blend.change(regions, time=frame.time, span=FADE_S)
        self._drawn = list(boxes)


def _read(frame: Frame) -> Array:
    """(3, rows, columns) float32 plane values of some rows, evenly spread over the picture."""
    rows = min(ROWS, *(p.shape[0] for p in frame.planes))
    columns = min(COLUMNS, *(p.shape[1] for p in frame.planes))
    values = np.empty((3, rows, columns), dtype=np.float32)
    for out, plane in zip(values, frame.planes, strict=True):
        dy, dx = plane.shape[0] // rows, plane.shape[1] // columns
        lines = plane[dy // 2 : dy * rows : dy, : dx * columns].copy()
        out[:] = lines[:, dx // 2 :: dx]
    return values


def _alike(boxes: list[Box], drawn: list[Box]) -> bool:
    if len(boxes) != len(drawn):
        return False
    for one, other in zip(boxes, drawn, strict=True):
        if np.abs(np.subtract(one, other)).max() > SHIFT * (other[3] - other[1]):
            return False
    return True
