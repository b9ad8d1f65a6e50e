"""Rooms behind the drawn people: things that share their light and have no pulse."""

from __future__ import annotations

import numpy as np

from camvitals.data.synthetic.paint import blurred, grain
from camvitals.data.synthetic.surface import smoothstep
from camvitals.records import Array

WALLS = ((0.42, 0.40, 0.35), (0.30, 0.34, 0.36), (0.46, 0.44, 0.42), (0.36, 0.30, 0.24))


def backdrop(seed: int, width: int, height: int, *, bare: bool) -> Array:
    """(height, width, 3) float32 linear reflectance × shading of a room.

    bare: only the wall.   Deterministic by seed.
    """
    rng = np.random.default_rng([seed, 41])
    reach = height // 240  # a little out of focus
    y, x = np.mgrid[0:height, 0:width] / np.array([height, width]).max()
    wall = np.array(WALLS[int(rng.integers(len(WALLS)))])
    cells = max(4, height // 40)
    plaster = 1 + 0.02 * grain(rng, (height, width), (cells, cells))
    plaster += 0.012 * grain(rng, (height, width), (height // 4, width // 4))
    side = rng.choice([-1, 1])
    fall = 0.85 + 0.3 * smoothstep(-0.2, 1.2, 0.5 + side * (x - 0.5) - 0.3 * y)
    room = wall * (plaster * fall)[..., None]
    if not bare:
        room = _furnished(room, x, y, rng)
    return np.asarray(blurred(room, (reach, reach)), dtype=np.float32)


def _furnished(room: Array, x: Array, y: Array, rng: np.random.Generator) -> Array:
    left, right = rng.permutation(4)[:2]
    for which, middle in ((left, 0.13), (right, 0.87)):
        at = middle + float(rng.uniform(-0.03, 0.03))
        room = (_shelf, _frame, _plant, _window)[which](room, x, y, at, rng)
    return room


def _box(x: Array, y: Array, at: tuple[float, float], half: tuple[float, float]) -> Array:
    """Cover 0–1 of a rectangle with soft edges; positions are shares of the longer side."""
    inside = np.minimum(half[0] - np.abs(x - at[0]), half[1] - np.abs(y - at[1]))
    return smoothstep(-0.0015, 0.0015, inside)


def _over(room: Array, cover: Array, colour: Array | tuple[float, ...]) -> Array:
    return np.asarray(room + cover[..., None] * (np.asarray(colour) - room))


def _shelf(room: Array, x: Array, y: Array, at: float, rng: np.random.Generator) -> Array:
    for level in (0.12, 0.30, 0.48):
        room = _over(room, 0.55 * _box(x, y, (at, level - 0.06), (0.12, 0.075)), (0.05, 0.04, 0.03))
        place = at - 0.11
        while place < at + 0.09:
            thick, tall = float(rng.uniform(0.006, 0.014)), float(rng.uniform(0.035, 0.058))
            colour = rng.uniform(0.03, 0.4) * rng.dirichlet([3, 3, 3]) * 3
            room = _over(room, _box(x, y, (place + thick, level - tall), (thick, tall)), colour)
            place += 2 * thick + 0.002
        room = _over(room, _box(x, y, (at, level + 0.006), (0.13, 0.007)), (0.22, 0.13, 0.07))
    return room


def _frame(room: Array, x: Array, y: Array, at: float, rng: np.random.Generator) -> Array:
    half = (float(rng.uniform(0.07, 0.1)), float(rng.uniform(0.08, 0.12)))
    middle = (at, float(rng.uniform(0.17, 0.25)))
    room = _over(room, _box(x, y, middle, (half[0] + 0.012, half[1] + 0.012)), (0.06, 0.045, 0.03))
    land = 0.02 * np.sin(25 * x + rng.uniform(0, 6)) + middle[1] + 0.02
    sky = np.array([0.25, 0.36, 0.5]) * (1.2 - (y - middle[1]))[..., None]
    picture = np.where((y > land)[..., None], np.array([0.12, 0.2, 0.08]), sky)
    return np.asarray(room + _box(x, y, middle, half)[..., None] * (picture - room))


def _plant(room: Array, x: Array, y: Array, at: float, rng: np.random.Generator) -> Array:
    for _ in range(26):
        angle, reach = float(rng.uniform(-1.3, 1.3)), float(rng.uniform(0.05, 0.17))
        cx, cy = at + 0.6 * reach * np.sin(angle), 0.42 - reach * np.cos(angle)
        along = (x - cx) * np.sin(angle) - (y - cy) * np.cos(angle)
        across = (x - cx) * np.cos(angle) + (y - cy) * np.sin(angle)
        leaf = smoothstep(1.1, 0.9, (along / 0.045) ** 2 + (across / 0.013) ** 2)
        room = _over(room, leaf, np.array([0.05, 0.13, 0.035]) * rng.uniform(0.5, 1.6))
    return _over(room, _box(x, y, (at, 0.49), (0.045, 0.05)), (0.33, 0.14, 0.08))


def _window(room: Array, x: Array, y: Array, at: float, rng: np.random.Generator) -> Array:
    middle = (at, float(rng.uniform(0.2, 0.26)))
    room = _over(room, _box(x, y, middle, (0.11, 0.17)), (0.5, 0.5, 0.48))
    for dx in (-0.052, 0.052):
        pane = _box(x, y, (at + dx, middle[1]), (0.046, 0.155))
        room = _over(room, pane, (0.66, 0.74, 0.82))
    return room
