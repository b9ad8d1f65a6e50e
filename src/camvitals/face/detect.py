"""Find faces in a picture: BlazeFace short-range (Bazarevsky et al., 2019).

Shape letters: A anchors (896), D detections.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from camvitals.face.crop import Square, sample
from camvitals.records import Array, Box, Frame
from camvitals.runtime import Model, load

MODELS = Path(__file__).parent / "models"
SIZE = 128
LAYERS = ((16, 2), (8, 6))  # cells per side, anchors per cell (strides 8; 16, 16, 16)
OVERLAP = 0.3


@dataclass(frozen=True, slots=True)
class Detection:
    """A face: `box` xyxy [px], `score` 0–1, and six points x, y [px].

    points: (6, 2) the person's right eye, left eye, nose tip, mouth, right and left ear.
    """

    box: Box
    score: float
    points: Array

    @property
    def corners(self) -> Array:
        """(2, 2) corners of the box [px]."""
        return np.array(self.box).reshape(2, 2)

    @property
    def roll(self) -> float:
        """How far the eyes are from level [rad], clockwise on the screen."""
        x, y = self.points[1] - self.points[0]
        return float(np.arctan2(y, x))


class Detector:
    """Faces in a square of a picture.

    model: the network; None loads the one that is part of the package.
    """

    def __init__(self, model: Model | None = None) -> None:
        self._model = model or load(MODELS / "blazeface_short.onnx")
        low, high = self._model.card.scale
        self._gain, self._low = np.float32((high - low) / 255), np.float32(low)
        self._anchors = anchors()

    def __call__(self, frame: Frame, square: Square, *, threshold: float) -> list[Detection]:
        """Faces with at least this score (0–1), best first.

        Finds faces wider than about a tenth of the square.
        """
        image = sample(frame, square, SIZE) * self._gain + self._low
        found = self._model({"input": image[None]})
        logits = np.clip(found["scores"][0, :, 0].astype(float), -50, 50)
        scores = 1 / (1 + np.exp(-logits))
        likely = np.flatnonzero(scores >= threshold)
        unit_DP2 = decode(found["boxes"][0][likely], self._anchors[likely])
        points = square.to_picture(unit_DP2)
        half = (unit_DP2[:, 1] - unit_DP2[:, 0]) * square.side / 2
        centre = points[:, :2].mean(axis=1)  # the box stays upright in a rolled square
        points[:, 0], points[:, 1] = centre - half, centre + half
        return merged(points, scores[likely])


def anchors() -> Array:
    """(896, 2) centres of the anchors x, y in the unit square, in the order of the network."""
    layers = []
    for cells, copies in LAYERS:
        y, x = np.mgrid[:cells, :cells]
        centres = (np.stack([x, y], axis=-1).reshape(-1, 2) + 0.5) / cells
        layers.append(np.repeat(centres, copies, axis=0))
    return np.concatenate(layers)


def decode(raw_D16: Array, anchors_D2: Array) -> Array:
    """(D, 8, 2) points of the unit square: two box corners, then the six face points."""
    values = raw_D16.reshape(-1, 8, 2).astype(float) / SIZE
    centre, half = values[:, 0] + anchors_D2, values[:, 1] / 2
    corners = np.stack([centre - half, centre + half], axis=1)
    return np.concatenate([corners, values[:, 2:] + anchors_D2[:, None]], axis=1)


def merged(boxes_DP2: Array, scores_D: Array) -> list[Detection]:
    """One detection per face: the score-weighted mean of those that overlap the best one.

    boxes_DP2: (D, 8, 2) corners and points [px].   scores_D: (D,) 0–1.
    """
    found = []
    order = np.argsort(-scores_D)
    corners = boxes_DP2[:, :2].reshape(-1, 4)
    while len(order):
        best = order[0]
        together = overlap(corners[best], corners[order]) > OVERLAP
        together[0] = True
        group, order = order[together], order[~together]
        mean = np.average(boxes_DP2[group], axis=0, weights=scores_D[group])
        x0, y0, x1, y1 = (float(v) for v in mean[:2].ravel())
        found.append(Detection((x0, y0, x1, y1), float(scores_D[best]), mean[2:]))
    return found


def overlap(box: Box | Array, boxes_D4: Array) -> Array:
    """(D,) intersection over union of a box with each of (D, 4) boxes, all xyxy."""
    boxes = np.asarray(boxes_D4, dtype=float).reshape(-1, 4)
    one = np.asarray(box, dtype=float)
    low, high = np.maximum(one[:2], boxes[:, :2]), np.minimum(one[2:], boxes[:, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    areas = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(axis=1)
    area = float(np.clip(one[2:] - one[:2], 0, None).prod())
    return np.asarray(shared / np.maximum(area + areas - shared, 1e-9))


def best_of(detections: list[Detection]) -> list[Detection]:
    """Detections from several squares with each face kept once, best first."""
    kept: list[Detection] = []
    for one in sorted(detections, key=lambda d: -d.score):
        if not kept or overlap(one.box, np.array([k.box for k in kept])).max() < OVERLAP:
            kept.append(one)
    return kept


def nearest(found: list[Detection], box: Box) -> Detection | None:
    """The detection that overlaps the box most, if any does by a quarter."""
    if not found:
        return None
    shares = overlap(box, np.array([d.box for d in found]))
    best = int(np.argmax(shares))
    return found[best] if shares[best] > 0.25 else None
