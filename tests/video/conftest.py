"""Small clips that are true by construction."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from camvitals.video import write_video


@pytest.fixture(scope="session")
def shades() -> Callable[..., list[np.ndarray]]:
    """Grey pictures whose level tells their number; noise makes them cost some bytes."""

    def make(count: int, rows: int = 48, columns: int = 64) -> list[np.ndarray]:
        noise = np.random.default_rng(0).integers(-6, 7, (rows, columns, 1))
        levels = 20 + 200 * np.arange(count) / max(1, count - 1)
        return [
            np.broadcast_to(noise + level, (rows, columns, 3)).astype(np.uint8) for level in levels
        ]

    return make


@pytest.fixture(scope="session")
def patches() -> np.ndarray:
    """Six large patches of known colour, (96, 144, 3)."""
    colours = [
        (224, 172, 138),
        (96, 62, 48),
        (180, 40, 40),
        (40, 160, 60),
        (50, 60, 190),
        (128,) * 3,
    ]
    image = np.zeros((96, 144, 3), np.uint8)
    for k, colour in enumerate(colours):
        row, column = 48 * (k // 3), 48 * (k % 3)
        image[row : row + 48, column : column + 48] = colour
    return image


@pytest.fixture
def clip(tmp_path: Path, shades: Callable[..., list[np.ndarray]]) -> Callable[..., Path]:
    """A clip of 90 frames at 30 Hz in a container that keeps its index in front."""

    def make(name: str = "clip.mp4", count: int = 90, **more: Any) -> Path:
        path = tmp_path / name
        write_video(path, shades(count), time=np.arange(count) / 30, gop=15, **more)
        return path

    return make


@pytest.fixture(scope="session")
def encode() -> Callable[..., Path]:
    """Raw PyAV: planes and stamps exactly as given."""

    def write(
        path: Path,
        images: list[np.ndarray],
        *,
        codec: str = "ffv1",
        layout: str = "rgb24",
        pixels: str = "bgr0",
        stamps: list[int] | None = None,
        base: Fraction = Fraction(1, 1000),
        container: dict[str, str] | None = None,
    ) -> Path:
        with av.open(str(path), "w", options=container or {}) as out:
            stream = out.add_stream(codec, 30, time_base=base)
            frames = [av.VideoFrame.from_ndarray(image, format=layout) for image in images]
            stream.width, stream.height = frames[0].width, frames[0].height
            stream.pix_fmt = pixels
            packets = []
            for k, frame in enumerate(frames):
                frame.pts, frame.time_base = k, base
                packets += stream.encode(frame)
            packets += stream.encode(None)
            for k, packet in enumerate(packets):
                # decoding times rise, so that a muxer takes presentation times in any order
                packet.dts = k
                packet.pts = 33 * k if stamps is None else stamps[k]
                out.mux(packet)
        return path

    return write
