"""EfficientPhys: one branch that attends to itself and takes its own differences (2021).

Liu, Hill, Jiang, Patel & McDuff, EfficientPhys: enabling simple, fast and accurate camera-based
cardiac measurement, WACV (2023).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from camvitals.models.architecture import Architecture, Size, check_size
from camvitals.models.two_branch import WIDTHS, Attention, Branch, Head, keys

SIZES: tuple[Size, ...] = ((36, 36), (72, 72), (96, 96))
SEGMENT = 10


class EfficientPhys(nn.Module):
    """Differences, normalised over the batch, through four convolutions with temporal shift.

    size: of the pictures [px].   segment: frames among which channels are shifted.
    conv_dropout, dense_dropout: shares of numbers left out while training.
    The public code takes differences over the whole batch, so that one falls between two clips;
    here each clip has its own.
    """

    def __init__(
        self,
        *,
        size: Size,
        segment: int = SEGMENT,
        conv_dropout: float = 0.25,
        dense_dropout: float = 0.5,
    ) -> None:
        super().__init__()
        check_size(size, SIZES, name="efficientphys")
        self.batch_norm = nn.BatchNorm2d(3)
        self.motion = Branch(segment=segment)
        self.attention1, self.attention2 = Attention(WIDTHS[2]), Attention(WIDTHS[4])
        self.pool = nn.AvgPool2d(2)
        self.dropout = nn.Dropout(conv_dropout)
        self.head = Head(size=size, dropout=dense_dropout)

    def forward(self, clips: Tensor) -> Tensor:
        """(N, T + 1, 3, H, W) pictures -> (N, T)."""
        change = torch.diff(clips, dim=1)
        features = self.motion.pair(self.batch_norm(change.flatten(0, 1)), 1)
        features = self.dropout(self.pool(features * self.attention1(features)))
        features = self.motion.pair(features, 2)
        features = self.dropout(self.pool(features * self.attention2(features)))
        numbers: Tensor = self.head(features)
        return numbers.reshape(change.shape[:2])


EFFICIENTPHYS = Architecture(
    build=EfficientPhys,
    takes="standardised",
    gives="derivative",
    size=(72, 72),
    sizes=SIZES,
    length=180,
    step=SEGMENT,
    shortest=SEGMENT,
    extra=1,
    parameters=2_163_081,
    source="Liu et al., EfficientPhys, WACV (2023); compared with rPPG-Toolbox",
    keys=keys,
)
