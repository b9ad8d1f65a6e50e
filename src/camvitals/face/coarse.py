"""Whether a face has so few pixels, or is so blurred, that landmarks cannot be told on it.

Shape letters: N rows and columns of the crop.
"""

from __future__ import annotations

import numpy as np

from camvitals.face.area import area_colours
from camvitals.face.crop import around
from camvitals.records import Array, Box, Frame

SIZE, CELLS = 48, 12  # of the crop, and of what holds all there is of a coarse face, along a side
FINER = 0.24  # of the contrast, at most, is finer: of faces of 8 px 0.13–0.22, of 32 px 0.25–0.41


def coarse(frame: Frame, box: Box) -> bool:
    """Whether nothing in a box of the picture [px] is finer than a twelfth of its side.

    The landmark network needs about 12 px from ear to ear; below that it sees no face at all, while
    the detector, which looks at the whole picture, still does.
    """
    luma = area_colours(frame, around(box, 1.0), SIZE).mean(axis=2)
    contrast = float(luma.std())
    return contrast > 1.0 and float((luma - _smooth(luma)).std()) < FINER * contrast


def _smooth(luma: Array) -> Array:
    """(N, N) what is left of it with CELLS × CELLS means, between them straight lines."""
    step = SIZE // CELLS
    means = luma.reshape(CELLS, step, CELLS, step).mean(axis=(1, 3))
    at = np.clip((np.arange(SIZE) + 0.5) / step - 0.5, 0, CELLS - 1)
    low = np.minimum(at.astype(int), CELLS - 2)
    share = at - low
    rows = means[low] * (1 - share)[:, None] + means[low + 1] * share[:, None]
    return np.asarray(rows[:, low] * (1 - share) + rows[:, low + 1] * share)
