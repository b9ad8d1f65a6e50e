"""The drawn person's shape: closed-form surfaces of head, ears, neck with shoulders, and long hair.

Everything is in centimetres in the head's own frame: origin between the eyes and inside the head,
x to the picture's right, y up, z towards the camera. A surface maps two parameters in 0–1, `s`
around and `p` from top to bottom, to points (…, 3); the mesh takes few of them, the texture many
for its normals. Proportions follow adult head anthropometry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from camvitals.records import Array

HAIR_STYLES = ("short", "crop", "fringe", "long", "receding", "bald")
BEARDS = ("none", "stubble", "full")
MOUTH_Y = -7.2
EYE_X = 3.15
Surface = Callable[[Array, Array], Array]


@dataclass(frozen=True, slots=True)
class Look:
    """What makes one drawn person differ from another.

    width, length, jaw: factors on the head's breadth, face length and jaw breadth.
    nose, lips, eyes, brows: factors on the size of each feature; spacing: on the eyes' distance.
    hair: one of HAIR_STYLES; beard: one of BEARDS; volume: hair thickness [cm].
    hair_colour, iris_colour, cloth_colour: linear RGB reflectance.
    lines: depth of folds 0–1; freckles 0–1; redness 0–1; oil: specular strength 0–1.
    """

    seed: int
    width: float
    length: float
    jaw: float
    nose: float
    lips: float
    eyes: float
    brows: float
    spacing: float
    hair: str
    beard: str
    volume: float
    hair_colour: tuple[float, float, float]
    iris_colour: tuple[float, float, float]
    cloth_colour: tuple[float, float, float]
    lines: float
    freckles: float
    redness: float
    oil: float


def smoothstep(low: float | Array, high: float | Array, value: Array) -> Array:
    """0 below `low`, 1 above `high`, and a cubic between."""
    share = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share))


def bump(x: Array, y: Array, at: tuple[float, float], width: tuple[float, float]) -> Array:
    """A Gaussian hill of height 1 centred `at` (x, y) with standard widths (x, y) [cm]."""
    return np.asarray(
        np.exp(-0.5 * (((x - at[0]) / width[0]) ** 2 + ((y - at[1]) / width[1]) ** 2))
    )


# Sections of the head from crown to throat: arc position, height, half breadth, front and back
# depth [cm].
_SECTIONS = np.array(
    [
        (0.00, 12.2, 0.0, 0.0, 0.0),
        (0.05, 11.9, 2.7, 3.3, 3.4),
        (0.11, 11.0, 4.6, 5.6, 6.0),
        (0.19, 9.3, 6.2, 7.6, 8.1),
        (0.29, 6.8, 7.1, 8.9, 9.6),
        (0.39, 4.1, 7.45, 9.45, 10.0),
        (0.48, 1.8, 7.45, 9.55, 9.8),
        (0.55, 0.0, 7.35, 9.4, 9.2),
        (0.63, -2.4, 7.1, 9.3, 8.2),
        (0.71, -4.8, 6.65, 9.3, 6.8),
        (0.785, -7.2, 5.95, 9.25, 5.2),
        (0.855, -9.2, 4.95, 8.9, 3.6),
        (0.915, -10.7, 3.85, 8.2, 2.2),
        (0.96, -11.5, 2.6, 6.9, 0.8),
        (1.00, -11.9, 0.0, 3.0, -3.0),
    ]
)


def _curve(knots: Array, values: Array, at: Array) -> Array:
    """Cubic Hermite interpolation with finite-difference slopes; values (K, C) -> (…, C)."""
    slope = np.gradient(values, knots, axis=0)
    index = np.clip(np.searchsorted(knots, at, side="right") - 1, 0, len(knots) - 2)
    span = (knots[index + 1] - knots[index])[..., None]
    t = (at - knots[index])[..., None] / span
    a, b = values[index], values[index + 1]
    da, db = slope[index] * span, slope[index + 1] * span
    return np.asarray(
        a * (1 + 2 * t) * (1 - t) ** 2
        + da * t * (1 - t) ** 2
        + b * t**2 * (3 - 2 * t)
        + db * t**2 * (t - 1)
    )


def azimuth(s: Array) -> Array:
    """Angle around the head [rad] of the parameter s: 0 is the face; the face gets more of s."""
    centred = 2 * s - 1
    return np.asarray(np.pi * (0.55 * centred + 0.45 * centred**3))


def row_of_height(look: Look, y: float) -> float:
    """The parameter p at which the head's section has this height [cm]."""
    p = np.linspace(0, 1, 2001)
    height = _curve(_SECTIONS[:, 0], _SECTIONS[:, 1:2], p)[:, 0] * look.length
    return float(np.interp(-y, -height, p))


