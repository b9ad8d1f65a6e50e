"""TraceNet: pulse from the colours of face regions, with some thousand parameters.

Made for this package: what a learned method can do that sees what POS and CHROM see, the mean
colour of regions, but may choose among regions at each moment. It takes any number of regions in
any order, and regions that are unseen for a while.

Shape letters: N clips, T samples, R regions, C channels.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from camvitals.models.architecture import TRACES, Architecture, Size
from camvitals.records import InputError

TAPS = 5
UNSEEN = -1e4


def relative_colours(traces: Tensor) -> Tensor:
    """Colours as the network takes them: (N, T, R, 3), NaN where unseen -> (N, R, 4, T).

    Three channels of relative change, over the spread of the whole clip, and one that is 1 where
    the region was seen. InputError when the shape is another.
    """
    if traces.ndim != 4 or traces.shape[-1] != 3:
        raise InputError(f"traces need shape n×n×n×3 but got {'×'.join(map(str, traces.shape))}")
    seen = traces.isfinite().all(-1, keepdim=True)
    count = seen.sum(1, keepdim=True).clamp_min(1)
    known = torch.where(seen, traces, 0.0)
    mean = known.sum(1, keepdim=True) / count
    change = torch.where(seen & (mean > 0), known / torch.where(mean > 0, mean, 1.0) - 1, 0.0)
    samples = 3 * seen.sum((1, 2, 3), keepdim=True).clamp_min(1)
    spread = torch.sqrt(change.square().sum((1, 2, 3), keepdim=True) / samples)
    scaled = torch.where(spread > 0, change / torch.where(spread > 0, spread, 1.0), 0.0)
    channels: Tensor = torch.cat([scaled, seen.to(scaled.dtype)], -1).permute(0, 2, 3, 1)
    return channels.contiguous()


class Dilated(nn.Module):
    """Depthwise convolution over time, mixing of channels, with a shortcut."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        pad = dilation * (TAPS // 2)
        self.norm = nn.GroupNorm(1, width)
        self.over_time = nn.Conv1d(width, width, TAPS, padding=pad, dilation=dilation, groups=width)
        self.widen = nn.Conv1d(width, 2 * width, 1)
        self.narrow = nn.Conv1d(2 * width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T); the shape stays."""
        mixed: Tensor = self.narrow(F.gelu(self.widen(self.over_time(self.norm(x)))))
        return x + mixed


class TraceNet(nn.Module):
    """Pulse of the colours of regions.

    width: channels.   depth: convolutions before, and again after, the choice among regions.
    """

    def __init__(self, *, width: int = 16, depth: int = 4) -> None:
        super().__init__()
        self.enter = nn.Conv1d(4, width, 1)
        self.each = nn.Sequential(*(Dilated(width, 2**at) for at in range(depth)))
        self.liking = nn.Conv1d(width, 1, 1, bias=False)  # a bias would cancel in the softmax
        self.joint = nn.Sequential(*(Dilated(width, 2**at) for at in range(depth)))
        self.head = nn.Conv1d(width, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Pulse (N, T) of what `relative_colours` gives, (N, R, 4, T)."""
        n, regions = x.shape[:2]
        features = self.each(self.enter(x.flatten(0, 1)))
        liking = self.liking(features).reshape(n, regions, 1, -1)
        share = torch.softmax(torch.where(x[:, :, 3:] > 0, liking, UNSEEN), 1)
        chosen = (share * features.reshape(n, regions, *features.shape[1:])).sum(1)
        pulse: Tensor = self.head(self.joint(chosen))
        return pulse[:, 0]


def _build(*, size: Size, **options: Any) -> TraceNet:
    del size  # regions have none
    return TraceNet(**options)


SMALL = Architecture(
    build=_build,
    takes=TRACES,
    gives="pulse",
    size=(1, 1),
    length=300,
    parameters=9_713,
    source="camvitals, 2026",
    transform=relative_colours,
)
TINY = replace(SMALL, build=partial(_build, width=8, depth=3), parameters=2_121)
LARGE = replace(SMALL, build=partial(_build, width=32, depth=5), parameters=44_705)
