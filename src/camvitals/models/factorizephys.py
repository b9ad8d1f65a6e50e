"""FactorizePhys: a small 3-D network with attention by matrix factorisation.

Joshi, Agaian & Cho, FactorizePhys: matrix factorization for multidimensional attention in remote
physiological sensing, NeurIPS (2024).
Shape letters: N clips, C channels, T frames, H rows, W columns.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from camvitals.models.architecture import Architecture, Size, check_size
from camvitals.models.convolved import Differences, Three, block, he_normal
from camvitals.models.names import renamed

SIZES: tuple[Size, ...] = ((72, 72),)  # its unpadded convolutions end on one pixel
WIDTHS = (8, 12, 16)
SMALL = 1e-6
# Names of rPPG-Toolbox's FactorizePhys -> names here
ours = renamed(
    {
        "rppg_feature_extractor.FeatureExtractor.": "features.",
        "rppg_head.conv_block.": "head.",
        "rppg_head.final_layer.": "final.",
        "rppg_head.fsam.pre_conv_block.0.": "attention.before.",
        "rppg_head.fsam.post_conv_block.0.conv.": "attention.after.0.",
        "rppg_head.fsam.post_conv_block.1.": "attention.after.2.",
        ".conv_block_3d.": ".",
    }
)


def layer(widths: tuple[int, int], *, down: int = 1, padding: Three = (1, 0, 0)) -> nn.Sequential:
    """3×3×3 convolution without bias, tanh, instance norm; `down`: step in space."""
    return block(widths, (3, 3, 3), stride=(1, down, down), padding=padding, bias=False)


def rank_one(x: Tensor, *, steps: int) -> Tensor:
    """The non-negative matrix of rank one nearest to x, by multiplicative updates.

    x: (N, D, M), ≥ 0.   steps: updates of both factors. The last update of the coefficients is the
    only one with a gradient, as in the paper. Lee & Seung, NIPS (2000).
    """
    bases, coefficients = (
        x.new_ones(x.shape[0], x.shape[1], 1),
        x.new_ones(x.shape[0], x.shape[2], 1),
    )
    bases = nn.functional.normalize(bases, dim=1)
    with torch.no_grad():
        for _ in range(steps):
            coefficients = _updated(coefficients, x.transpose(1, 2), bases)
            bases = _updated(bases, x, coefficients)
    return bases @ _updated(coefficients, x.transpose(1, 2), bases).transpose(1, 2)


def _updated(factor: Tensor, x: Tensor, other: Tensor) -> Tensor:
    return factor * (x @ other) / (factor @ (other.transpose(1, 2) @ other) + SMALL)


class FactorizedAttention(nn.Module):
    """Attention that is one course in time times one pattern over channels and pixels.

    width: channels.   steps: updates of the factorisation.   residual: add what came in.
    The public code takes the least number of the whole batch and joins time with channels in its
    reshape; here each clip stands alone, and time is the rows of the matrix, as the paper has it.
    """

    def __init__(self, width: int, *, steps: int = 4, residual: bool = True) -> None:
        super().__init__()
        self.steps, self.residual = steps, residual
        half = width // 2
        self.before = nn.Conv3d(width, half, 1)
        self.after = nn.Sequential(
            nn.Conv3d(half, half, 1, bias=False), nn.ReLU(), nn.Conv3d(half, width, 1, bias=False)
        )
        self.norm = nn.InstanceNorm3d(width)
        for conv in (self.before, self.after[0], self.after[2]):
            assert isinstance(conv, nn.Conv3d)
            he_normal(conv)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, H, W) -> the same shape, weighed."""
        seen = torch.relu(self.before(_above_zero(x))).movedim(2, 1)  # N, T, C, H, W
        course = rank_one(seen.flatten(2), steps=self.steps).reshape(seen.shape)
        weights = self.after(course.movedim(1, 2))
        weighed: Tensor = self.norm((_above_zero(x) + 1) * (_above_zero(weights) + 1))
        return x + weighed if self.residual else weighed


def _above_zero(x: Tensor) -> Tensor:
    return x - x.amin((1, 2, 3, 4), keepdim=True)


class FactorizePhys(nn.Module):
    """Differences of pictures through twelve convolutions, with attention before the last three.

    size: of the pictures [px], 72×72.   dropout: share of channels left out while training.
    attention: whether it is there.   attend_in_evaluation: whether it acts after training too; the
    paper leaves it out then, because the network has learnt by it.   residual: as the best network
    of the paper has it.
    """

    def __init__(
        self,
        *,
        size: Size,
        dropout: float = 0.1,
        attention: bool = True,
        attend_in_evaluation: bool = False,
        residual: bool = True,
    ) -> None:
        super().__init__()
        check_size(size, SIZES, name="factorizephys")
        a, b, c = WIDTHS
        self.attend_in_evaluation = attend_in_evaluation
        self.differences = Differences()
        self.features = nn.Sequential(
            layer((3, a), padding=(1, 1, 1)),
            layer((a, b), down=2),
            layer((b, b)),
            nn.Dropout3d(dropout),
            layer((b, b)),
            layer((b, c), down=2),
            layer((c, c)),
            nn.Dropout3d(dropout),
        )
        self.head = nn.Sequential(
            layer((c, c)), layer((c, c)), layer((c, c)), nn.Dropout3d(dropout)
        )
        self.attention = FactorizedAttention(c, residual=residual) if attention else None
        last = nn.Conv3d(a, 1, 3, padding=(1, 0, 0), bias=False)
        self.final = nn.Sequential(layer((c, b)), layer((b, a)), last)

    def forward(self, clips: Tensor) -> Tensor:
        """(N, 3, T + 1, H, W) pictures -> (N, T)."""
        x = self.head(self.features(self.differences(clips)))
        if self.attention is not None and (self.training or self.attend_in_evaluation):
            x = self.attention(x)
        wave: Tensor = self.final(x)
        return wave.flatten(1)


def keys(name: str) -> str | None:
    """Name here of a tensor of the public code; its `bias1` always is 1, and no tensor here."""
    return None if name.endswith("bias1") else ours(name)


FACTORIZEPHYS = Architecture(
    build=FactorizePhys,
    takes="raw",
    gives="pulse",
    size=(72, 72),
    length=160,
    shortest=2,
    layout="CTHW",
    extra=1,
    parameters=52_168,
    source="Joshi, Agaian & Cho, FactorizePhys, NeurIPS (2024); compared with rPPG-Toolbox",
    keys=keys,
)
