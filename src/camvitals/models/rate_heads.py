"""What may stand behind a network of pictures to say a heart rate: of each frame, or of many.

A head of frames knows one picture at a time; it can say whom it sees, and no more. The two heads
over frames first take away the mean of each feature over the clip, so that whom they see is gone
and what changes is left.

Shape letters: N clips, T frames, F features, K classes or bins.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

HIDDEN = (16, 32, 16)  # of system C
CLASSES_BPM = (60.0, 100.0)  # below is slow, above is fast
SAID_BPM = (50.0, 75.0, 115.0)  # what a class stands for where a number is asked for
BINS_BPM = torch.arange(40.0, 181.0, 2.0)
SPREAD_BPM = 4.0  # of a soft label


def frame_head(features: int, numbers: int) -> nn.Sequential:
    """Four small layers on the features of each frame: (N, T, F) -> (N, T, numbers)."""
    layers: list[nn.Module] = []
    for given in HIDDEN:
        layers += [nn.Linear(features, given), nn.ReLU()]
        features = given
    return nn.Sequential(*layers, nn.Linear(features, numbers))


def class_of(rate: Tensor) -> Tensor:
    """(N,) 0 slow, 1 normal, 2 fast, of rates (N,) [bpm]."""
    return torch.bucketize(rate, torch.tensor(CLASSES_BPM, device=rate.device), right=True)


def soft_label(rate: Tensor, *, spread: float = SPREAD_BPM) -> Tensor:
    """(N, K) shares of the bins around rates (N,) [bpm]: a normal curve, sum 1."""
    away = (BINS_BPM.to(rate) - rate[:, None]) / spread
    return torch.softmax(-0.5 * away.square(), dim=1)


def rate_of_classes(logits: Tensor, n: int) -> Tensor:
    """(N, 1) expected rate [bpm] of a clip, of logits (N, T, 3)."""
    return _expected(logits, torch.tensor(SAID_BPM), n)


def rate_of_bins(logits: Tensor, n: int) -> Tensor:
    """(N, 1) expected rate [bpm] of a clip, of logits (N, T, K)."""
    return _expected(logits, BINS_BPM, n)


def _expected(logits: Tensor, values: Tensor, n: int) -> Tensor:
    rates = torch.softmax(logits, dim=-1) @ values.to(logits)
    return rates.reshape(n, -1).mean(1, keepdim=True)


class Recurrent(nn.Module):
    """One rate of a clip: what changes in its features, frame after frame."""

    def __init__(self, features: int, *, width: int = 32, hidden: int = 64) -> None:
        super().__init__()
        self.enter = nn.Linear(features, width, bias=False)
        self.recurrent = nn.GRU(width, hidden, batch_first=True)
        self.leave = nn.Linear(hidden, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, T, F) -> (N, 1, 1)."""
        recalled, _ = self.recurrent(self.enter(_changes(x)))
        rate: Tensor = self.leave(recalled[:, -1:])
        return rate


class Attention(nn.Module):
    """One rate of a clip: each frame looks at all others, and one question at what they saw."""

    def __init__(self, features: int, *, width: int = 64, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.enter = nn.Linear(features, width, bias=False)
        self.look = nn.Linear(width, 3 * width)
        self.join = nn.Linear(width, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.think = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU())
        self.back = nn.Linear(2 * width, width)
        self.question = nn.Linear(width, 1, bias=False)
        self.leave = nn.Linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, T, F) -> (N, 1, 1)."""
        x = self.enter(_changes(x))
        x = x + _places(x.shape[1], x.shape[2]).to(x)
        x = x + self.join(self._look(self.norms[0](x)))
        x = x + self.back(self.think(self.norms[1](x)))
        share = torch.softmax(self.question(x), dim=1)
        rate: Tensor = self.leave((share * x).sum(1, keepdim=True))
        return rate

    def _look(self, x: Tensor) -> Tensor:
        n, t, width = x.shape
        parts = (
            self.look(x).reshape(n, t, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        )
        seen = F.scaled_dot_product_attention(parts[0], parts[1], parts[2])
        return seen.transpose(1, 2).reshape(n, t, width)


def _changes(x: Tensor) -> Tensor:
    return x - x.mean(dim=1, keepdim=True)


def _places(length: int, width: int) -> Tensor:
    """(T, width) sines and cosines of the frame's number (Vaswani et al., 2017)."""
    at = torch.arange(length, dtype=torch.float32)[:, None]
    pace = torch.exp(torch.arange(0, width, 2) * (-math.log(100.0) / width))
    return torch.stack([torch.sin(at * pace), torch.cos(at * pace)], dim=-1).flatten(1)
