"""What DeepPhys, HeartRateNet, TS-CAN and EfficientPhys are made of, and the two branches.

Shape letters: N clips, T frames, F = N·T frames of all clips, C channels, H rows, W columns.
Chen & McDuff, DeepPhys, ECCV (2018); Liu, Fromm, Patel & McDuff, MTTS-CAN, NeurIPS (2020).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from camvitals.models.architecture import Size
from camvitals.models.names import renamed
from camvitals.records import InputError

BLOCKS = 4  # convolutions of a branch
WIDTHS = (3, 32, 32, 64, 64)
# Names of rPPG-Toolbox's DeepPhys, TS-CAN and EfficientPhys -> names here
keys = renamed(
    {
        "motion_conv": "motion.conv",
        "apperance_conv": "appearance.conv",
        "apperance_att_conv1.": "attention1.weigh.",
        "apperance_att_conv2.": "attention2.weigh.",
        "final_dense_": "head.dense",
    }
)


def attention_mask(q: Tensor) -> Tensor:
    """Weights (F, 1, H, W) > 0 scaled to a mean of one half in each picture.

    The L1 normalisation of DeepPhys, equation 5: q · H·W / (2 · sum of q).
    """
    return q * (q.shape[-2] * q.shape[-1] / (2 * q.sum((-2, -1), keepdim=True)))


def shifted(frames: Tensor, *, segment: int) -> Tensor:
    """Temporal shift: a third of the channels of the next frame, a third of the last, a third now.

    frames: (F, C, H, W), F a multiple of `segment`.   segment: frames that exchange channels; what
    would come from outside is zero. Lin, Gan & Han, TSM, ICCV (2019).
    """
    if frames.shape[0] % segment:
        raise InputError(
            f"temporal shift needs a multiple of {segment} frames but got {frames.shape[0]}; "
            "cut the clips or build with another segment="
        )
    x = frames.reshape(-1, segment, *frames.shape[1:])
    third = x.shape[2] // 3
    nothing = torch.zeros_like(x[:, :1, :third])
    coming = torch.cat([x[:, 1:, :third], nothing], dim=1)
    gone = torch.cat([nothing, x[:, :-1, third : 2 * third]], dim=1)
    return torch.cat([coming, gone, x[:, :, 2 * third :]], dim=2).reshape(frames.shape)


class Attention(nn.Module):
    """Where to look: features (F, C, H, W) -> weights (F, 1, H, W) whose mean is one half."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weigh = nn.Conv2d(width, 1, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Weights of one picture each."""
        return attention_mask(torch.sigmoid(self.weigh(features)))


class Branch(nn.Module):
    """Four convolutions with tanh, as two pairs; each pair loses a border of one pixel.

    segment: frames that exchange channels before each convolution; None: frames stand alone.
    """

    def __init__(self, *, segment: int | None = None, batch_norm: bool = False) -> None:
        super().__init__()
        self.segment = segment
        for at in range(1, BLOCKS + 1):
            conv = nn.Conv2d(WIDTHS[at - 1], WIDTHS[at], 3, padding=at % 2)
            self.add_module(f"conv{at}", conv)
            norm = nn.BatchNorm2d(WIDTHS[at]) if batch_norm else nn.Identity()
            self.add_module(f"norm{at}", norm)

    def pair(self, frames: Tensor, number: int) -> Tensor:
        """The first (1) or second (2) pair of convolutions."""
        for at in (2 * number - 1, 2 * number):
            if self.segment is not None:
                frames = shifted(frames, segment=self.segment)
            conv, norm = self.get_submodule(f"conv{at}"), self.get_submodule(f"norm{at}")
            frames = torch.tanh(norm(conv(frames)))
        return frames

    def freeze(self, blocks: int) -> None:
        """Let the first `blocks` convolutions learn no more."""
        for at in range(1, blocks + 1):
            for name in (f"conv{at}", f"norm{at}"):
                self.get_submodule(name).requires_grad_(False)


class Head(nn.Module):
    """Features (F, 64, H, W) -> one number for each frame.

    size: of the pictures [px].   pooled: take the mean over the picture first (8,449 numbers).
    """

    def __init__(self, *, size: Size, dropout: float, pooled: bool = False) -> None:
        super().__init__()
        self.pooled = pooled
        rows, columns = (((side - 2) // 2 - 2) // 2 for side in size)
        self.dense1 = nn.Linear(WIDTHS[-1] * (1 if pooled else rows * columns), 128)
        self.dropout = nn.Dropout(dropout)
        self.dense2 = nn.Linear(128, 1)

    def forward(self, features: Tensor) -> Tensor:
        """(F, 1)."""
        flat = features.mean((2, 3)) if self.pooled else features.flatten(1)
        numbers: Tensor = self.dense2(self.dropout(torch.tanh(self.dense1(flat))))
        return numbers


class TwoBranch(nn.Module):
    """Motion read where appearance tells it to look.

    size:    of the pictures [px].   conv_dropout, dense_dropout: shares of numbers left out.
    segment: frames among which motion channels are shifted (TS-CAN); None: frames stand alone.
    pooled:  small head on the mean over the picture.   batch_norm: after each convolution.
    frozen_blocks: convolutions of each branch that learn no more, 0–4.
    """

    def __init__(
        self,
        *,
        size: Size,
        conv_dropout: float = 0.25,
        dense_dropout: float = 0.5,
        segment: int | None = None,
        pooled: bool = False,
        batch_norm: bool = False,
        frozen_blocks: int = 0,
    ) -> None:
        super().__init__()
        if not 0 <= frozen_blocks <= BLOCKS:
            raise InputError(f"frozen_blocks must be 0–{BLOCKS} but is {frozen_blocks}")
        self.motion = Branch(segment=segment, batch_norm=batch_norm)
        self.appearance = Branch(batch_norm=batch_norm)
        self.attention1, self.attention2 = Attention(WIDTHS[2]), Attention(WIDTHS[4])
        self.pool = nn.AvgPool2d(2)
        self.dropout = nn.Dropout(conv_dropout)
        self.head = Head(size=size, dropout=dense_dropout, pooled=pooled)
        self.motion.freeze(frozen_blocks)
        self.appearance.freeze(frozen_blocks)

    def forward(self, clips: Tensor) -> Tensor:
        """(N, T, 6, H, W), differences then pictures -> (N, T)."""
        frames = clips.flatten(0, 1)
        motion = self.motion.pair(frames[:, :3], 1)
        appearance = self.appearance.pair(frames[:, 3:], 1)
        motion = self.dropout(self.pool(motion * self.attention1(appearance)))
        appearance = self.dropout(self.pool(appearance))
        motion = self.motion.pair(motion, 2)
        appearance = self.appearance.pair(appearance, 2)
        motion = self.dropout(self.pool(motion * self.attention2(appearance)))
        numbers: Tensor = self.head(motion)
        return numbers.reshape(clips.shape[:2])
