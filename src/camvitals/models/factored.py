"""Space-then-time convolution: one (1, k, k) and one (k, 1, 1) for a (k, k, k) convolution.

Shape letters: N clips, C channels, T frames, H rows, W columns.
"""

from __future__ import annotations

from torch import Tensor, nn

# Parts of names in the public code -> here.
FACTORED_NAMES = {".spatial_conv.": ".space.", ".bn.": ".norm.", ".temporal_conv.": ".time."}


def middle_channels(taken: int, given: int, *, kernel: int) -> int:
    """Channels between the two parts that keep the weights of the undivided convolution.

    Tran et al. (CVPR 2018, section 3.5), rounded down.
    """
    area = kernel * kernel
    return kernel * area * taken * given // (area * taken + kernel * given)


class FactoredConv(nn.Module):
    """(2+1)-D convolution: over space, normalised and rectified, then over time.

    Takes (N, C, T, H, W), gives the same T, H, W.
    """

    def __init__(self, taken: int, given: int, *, kernel: int = 3) -> None:
        super().__init__()
        middle, pad = middle_channels(taken, given, kernel=kernel), kernel // 2
        self.space = nn.Conv3d(taken, middle, (1, kernel, kernel), padding=(0, pad, pad))
        self.norm = nn.BatchNorm3d(middle)
        self.relu = nn.ReLU()
        self.time = nn.Conv3d(middle, given, (kernel, 1, 1), padding=(pad, 0, 0))

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (N, C, T, H, W)."""
        out: Tensor = self.time(self.relu(self.norm(self.space(x))))
        return out