def hairline(look: Look, u: Array, x: Array) -> Array:
    """Lowest height [cm] at which the scalp grows hair, by angle around the head."""
    degrees = np.abs(np.degrees(u))
    line = np.interp(
        degrees,
        [0, 22, 38, 48, 56, 63, 74, 80, 92, 104, 116, 180],
        [6.9, 6.7, 6.0, 4.6, 2.6, -0.6, -1.6, 1.6, 2.4, 1.0, -4.5, -7.5],
    )
    if look.hair == "fringe":
        line = np.where(degrees < 60, np.minimum(line, 4.7 + 0.25 * np.cos(3 * x)), line)
    if look.hair == "receding":
        line = line + 2.6 * np.exp(-(((degrees - 26) / 14) ** 2)) + 0.9 * (degrees < 60)
    if look.hair == "bald":
        line = line + 40.0
    return np.asarray(line)


def hair_cover(look: Look, u: Array, points: Array, softness: float = 0.5) -> Array:
    """Share of hair 0–1 at these rest points of the scalp."""
    height = points[..., 1] - hairline(look, u, points[..., 0])
    return smoothstep(-softness / 2, softness, height)


def head_surface(look: Look) -> Surface:
    """The head with its face and the volume of its hair."""

    def surface(s: Array, p: Array) -> Array:
        u = azimuth(s)
        y, breadth, front, back = np.moveaxis(_curve(_SECTIONS[:, 0], _SECTIONS[:, 1:], p), -1, 0)
        jaw = 1 + (look.jaw - 1) * smoothstep(-2, -9, y)
        z = np.where(np.cos(u) > 0, front, back) * np.cos(u)
        x = breadth * look.width * jaw * np.sin(u)
        face = smoothstep(0.05, 0.55, np.cos(u))
        z = z + face * _relief(look, x, y)
        x = x - np.sign(x) * face * 0.25 * bump(np.abs(x), y, (6.2, 3.2), (1.5, 2.2))
        points = np.stack([x, y * look.length, z], axis=-1)
        grown = hair_cover(look, u, points, 1.4)
        away = points - np.array([0.0, 1.5, 0.0])
        away /= np.linalg.norm(away, axis=-1, keepdims=True) + 1e-6
        return np.asarray(points + away * (look.volume * grown)[..., None])

    return surface


def _relief(look: Look, x: Array, y: Array) -> Array:
    """Height [cm] of the features of the face above the bare section, by frontal position."""
    side = np.abs(x)
    eye = EYE_X * look.spacing
    height = -1.25 * bump(side, y, (eye - 0.2, 0.3), (1.5, 1.0))
    height += 0.45 * bump(side, y, (eye, -0.05), (1.1, 0.6))
    height += 0.45 * bump(side, y, (2.6, 2.3), (2.0, 0.6)) + 0.2 * bump(x, y, (0, 2.6), (1.2, 0.8))
    height += 0.55 * bump(side, y, (4.7, -2.3), (1.5, 1.3))
    height -= 0.25 * bump(side, y, (5.0, -6.2), (1.2, 1.8))
    return np.asarray(height + _nose(look, x, y) + _mouth(look, x, y))


# Profile of the nose from below to the brows: height on the face, its own height, its breadth [cm].
_NOSE = np.array(
    [
        (-7.0, 0.0, 1.2),
        (-5.7, 0.0, 1.1),
        (-5.25, 0.2, 1.05),
        (-4.85, 1.25, 0.95),
        (-4.3, 2.25, 0.9),
        (-3.7, 2.3, 0.85),
        (-2.4, 1.75, 0.72),
        (-0.6, 0.95, 0.64),
        (0.9, 0.45, 0.7),
        (2.4, 0.1, 1.0),
        (4.0, 0.0, 1.4),
        (5.5, 0.0, 1.6),
    ]
)


def _nose(look: Look, x: Array, y: Array) -> Array:
    side = np.abs(x)
    profile = _curve(_NOSE[:, 0], _NOSE[:, 1:], np.clip(y, -7.0, 5.5))
    ridge, spread = profile[..., 0], profile[..., 1] * look.nose
    nose = ridge * np.exp(-0.42 * (side / spread) ** 2 - 0.12 * (side / spread) ** 4)
    nose += 0.25 * bump(x, y, (0, -4.1), (0.6, 0.55))
    nose += 0.75 * bump(side, y, (1.25 * look.nose, -4.45), (0.45, 0.45))
    nose -= 0.15 * bump(side, y, (1.95 * look.nose, -4.3), (0.35, 0.7))
    return np.asarray(nose * (0.75 + 0.25 * look.nose))


