"""I3D: an inception network inflated to three dimensions, with a few numbers for a clip.

Carreira & Zisserman, "Quo vadis, action recognition?", CVPR 2017. System A of this package reads
twelve values of an ECG from twelve frames with it: time is halved three times, so the twelve come
from two positions in time by a plain linear read-out, not from a decoder of frames.

The argument that the released code calls a keep probability is used there as a drop probability;
both are one half.

Shape letters: N clips, C channels, T frames, H rows, W columns, K numbers.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from camvitals.models.architecture import Architecture, Size, check_size
from camvitals.models.names import renamed
from camvitals.records import InputError

Triple = tuple[int, int, int]

# Channels given by the four branches: 1×1×1 | 1×1×1 → 3×3×3 | 1×1×1 → 3×3×3 | pool → 1×1×1.
MIXED: dict[str, tuple[int, int, int, int, int, int]] = {
    "mixed_3b": (64, 96, 128, 16, 32, 32),
    "mixed_3c": (128, 128, 192, 32, 96, 64),
    "mixed_4b": (192, 96, 208, 16, 48, 64),
    "mixed_4c": (160, 112, 224, 24, 64, 64),
    "mixed_4d": (128, 128, 256, 24, 64, 64),
    "mixed_4e": (112, 144, 288, 32, 64, 64),
    "mixed_4f": (256, 160, 320, 32, 128, 128),
    "mixed_5b": (256, 160, 320, 32, 128, 128),
    "mixed_5c": (384, 192, 384, 48, 128, 128),
}
# Kernel and stride of the pool that stands before a block.
POOLS: dict[str, tuple[Triple, Triple]] = {
    "conv_2b": ((1, 3, 3), (1, 2, 2)),
    "mixed_3b": ((1, 3, 3), (1, 2, 2)),
    "mixed_4b": ((3, 3, 3), (2, 2, 2)),
    "mixed_5b": ((2, 2, 2), (2, 2, 2)),
}
BLOCKS = ("conv_1a", "conv_2b", "conv_2c", *MIXED)


def same_padded(x: Tensor, kernel: Triple, stride: Triple) -> Tensor:
    """`x` (N, C, T, H, W) with zeros around, so that every place gets an answer of its stride.

    As TensorFlow pads: the odd zero stands at the end.
    """
    sides: list[int] = []
    for size, k, s in zip(reversed(x.shape[2:]), reversed(kernel), reversed(stride), strict=True):
        missing = max((-(-size // s) - 1) * s + k - size, 0)
        sides += [missing // 2, missing - missing // 2]
    return F.pad(x, sides)


class Unit(nn.Module):
    """Convolution without bias, batch norm, ReLU."""

    def __init__(self, taken: int, given: int, kernel: int = 1, stride: int = 1) -> None:
        super().__init__()
        self.kernel, self.stride = (kernel,) * 3, (stride,) * 3
        self.conv = nn.Conv3d(taken, given, kernel, stride, bias=False)
        self.norm = nn.BatchNorm3d(given, eps=1e-3, momentum=0.01)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, H, W) -> the same over the stride, rounded up."""
        return F.relu(self.norm(self.conv(same_padded(x, self.kernel, self.stride))))


