"""PhysFormer: a video transformer whose attention looks at temporal differences.

Yu et al., "PhysFormer: facial video-based physiological measurement with temporal difference
transformer", CVPR 2022.

Shape letters: N clips, C channels, T frames, H rows, W columns, P tubes of 4×4×4 stem pixels,
A attention heads.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from camvitals.models.architecture import Architecture, Size, check_size
from camvitals.models.names import renamed
from camvitals.models.temporal_difference import TemporalDifferenceConv

TUBE = 4


def _stem(taken: int, given: int, kernel: tuple[int, int, int]) -> nn.Sequential:
    pad = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
    return nn.Sequential(
        nn.Conv3d(taken, given, kernel, padding=pad),
        nn.BatchNorm3d(given),
        nn.ReLU(),
        nn.MaxPool3d((1, 2, 2)),
    )


def _lengthen(taken: int, given: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Upsample(scale_factor=(2, 1, 1)),
        nn.Conv3d(taken, given, (3, 1, 1), padding=(1, 0, 0)),
        nn.BatchNorm3d(given),
        nn.ELU(),
    )


class Attention(nn.Module):
    """Self-attention over tubes; queries and keys from temporal-difference convolution."""

    def __init__(self, width: int, heads: int, *, theta: float, sharpness: float) -> None:
        super().__init__()
        self.heads, self.sharpness = heads, sharpness
        self.query = nn.Sequential(
            TemporalDifferenceConv(width, theta=theta), nn.BatchNorm3d(width)
        )
        self.key = nn.Sequential(TemporalDifferenceConv(width, theta=theta), nn.BatchNorm3d(width))
        self.value = nn.Conv3d(width, width, 1, bias=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Attend in (N, C, T, H, W). Returns the same shape, and (N, A, P, P) weights."""
        query, key, value = (
            part(x).flatten(2).unflatten(1, (self.heads, -1)).transpose(-2, -1)
            for part in (self.query, self.key, self.value)
        )
        # The divisor is the paper's fixed sharpness, not the root of the width of a head.
        weights = torch.softmax(query @ key.transpose(-2, -1) / self.sharpness, -1)
        out = (weights @ value).transpose(-2, -1).flatten(1, 2)
        return out.unflatten(-1, x.shape[2:]), weights


class Block(nn.Module):
    """Attention, then a feed-forward part that convolves each channel in space and time."""

    def __init__(
        self, width: int, inner: int, heads: int, *, theta: float, sharpness: float, dropout: float
    ) -> None:
        super().__init__()
        self.norm_attention = nn.LayerNorm(width, eps=1e-6)
        self.attention = Attention(width, heads, theta=theta, sharpness=sharpness)
        self.project = nn.Linear(width, width)
        self.norm_forward = nn.LayerNorm(width, eps=1e-6)
        self.forward_part = nn.Sequential(
            nn.Conv3d(width, inner, 1, bias=False),
            nn.BatchNorm3d(inner),
            nn.ELU(),
            nn.Conv3d(inner, inner, 3, padding=1, groups=inner, bias=False),
            nn.BatchNorm3d(inner),
            nn.ELU(),
            nn.Conv3d(inner, width, 1, bias=False),
            nn.BatchNorm3d(width),
        )
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """One block on (N, C, T, H, W); also the attention weights."""
        attended, weights = self.attention(_over_channels(self.norm_attention, x))
        x = x + self.drop(_over_channels(self.project, attended))
        x = x + self.drop(self.forward_part(_over_channels(self.norm_forward, x)))
        return x, weights


