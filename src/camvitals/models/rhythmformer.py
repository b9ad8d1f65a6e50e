"""RhythmFormer: a video transformer that attends to the parts of a clip that are most alike.

Zou et al., "RhythmFormer: extracting patterned rPPG signals based on periodic sparse attention",
Pattern Recognition 2025 (arXiv 2402.12788).

Each block cuts its clip into regions, lets every region choose the 40 that fit it best by their
means, and attends to the places of those. The released code carries a projection in every block
that nothing uses; it is left out here. It scales scores by the width of all heads together. In a
clip with fewer regions than 40 all are chosen, where the released code stops.

Shape letters: N clips, C channels, T frames, H rows, W columns, R regions, K chosen regions,
P places of a region, A attention heads.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from camvitals.models.architecture import Architecture, Size, check_size
from camvitals.models.names import renamed
from camvitals.models.temporal_difference import TemporalDifferenceConv

WIDTH, HEADS, CHOSEN, GRID = 64, 4, 40, 4
THETA, INNER = 0.2, 96
HALVINGS = (1, 2, 3)  # of time, in each stage
DEPTH = 2
Cut = tuple[int, int, int]


def regions_of(x: Tensor, cut: Cut) -> Tensor:
    """(N, C, T, H, W) as (N, R, P, C), regions of `cut` frames, rows and columns."""
    n, c, *sizes = x.shape
    count = [size // part for size, part in zip(sizes, cut, strict=True)]
    split = x.reshape(n, c, count[0], cut[0], count[1], cut[1], count[2], cut[2])
    return split.permute(0, 2, 4, 6, 3, 5, 7, 1).reshape(n, -1, cut[0] * cut[1] * cut[2], c)


def clip_of(regions: Tensor, cut: Cut, sizes: tuple[int, ...]) -> Tensor:
    """The inverse of `regions_of`; sizes: T, H, W."""
    n, c = regions.shape[0], regions.shape[-1]
    count = [size // part for size, part in zip(sizes, cut, strict=True)]
    split = regions.reshape(n, *count, *cut, c)
    return split.permute(0, 7, 1, 4, 2, 5, 3, 6).reshape(n, c, *sizes)


class SparseAttention(nn.Module):
    """Attention of each region to the regions that it chooses."""

    def __init__(self, frames: int) -> None:
        super().__init__()
        self.frames = frames
        self.query = nn.Sequential(
            TemporalDifferenceConv(WIDTH, theta=THETA), nn.BatchNorm3d(WIDTH)
        )
        self.key = nn.Sequential(TemporalDifferenceConv(WIDTH, theta=THETA), nn.BatchNorm3d(WIDTH))
        self.value = nn.Conv3d(WIDTH, WIDTH, 1, bias=False)
        self.near = nn.Conv3d(WIDTH, WIDTH, 3, padding=1, groups=WIDTH)
        self.project = nn.Conv3d(WIDTH, WIDTH, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, H, W); the shape stays."""
        sizes = tuple(x.shape[2:])
        cut = (self.frames, sizes[1] // GRID, sizes[2] // GRID)
        values = self.value(x)
        query, key, value = (regions_of(y, cut) for y in (self.query(x), self.key(x), values))
        chosen = _best(query, key)
        clip = torch.arange(len(x), device=x.device)[:, None, None]
        key, value = (y[clip, chosen].flatten(2, 3) for y in (key, value))  # (N, R, K·P, C)
        query, key, value = (
            y.reshape(*y.shape[:-1], HEADS, -1).transpose(2, 3) for y in (query, key, value)
        )
        share = torch.softmax(query @ key.transpose(-2, -1) * WIDTH**-0.5, -1)
        attended = (share @ value).transpose(2, 3).flatten(3)
        out: Tensor = self.project(clip_of(attended, cut, sizes) + self.near(values))
        return out


class Block(nn.Module):
    """Sparse attention, then convolutions, each with a shortcut."""

    def __init__(self, frames: int) -> None:
        super().__init__()
        self.norm_attention = nn.BatchNorm3d(WIDTH)
        self.attention = SparseAttention(frames)
        self.norm_forward = nn.BatchNorm3d(WIDTH)
        self.forward_part = nn.Sequential(
            nn.Conv3d(WIDTH, INNER, 1),
            nn.BatchNorm3d(INNER),
            nn.GELU(),
            nn.Conv3d(INNER, INNER, 3, padding=1),
            nn.BatchNorm3d(INNER),
            nn.GELU(),
            nn.Conv3d(INNER, WIDTH, 1),
            nn.BatchNorm3d(WIDTH),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, H, W); the shape stays."""
        x = x + self.attention(self.norm_attention(x))
        out: Tensor = x + self.forward_part(self.norm_forward(x))
        return out


class Stem(nn.Module):
    """Each frame, and its four differences to the frames around it, at a quarter of the size."""

    def __init__(self) -> None:
        super().__init__()
        self.frame, self.change = _quarter(3), _quarter(12)
        self.both, self.change_again = _same(), _same()

    def forward(self, x: Tensor) -> Tensor:
        """(N, T, 3, H, W) -> (N·T, C, H/4, W/4); before the first frame stands the first again."""
        around = torch.cat([x[:, :1], x[:, :1], x, x[:, -1:], x[:, -1:]], 1)
        steps = around[:, 1:] - around[:, :-1]
        changes = torch.cat([steps[:, at : at + x.shape[1]] for at in range(4)], 2)
        change = self.change(changes.flatten(0, 1))
        both = self.both((self.frame(x.flatten(0, 1)) + change) / 2)
        out: Tensor = (both + self.change_again(change)) / 2
        return out


class RhythmFormer(nn.Module):
    """Pulse of a clip of faces."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Stem()
        self.tubes = nn.Conv3d(WIDTH, WIDTH, (1, 4, 4), (1, 4, 4))
        self.stages = nn.ModuleList(
            nn.Sequential(
                *(_halve() for _ in range(times)),
                *(Block(max(GRID // 2**times, 1)) for _ in range(DEPTH)),
                *(_double() for _ in range(times)),
            )
            for times in HALVINGS
        )
        self.head = nn.Conv1d(WIDTH, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Pulse (N, T) of clips (N, T, 3, H, W); T a multiple of 8, H and W of 64."""
        frames = self.stem(x)
        x = frames.reshape(*x.shape[:2], *frames.shape[1:]).transpose(1, 2)
        x = self.tubes(x)
        for stage in self.stages:
            x = stage(x)
        pulse: Tensor = self.head(x.mean((-2, -1)))
        return pulse[:, 0]


def _best(query: Tensor, key: Tensor) -> Tensor:
    """The regions (N, R, K) whose mean key fits best the mean query of each."""
    fit = query.detach().mean(2) @ key.detach().mean(2).transpose(-2, -1)
    return fit.topk(min(CHOSEN, fit.shape[-1]), -1).indices


def _quarter(taken: int) -> nn.Sequential:
    conv = nn.Conv2d(taken, WIDTH, 5, 2, 2)
    return nn.Sequential(conv, nn.BatchNorm2d(WIDTH), nn.ReLU(), nn.MaxPool2d(3, 2, 1))


def _same() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(WIDTH, WIDTH, 3, padding=1), nn.BatchNorm2d(WIDTH), nn.ReLU())


def _halve() -> nn.Sequential:
    return nn.Sequential(nn.BatchNorm3d(WIDTH), nn.Conv3d(WIDTH, WIDTH, (2, 1, 1), (2, 1, 1)))


def _double() -> nn.Sequential:
    return nn.Sequential(
        nn.Upsample(scale_factor=(2, 1, 1)),
        nn.Conv3d(WIDTH, WIDTH, (3, 1, 1), padding=(1, 0, 0)),
        nn.BatchNorm3d(WIDTH),
        nn.ELU(),
    )


def _names() -> dict[str, str]:
    """From the names of the released code to ours."""
    table = {"Fusion_Stem.stem11.": "stem.frame.", "Fusion_Stem.stem12.": "stem.change."}
    table |= {"Fusion_Stem.stem21.": "stem.both.", "Fusion_Stem.stem22.": "stem.change_again."}
    table |= {"patch_embedding.": "tubes.", "ConvBlockLast.": "head."}
    for stage, times in enumerate(HALVINGS):
        kinds = {"downsample_layers": 0, "blocks": times, "upsample_layers": times + DEPTH}
        for kind, first in kinds.items():
            for at in range(DEPTH if kind == "blocks" else times):
                table[f"stages.{stage}.{kind}.{at}."] = f"stages.{stage}.{first + at}."
    parts = {"proj_q": "query", "proj_k": "key", "proj_v.0": "value", "lepe": "near"}
    parts |= {"output_linear": "project"}
    table |= {f".attn.{public}.": f".attention.{ours}." for public, ours in parts.items()}
    table |= {".norm1.": ".norm_attention.", ".norm2.": ".norm_forward."}
    return table | {".mlp.": ".forward_part."}


def _keys(name: str) -> str | None:
    return None if ".qkv_linear." in name else RENAMED(name)


def _build(*, size: Size, **options: Any) -> RhythmFormer:
    check_size(size, SIZES, name="RhythmFormer")
    return RhythmFormer(**options)


RENAMED = renamed(_names())
SIZES = ((64, 64), (128, 128))
RHYTHMFORMER = Architecture(
    build=_build,
    takes="standardised",
    gives="pulse",
    size=(128, 128),
    length=160,
    parameters=3_251_137,
    source="Zou et al., arXiv 2402.12788 (2024); zizheng-guo/RhythmFormer, rPPG-Toolbox",
    keys=_keys,
    sizes=SIZES,
    step=8,
    shortest=8,
)
