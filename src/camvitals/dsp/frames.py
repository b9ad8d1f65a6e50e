"""What networks take instead of pictures: differences, standardised and scaled colours.

Shape letters: T frames, H rows, W columns, C channels. Pictures are 0–255; a clip is prepared as a
whole, with one mean and one spread over all of it. `camvitals.models.inputs` does the same to
batches of tensors; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from camvitals.records import Array, InputError, check

EPSILON = 1e-7
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
LAYOUTS = {"TCHW": (0, 3, 1, 2), "CTHW": (3, 0, 1, 2)}
AND = " + "


def normalised_difference(images: Array, *, clip: float | None = None) -> Array:
    """Change from frame to frame over the sum of both, divided by one spread over the whole clip.

    images: (T, H, W, 3), 0–255, at least 2 frames.   clip: largest size kept, in spreads.
    Returns (T, H, W, 3) float32; the last frame is zero, and so is a clip in which nothing differs.
    Chen & McDuff, DeepPhys, ECCV (2018); the paper clips at 3, later work does not.
    """
    x = _frames(images, 2)
    change = (x[1:] - x[:-1]) / (x[1:] + x[:-1] + np.float32(EPSILON))
    return _ended(_over_spread(change, clip))


def difference(images: Array) -> Array:
    """Plain change from frame to frame, over 255; the last frame is zero.

    images: (T, H, W, 3), 0–255, at least 2 frames.   Returns (T, H, W, 3) float32.
    """
    x = _frames(images, 2)
    return _ended((x[1:] - x[:-1]) / np.float32(255))


def standardised(images: Array) -> Array:
    """Pictures less their mean, over their spread: one mean and one spread for the whole clip.

    images: (T, H, W, 3), 0–255.   Returns (T, H, W, 3) float32; zero when all is one colour.
    """
    x = _frames(images, 1)
    return _over_spread(x - x.mean(dtype=np.float64).astype(np.float32))


def deviation(images: Array) -> Array:
    """Each pixel less its own mean over the clip, over one spread for the whole clip.

    images: (T, H, W, 3), 0–255.   Returns (T, H, W, 3) float32; zero when nothing changes.
    What stands still is gone, so that a change of half a percent is not hidden below it.
    """
    x = _frames(images, 1)
    return _over_spread(x - x.mean(axis=0, dtype=np.float64).astype(np.float32))


def raw(images: Array) -> Array:
    """Pictures as they are, (T, H, W, 3) float32, 0–255."""
    return _frames(images, 1)


def unit(images: Array) -> Array:
    """Pictures (T, H, W, 3) as float32 from 0 to 1."""
    return _frames(images, 1) / np.float32(255)


def signed(images: Array) -> Array:
    """Pictures (T, H, W, 3) as float32 from −1 to 1."""
    return _frames(images, 1) / np.float32(127.5) - np.float32(1)


def imagenet(images: Array) -> Array:
    """Pictures (T, H, W, 3) as networks trained on ImageNet take them: 0–1, less mean, over std."""
    mean, std = np.array(IMAGENET_MEAN, np.float32), np.array(IMAGENET_STD, np.float32)
    return np.asarray((unit(images) - mean) / std)


FRAMES: dict[str, Callable[[Array], Array]] = {
    "normalised difference": normalised_difference,
    "difference": difference,
    "standardised": standardised,
    "deviation": deviation,
    "raw": raw,
    "unit": unit,
    "signed": signed,
    "imagenet": imagenet,
}


def prepared(images: Array, *, takes: str, layout: str, extra: int = 0) -> Array:
    """What a network takes of one clip.

    images: (T, H, W, 3), 0–255.   takes: names of FRAMES joined by " + "; each adds 3 channels.
    layout: order of axes, one of LAYOUTS.   extra: how often the last frame is repeated at the end.
    Returns float32, (T + extra, C, H, W) or (C, T + extra, H, W).
    Raises InputError for a name or layout that is not there, or too few frames.
    """
    parts = words(takes)
    if layout not in LAYOUTS:
        raise InputError(f"no layout {layout!r}; choose one of {', '.join(LAYOUTS)}")
    channels = np.concatenate([FRAMES[part](images) for part in parts], axis=-1)
    if extra:
        channels = np.concatenate([channels, np.repeat(channels[-1:], extra, axis=0)])
    return np.ascontiguousarray(channels.transpose(LAYOUTS[layout]))


def words(takes: str) -> list[str]:
    """The names of FRAMES in `takes`. Raises InputError for one that is not there."""
    parts = takes.split(AND)
    unknown = [part for part in parts if part not in FRAMES]
    if unknown:
        raise InputError(f"no frames {unknown[0]!r}; choose of {', '.join(FRAMES)}")
    return parts


def _frames(images: Array, least: int) -> Array:
    check("images", images, (None, None, None, 3))
    if len(images) < least:
        raise InputError(f"a clip needs {least} frames but got {len(images)}; give a longer one")
    return np.asarray(images, dtype=np.float32)


def _over_spread(values: Array, clip: float | None = None) -> Array:
    spread = values.std(dtype=np.float64)
    if not spread > 0:
        return np.zeros_like(values)
    scaled = values / np.float32(spread)
    scaled[np.isnan(scaled)] = 0
    return np.asarray(scaled if clip is None else np.clip(scaled, -clip, clip))


def _ended(change: Array) -> Array:
    return np.concatenate([change, np.zeros_like(change[:1])])
