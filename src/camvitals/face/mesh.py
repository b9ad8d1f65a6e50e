"""468 landmarks of a face: FaceMesh (Kartynnik et al., 2019)."""

from __future__ import annotations

import numpy as np

from camvitals.face.crop import Square, around, sample
from camvitals.face.detect import MODELS, Detection
from camvitals.records import Array, Box, Frame
from camvitals.runtime import Model, load

SIZE = 192
MARGIN = 1.5  # side of the crop in face sizes, as the network was trained
RIGHT_EYE, LEFT_EYE = 33, 263  # outer corners, the person's own right and left


class Mesh:
    """Landmarks of the face in a square of a picture.

    model: the network; None loads the one that is part of the package.
    """

    def __init__(self, model: Model | None = None) -> None:
        self._model = model or load(MODELS / "facemesh468.onnx")
        low, high = self._model.card.scale
        self._gain, self._low = np.float32((high - low) / 255), np.float32(low)

    def __call__(self, frame: Frame, square: Square) -> tuple[Array, float]:
        """(468, 2) landmarks [px of the picture] and the probability 0–1 that this is a face."""
        image = sample(frame, square, SIZE) * self._gain + self._low
        found = self._model({"input": image[None]})
        points = found["landmarks"].reshape(-1, 3)[:, :2].astype(float) / SIZE
        logit = float(np.clip(found["presence"].ravel()[0], -50, 50))
        return square.to_picture(points), 1 / (1 + float(np.exp(-logit)))


def square_of_detection(detection: Detection) -> Square:
    """The rolled crop for a detected face."""
    return around(detection.box, MARGIN, detection.roll)


def square_of_landmarks(landmarks: Array) -> Square:
    """The rolled crop for a face whose landmarks are known."""
    roll = roll_of(landmarks)
    turn = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    level = landmarks @ turn
    low, high = level.min(axis=0), level.max(axis=0)
    x, y = (low + high) / 2 @ turn.T
    return Square(float(x), float(y), MARGIN * float((high - low).max()), roll)


def roll_of(landmarks: Array) -> float:
    """How far the eyes are from level [rad], clockwise on the screen."""
    x, y = landmarks[LEFT_EYE] - landmarks[RIGHT_EYE]
    return float(np.arctan2(y, x))


def box_of(landmarks: Array) -> Box:
    """The upright box around landmarks [px]."""
    (x0, y0), (x1, y1) = landmarks.min(axis=0), landmarks.max(axis=0)
    return float(x0), float(y0), float(x1), float(y1)