class PhysFormer(nn.Module):
    """Pulse of a clip of faces.

    width, inner, heads, layers: channels, channels of the feed-forward part, attention heads, and
        blocks (a multiple of 3).
    theta:     share of the temporal difference in queries and keys.
    sharpness: divisor of the attention's scores.
    attention: give the attention weights of blocks layers/3, 2·layers/3 and layers too.
    """

    def __init__(
        self,
        *,
        width: int = 96,
        inner: int = 144,
        heads: int = 4,
        layers: int = 12,
        theta: float = 0.7,
        sharpness: float = 2.0,
        dropout: float = 0.1,
        attention: bool = False,
    ) -> None:
        super().__init__()
        self.attention = attention
        self.stem = nn.Sequential(
            _stem(3, width // 4, (1, 5, 5)),
            _stem(width // 4, width // 2, (3, 3, 3)),
            _stem(width // 2, width, (3, 3, 3)),
        )
        self.tubes = nn.Conv3d(width, width, TUBE, stride=TUBE)
        self.stages = nn.ModuleList(
            nn.ModuleList(
                Block(width, inner, heads, theta=theta, sharpness=sharpness, dropout=dropout)
                for _ in range(layers // 3)
            )
            for _ in range(3)
        )
        self.lengthen = nn.Sequential(_lengthen(width, width), _lengthen(width, width // 2))
        self.head = nn.Conv1d(width // 2, 1, 1)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.normal_(module.bias, std=1e-6)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        """The pulse (N, T) of clips (N, 3, T, H, W); T a multiple of 4, H and W of 32.

        With `attention` a tuple of it and three (N, A, P, P) weights.
        """
        x = self.tubes(self.stem(x))
        seen = []
        for stage in self.stages:
            weights = x
            for block in stage:  # type: ignore[attr-defined]
                x, weights = block(x)
            seen.append(weights)
        pulse: Tensor = self.head(self.lengthen(x).mean((-2, -1))).squeeze(1)
        return (pulse, *seen) if self.attention else pulse


def _over_channels(layer: nn.Module, x: Tensor) -> Tensor:
    """Apply a layer that works on the last axis to the channels of (N, C, …)."""
    out: Tensor = layer(x.movedim(1, -1)).movedim(-1, 1)
    return out


def _build(*, size: Size, **options: Any) -> PhysFormer:
    check_size(size, SIZES, name="PhysFormer")
    return PhysFormer(**options)


def _pulse(output: Tensor | tuple[Tensor, ...], n: int) -> Tensor:
    pulse = output[0] if isinstance(output, tuple) else output
    return pulse.reshape(n, -1)


NAMES = {
    "patch_embedding.": "tubes.",
    "transformer1.blocks.": "stages.0.",
    "transformer2.blocks.": "stages.1.",
    "transformer3.blocks.": "stages.2.",
    ".attn.proj_q.": ".attention.query.",
    ".attn.proj_k.": ".attention.key.",
    ".attn.proj_v.0.": ".attention.value.",
    ".proj.": ".project.",
    ".norm1.": ".norm_attention.",
    ".norm2.": ".norm_forward.",
    ".pwff.fc1.": ".forward_part.",
    ".pwff.STConv.0.": ".forward_part.3.",
    ".pwff.STConv.1.": ".forward_part.4.",
    ".pwff.fc2.0.": ".forward_part.6.",
    ".pwff.fc2.1.": ".forward_part.7.",
    "Stem0.": "stem.0.",
    "Stem1.": "stem.1.",
    "Stem2.": "stem.2.",
    "upsample.": "lengthen.0.",
    "upsample2.": "lengthen.1.",
    "ConvBlockLast.": "head.",
}
SIZES = tuple((s, s) for s in (32, 64, 96, 128))
PHYSFORMER = Architecture(
    build=_build,
    takes="normalised difference",
    gives="derivative",
    size=(128, 128),
    length=160,
    parameters=7_380_865,
    source="Yu et al., CVPR 2022; ZitongYu/PhysFormer, rPPG-Toolbox",
    keys=renamed(NAMES),
    wave=_pulse,
    layout="CTHW",
    sizes=SIZES,
    step=TUBE,
    shortest=2 * TUBE,
)
