"""Feature points on a face, followed from frame to frame (Balakrishnan et al., 2013).

Good features (Shi & Tomasi, 1994) in the face without the eyes, followed by pyramidal Lucas–Kanade
alignment (Bouguet, 2001), all points at once. Shape letters: P points, N pixels of a patch.
"""

from __future__ import annotations

import numpy as np

from camvitals.records import Array, Box, Frame

COUNT = 40
HALF = 7  # pixels from the centre of a patch to its edge
LEVELS, ROUNDS, STILL = 3, 5, 0.01
MIDDLE, TOP, EYES = 0.5, 0.9, (0.20, 0.55)  # of the box: width, height, height without eyes
FAR = 6.0  # pixels that a point may leave the others' shift before it is given up
MISFIT = 20.0  # mean brightness difference from which a patch is another one


class Points:
    """Up to `COUNT` points on one face; those that are lost stay NaN until chosen anew."""

    def __init__(self) -> None:
        self._places = np.full((COUNT, 2), np.nan)
        self._pyramid: list[Array] = []
        self._corner = np.zeros(2)

    def forget(self) -> None:
        """The face was lost: the points are chosen anew when it is back."""
        self._pyramid = []
        self._places[:] = np.nan

    def follow(self, frame: Frame, box: Box) -> Array:
        """(P, 2) x, y [px] of the points in this frame; NaN where lost. box: the face [px]."""
        image, corner = _crop(frame, box)
        pyramid = _pyramid(image)
        if self._pyramid:
            self._step(pyramid, corner)
        self._pyramid, self._corner = pyramid, corner
        lost = np.isnan(self._places[:, 0])
        if lost.sum() > COUNT // 2:
            chosen = good_features(image, _allowed(image.shape, box, corner), int(lost.sum()))
            free = np.flatnonzero(lost)[: len(chosen)]
            self._places[free] = chosen + corner
        return np.asarray(self._places + 0.5)

    def _step(self, pyramid: list[Array], corner: Array) -> None:
        alive = np.flatnonzero(np.isfinite(self._places[:, 0]))
        if len(alive) == 0:
            return
        before = self._places[alive] - self._corner
        after, fits = lucas_kanade(self._pyramid, pyramid, before, self._corner - corner)
        shift = after + corner - self._places[alive]
        fits &= np.abs(shift - np.median(shift, axis=0)).max(axis=1) < FAR
        self._places[alive] = np.where(fits[:, None], after + corner, np.nan)


def _crop(frame: Frame, box: Box) -> tuple[Array, Array]:
    """Brightness around a face, float32, and the x, y of its first pixel."""
    x0, y0, x1, y1 = box
    margin = 0.15 * (y1 - y0) + 4 * HALF
    left, top = max(0, int(x0 - margin)), max(0, int(y0 - margin))
    part = frame.luma[top : max(top + 1, int(y1 + margin)), left : max(left + 1, int(x1 + margin))]
    gain = 1.0 if part.dtype == np.uint8 else float(frame.matrix[0, 0])
    return part.astype(np.float32) * np.float32(gain), np.array([left, top], dtype=float)


def _allowed(shape: tuple[int, ...], box: Box, corner: Array) -> Array:
    """(rows, columns) True where points may be chosen."""
    x0, y0, x1, y1 = box[0] - corner[0], box[1] - corner[1], box[2] - corner[0], box[3] - corner[1]
    x, y = np.arange(shape[1]), np.arange(shape[0])[:, None]
    across = (x - x0) / (x1 - x0)
    down = (y - y0) / (y1 - y0)
    eyes = (down > EYES[0]) & (down < EYES[1])
    return np.asarray((np.abs(across - 0.5) < MIDDLE / 2) & (down > 0) & (down < TOP) & ~eyes)


