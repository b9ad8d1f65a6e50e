"""A small enhancer: repairs a degraded clip of a face in real time on a processor.

It learns from the large one (`stven`, Yu et al., ICCV 2019) and does the same, a clip at another
quality. What differs is made for the pulse and for the time that it takes:

* space to depth: 4×4 pixels become channels, so that all convolutions run on a sixteenth of the
  places; pixels come back by depth to space, and the input is added.
* how a pixel differs from its own mean over the clip is given besides, enlarged: a pulse moves a
  picture by half a code of 255, which a convolution of plain pictures does not see.
* convolutions over space and over time take turns; the latter are dilated and see a second either
  way.
* a branch of its own writes what the whole face does together: a few colours that change with time,
  each on a map that stands still. A pulse is such a thing, and it has too few numbers for anything
  else. Its mean over the clip is zero, so that it never tints a picture.

Shape letters: N clips, C channels, T frames, H rows, W columns, h, w of them over 4, Q levels of
quality, K maps.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from camvitals.models.architecture import Architecture, Size, check_size

CELL = 4  # pixels along each side that become channels
COLOURS = 3 * CELL * CELL
GAIN = 32.0  # by which changes are enlarged: half a code of 255 becomes an eighth
DILATIONS = (1, 2, 4, 8)


class SmallEnhancer(nn.Module):
    """A clip at another quality, by few numbers.

    width:     channels between the layers.
    qualities: number of quality levels Q that can be asked for.
    target:    level that is asked for when the call names none.
    maps:      colours that change together, K.
    """

    def __init__(
        self, *, width: int = 48, qualities: int = 11, target: int = 0, maps: int = 4
    ) -> None:
        super().__init__()
        self.qualities, self.target, self.maps = qualities, target, maps
        self.stem = nn.Conv3d(2 * COLOURS + qualities, width, 1)
        self.space = nn.ModuleList(
            nn.Conv3d(width, width, (1, 3, 3), padding=(0, 1, 1)) for _ in DILATIONS
        )
        self.time = nn.ModuleList(
            nn.Conv3d(width, width, (5, 1, 1), padding=(2 * d, 0, 0), dilation=(d, 1, 1))
            for d in DILATIONS
        )
        self.image = nn.Conv3d(width, COLOURS, 1)
        self.looks = nn.Conv3d(width, maps, 1)
        self.shared = nn.Sequential(
            nn.Conv1d(maps * width, width, 9, padding=4),
            nn.ReLU(),
            nn.Conv1d(width, width, 9, padding=8, dilation=2),
            nn.ReLU(),
            nn.Conv1d(width, 3 * maps, 1),
        )
        self.where = nn.Conv2d(width, maps, 1)
        with torch.no_grad():  # it begins near to changing nothing
            self.image.weight.mul_(0.1)
            nn.init.zeros_(self.image.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, quality: Tensor | None = None) -> Tensor:
        """Clips (N, 3, T, H, W) in −1…1 at another quality; H and W multiples of 4.

        quality: (N, Q) one-hot level wanted; None asks for `target` in every clip.
        """
        if quality is None:
            quality = x.new_zeros(1, self.qualities)
            quality[:, self.target] = 1
            quality = quality.expand(x.shape[0], -1)
        features = self._features(_to_depth(x), quality.to(x))
        change = _to_space(self.image(features)) + self._together(features)
        return x + change

    def _features(self, cells: Tensor, quality: Tensor) -> Tensor:
        """(N, C, T, h, w) of (N, 48, T, h, w)."""
        change = torch.tanh(GAIN * (cells - cells.mean(2, keepdim=True)))
        asked = quality[:, :, None, None, None].expand(-1, -1, *cells.shape[2:])
        features = F.relu(self.stem(torch.cat([cells, change, asked], 1)))
        for space, time in zip(self.space, self.time, strict=True):
            features = features + time(F.relu(space(features)))
        return F.relu(features)

    def _together(self, features: Tensor) -> Tensor:
        """(N, 3, T, H, W) colours that places share: one course over time for each map."""
        n, width, t, h, w = features.shape
        looked = torch.softmax(self.looks(features).flatten(3), -1)  # (N, K, T, hw)
        seen = torch.einsum("nktp,nctp->nkct", looked, features.flatten(3))
        course = self.shared(seen.reshape(n, self.maps * width, t)) / GAIN
        course = (course - course.mean(2, keepdim=True)).reshape(n, 3, self.maps, t)
        places = torch.sigmoid(self.where(features.mean(2)))  # (N, K, h, w)
        shade = torch.einsum("nckt,nkp->nctp", course, places.flatten(2))
        shade = shade.reshape(n, 3 * t, h, w)
        shade = F.interpolate(shade, scale_factor=float(CELL), mode="bilinear")
        return shade.reshape(n, 3, t, CELL * h, CELL * w)


def _to_depth(x: Tensor) -> Tensor:
    """(N, 48, T, h, w) of (N, 3, T, H, W): cells of 4×4 pixels as channels."""
    n, c, t, h, w = x.shape
    frames = x.transpose(1, 2).reshape(n * t, c, h, w)
    cells = F.pixel_unshuffle(frames, CELL)
    return cells.reshape(n, t, c * CELL * CELL, h // CELL, w // CELL).transpose(1, 2)


def _to_space(cells: Tensor) -> Tensor:
    """(N, 3, T, H, W) of (N, 48, T, h, w)."""
    n, c, t, h, w = cells.shape
    frames = F.pixel_shuffle(cells.transpose(1, 2).reshape(n * t, c, h, w), CELL)
    return frames.reshape(n, t, 3, CELL * h, CELL * w).transpose(1, 2)


def _build(*, size: Size, **options: Any) -> SmallEnhancer:
    check_size(size, SIZES, name="the small enhancer")
    return SmallEnhancer(**options)


SIZES = tuple((s, s) for s in (16, 32, 64, 96, 128))
SMALL_ENHANCER = Architecture(
    build=_build,
    takes="signed",
    gives="images",
    size=(64, 64),
    length=120,
    parameters=241_700,
    source="this package, after Yu et al., ICCV 2019",
    layout="CTHW",
    sizes=SIZES,
)
