"""A made pulse in everything that a method may need: colours, regions, moments, points."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from camvitals.records import Array, Trace

SKIN = np.array([180.0, 120.0, 95.0])
BLOOD_VECTOR = np.array([0.33, 0.77, 0.53])
WALL = np.array([90.0, 100.0, 110.0])


@dataclass(frozen=True)
class Made:
    rate: float
    time: Array
    blood: Array
    bpm: float
    inputs: dict[str, tuple[Array, ...]]

    def trace(self, **changes: Any) -> Trace:
        """The same, as a collector would hand it over."""
        face, wall = self.inputs["background"]
        grid = self.inputs["grid"][0]
        cells = tuple(f"grid_{k:02d}" for k in range(grid.shape[1]))
        rgb = np.concatenate([face[:, None], wall[:, None], grid], axis=1).astype(np.float32)
        fields: dict[str, Any] = {
            "rgb": rgb,
            "pixels": np.full(rgb.shape[:2], 500),
            "time": self.time,
            "names": ("skin", "background", *cells),
            "box": np.tile([10.0, 10.0, 90.0, 90.0], (len(self.time), 1)),
            "moments": self.inputs["moments"][0],
            "points": self.inputs["points"][0],
        }
        return Trace(**(fields | changes))


def make(
    *, rate: float = 30.0, seconds: float = 20.0, bpm: float = 78.0, noise: float = 3e-4
) -> Made:
    """A pulse of 0.5 % under slowly changing light; `noise` is relative, per sample."""
    rng = np.random.default_rng(5)
    time = np.arange(round(seconds * rate)) / rate
    phase = 2 * np.pi * bpm / 60 * time
    blood = np.sin(phase) + 0.3 * np.sin(2 * phase + 0.5)
    light = 1 + 0.01 * np.sin(2 * np.pi * 0.3 * time)
    count = len(time)

    def coloured(shape: tuple[int, ...]) -> Array:
        along = (count,) + (1,) * len(shape)
        change = 0.005 * blood.reshape(*along, 1) * BLOOD_VECTOR
        grain = rng.normal(0, noise, (count, *shape, 3))
        return SKIN * ((1 - change) * light.reshape(*along, 1) + grain)

    face = coloured(())
    wall = WALL * (light[:, None] + rng.normal(0, noise, (count, 3)))
    tone = rng.normal(0, 1, (200, 1)) * [12.0, 8.0, 6.0] + rng.normal(0, 2, (200, 3))
    perfusion = rng.uniform(0.5, 1.5, 200)[None, :, None]
    skin = (SKIN + tone) * (1 - 0.005 * blood[:, None, None] * perfusion * BLOOD_VECTOR)
    skin = skin * light[:, None, None]
    nod = 0.05 * blood[:, None] * rng.uniform(0.5, 1.5, 16)
    sway = 0.3 * np.sin(2 * np.pi * 0.2 * time)[:, None]
    y = rng.uniform(0, 100, 16) + nod + sway + rng.normal(0, 0.01, (count, 16))
    x = rng.uniform(0, 100, 16) + 0 * y
    inputs = {
        "rgb": (face,),
        "background": (face, wall),
        "grid": (coloured((9,)),),
        "moments": (np.einsum("tni,tnj->tij", skin, skin) / 200,),
        "points": (np.stack([x, y], axis=-1),),
    }
    return Made(rate, time, blood, bpm, inputs)