def _mouth(look: Look, x: Array, y: Array) -> Array:
    thick = look.lips
    muzzle = 0.75 * bump(x, y, (0, -6.9), (2.4, 1.7))
    upper = 0.42 * thick * bump(x, y, (0, MOUTH_Y + 0.5 * thick), (1.35, 0.3))
    lower = 0.55 * thick * bump(x, y, (0, MOUTH_Y - 0.6 * thick), (1.25, 0.38))
    groove = -0.35 * bump(x, y, (0, MOUTH_Y), (1.6, 0.13)) * smoothstep(2.5, 1.9, np.abs(x))
    under = -0.5 * bump(x, y, (0, MOUTH_Y - 1.75), (1.6, 0.45))
    chin = 0.7 * bump(x, y, (0, -10.3), (1.5, 0.85))
    philtrum = -0.13 * bump(x, y, (0, -5.9), (0.22, 0.45))
    corners = -0.25 * bump(np.abs(x), y, (2.55, MOUTH_Y), (0.35, 0.4))
    return np.asarray(muzzle + upper + lower + groove + under + chin + philtrum + corners)


def ear_surface(look: Look, side: int) -> Surface:
    """One outer ear: a flat, hollowed shell; `side` is −1 for the picture's left."""

    def surface(s: Array, p: Array) -> Array:
        angle, out = 2 * np.pi * s * side, np.sin(np.pi * p)
        tall = (2.9 - 0.35 * np.sin(angle)) * np.cos(angle) * out
        deep = -(1.65 + 0.3 * np.cos(angle)) * np.sin(angle) * out
        thick = 0.42 * np.cos(np.pi * p) - 0.5 * smoothstep(0.34, 0.12, p)
        thick = thick + 0.12 * bump(p, p, (0.4, 0.4), (0.07, 0.07))
        flare = 0.5 * (0.6 - deep)  # the back edge stands away from the head
        x = side * (7.2 * look.width + 0.35 + thick + flare)
        return np.stack([x, -0.9 * look.length + tall, -0.6 + deep - 0.12 * tall], axis=-1)

    return surface


# Sections of neck and shoulders: arc position, height, half breadth, half depth, middle z [cm].
_BODY = np.array(
    [
        (0.00, -5.0, 5.2, 4.6, -2.2),
        (0.18, -10.0, 5.5, 5.0, -2.2),
        (0.32, -13.3, 6.0, 5.5, -2.6),
        (0.40, -14.9, 8.0, 6.3, -2.9),
        (0.50, -16.3, 12.5, 7.6, -3.1),
        (0.60, -17.9, 17.0, 8.8, -3.3),
        (0.70, -20.6, 20.3, 9.9, -3.4),
        (0.80, -26.0, 21.6, 10.8, -3.4),
        (1.00, -46.0, 22.0, 11.5, -3.4),
    ]
)


def body_surface(look: Look) -> Surface:
    """Neck, shoulders and chest."""

    def surface(s: Array, p: Array) -> Array:
        u = np.pi * (2 * s - 1)
        y, breadth, depth, z = np.moveaxis(_curve(_BODY[:, 0], _BODY[:, 1:], p), -1, 0)
        square = 1 + 0.25 * smoothstep(-15, -20, y) * np.abs(np.sin(2 * u)) ** 2
        x = breadth * (0.6 + 0.4 * look.width) * np.sin(u) * square
        muscle = 0.35 * bump(np.abs(x), y, (2.4, -12.0), (0.9, 3.0)) * (np.cos(u) > 0)
        return np.stack([x, y * look.length, z + depth * np.cos(u) * square + muscle], axis=-1)

    return surface


def mane_surface(look: Look) -> Surface:
    """Long hair: a curtain open at the face, from the crown over the ears to the shoulders."""

    def surface(s: Array, p: Array) -> Array:
        open_at = np.interp(p, [0, 0.12, 0.25, 0.4, 0.6, 1], [0.1, 0.75, 1.12, 1.2, 1.1, 0.75])
        u = np.pi + (2 * s - 1) * (np.pi - open_at)
        y = 12.4 - 31.0 * p
        breadth = np.interp(p, [0, 0.06, 0.16, 0.3, 0.5, 0.8, 1], [1, 5, 7.8, 9.1, 9.7, 10, 9.0])
        depth = np.interp(p, [0, 0.08, 0.2, 0.45, 0.7, 1], [1, 7, 10.3, 10.2, 9.2, 8.5])
        wave = 1 + 0.02 * np.sin(9 * u + 5 * p) + 0.012 * np.sin(23 * u - 9 * p)
        x = breadth * look.width * np.sin(u) * wave
        back = np.where(np.cos(u) < 0, 1.0, 0.75 + 0.25 * smoothstep(0.6, 0.2, p))
        return np.stack([x, y * look.length, depth * back * np.cos(u) * wave - 0.8], axis=-1)

    return surface
