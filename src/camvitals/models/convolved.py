"""Pieces of the networks of Joshi & Cho: convolution, tanh, instance norm, over space and time.

Shape letters: N clips, C channels, T frames, H rows, W columns.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

Three = tuple[int, int, int]


def block(
    widths: tuple[int, int],
    kernel: Three,
    *,
    stride: Three = (1, 1, 1),
    padding: Three | int = 0,
    bias: bool = True,
) -> nn.Sequential:
    """Convolution, tanh, instance norm without weights; `widths` are channels in and out."""
    conv = nn.Conv3d(*widths, kernel, stride=stride, padding=padding, bias=bias)
    return nn.Sequential(conv, nn.Tanh(), nn.InstanceNorm3d(widths[1]))


class Differences(nn.Module):
    """(N, C, T + 1, H, W) pictures -> (N, C, T, H, W) changes, each channel of mean 0, spread 1."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.InstanceNorm3d(3)

    def forward(self, clips: Tensor) -> Tensor:
        """Changes from frame to frame."""
        normed: Tensor = self.norm(torch.diff(clips, dim=2))
        return normed


def largest(x: Tensor, *, length: int) -> Tensor:
    """The largest of each of `length` stretches, (..., T) -> (..., length).

    Stretch i goes from floor(i·T/length) to ceil((i+1)·T/length), as adaptive max pooling has it;
    written with an index, which every runtime knows.
    """
    given = x.shape[-1]
    edges = [(at * given // length, -(-(at + 1) * given // length)) for at in range(length)]
    reach = max(stop - start for start, stop in edges)
    chosen = [[min(start + k, stop - 1) for k in range(reach)] for start, stop in edges]
    index = torch.tensor(chosen, device=x.device)
    return x[..., index].amax(-1)


def he_normal(conv: nn.Conv3d) -> None:
    """Fresh weights with spread sqrt(2 / (kernel size · channels out))."""
    count = math.prod(conv.kernel_size) * conv.out_channels
    nn.init.normal_(conv.weight, std=math.sqrt(2 / count))