class Mixed(nn.Module):
    """Four branches of different reach, side by side."""

    def __init__(self, taken: int, widths: tuple[int, int, int, int, int, int]) -> None:
        super().__init__()
        one, two_in, two, three_in, three, four = widths
        self.one = Unit(taken, one)
        self.two = nn.Sequential(Unit(taken, two_in), Unit(two_in, two, 3))
        self.three = nn.Sequential(Unit(taken, three_in), Unit(three_in, three, 3))
        self.four = Unit(taken, four)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, H, W) -> as many places, the channels of all branches."""
        pooled = _pooled(x, (3, 3, 3), (1, 1, 1))
        return torch.cat([self.one(x), self.two(x), self.three(x), self.four(pooled)], 1)


class I3D(nn.Module):
    """K numbers of a clip.

    numbers: how many, 12 for system A, 400 for the classes of Kinetics.
    window:  frames that the numbers are of; a longer clip is cut. None takes a clip as a whole.
    frozen:  last of the BLOCKS, counted from the picture, that does not learn; None: all learn.
    dropout: probability that a feature is dropped before the read-out.
    """

    def __init__(
        self,
        *,
        numbers: int = 12,
        window: int | None = 12,
        frozen: str | None = None,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        if frozen is not None and frozen not in BLOCKS:
            raise InputError(f"frozen {frozen!r} must be None or one of {', '.join(BLOCKS)}")
        self.window = window
        self.conv_1a = Unit(3, 64, 7, 2)
        self.conv_2b = Unit(64, 64)
        self.conv_2c = Unit(64, 192, 3)
        widths = [192, *(a + c + e + f for a, _, c, _, e, f in MIXED.values())]
        for (taken, _), (name, branches) in zip(pairwise(widths), MIXED.items(), strict=True):
            self.add_module(name, Mixed(taken, branches))
        self.drop = nn.Dropout(dropout)
        self.head = nn.Conv3d(widths[-1], numbers, 1)
        self.frozen = BLOCKS[: BLOCKS.index(frozen) + 1] if frozen else ()
        for name in self.frozen:
            self.get_submodule(name).requires_grad_(False)

    def train(self, mode: bool = True) -> Self:
        """Set training mode; frozen blocks keep the statistics of their batch norms."""
        super().train(mode)
        for name in self.frozen:
            self.get_submodule(name).eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        """The numbers (N, K, t) of clips (N, 3, T, H, W) in −1…1.

        t is the number of windows; without windows ⌈T/8⌉ − 1 places in time, at least 1.
        """
        if self.window is None:
            return self._read(x)
        windows = torch.cat(torch.split(x, self.window, 2))
        numbers = self._read(windows).mean(-1)
        return torch.stack(torch.split(numbers, len(x)), -1)

    def _read(self, x: Tensor) -> Tensor:
        for name in BLOCKS:
            if name in POOLS:
                x = _pooled(x, *POOLS[name])
            x = self.get_submodule(name)(x)
        x = x.mean((-2, -1), keepdim=True)
        if x.shape[2] > 1:
            x = F.avg_pool3d(x, (2, 1, 1), 1)
        out: Tensor = self.head(self.drop(x))
        return out.flatten(2)


def _pooled(x: Tensor, kernel: Triple, stride: Triple) -> Tensor:
    # Zeros may win here, as they do in the public code; after a ReLU they never beat a feature.
    return F.max_pool3d(same_padded(x, kernel, stride), kernel, stride)


def _build(*, size: Size, **options: Any) -> I3D:
    check_size(size, SIZES, name="I3D")
    return I3D(**options)


def _in_order(output: Tensor, n: int) -> Tensor:
    return output.transpose(1, 2).reshape(n, -1)


PUBLIC_NAMES = {
    "Conv3d_1a_7x7.": "conv_1a.",
    "Conv3d_2b_1x1.": "conv_2b.",
    "Conv3d_2c_3x3.": "conv_2c.",
    "Mixed_": "mixed_",
    "logits.conv3d.": "head.",
    ".b0.": ".one.",
    ".b1a.": ".two.0.",
    ".b1b.": ".two.1.",
    ".b2a.": ".three.0.",
    ".b2b.": ".three.1.",
    ".b3b.": ".four.",
    ".conv3d.": ".conv.",
    ".bn.": ".norm.",
}

SIZES = tuple((s, s) for s in (32, 64, 112, 128, 224))
I3D_12 = Architecture(
    build=_build,
    takes="signed",
    gives="ecg",
    size=(224, 224),
    length=12,
    parameters=12_299_564,
    source="Carreira & Zisserman, CVPR 2017; piergiaj/pytorch-i3d",
    keys=renamed(PUBLIC_NAMES),
    wave=_in_order,
    layout="CTHW",
    sizes=SIZES,
    step=12,
    shortest=12,
)
