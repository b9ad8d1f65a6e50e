"""STVEN: repairs a compressed clip of a face before the pulse is read from it.

Yu et al., "Remote heart rate measurement from highly compressed facial videos: an end-to-end deep
learning solution with video enhancement", ICCV 2019.

The released code has four blocks in the middle where the paper draws six, and adds the input to
the output, which the paper does not show; both are options here.

Shape letters: N clips, T frames, H rows, W columns, Q levels of quality.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from camvitals.models.architecture import Architecture, Size, check_size
from camvitals.models.factored import FACTORED_NAMES, FactoredConv
from camvitals.models.names import renamed

Triple = int | tuple[int, int, int]


def _normed(conv: nn.Module, channels: int) -> list[nn.Module]:
    norm = nn.InstanceNorm3d(channels, affine=True, track_running_stats=True)
    return [conv, norm, nn.ReLU()]


def _down(taken: int, given: int, kernel: Triple, stride: Triple, pad: Triple) -> list[nn.Module]:
    return _normed(nn.Conv3d(taken, given, kernel, stride, pad, bias=False), given)


def _up(taken: int, given: int, kernel: Triple, stride: Triple, pad: Triple) -> list[nn.Module]:
    return _normed(nn.ConvTranspose3d(taken, given, kernel, stride, pad, bias=False), given)


class STVEN(nn.Module):
    """A clip at another quality.

    blocks:    (2+1)-D convolutions in the middle: 4 as released, 6 as drawn in the paper.
    qualities: number of quality levels Q that can be asked for.
    target:    level that is asked for when the call names none.
    skip:      add the input to the output.
    width:     channels of the first layer.
    """

    def __init__(
        self,
        *,
        blocks: int = 4,
        qualities: int = 5,
        target: int = 0,
        skip: bool = True,
        width: int = 64,
    ) -> None:
        super().__init__()
        self.qualities, self.target, self.skip = qualities, target, skip
        self.down = nn.Sequential(
            *_down(3 + qualities, width, (3, 7, 7), 1, (1, 3, 3)),
            *_down(width, 2 * width, (3, 4, 4), (1, 2, 2), 1),
            *_down(2 * width, 8 * width, 4, 2, 1),
        )
        self.middle = nn.Sequential(*(FactoredConv(8 * width, 8 * width) for _ in range(blocks)))
        self.up = nn.Sequential(
            *_up(8 * width, 2 * width, 4, 2, 1),
            *_up(2 * width, width, (1, 4, 4), (1, 2, 2), (0, 1, 1)),
        )
        self.image = nn.Conv3d(width, 3, (1, 7, 7), padding=(0, 3, 3), bias=False)

    def forward(self, x: Tensor, quality: Tensor | None = None) -> Tensor:
        """Clips (N, 3, T, H, W) in −1…1 at another quality; T even, H and W multiples of 4.

        quality: (N, Q) one-hot level wanted; None asks for `target` in every clip.
        """
        if quality is None:
            quality = torch.zeros(len(x), self.qualities, dtype=x.dtype, device=x.device)
            quality[:, self.target] = 1
        asked = quality.to(x)[:, :, None, None, None].expand(-1, -1, *x.shape[2:])
        features = self.middle(self.down(torch.cat([x, asked], 1)))
        repaired = torch.tanh(self.image(self.up(features)))
        return x + repaired if self.skip else repaired


def _build(*, size: Size, **options: Any) -> STVEN:
    check_size(size, SIZES, name="STVEN")
    return STVEN(**options)


def names(*, blocks: int) -> Callable[[str], str]:
    """Key map of the authors' code with so many blocks in the middle; MODELS has four."""
    table = {f"down3Dmain.{9 + block}.": f"middle.{block}." for block in range(blocks)}
    table |= {f"down3Dmain.{layer}.": f"down.{layer}." for layer in (0, 1, 3, 4, 6, 7)}
    table |= {"layers2.": "up.", "layers3.0.": "up.3.", "layers3.1.": "up.4."}
    return renamed(table | {"layers4.0.": "image."} | FACTORED_NAMES)


SIZES = tuple((s, s) for s in (8, 16, 32, 64, 96, 128))
ENHANCER = Architecture(
    build=_build,
    takes="signed",
    gives="images",
    size=(128, 128),
    length=64,
    parameters=37_326_784,
    source="Yu et al., ICCV 2019; ZitongYu/STVEN_rPPGNet",
    keys=names(blocks=4),
    layout="CTHW",
    sizes=SIZES,
    step=2,
)
