"""The mean colour of what is not a person: the light that falls on everything."""

from __future__ import annotations

import numpy as np

from camvitals.face.average import Blend, Regions
from camvitals.face.lattice import read, step_for
from camvitals.face.skin import rgb_of, told
from camvitals.records import Array, Box, Frame

NODES = 1200
SHIFT = 0.25  # in face sizes: motion of a face from which the background is drawn anew
FADE_S = 0.8
LEAST = 0.03  # share of the picture that must be background


class Backdrop:
    """Region `background`: all that is away from faces and the bodies below them."""

    def __init__(self) -> None:
        self._step = 0
        self._shape = (0, 0)
        self._blend: Blend | None = None
        self._drawn: list[Box] = []

    def mean(self, frame: Frame, boxes: list[Box]) -> tuple[Array, float]:
        """(3,) mean plane values (NaN when people fill the picture) and the number of pixels."""
        if not self._step:
            self._step = step_for(frame, frame.width * frame.height, most=NODES)
            self._shape = (frame.height // self._step, frame.width // self._step)
        planes = read(frame, self._step, (0, 0), self._shape)
        if self._blend is None or not _alike(boxes, self._drawn):
            self._draw(frame, planes, boxes)
        assert self._blend is not None
        means, pixels = self._blend.means(planes, None, frame.time)
        return means[0], float(pixels[0])

    def _draw(self, frame: Frame, planes: Array, boxes: list[Box]) -> None:
        free = told(rgb_of(frame, planes))
        y = (np.arange(self._shape[0])[:, None] + 0.5) * self._step
        x = (np.arange(self._shape[1]) + 0.5) * self._step
        for x0, y0, x1, y1 in boxes:
            wide, high = x1 - x0, y1 - y0
            head = (x > x0 - 0.6 * wide) & (x < x1 + 0.6 * wide) & (y > y0 - 0.8 * high)
            body = (x > x0 - 1.5 * wide) & (x < x1 + 1.5 * wide) & (y > y1)
            free &= ~(head | body)
        wanted = np.array([free.size * LEAST / 0.25])
        regions = Regions.of([free], wanted)
        if self._blend is None:
            self._blend = Blend(regions, self._step)
        else:
            self._blend.change(regions, time=frame.time, span=FADE_S)
        self._drawn = list(boxes)


def _alike(boxes: list[Box], drawn: list[Box]) -> bool:
    if len(boxes) != len(drawn):
        return False
    for one, other in zip(boxes, drawn, strict=True):
        if np.abs(np.subtract(one, other)).max() > SHIFT * (other[3] - other[1]):
            return False
    return True
