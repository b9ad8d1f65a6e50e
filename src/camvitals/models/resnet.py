"""ResNet-18 without its read-out, named as in torchvision so that public weights fit.

He et al., "Deep residual learning for image recognition", CVPR 2016.

Shape letters: N pictures, C channels, H rows, W columns.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

FEATURES = 512


class Basic(nn.Module):
    """Two 3×3 convolutions with a shortcut."""

    def __init__(self, taken: int, given: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(taken, given, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(given)
        self.conv2 = nn.Conv2d(given, given, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(given)
        self.downsample: nn.Module = nn.Identity()
        if stride > 1 or taken != given:
            shorter = nn.Conv2d(taken, given, 1, stride, bias=False)
            self.downsample = nn.Sequential(shorter, nn.BatchNorm2d(given))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same over the stride."""
        out = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(out)) + self.downsample(x))


class ResNet18(nn.Module):
    """Features (N, 512) of pictures (N, 3, H, W)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = _layer(64, 64, 1)
        self.layer2 = _layer(64, 128, 2)
        self.layer3 = _layer(128, 256, 2)
        self.layer4 = _layer(256, FEATURES, 2)
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """The mean over space of the last features."""
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return x.mean((-2, -1))


def _layer(taken: int, given: int, stride: int) -> nn.Sequential:
    return nn.Sequential(Basic(taken, given, stride), Basic(given, given, 1))
