"""Small pictures of faces put together from colour traces, fast enough to be made while training.

Drawing a face (data.synthetic.scene) takes about 15 ms a picture, 4 s for ten seconds of video;
this takes 0.1 ms: each pixel is a fixed mixture of the regions' colours over time, with features
that carry no pulse, what is left of the head's motion after tracking, and noise of its own.
Shape letters: T pictures, R regions, H rows, W columns.
"""

from __future__ import annotations

import numpy as np

from camvitals.data.synthetic.traces import REGIONS
from camvitals.records import Array, InputError

# Middle of each region on a face whose middle is (0, 0) and that reaches to ±1, right and down.
PLACES = {
    "forehead": (0.0, -0.5),
    "left_cheek": (0.4, 0.15),
    "right_cheek": (-0.4, 0.15),
    "nose": (0.0, 0.05),
    "chin": (0.0, 0.65),
}
SPREAD = 0.25  # of a region's weight
FEATURES = ((0.35, -0.18, 0.16, 0.07), (-0.35, -0.18, 0.16, 0.07), (0.0, 0.42, 0.22, 0.07))
TEXTURE = 0.08
LEFT_OVER = (0.0, 0.15)  # share of the head's motion that tracking leaves
NOISE = (0.3, 2.5)  # of a pixel, codes


def patches(colours_TRC: Array, moved_T2: Array, *, size: int, rng: np.random.Generator) -> Array:
    """(T, H, W, 3) uint8 pictures of one face, filling most of a square.

    colours: (T, R, 3) of data.synthetic.traces.REGIONS, 0–255, no gaps.
    moved: (T, 2) of the head to the right and down, in widths of the face.   size: H and W [px].
    """
    if colours_TRC.shape[1:] != (len(REGIONS), 3):
        raise InputError(f"patches need the colours of {', '.join(REGIONS)}")
    mixture = _mixture(size, rng).astype(np.float32)
    steps = _steps(moved_T2, size, rng).astype(np.float32)
    colours = colours_TRC.astype(np.float32)
    slopes = np.gradient(mixture, axis=(0, 1))
    flat = np.concatenate([part.reshape(-1, len(REGIONS)) for part in (mixture, *slopes)], axis=1)
    shifted = [colours, -steps[:, 1, None, None] * colours, -steps[:, 0, None, None] * colours]
    light = np.concatenate(shifted, axis=1)
    pictures = np.matmul(flat, light).reshape(-1, size, size, 3)
    level = np.exp(rng.uniform(*np.log(NOISE)))
    noise = rng.standard_normal(pictures.shape, dtype=np.float32)
    noise *= np.float32(level)
    pictures += noise
    pictures += np.float32(0.5)
    np.clip(pictures, 0, 255, out=pictures)
    return np.asarray(pictures.astype(np.uint8))


def _mixture(size: int, rng: np.random.Generator) -> Array:
    """(H, W, R) how much of each region's colour a pixel has."""
    along = (np.arange(size) + 0.5) / size * 2 - 1
    reach = rng.uniform((0.6, 0.8), (0.8, 0.95))
    x = (along[None, :] - rng.uniform(-0.06, 0.06)) / reach[0] + 0 * along[:, None]
    y = (along[:, None] - rng.uniform(-0.06, 0.06)) / reach[1] + 0 * along[None, :]
    weight = np.zeros((size, size, len(REGIONS)))
    for r, name in enumerate(REGIONS):
        if name in PLACES:
            px, py = PLACES[name]
            weight[..., r] = np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * SPREAD**2))
    weight[..., REGIONS.index("skin")] = 0.3
    weight /= weight.sum(axis=2, keepdims=True)
    face = _inside(np.hypot(x, y) - 1, size)
    hair = _inside(y + rng.uniform(0.6, 0.85), size) * face
    dark = hair * rng.uniform(0.15, 0.6)
    skin = face * (1 - hair)
    for fx, fy, width, height in FEATURES:
        feature = _inside(np.hypot((x - fx) / width, (y - fy) / height) - 1, size) * skin
        strength = rng.uniform(0.3, 0.9)
        skin = skin - strength * feature
        dark = dark + 0.4 * strength * feature
    weight *= (skin * (1 + TEXTURE * _blotches(size, rng)))[..., None]
    weight[..., REGIONS.index("background")] += (1 - face) * (1 + _blotches(size, rng) / 4) + dark
    return weight


def _inside(distance: Array, size: int) -> Array:
    """1 where negative, 0 where positive, soft over about a pixel."""
    return np.asarray(1 / (1 + np.exp(np.clip(distance * 2 * size / 3, -30, 30))))


def _blotches(size: int, rng: np.random.Generator) -> Array:
    """(H, W) smooth noise of unit spread."""
    spectrum = np.fft.rfft2(rng.standard_normal((size, size)))
    down, across = np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None]
    smooth = np.fft.irfft2(spectrum / (0.05 + np.hypot(down, across)), (size, size))
    return np.asarray((smooth - smooth.mean()) / smooth.std())


def _steps(moved_T2: Array, size: int, rng: np.random.Generator) -> Array:
    """(T, 2) pixels by which the face stands off its middle, at most one."""
    share = rng.uniform(*LEFT_OVER) * rng.choice([-1, 1], 2)
    return np.asarray(np.clip(moved_T2 * share * 0.7 * size, -1, 1))
