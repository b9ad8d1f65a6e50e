"""rPPGNet: pulse, skin map and the pulse of parts of the face from one clip.

Yu et al., "Remote heart rate measurement from highly compressed facial videos: an end-to-end deep
learning solution with video enhancement", ICCV 2019.

Faults of the released code, kept where the numbers depend on them:
* the first of the four parts is read by the layer of the whole face, so its own layer never
  learns; `own_first_part=True` gives it back. The layer stays, so that released weights fit.
* it averages over space by resampling time to 64 frames, whatever was given; here time is kept,
  which is the same at 64 frames.
* a convolution that nothing uses is part of its weights (448 of 550,779); it stays for the same
  reason.
The attention sums to 1 over each frame and the features are not scaled back, so what reaches the
pulse layers is some hundred times smaller than what left the convolutions.

Shape letters: N clips, C channels, T frames, H rows, W columns.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from camvitals.models.architecture import Architecture, Size, check_size
from camvitals.models.factored import FACTORED_NAMES, FactoredConv
from camvitals.models.names import renamed

GAIN = 64.0  # by which changes of pictures in 0–1 are enlarged


class Recovered(NamedTuple):
    """What rPPGNet gives, in the order of the released code.

    skin:      (N, T, H/2, W/2) share of skin, 0–1.
    auxiliary: (N, T) pulse from the shallower features; `pulse` from the deeper ones;
    part1…4:   (N, T) pulse of the upper left, lower left, upper right, lower right quarter.
    shallow:   (N, 32, T, H/2, W/2) features; `deep` (N, 64, T, H/4, W/4).
    """

    skin: Tensor
    auxiliary: Tensor
    pulse: Tensor
    part1: Tensor
    part2: Tensor
    part3: Tensor
    part4: Tensor
    shallow: Tensor
    deep: Tensor


def skin_attention(features: Tensor, skin: Tensor) -> Tensor:
    """Weight of each place of each frame, summing to 1 over a frame.

    features: (N, C, T, H, W).  skin: (N, T, H, W) share of skin.
    Returns (N, T, H, W).
    """
    liking = torch.sigmoid(features.mean(1)) + torch.sigmoid(features.amax(1)) + skin
    return torch.softmax(liking.flatten(2), -1).reshape(liking.shape)


def _normed(conv: nn.Module, channels: int) -> list[nn.Module]:
    return [conv, nn.BatchNorm3d(channels), nn.ReLU()]


def _factored(*widths: int) -> nn.Sequential:
    layers = (_normed(FactoredConv(a, b), b) for a, b in pairwise(widths))
    return nn.Sequential(*(part for layer in layers for part in layer))


def _in_space(taken: int, given: int, kernel: int) -> nn.Conv3d:
    pad = kernel // 2
    return nn.Conv3d(taken, given, (1, kernel, kernel), padding=(0, pad, pad))


class RPPGNet(nn.Module):
    """Pulse of a clip of faces, guided by a map of the skin.

    own_first_part: read the first part by its own layer, which the released code forgot.
    width:   channels of the first layer; 16 is that of the paper.
    changes: give besides how every pixel differs from its own mean over the clip, enlarged, by
        which a pulse is found in minutes of training instead of hours. Not of the paper.
    """

    def __init__(
        self, *, own_first_part: bool = False, width: int = 16, changes: bool = False
    ) -> None:
        super().__init__()
        self.own_first_part, self.changes = own_first_part, changes
        self.stem = nn.Sequential(*_normed(_in_space(6 if changes else 3, width, 5), width))
        self.to_shallow = _factored(width, 2 * width, 2 * width)
        self.to_deep = _factored(2 * width, 4 * width, 4 * width)
        self.to_deepest = _factored(4 * width, 4 * width, 4 * width, 4 * width)
        self.skin_main = nn.Sequential(
            *_normed(_in_space(2 * width, 16, 3), 16), *_normed(_in_space(16, 8, 3), 8)
        )
        self.skin_side = nn.Sequential(*_normed(_in_space(2 * width, 8, 1), 8))
        self.skin_map = _in_space(8, 1, 3)
        self.auxiliary = nn.Conv3d(4 * width, 1, 1)
        self.whole = nn.Conv3d(4 * width, 1, 1)
        self.parts = nn.ModuleList(nn.Conv3d(4 * width, 1, 1) for _ in range(4))
        self.unused = _in_space(3, 16, 3)

    def forward(self, x: Tensor) -> Recovered:
        """Read clips (N, 3, T, H, W) in 0–1; H and W multiples of 16, 64 frames when released."""
        if self.changes:
            x = torch.cat([x, torch.tanh(GAIN * (x - x.mean(2, keepdim=True)))], 1)
        shallow = self.to_shallow(_halve(self.stem(x)))
        skin = torch.sigmoid(self.skin_map(self.skin_main(shallow) + self.skin_side(shallow)))[:, 0]
        deep = self.to_deep(_halve(shallow))
        deepest = self.to_deepest(_halve(deep))
        skin_deep = F.avg_pool2d(skin, 2)
        attended = deep * skin_attention(deep, skin_deep)[:, None]
        auxiliary = self._pulse(attended, self.auxiliary)
        attended = deepest * skin_attention(deepest, F.avg_pool2d(skin_deep, 2))[:, None]
        pulse = self._pulse(attended, self.whole)
        first = self.parts[0] if self.own_first_part else self.whole
        quarters = (q for side in attended.chunk(2, -1) for q in side.chunk(2, -2))
        layers = (first, *self.parts[1:])
        one, two, three, four = map(self._pulse, quarters, layers)
        return Recovered(skin, auxiliary, pulse, one, two, three, four, shallow, deep)

    @staticmethod
    def _pulse(features: Tensor, layer: nn.Module) -> Tensor:
        out: Tensor = layer(features.mean((-2, -1), keepdim=True))
        return out.flatten(1)


def _halve(x: Tensor) -> Tensor:
    return F.avg_pool3d(x, (1, 2, 2))


def _build(*, size: Size, **options: Any) -> RPPGNet:
    check_size(size, SIZES, name="rPPGNet")
    return RPPGNet(**options)


def _pulse(output: Recovered, n: int) -> Tensor:
    return output.pulse.reshape(n, -1)


def _names() -> dict[str, str]:
    """From the names of the authors' release to ours."""
    places = {3: "to_shallow", 5: "to_deep", 7: "to_deepest"}
    names = {"ConvSpa1.": "stem.", "ConvSpa10.": "auxiliary.", "ConvSpa11.": "whole."}
    for number in range(3, 10):
        first = max(start for start in places if start <= number)
        at = 3 * (number - first)
        names[f"ConvSpa{number}.0."] = f"{places[first]}.{at}."
        names[f"ConvSpa{number}.1."] = f"{places[first]}.{at + 1}."
    names |= {f"ConvPart{part}.": f"parts.{part - 1}." for part in range(1, 5)}
    names |= {"ConvSpa.": "unused.", "skin_residual.": "skin_side.", "skin_output.0.": "skin_map."}
    return names | FACTORED_NAMES


SIZES = tuple((s, s) for s in (16, 32, 64, 96, 128))
RPPGNET = Architecture(
    build=_build,
    takes="unit",
    gives="pulse",
    size=(128, 128),
    length=64,
    parameters=550_779,
    source="Yu et al., ICCV 2019; ZitongYu/STVEN_rPPGNet",
    keys=renamed(_names()),
    wave=_pulse,
    layout="CTHW",
    sizes=SIZES,
    idle=frozenset({"parts.0.weight", "parts.0.bias", "unused.weight", "unused.bias"}),
)
