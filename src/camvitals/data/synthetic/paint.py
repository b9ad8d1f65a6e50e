"""The drawn person's skin: reflectance, blood and gloss painted over the surfaces of `surface.py`.

A texture has CHANNELS values per texel, all in the frame of the resting head: reflectance (linear
RGB), outward normal, relative perfusion, pulse delay [s], gloss, and ambient occlusion.
"""

from __future__ import annotations

import numpy as np

from camvitals.data.synthetic.surface import (
    EYE_X,
    MOUTH_Y,
    Look,
    Surface,
    azimuth,
    bump,
    hair_cover,
    smoothstep,
)
from camvitals.data.synthetic.traces import REGIONS, STRENGTH
from camvitals.records import Array

CHANNELS = 10
ALBEDO, NORMAL = slice(0, 3), slice(3, 6)
PERFUSION, DELAY, GLOSS, OCCLUSION = 6, 7, 8, 9
MELANIN = np.array([0.55, 0.9, 1.15])
SKIN_MEAN = STRENGTH[REGIONS.index("skin")]  # pulse on the whole face, as in a made trace
REDNESS = np.array([0.12, 0.85, 0.6])


def grain(rng: np.random.Generator, shape: tuple[int, int], cells: tuple[int, int]) -> Array:
    """(rows, columns) smooth noise of unit variance with this many cells down and across."""
    coarse = rng.standard_normal((cells[0] + 2, cells[1] + 2))
    y = np.linspace(0, cells[0], shape[0])
    x = np.linspace(0, cells[1], shape[1])
    top, left = y.astype(int), x.astype(int)
    fy, fx = smoothstep(0, 1, y - top)[:, None], smoothstep(0, 1, x - left)[None]
    upper = coarse[top][:, left] * (1 - fx) + coarse[top][:, left + 1] * fx
    lower = coarse[top + 1][:, left] * (1 - fx) + coarse[top + 1][:, left + 1] * fx
    mixed = upper * (1 - fy) + lower * fy
    return np.asarray(mixed / max(float(mixed.std()), 1e-9))


def lattice(rows: int, columns: int) -> tuple[Array, Array]:
    """The parameters s and p of a grid, both (rows, columns)."""
    return np.meshgrid(np.linspace(0, 1, columns), np.linspace(0, 1, rows))


def facing_area(points: Array) -> Array:
    """(rows, columns) area [cm²] of each cell of a grid of points as seen from the front."""
    across, down = np.gradient(points, axis=1), np.gradient(points, axis=0)
    return np.asarray(down[..., 0] * across[..., 1] - down[..., 1] * across[..., 0])


def normals_of(points: Array) -> Array:
    """(rows, columns, 3) unit outward normals of a grid of points."""
    across, down = np.gradient(points, axis=1), np.gradient(points, axis=0)
    normal = np.cross(down, across)
    return np.asarray(normal / (np.linalg.norm(normal, axis=-1, keepdims=True) + 1e-9))


def blurred(values: Array, radius: tuple[int, int]) -> Array:
    """Moving mean along the first two axes, twice, edges repeated."""
    for axis, reach in enumerate(radius):
        for _ in range(2 if reach > 0 else 0):
            pad = [(0, 0)] * values.ndim
            pad[axis] = (reach + 1, reach)
            total = np.cumsum(np.pad(values, pad, mode="edge"), axis=axis)
            size = values.shape[axis]
            stop = np.take(total, np.arange(size) + 2 * reach + 1, axis=axis)
            values = (stop - np.take(total, np.arange(size), axis=axis)) / (2 * reach + 1)
    return values


def cavity(points: Array, normal: Array) -> Array:
    """Ambient occlusion 0–1 of folds: how far the surface lies below its surroundings."""
    rows, columns = points.shape[:2]
    occlusion = np.ones((rows, columns))
    for share, strength in ((0.014, 1.0), (0.035, 0.6)):
        reach = (max(1, round(rows * share)), max(1, round(columns * share * 1.3)))
        depth = ((blurred(points, reach) - points) * normal).sum(axis=-1)
        occlusion *= np.exp(-strength * np.maximum(depth, 0))
    return occlusion


