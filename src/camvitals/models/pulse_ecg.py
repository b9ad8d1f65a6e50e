"""PulseECG: an ECG from a pulse; first when it beats, then, told the beats, what it looks like.

Made for this package. A stack of dilated convolutions over the pulse says for every fifth of a
sample how probable an R peak is there. A second stack is shown the same features and the R peaks,
and draws. So the time of a beat may be in doubt without blurring the QRS complex, and a change of
the peaks moves the drawing with them. It is no published network; the aim is that of Zhu, Tian,
Wong & Wu, IEEE Internet of Things Journal 8 (2021), who fit each person by themselves.

Shape letters: N clips, T samples of the pulse, S parts of each, C channels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from camvitals.waves.ecg import PARTS

TAPS = 7
DILATIONS = (1, 2, 4, 8, 16, 32)  # 3.8 s either way at 50 Hz
DRAWN_TAPS = 5
DRAWN_DILATIONS = (1, 2, 4, 8, 16, 1)  # 1.3 s
FEW = -5.3  # log odds of one beat in 200 parts, to begin with


class _Step(nn.Module):
    """What the neighbours at one distance add."""

    def __init__(self, width: int, taps: int, dilation: int) -> None:
        super().__init__()
        self.look = nn.Conv1d(
            width, width, taps, dilation=dilation, padding="same", padding_mode="replicate"
        )
        self.scale = nn.BatchNorm1d(width)
        self.add = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        added: Tensor = self.add(torch.relu(self.scale(self.look(x))))
        return x + added


class PulseECG(nn.Module):
    """(N, T, 1 + S) pulse and marks of R peaks -> log odds of R peaks (N, T, S), ECG (N, T, S) mV.

    The log odds do not depend on the marks.   width, drawing: channels of the two stacks.
    """

    def __init__(self, *, width: int = 48, drawing: int = 48) -> None:
        super().__init__()
        self.take = nn.Conv1d(1, width, TAPS, padding="same", padding_mode="replicate")
        self.rhythm = nn.Sequential(*(_Step(width, TAPS, d) for d in DILATIONS))
        self.beat = nn.Conv1d(width, PARTS, 1)
        self.join = nn.Conv1d(width + PARTS, drawing, DRAWN_TAPS, padding="same")
        self.draw = nn.Sequential(*(_Step(drawing, DRAWN_TAPS, d) for d in DRAWN_DILATIONS))
        self.trace = nn.Conv1d(drawing, PARTS, 1)
        nn.init.constant_(self.beat.bias, FEW)  # type: ignore[arg-type]

    def forward(self, given: Tensor) -> tuple[Tensor, Tensor]:
        """Log odds and ECG, (N, T, S) each."""
        x = given.transpose(1, 2)
        seen = self.rhythm(torch.relu(self.take(x[:, :1])))
        shape = self.draw(torch.relu(self.join(torch.cat([seen, x[:, 1:]], dim=1))))
        return self.beat(seen).transpose(1, 2), self.trace(shape).transpose(1, 2)
