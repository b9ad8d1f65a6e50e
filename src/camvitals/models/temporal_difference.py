"""Temporal-difference convolution, shared by the video transformers for the pulse.

Shape letters: N clips, C channels, T frames, H rows, W columns.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class TemporalDifferenceConv(nn.Module):
    """3×3×3 convolution that also sees how a place differs from the frames before and after.

    From the plain answer, `theta` times the answer of the outer two time slices, each summed over
    space and read at the centre alone, is taken away (Yu et al., CVPR 2022, equation 2). Both are
    linear, so they are one convolution whose centre weight is changed.
    """

    def __init__(self, channels: int, *, theta: float) -> None:
        super().__init__()
        self.theta = theta
        self.conv = nn.Conv3d(channels, channels, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (N, C, T, H, W); the shape stays."""
        weight = self.conv.weight
        outer = (weight[:, :, 0] + weight[:, :, 2]).sum((-2, -1))
        centre = F.pad(outer[:, :, None, None, None], (1, 1, 1, 1, 1, 1))
        return torch.conv3d(x, weight - self.theta * centre, padding=1)