def paint_head(look: Look, skin: Array, surface: Surface, shape: tuple[int, int]) -> Array:
    """(rows, columns, CHANNELS) texture of the head; `skin` (3,) is the mean reflectance."""
    s, p = lattice(*shape)
    points = surface(s, p)
    normal = normals_of(points)
    x, y = points[..., 0], points[..., 1] / look.length
    u = azimuth(s)
    face = smoothstep(0.0, 0.35, np.cos(u))
    rng = np.random.default_rng([look.seed, 11])
    texture = np.zeros((*shape, CHANNELS), dtype=np.float32)
    albedo = _skin(look, skin, x, y, rng)
    albedo *= 1 - 0.88 * face[..., None] * _nostrils(look, x, y)[..., None]
    mouth = face * lip_cover(look, x, y)
    red = np.where(skin.mean() > 0.2, 1.0, 0.55) * np.array([0.25, 0.95, 0.75])
    albedo = albedo * np.exp(-mouth[..., None] * red * 0.75)
    crease = 0.6 * bump(x, y, (0, MOUTH_Y - 0.01), (1.7, 0.055)) * (np.abs(x) < 2.5)
    albedo *= 1 - (face * crease)[..., None]
    hair = _all_hair(look, u, x, y, points, face, rng)
    strand = 1 + 0.35 * grain(rng, shape, (26, shape[1] // 3)) + 0.2 * grain(rng, shape, (9, 60))
    tress = np.array(look.hair_colour) * np.clip(strand, 0.3, 2.0)[..., None]
    texture[..., ALBEDO] = albedo * (1 - hair[..., None]) + tress * hair[..., None]
    texture[..., NORMAL] = normal
    bare = 1 - hair
    blood = perfusion_of(x, y, face) * (1 - 0.3 * mouth)
    area = bare * (y > -11) * np.clip(facing_area(points), 0, None)
    texture[..., PERFUSION] = bare * blood * (SKIN_MEAN * area.sum() / (area * blood).sum())
    texture[..., DELAY] = 0.012 + 0.0015 * np.clip(y, -12, 8) * -1 + 0.003 * np.sign(x) * face
    oily = 0.45 + 0.9 * bump(x, y, (0, 4.5), (3, 1.6)) + 0.8 * bump(x, y, (0, -3), (0.8, 2.2))
    texture[..., GLOSS] = look.oil * (oily + 0.5 * mouth) * (1 - hair) + 0.25 * hair
    texture[..., OCCLUSION] = cavity(points, normal) * (1 - 0.25 * smoothstep(-10.5, -11.8, y))
    return texture


def perfusion_of(x: Array, y: Array, face: Array) -> Array:
    """Relative pulse strength of the skin by frontal position, before it is scaled."""
    side = np.abs(x)
    strength = (
        0.85 + 0.35 * bump(x, y, (0, 4.8), (4.5, 1.7)) + 0.45 * bump(side, y, (4.2, -3), (1.7, 1.9))
    )
    strength -= 0.3 * bump(x, y, (0, -0.8), (0.9, 1.8)) + 0.2 * bump(x, y, (0, -10.3), (2.2, 1.3))
    strength -= 0.25 * bump(side, y, (EYE_X, 0.2), (1.6, 0.8))
    return np.asarray(0.55 + (strength - 0.55) * face)


def _skin(look: Look, skin: Array, x: Array, y: Array, rng: np.random.Generator) -> Array:
    shape = x.shape
    side = np.abs(x)
    melanin = 0.05 * grain(rng, shape, (14, 14)) + 0.035 * grain(rng, shape, (70, 70))
    melanin += 0.03 * np.clip(rng.standard_normal(shape), -2.5, 2.5)
    spots = grain(rng, shape, (shape[0] // 4, shape[1] // 4))
    cheeks = bump(side, y, (3.2, -2.2), (2.4, 1.6)) + bump(x, y, (0, -2), (1.2, 1.5))
    melanin += look.freckles * 0.35 * smoothstep(1.5, 2.6, spots) * np.clip(cheeks, 0, 1)
    melanin += 0.12 * bump(side, y, (EYE_X, -1.05), (1.3, 0.45))  # under the eyes
    melanin += look.lines * _folds(side, y)
    if look.beard == "stubble":
        melanin += 0.35 * beard_cover(look, x, y) * (1 + 0.3 * rng.standard_normal(shape))
    red = 0.05 * grain(rng, shape, (30, 30)) + 0.18 * look.redness * np.clip(cheeks, 0, 1)
    red += 0.25 * look.redness * bump(x, y, (0, -4.2), (1.1, 0.9))
    return np.asarray(skin * np.exp(-melanin[..., None] * MELANIN - red[..., None] * REDNESS))


def _folds(side: Array, y: Array) -> Array:
    """Darkening of the folds beside the mouth, over the lids and across the forehead."""
    beside = 1.75 + 0.38 * (-4.6 - y)
    fold = 0.35 * np.exp(-(((side - beside) / 0.18) ** 2)) * bump(y, y, (-5.8, -5.8), (1.0, 1.0))
    lid = 1.05 - 0.22 * (side - EYE_X) ** 2
    fold += 0.5 * np.exp(-(((y - lid) / 0.1) ** 2)) * (np.abs(side - EYE_X) < 1.7)
    for height in (4.0, 4.9, 5.7):
        line = height + 0.12 * np.cos(side)
        fold += 0.1 * np.exp(-(((y - line) / 0.09) ** 2)) * smoothstep(4.5, 2.5, side)
    return np.asarray(fold)


def _nostrils(look: Look, x: Array, y: Array) -> Array:
    hole = bump(np.abs(x), y, (0.72 * look.nose, -4.98 + 0.0), (0.26 * look.nose, 0.14))
    return smoothstep(0.15, 0.75, hole)


def lip_cover(look: Look, x: Array, y: Array) -> Array:
    """Share of lip 0–1 by frontal position: a bowed upper and a fuller lower lip."""
    half = np.clip(1 - (x / 2.45) ** 2, 0, None)
    upper = 0.82 * look.lips * half**0.8 * (1 - 0.22 * np.exp(-((x / 0.35) ** 2)))
    lower = -1.0 * look.lips * half**0.65
    away = y - MOUTH_Y
    inside = smoothstep(0.12, -0.12, away - upper) * smoothstep(-0.14, 0.14, away - lower)
    return np.asarray(inside * smoothstep(2.5, 2.25, np.abs(x)))


def beard_cover(look: Look, x: Array, y: Array) -> Array:
    """Share of beard 0–1 by frontal position, without the lips."""
    side = np.abs(x)
    upper = np.interp(side, [0, 2.0, 3.0, 4.6, 5.8, 6.8], [-5.5, -5.6, -7.0, -6.6, -4.0, 0.5])
    grown = smoothstep(0.5, -0.5, y - upper)
    bare = bump(x, y, (0, -8.9), (2.6, 0.4)) * smoothstep(0.6, 1.3, side)
    return np.asarray(grown * (1 - 0.7 * bare) * (1 - lip_cover(look, x, y)))


def _brows(look: Look, x: Array, y: Array, rng: np.random.Generator) -> Array:
    along = (np.abs(x) - 1.25 * look.spacing) / 3.7
    arch = 2.0 + 0.75 * np.sin(np.clip(along, 0, 1) * 2.2) - 0.35 * np.clip(along, 0, 1) ** 2
    thick = look.brows * (0.42 - 0.26 * np.clip(along, 0, 1))
    hairs = 0.18 * grain(rng, x.shape, (x.shape[0] // 3, x.shape[1] // 3))
    inside = smoothstep(1.3, 0.55, np.abs(y - arch) / thick + hairs)
    return np.asarray(inside * smoothstep(-0.06, 0.06, along) * smoothstep(1.05, 0.92, along))


def _all_hair(
    look: Look, u: Array, x: Array, y: Array, points: Array, face: Array, rng: np.random.Generator
) -> Array:
    ragged = points.copy()
    ragged[..., 1] += 0.25 * grain(rng, x.shape, (20, x.shape[1] // 3))
    hair = hair_cover(look, u, ragged, 1.2 if look.hair == "crop" else 0.7)
    if look.hair == "crop":
        hair *= 0.8
    hair = np.maximum(hair, 0.9 * face * _brows(look, x, y, rng))
    if look.beard == "full":
        ragged_beard = beard_cover(look, x, y + 0.2 * grain(rng, x.shape, (60, 90)))
        hair = np.maximum(hair, 0.92 * ragged_beard * smoothstep(-0.25, 0.1, np.cos(u)))
    return np.asarray(hair)


def paint_ear(look: Look, skin: Array, surface: Surface, shape: tuple[int, int]) -> Array:
    """Texture of an ear: reddish, darker in its bowl."""
    s, p = lattice(*shape)
    texture = _plain(surface(s, p), skin * np.array([0.95, 0.82, 0.82]))
    texture[..., ALBEDO] *= (0.5 + 0.5 * smoothstep(0.08, 0.38, p))[..., None]
    texture[..., PERFUSION] = 0.6
    texture[..., DELAY] = 0.012
    texture[..., GLOSS] = 0.2 * look.oil
    return texture


def paint_body(look: Look, skin: Array, surface: Surface, shape: tuple[int, int]) -> Array:
    """Texture of neck and clothes."""
    s, p = lattice(*shape)
    points = surface(s, p)
    x, y = points[..., 0], points[..., 1] / look.length
    rng = np.random.default_rng([look.seed, 13])
    collar = -15.0 - 1.6 * np.exp(-((x / 5.0) ** 2)) * (points[..., 2] > 0)
    cloth = smoothstep(0.12, -0.12, y - collar)
    tone = skin * np.exp(-0.06 * grain(rng, shape, (30, 40))[..., None] * MELANIN)
    weave = 1 + 0.06 * rng.standard_normal(shape) + 0.08 * grain(rng, shape, (14, 26))
    if look.seed % 3 == 0:
        weave *= 1 - 0.35 * (np.sin(2.2 * y) > 0.55)
    seam = 1 - 0.35 * np.exp(-(((y - collar + 0.7) / 0.12) ** 2))
    clothes = np.array(look.cloth_colour) * np.clip(weave * seam, 0.2, 2)[..., None]
    texture = _plain(points, tone * (1 - cloth[..., None]) + clothes * cloth[..., None])
    texture[..., PERFUSION] = 0.45 * (1 - cloth)
    texture[..., DELAY] = 0.0
    texture[..., GLOSS] = 0.15 * look.oil * (1 - cloth)
    under_chin = smoothstep(-14.5, -9.5, y) * smoothstep(-8, 2, points[..., 2])
    texture[..., OCCLUSION] *= 1 - 0.62 * under_chin
    return texture


def paint_mane(look: Look, surface: Surface, shape: tuple[int, int]) -> Array:
    """Texture of long hair."""
    s, p = lattice(*shape)
    rng = np.random.default_rng([look.seed, 17])
    strand = 1 + 0.4 * grain(rng, shape, (5, shape[1] // 3)) + 0.25 * grain(rng, shape, (4, 40))
    colour = np.array(look.hair_colour) * np.clip(strand, 0.3, 2.0)[..., None]
    texture = _plain(surface(s, p), colour)
    texture[..., GLOSS] = 0.25
    return texture


def _plain(points: Array, albedo: Array) -> Array:
    texture = np.zeros((*points.shape[:2], CHANNELS), dtype=np.float32)
    texture[..., ALBEDO] = albedo
    texture[..., NORMAL] = normals_of(points)
    texture[..., OCCLUSION] = 1.0
    return texture
