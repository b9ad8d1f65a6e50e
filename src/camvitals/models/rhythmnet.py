"""RhythmNet: heart rate from pictures of how the colour of face regions goes over time.

Niu et al., "RhythmNet: end-to-end heart rate estimation from face via spatial-temporal
representation", IEEE TIP 2020.

Every window of ten seconds is one map; a ResNet-18 reads each, and a recurrent layer lets the
windows of one recording speak together. The paper gives no width of the recurrent layer; it is
that of the features here.

Shape letters: N recordings, L windows, T frames of a window, R regions, H rows, W columns.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from camvitals.dsp.maps import YUV_FROM_RGB
from camvitals.models.architecture import Architecture, Size, check_size
from camvitals.models.resnet import FEATURES, ResNet18

WINDOW, HOP = 300, 15  # frames: 10 s and 0.5 s at the 30 Hz that the paper resamples to
GRID = 5


class Rates(NamedTuple):
    """Heart rates (N, L) [bpm]: of each window by itself, and knowing the windows before it."""

    alone: Tensor
    together: Tensor


def maps_of(regions: Tensor) -> Tensor:
    """`dsp.maps.spatio_temporal_map` of a batch: (N, T, R, 3) colours -> (N, 3, T, R)."""
    yuv = (regions @ regions.new_tensor(YUV_FROM_RGB).T).movedim(-1, 1)
    seen = yuv.isfinite()
    low = torch.where(seen, yuv, torch.inf).amin(2, keepdim=True)
    high = torch.where(seen, yuv, -torch.inf).amax(2, keepdim=True)
    span = torch.where(high > low, high - low, 1.0)
    return torch.where(seen & (high > low), (yuv - low) / span, 0.0)


def windows_of(images: Tensor) -> Tensor:
    """Maps (N, L, 3, T, R) of a 5×5 grid on pictures (N, time, H, W, 3), 0–255.

    A clip is cut into windows of 300 frames, 15 apart; a shorter one is one window.
    """
    x = images if images.is_floating_point() else images.float()
    cells = F.adaptive_avg_pool2d(x.flatten(0, 1).movedim(-1, 1), GRID)
    regions = cells.flatten(2).transpose(1, 2).reshape(*x.shape[:2], GRID * GRID, 3)
    last = max(x.shape[1] - WINDOW, 0)
    return torch.stack([maps_of(regions[:, at : at + WINDOW]) for at in range(0, last + 1, HOP)], 1)


class RhythmNet(nn.Module):
    """Heart rate of each window of a recording."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = ResNet18()
        self.alone = nn.Linear(FEATURES, 1)
        self.recurrent = nn.GRU(FEATURES, FEATURES, batch_first=True)
        self.together = nn.Linear(FEATURES, 1)

    def forward(self, x: Tensor) -> Rates:
        """Read maps (N, L, 3, T, R) in 0–1."""
        features = self.trunk(x.flatten(0, 1)).reshape(*x.shape[:2], -1)
        recalled, _ = self.recurrent(features)
        return Rates(self.alone(features)[..., 0], self.together(recalled)[..., 0])


def _build(*, size: Size, **options: Any) -> RhythmNet:
    check_size(size, SIZES, name="RhythmNet")
    return RhythmNet(**options)


def _keys(name: str) -> str | None:
    """From torchvision's resnet18: its classifier is not needed."""
    return None if name.startswith("fc.") else f"trunk.{name}"


def _rate(output: Rates, n: int) -> Tensor:
    return output.together.reshape(n, -1).mean(1, keepdim=True)


SIZES = tuple((s, s) for s in (25, 36, 64, 72, 128, 224))
RHYTHMNET = Architecture(
    build=_build,
    takes="spatio-temporal map",
    gives="rate",
    size=(128, 128),
    length=WINDOW + 5 * HOP,  # six windows, as in the paper
    parameters=12_753_474,
    source="Niu et al., IEEE TIP 2020; AnweshCR7/RhythmNet",
    keys=_keys,
    wave=_rate,
    sizes=SIZES,
    shortest=WINDOW + HOP,
    transform=windows_of,
)