def _pyramid(image: Array) -> list[Array]:
    levels = [image]
    for _ in range(LEVELS - 1):
        rows, columns = (n // 2 * 2 for n in levels[-1].shape)
        fine = levels[-1][:rows, :columns]
        coarse = fine[::2, ::2] + fine[1::2, ::2] + fine[::2, 1::2] + fine[1::2, 1::2]
        levels.append(coarse * np.float32(0.25))
    return levels


def good_features(image: Array, allowed: Array, count: int) -> Array:
    """(≤ count, 2) x, y of the corners with the largest smaller eigenvalue, well apart."""
    gy, gx = np.gradient(image)
    xx, yy, xy = (_box_sum(v) for v in (gx * gx, gy * gy, gx * gy))
    strength = (xx + yy) / 2 - np.sqrt(((xx - yy) / 2) ** 2 + xy**2)
    edge = HALF + 2
    strength = np.where(allowed, strength, 0)
    strength[:edge] = strength[-edge:] = 0
    strength[:, :edge] = strength[:, -edge:] = 0
    order = np.argsort(strength, axis=None)[::-1][: 60 * count]
    order = order[strength.ravel()[order] > 0.01 * strength.max()]
    candidates = np.stack(np.unravel_index(order, image.shape)[::-1], axis=1).astype(float)
    apart = max(3.0, np.sqrt(allowed.sum() / max(count, 1)) / 2)
    chosen: list[Array] = []
    while len(candidates) and len(chosen) < count:
        chosen.append(candidates[0])
        far = np.hypot(*(candidates - candidates[0]).T) > apart
        candidates = candidates[far]
    return np.array(chosen).reshape(-1, 2)


def _box_sum(values: Array, half: int = 3) -> Array:
    """Sums over (2 half + 1)² pixels."""
    total = np.pad(values, ((half + 1, half), (half + 1, half)), mode="edge").cumsum(0).cumsum(1)
    size = 2 * half + 1
    return np.asarray(
        total[size:, size:] - total[:-size, size:] - total[size:, :-size] + total[:-size, :-size]
    )


def lucas_kanade(
    old: list[Array], new: list[Array], places: Array, shift: Array
) -> tuple[Array, Array]:
    """Places (P, 2) x, y in the new picture of points at `places` in the old one.

    old, new: pyramids, finest first.   shift: how far the old picture's first pixel lies from the
    new one's [px]. Returns places and (P,) True where the patch was found again.
    """
    guess = places + shift
    for level in reversed(range(len(old))):
        scale = 2.0**level
        at = (places + 0.5) / scale - 0.5
        toward = (guess + 0.5) / scale - 0.5
        toward, misfit, sound = _refine(old[level], new[level], at, toward)
        guess = (toward + 0.5) * scale - 0.5
    rows, columns = new[0].shape
    inside = (guess > HALF).all(axis=1) & (guess[:, 0] < columns - HALF - 1)
    inside &= guess[:, 1] < rows - HALF - 1
    return guess, sound & inside & (misfit < MISFIT)


def _refine(old: Array, new: Array, at: Array, toward: Array) -> tuple[Array, Array, Array]:
    """One level: places in the new picture, mean misfit, and whether the patches have corners."""
    patch = _patches(old, at, HALF + 1)
    gx = (patch[:, 1:-1, 2:] - patch[:, 1:-1, :-2]).reshape(len(at), -1) / 2
    gy = (patch[:, 2:, 1:-1] - patch[:, :-2, 1:-1]).reshape(len(at), -1) / 2
    flat = patch[:, 1:-1, 1:-1].reshape(len(at), -1)
    xx, yy, xy = (np.einsum("pn,pn->p", a, b) for a, b in ((gx, gx), (gy, gy), (gx, gy)))
    det = xx * yy - xy**2
    sound = det > 1e-3 * np.maximum(xx + yy, 1.0) ** 2
    det = np.where(sound, det, 1.0)
    for _ in range(ROUNDS):
        error = flat - _patches(new, toward, HALF).reshape(len(at), -1)
        bx, by = (np.einsum("pn,pn->p", g, error) for g in (gx, gy))
        move = np.stack([yy * bx - xy * by, xx * by - xy * bx], axis=1) / det[:, None]
        move = np.clip(np.where(sound[:, None], move, 0), -HALF, HALF)
        toward = toward + move
        if np.abs(move).max() < STILL:
            break
    return toward, np.abs(error).mean(axis=1), sound


def _patches(image: Array, centres: Array, half: int) -> Array:
    """(P, 2 half + 1, 2 half + 1) patches between the pixels; edges repeat."""
    rows, columns = image.shape
    base = np.floor(centres).astype(int)
    x, y = (centres - base).astype(np.float32).T[:, :, None, None]
    offsets = np.arange(-half, half + 2)
    r = np.clip(base[:, 1, None] + offsets, 0, rows - 1)
    c = np.clip(base[:, 0, None] + offsets, 0, columns - 1)
    raw = image[r[:, :, None], c[:, None, :]]
    across = raw[:, :, :-1] + x * (raw[:, :, 1:] - raw[:, :, :-1])
    return np.asarray(across[:, :-1] + y * (across[:, 1:] - across[:, :-1]))
