"""One photographic face (astronaut Eileen Collins, NASA, public domain), put where it is wanted."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from camvitals.records import Frame

Image = npt.NDArray[np.uint8]
FACE = (226.0, 123.0)  # centre of the face in the photograph
HEIGHT = 107.0  # of the face, px


@pytest.fixture(scope="session")
def photograph() -> npt.NDArray[np.float64]:
    from skimage.data import astronaut

    return np.asarray(astronaut(), dtype=float)


@pytest.fixture(scope="session")
def portrait(photograph: npt.NDArray[np.float64]) -> Callable[..., Image]:
    """portrait(x, y, height, size=(rows, columns), roll=0): the face at a place."""
    from skimage.transform import SimilarityTransform, warp

    def draw(
        x: float,
        y: float,
        height: float,
        *,
        size: tuple[int, int] = (240, 320),
        roll: float = 0.0,
        gain: float = 1.0,
    ) -> Image:
        scale = height / HEIGHT
        move = SimilarityTransform(translation=(-FACE[0], -FACE[1]))
        move = move + SimilarityTransform(scale=scale, rotation=roll)
        move = move + SimilarityTransform(translation=(x, y))
        image = warp(photograph, move.inverse, output_shape=size, order=1, mode="edge")
        return np.clip(image * gain + 0.5, 0, 255).astype(np.uint8)

    return draw


@pytest.fixture(scope="session")
def as_video() -> Callable[[Image, float], Frame]:
    """An RGB picture as a video decodes it: Y and half-size U, V of BT.601, limited range."""
    kr, kb = 0.299, 0.114
    kg = 1 - kr - kb
    luma, chroma = 255 / 219, 255 / 224
    turn = np.array(
        [
            [luma, 0, 2 * (1 - kr) * chroma],
            [luma, -2 * kb * (1 - kb) / kg * chroma, -2 * kr * (1 - kr) / kg * chroma],
            [luma, 2 * (1 - kb) * chroma, 0],
        ]
    )
    offset = -turn @ (16, 128, 128)
    matrix = np.hstack([turn, offset[:, None]]).astype(np.float32)
    back = np.linalg.inv(turn)

    def convert(image: Image, time: float) -> Frame:
        planes = np.moveaxis((image - offset) @ back.T, -1, 0)
        y, u, v = np.clip(planes + 0.5, 0, 255).astype(np.uint8)
        half = [
            np.asarray(
                p.reshape(p.shape[0] // 2, 2, p.shape[1] // 2, 2).mean(axis=(1, 3)) + 0.5
            ).astype(np.uint8)
            for p in (u, v)
        ]
        return Frame((y, half[0], half[1]), matrix, time)

    return convert
