"""MobileNet v1, and the two ways in which system A reads an ECG with it.

Howard et al., "MobileNets: efficient convolutional neural networks for mobile vision
applications", 2017 (arXiv 1704.04861).

System A leaves the classifier on, as far as can be told: a frame is then a thousand probabilities.
`classes=False` takes the 1024 features instead. How wide its recurrent layer is and how it is read
is not said; here 256, and one value for each frame.

Shape letters: N clips, T frames, C channels, H rows, W columns.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from camvitals.models.architecture import Architecture, Size, check_size

FIRST = 32
# Channels and stride of each depthwise and pointwise pair.
PAIRS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5)
LAST = ((1024, 2), (1024, 1))
FEATURES, CLASSES = 1024, 1000


def _separable(taken: int, given: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(taken, taken, 3, stride, 1, groups=taken, bias=False),
        nn.BatchNorm2d(taken),
        nn.ReLU6(),
        nn.Conv2d(taken, given, 1, bias=False),
        nn.BatchNorm2d(given),
        nn.ReLU6(),
    )


class MobileNet(nn.Module):
    """What a picture shows: probabilities of 1000 classes, or 1024 features."""

    def __init__(self, *, classes: bool = True) -> None:
        super().__init__()
        first = nn.Conv2d(3, FIRST, 3, 2, 1, bias=False)
        layers: list[nn.Module] = [first, nn.BatchNorm2d(FIRST), nn.ReLU6()]
        width = FIRST
        for given, stride in PAIRS + LAST:
            layers.append(_separable(width, given, stride))
            width = given
        self.features = nn.Sequential(*layers)
        # Without this start 27 convolutions let a frame fade until all frames look the same.
        for part in self.features.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
        self.classifier = nn.Linear(FEATURES, CLASSES) if classes else None
        self.given = CLASSES if classes else FEATURES

    def forward(self, x: Tensor) -> Tensor:
        """(N, 1000) or (N, 1024) of pictures (N, 3, H, W) in −1…1."""
        features: Tensor = self.features(x).mean((-2, -1))
        return features if self.classifier is None else self.classifier(features).softmax(-1)


class MobileNetPair(nn.Module):
    """ECG at a frame, from it and the one after, both seen by the same MobileNet."""

    def __init__(self, *, classes: bool = True) -> None:
        super().__init__()
        self.trunk = MobileNet(classes=classes)
        self.head = nn.Linear(2 * self.trunk.given, 1)

    def forward(self, x: Tensor) -> Tensor:
        """ECG (N, T) of clips (N, T + 1, 3, H, W) in −1…1."""
        seen = _frames(self.trunk, x)
        value: Tensor = self.head(torch.cat([seen[:, :-1], seen[:, 1:]], -1))
        return value[..., 0]


class MobileNetLSTM(nn.Module):
    """ECG at each frame, knowing the frames before it."""

    def __init__(self, *, classes: bool = True, hidden: int = 256) -> None:
        super().__init__()
        self.trunk = MobileNet(classes=classes)
        self.recurrent = nn.LSTM(self.trunk.given, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 1)

    def forward(self, x: Tensor) -> Tensor:
        """ECG (N, T) of clips (N, T, 3, H, W) in −1…1."""
        recalled, _ = self.recurrent(_frames(self.trunk, x))
        value: Tensor = self.head(recalled)
        return value[..., 0]


def _frames(trunk: nn.Module, x: Tensor) -> Tensor:
    seen: Tensor = trunk(x.flatten(0, 1))
    return seen.reshape(*x.shape[:2], -1)


def _pair(*, size: Size, **options: Any) -> MobileNetPair:
    check_size(size, SIZES, name="MobileNet")
    return MobileNetPair(**options)


def _lstm(*, size: Size, **options: Any) -> MobileNetLSTM:
    check_size(size, SIZES, name="MobileNet")
    return MobileNetLSTM(**options)


SIZES = tuple((s, s) for s in (32, 64, 128, 160, 192, 224))
PAIR = Architecture(
    build=_pair,
    takes="signed",
    gives="ecg",
    size=(224, 224),
    length=12,
    parameters=4_233_977,
    source="Howard et al., arXiv 1704.04861 (2017); system A",
    sizes=SIZES,
    extra=1,
    shortest=2,
)
LSTM = Architecture(
    build=_lstm,
    takes="signed",
    gives="ecg",
    size=(224, 224),
    length=12,
    parameters=5_520_425,
    source="Howard et al., arXiv 1704.04861 (2017); system A",
    sizes=SIZES,
    shortest=2,
)
