"""DenseNet-161 with a heart rate for each frame or clip, its trunk named as in torchvision.

Huang et al., "Densely connected convolutional networks", CVPR 2017. System C of this package puts
four small layers behind the trunk trained on ImageNet, and lets only those learn. A frame alone
shows no pulse: what it can learn is whom it sees.

In the public code of system C the frozen trunk still takes its normalisation from each batch while
it trains, so that it drifts away from its weights; `drift=True` does the same.

Shape letters: N clips, T frames, C channels, H rows, W columns.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from camvitals.models.architecture import Architecture, Size, check_size
from camvitals.models.rate_heads import (
    BINS_BPM,
    SAID_BPM,
    Attention,
    Recurrent,
    frame_head,
    rate_of_bins,
    rate_of_classes,
)
from camvitals.records import InputError

GROWTH, FIRST, NECK = 48, 96, 4
BLOCKS = (6, 12, 36, 24)
HEADS: dict[str, Callable[[int], nn.Module]] = {
    "rate": partial(frame_head, numbers=1),
    "classes": partial(frame_head, numbers=len(SAID_BPM)),
    "bins": partial(frame_head, numbers=len(BINS_BPM)),
    "recurrent": Recurrent,
    "attention": Attention,
}


class DenseLayer(nn.Module):
    """Adds GROWTH channels to what it is given."""

    def __init__(self, taken: int, growth: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(taken)
        self.conv1 = nn.Conv2d(taken, NECK * growth, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(NECK * growth)
        self.conv2 = nn.Conv2d(NECK * growth, growth, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C + growth, H, W)."""
        new = self.conv1(F.relu(self.norm1(x)))
        return torch.cat([x, self.conv2(F.relu(self.norm2(new)))], 1)


def trunk(
    *, first: int = FIRST, growth: int = GROWTH, blocks: tuple[int, ...] = BLOCKS
) -> tuple[nn.Sequential, int]:
    """DenseNet up to its last normalisation, and the channels it gives."""
    layers: dict[str, nn.Module] = {
        "conv0": nn.Conv2d(3, first, 7, 2, 3, bias=False),
        "norm0": nn.BatchNorm2d(first),
        "relu0": nn.ReLU(),
        "pool0": nn.MaxPool2d(3, 2, 1),
    }
    width = first
    for at, count in enumerate(blocks, 1):
        dense = {f"denselayer{n + 1}": DenseLayer(width + n * growth, growth) for n in range(count)}
        layers[f"denseblock{at}"] = nn.Sequential(OrderedDict(dense))
        width += count * growth
        if at < len(blocks):
            layers[f"transition{at}"] = _transition(width)
            width //= 2
    layers["norm5"] = nn.BatchNorm2d(width)
    for part in (module for layer in layers.values() for module in layer.modules()):
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight)
    return nn.Sequential(OrderedDict(layers)), width


class DenseNetRate(nn.Module):
    """Heart rate of each frame, or what its head says of it.

    head: of HEADS.   frozen: the trunk does not learn.
    drift: even frozen, it takes its normalisation from the batch while training, and moves its
        running statistics.
    first, growth, blocks: of the trunk; as given they make DenseNet-161.
    """

    def __init__(
        self,
        *,
        head: str = "rate",
        frozen: bool = False,
        drift: bool = False,
        first: int = FIRST,
        growth: int = GROWTH,
        blocks: tuple[int, ...] = BLOCKS,
    ) -> None:
        super().__init__()
        self.still = frozen and not drift
        self.features, self.width = trunk(first=first, growth=growth, blocks=blocks)
        self.features.requires_grad_(not frozen)
        if head not in HEADS:
            raise InputError(f"no head {head!r}; choose one of {', '.join(HEADS)}")
        self.head = HEADS[head](self.width)

    def train(self, mode: bool = True) -> Self:
        """Set training mode; a frozen trunk without drift stays as it is."""
        super().train(mode)
        if self.still:
            self.features.eval()
        return self

    def seen(self, x: Tensor) -> Tensor:
        """Features (N, T, 2208) of clips (N, T, 3, H, W) scaled as ImageNet's pictures."""
        features = F.relu(self.features(x.flatten(0, 1))).mean((-2, -1))
        return features.reshape(*x.shape[:2], -1)

    def forward(self, x: Tensor) -> Tensor:
        """Of clips (N, T, 3, H, W) scaled as ImageNet's pictures what the head gives.

        rate: (N, T, 1) bpm.   classes, bins: (N, T, K) logits.   recurrent, attention: (N, 1, 1)
        bpm of the whole clip.
        """
        said: Tensor = self.head(self.seen(x))
        return said


def _transition(width: int) -> nn.Sequential:
    layers = {
        "norm": nn.BatchNorm2d(width),
        "relu": nn.ReLU(),
        "conv": nn.Conv2d(width, width // 2, 1, bias=False),
        "pool": nn.AvgPool2d(2),
    }
    return nn.Sequential(OrderedDict(layers))


def _keys(name: str) -> str | None:
    """From torchvision's densenet161: no classifier; old files write `norm.1` for `norm1`."""
    if name.startswith("classifier."):
        return None
    return re.sub(r"(denselayer\d+\.(?:norm|conv))\.([12])\.", r"\1\2.", name)


def _build(*, size: Size, head: str = "rate", **options: Any) -> DenseNetRate:
    check_size(size, SIZES, name="DenseNet-161")
    return DenseNetRate(head=head, **options)


def _mean_rate(output: Tensor, n: int) -> Tensor:
    return output.reshape(n, -1).mean(1, keepdim=True)


SIZES = tuple((s, s) for s in (32, 64, 127, 128, 224))
TRIED = ((32, 32), (64, 64), (127, 127))  # of the heads that are ours
DENSENET = Architecture(
    build=_build,
    takes="imagenet",
    gives="rate",
    size=(127, 127),
    length=1,
    parameters=26_508_433,
    source="Huang et al., CVPR 2017; torchvision's densenet161 and system C",
    keys=_keys,
    wave=_mean_rate,
    sizes=SIZES,
    shortest=1,
)
DENSENET_CLASSES = replace(
    DENSENET,
    build=partial(_build, head="classes"),
    sizes=TRIED,
    parameters=26_508_467,
    wave=rate_of_classes,
)
DENSENET_BINS = replace(
    DENSENET,
    build=partial(_build, head="bins"),
    sizes=TRIED,
    parameters=26_509_623,
    wave=rate_of_bins,
)
DENSENET_RECURRENT = replace(
    DENSENET,
    build=partial(_build, head="recurrent"),
    sizes=TRIED,
    parameters=26_561_537,
    length=48,
    shortest=8,
)
DENSENET_ATTENTION = replace(
    DENSENET_RECURRENT, build=partial(_build, head="attention"), parameters=26_646_913
)
