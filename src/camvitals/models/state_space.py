"""A selective state space: memory of constant size over time, trained as masked attention.

Dao & Gu, "Transformers are SSMs", ICML 2024 (Mamba-2). For each head and time step

    memory ← exp(step · rate) · memory + step · in ⊗ x,     y = out · memory + skip · x,

where step, in and out are read from the input and rate < 0 is learnt. Unrolled over L samples this
is attention with a decaying causal mask; both give the same numbers, so a network learns on whole
clips and runs frame by frame.

Shape letters: N clips, T samples, L samples of a piece, A heads, P channels of a head, S size of
the memory of a channel, D channels outside, E = A·P channels inside.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STEP_RANGE = (1e-3, 1e-1)
RATE_RANGE = (1.0, 16.0)
EPSILON = 1e-5


def scan(
    x: Tensor, *, step: Tensor, rate: Tensor, into: Tensor, out: Tensor, memory: Tensor
) -> tuple[Tensor, Tensor]:
    """The recurrence over one piece, all samples at once.

    x: (N, L, A, P).  step: (N, L, A) > 0.  rate: (A,) < 0.  into, out: (N, L, S).
    memory: (N, A, P, S) before the piece.
    Returns (N, L, A, P) and the memory after it.
    """
    kept = (step * rate).cumsum(1)  # logarithm of what is left of the first memory
    lapse = kept[:, :, None] - kept[:, None]
    causal = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).tril()
    mask = torch.exp(lapse.masked_fill(~causal[None, :, :, None], -torch.inf))
    taken = step[..., None] * x
    weights = (out @ into.transpose(1, 2))[..., None] * mask
    y = torch.einsum("ntua,nuap->ntap", weights, taken)
    y = y + torch.einsum("nts,naps->ntap", out, memory) * kept.exp()[..., None]
    late = torch.exp(kept[:, -1:] - kept)[..., None] * taken
    memory = kept[:, -1].exp()[..., None, None] * memory
    return y, memory + torch.einsum("nuap,nus->naps", late, into)


class StateSpace(nn.Module):
    """One Mamba-2 layer: projection, short causal convolution, recurrence, gate.

    width: channels D.   expand: E / D.   memory: S.   head: P.   taps: of the convolution.
    piece: samples that are worked on at once; no result depends on it.
    """

    def __init__(
        self,
        width: int,
        *,
        expand: int = 2,
        memory: int = 128,
        head: int = 32,
        taps: int = 4,
        piece: int = 160,
    ) -> None:
        super().__init__()
        inner = expand * width
        heads = inner // head
        self.head, self.piece = head, piece
        self.parts = [inner, inner + 2 * memory, heads]
        self.split = [inner, memory, memory]
        self.project_in = nn.Linear(width, sum(self.parts), bias=False)
        self.conv = nn.Conv1d(self.parts[1], self.parts[1], taps, groups=self.parts[1])
        self.rate_log = nn.Parameter(torch.empty(heads).uniform_(*RATE_RANGE).log())
        low, high = (math.log(limit) for limit in STEP_RANGE)
        self.step_bias = nn.Parameter(torch.empty(heads).uniform_(low, high).exp().expm1().log())
        self.skip = nn.Parameter(torch.ones(heads))
        self.gain = nn.Parameter(torch.ones(inner))
        self.project_out = nn.Linear(inner, width, bias=False)
        # What is carried, for one clip: the convolution's last samples, and the memory.
        self.carried = ((self.parts[1], taps - 1), (heads, head, memory))

    def forward(self, x: Tensor, past: Tensor, memory: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(N, T, D) -> (N, T, D), with what is carried before and after, as `carried` says."""
        gate, mixed, step = torch.split(self.project_in(x), self.parts, -1)
        seen = torch.cat([past, mixed.transpose(1, 2)], -1)
        mixed = F.silu(self.conv(seen)).transpose(1, 2)
        values, into, out = torch.split(mixed, self.split, -1)
        values = values.reshape(*values.shape[:2], -1, self.head)
        step, rate = F.softplus(step + self.step_bias), -self.rate_log.exp()
        pieces = []
        for at in range(0, x.shape[1], self.piece):
            now = slice(at, at + self.piece)
            y, memory = scan(
                values[:, now],
                step=step[:, now],
                rate=rate,
                into=into[:, now],
                out=out[:, now],
                memory=memory,
            )
            pieces.append(y)
        y = (torch.cat(pieces, 1) + self.skip[:, None] * values).flatten(2) * F.silu(gate)
        y = y * torch.rsqrt(y.square().mean(-1, keepdim=True) + EPSILON) * self.gain
        return self.project_out(y), seen[..., seen.shape[-1] - past.shape[-1] :], memory
