"""Eyes and the inside of the mouth, drawn in closed form over the samples that may show them.

They change from frame to frame (blink, gaze, talk), so they are not part of the texture. Positions
are the resting frontal positions x, y [cm] of the samples; edges are soft over `blur` [cm].
"""

from __future__ import annotations

import numpy as np

from camvitals.data.synthetic.paint import (
    ALBEDO,
    GLOSS,
    NORMAL,
    OCCLUSION,
    PERFUSION,
)
from camvitals.data.synthetic.surface import EYE_X, Look, smoothstep
from camvitals.records import Array

HALF_WIDTH = 1.52
SCLERA = np.array([0.52, 0.48, 0.45])
LASH = np.array([0.015, 0.012, 0.011])
INSIDE = np.array([0.055, 0.012, 0.012])
TEETH = np.array([0.55, 0.52, 0.45])


def lids(look: Look, x: Array, blink: float) -> tuple[Array, Array]:
    """Height [cm] of the upper and the lower lid's edge, by place x outwards from the middle."""
    open_x = np.clip(1 - (x / HALF_WIDTH) ** 2, 0, None)
    base = 0.08 * x
    upper = base + look.eyes * 0.58 * open_x**0.75 * (1 - 0.08 * x)
    lower = base - look.eyes * 0.46 * open_x**0.85 * (1 + 0.08 * x)
    return upper + (lower + 0.02 - upper) * blink, lower


def draw_eyes(
    surface_SC: Array, look: Look, x: Array, y: Array, *, blink: float, gaze: Array, blur: float
) -> None:
    """Draw both eyes into the sampled texture values (S, CHANNELS), in place.

    blink: 0 open to 1 closed.   gaze: (2,) shift of the iris [cm].   blur: softness [cm].
    """
    eye = EYE_X * look.spacing
    near = np.flatnonzero((np.abs(np.abs(x) - eye) < 2.1) & (np.abs(y) < 1.3))
    if len(near) == 0:
        return
    side = np.sign(x[near])
    out, up = np.abs(x[near]) - eye, y[near]
    upper, lower = lids(look, out, blink)
    reach = np.abs(out) < HALF_WIDTH
    white = smoothstep(-blur, blur, upper - up) * smoothstep(-blur, blur, up - lower) * reach
    ball, normal = _eyeball(look, side * out - gaze[0], up - gaze[1], out, upper - up, blur)
    values = surface_SC[near]
    cover = white[:, None]
    values[:, ALBEDO] += cover * (ball - values[:, ALBEDO])
    normal[:, 0] += 0.35 * side * out
    normal[:, 1] += 0.35 * up
    values[:, NORMAL] += cover * (normal - values[:, NORMAL])
    values[:, PERFUSION] *= 1 - white
    values[:, GLOSS] += white * (0.25 - values[:, GLOSS])
    values[:, OCCLUSION] += white * (0.95 - values[:, OCCLUSION])
    _draw_lashes(values, out, up - upper, up - lower, blur)
    surface_SC[near] = values


def _eyeball(
    look: Look, dx: Array, dy: Array, out: Array, below_lid: Array, blur: float
) -> tuple[Array, Array]:
    """Reflectance and frontal normal of sclera, iris and pupil around the gaze."""
    radius = np.hypot(dx, dy)
    size = 0.58 * (0.5 + 0.5 * look.eyes)
    iris = smoothstep(blur, -blur, radius - size)[:, None]
    pupil = smoothstep(blur, -blur, radius - 0.22)[:, None]
    rim = smoothstep(0.35, 0.95, radius / size)[:, None]
    streak = 1 + 0.2 * np.sin(17 * np.arctan2(dy, dx) + look.seed)[:, None]
    colour = np.array(look.iris_colour) * streak * (1 - 0.6 * rim)
    white = SCLERA * (1 - 0.22 * smoothstep(0.5, 1.6, np.abs(out)))[:, None]
    ball = white + iris * (colour - white)
    ball *= 1 - 0.93 * pupil
    ball *= (0.55 + 0.45 * smoothstep(0.0, 0.32, below_lid))[:, None]
    glint = smoothstep(0.13 + blur, 0.1 - blur, np.hypot(dx + 0.2, dy - 0.2))[:, None]
    ball = ball + glint * (0.9 - ball)
    return ball, np.stack([0 * dx, 0 * dx, np.ones_like(dx)], axis=1)


def _draw_lashes(values: Array, out: Array, over: Array, above_lower: Array, blur: float) -> None:
    """The dark lines of the lashes and the pink rim of the lower lid."""
    along = smoothstep(HALF_WIDTH + 0.18, HALF_WIDTH - 0.1, np.abs(out))
    width = 0.085 + 0.05 * smoothstep(-0.5, 1.4, out)
    dark = 0.9 * smoothstep(width + blur, width - blur, np.abs(over - 0.03)) * along
    pink = 0.4 * smoothstep(0.06 + blur, 0.06 - blur, np.abs(above_lower)) * along
    values[:, ALBEDO] *= 1 - pink[:, None] * np.array([0.35, 0.6, 0.55])
    values[:, ALBEDO] += dark[:, None] * (LASH - values[:, ALBEDO])
    values[:, PERFUSION] *= 1 - dark


def draw_mouth(surface_SC: Array, gap_S: Array, x: Array, opened: float) -> None:
    """Draw teeth, tongue and shadow where the lips are parted, in place.

    gap_S: 0 at the upper lip to 1 at the lower one, NaN elsewhere.   opened: parting [cm].
    """
    inside = np.flatnonzero(np.isfinite(gap_S))
    if len(inside) == 0:
        return
    deep = gap_S[inside] * opened
    side = np.abs(x[inside])
    teeth = smoothstep(0.05, 0.14, deep) * smoothstep(0.62, 0.5, deep) * smoothstep(2.1, 1.5, side)
    tongue = smoothstep(0.7, 1.2, deep) * smoothstep(1.6, 0.8, side)
    values = surface_SC[inside]
    colour = INSIDE * (1 + 3.0 * tongue[:, None])
    values[:, ALBEDO] = colour + teeth[:, None] * (TEETH * (1 - 0.12 * side[:, None]) - colour)
    values[:, PERFUSION] = 0
    values[:, GLOSS] = 0.1
    values[:, OCCLUSION] = 0.55 + 0.3 * teeth
    values[:, NORMAL] = np.array([0.0, 0.0, 1.0])
    surface_SC[inside] = values
