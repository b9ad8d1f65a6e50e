"""What networks take instead of pictures, for batches of clips; `dsp.frames` without torch.

Shape letters: N clips, T frames, H rows, W columns, C channels. Each clip has its own mean and
spread, so that no clip depends on its neighbours in the batch.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from camvitals.dsp.frames import EPSILON, IMAGENET_MEAN, IMAGENET_STD, LAYOUTS, words
from camvitals.records import InputError

CLIP = (1, 2, 3, 4)  # the axes of one clip


def normalised_difference(images: Tensor, *, clip: float | None = None) -> Tensor:
    """(N, T, H, W, 3) pictures, T ≥ 2, as in `dsp.frames.normalised_difference`."""
    x = _frames(images, 2)
    change = (x[:, 1:] - x[:, :-1]) / (x[:, 1:] + x[:, :-1] + EPSILON)
    return _ended(_over_spread(change, clip))


def difference(images: Tensor) -> Tensor:
    """(N, T, H, W, 3) pictures, T ≥ 2, as in `dsp.frames.difference`."""
    x = _frames(images, 2)
    return _ended((x[:, 1:] - x[:, :-1]) / 255)


def standardised(images: Tensor) -> Tensor:
    """(N, T, H, W, 3) pictures, as in `dsp.frames.standardised`."""
    x = _frames(images, 1)
    return _over_spread(x - x.mean(CLIP, keepdim=True))


def deviation(images: Tensor) -> Tensor:
    """(N, T, H, W, 3) pictures, as in `dsp.frames.deviation`."""
    x = _frames(images, 1)
    return _over_spread(x - x.mean(1, keepdim=True))


def raw(images: Tensor) -> Tensor:
    """(N, T, H, W, 3) pictures as float32, 0–255."""
    return _frames(images, 1)


def unit(images: Tensor) -> Tensor:
    """(N, T, H, W, 3) pictures as float32 from 0 to 1."""
    return _frames(images, 1) / 255


def signed(images: Tensor) -> Tensor:
    """(N, T, H, W, 3) pictures as float32 from −1 to 1."""
    return _frames(images, 1) / 127.5 - 1


def imagenet(images: Tensor) -> Tensor:
    """(N, T, H, W, 3) pictures, as in `dsp.frames.imagenet`."""
    x = unit(images)
    return (x - x.new_tensor(IMAGENET_MEAN)) / x.new_tensor(IMAGENET_STD)


FRAMES: dict[str, Callable[[Tensor], Tensor]] = {
    "normalised difference": normalised_difference,
    "difference": difference,
    "standardised": standardised,
    "deviation": deviation,
    "raw": raw,
    "unit": unit,
    "signed": signed,
    "imagenet": imagenet,
}


def prepared(images: Tensor, *, takes: str, layout: str, extra: int = 0) -> Tensor:
    """What a network takes of a batch of clips; the words are those of `dsp.frames.prepared`.

    images: (N, T, H, W, 3), 0–255, any number type.
    Returns float, (N, T + extra, C, H, W) or (N, C, T + extra, H, W).
    """
    channels = torch.cat([FRAMES[part](images) for part in words(takes)], dim=-1)
    if extra:
        channels = torch.cat([channels, *[channels[:, -1:]] * extra], dim=1)
    axes = [0, *(axis + 1 for axis in LAYOUTS[layout])]
    return channels.permute(axes).contiguous()


def _frames(images: Tensor, least: int) -> Tensor:
    if images.ndim != 5 or images.shape[-1] != 3:
        given = "×".join(str(n) for n in images.shape)
        raise InputError(f"images needs shape n×n×n×n×3 but got {given}")
    if images.shape[1] < least:
        raise InputError(
            f"a clip needs {least} frames but got {images.shape[1]}; give a longer one"
        )
    return images if images.is_floating_point() else images.float()


def _over_spread(values: Tensor, clip: float | None = None) -> Tensor:
    spread = values.std(CLIP, correction=0, keepdim=True)
    alive = spread > 0
    scaled = torch.where(alive, values / torch.where(alive, spread, 1.0), 0.0)
    scaled = torch.where(scaled.isnan(), 0.0, scaled)
    return scaled if clip is None else scaled.clamp(-clip, clip)


def _ended(change: Tensor) -> Tensor:
    return torch.cat([change, torch.zeros_like(change[:, :1])], dim=1)
