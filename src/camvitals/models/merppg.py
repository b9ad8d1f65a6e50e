"""ME-rPPG: pulse of an endless stream of faces with a memory of constant size.

Wang, Tang et al., "Memory-efficient low-latency remote photoplethysmography through temporal-
spatial state space duality", 2025 (arXiv 2504.01774).

Convolutions see one frame each; only the mean over space goes through time, by a state space. The
same weights are read in two ways, by how places are normalised over time:
* `chunk`: against a straight line through the whole clip, for training and for whole clips;
* `flow`:  against a running mean and spread, frame by frame, for live use.
In flow the running values are divided by the weight of what they have seen, so that they are right
from the first frame; the paper does not say how it starts. It changes nothing after some seconds.
Many places differ very little between the first frames and are scaled up most then: the way a
clip is cut shows in float32 there (some 1e-4 of the pulse in the first ten frames).

Shape letters: N clips, T frames, C channels, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from camvitals.models.architecture import Architecture, Size, check_size
from camvitals.models.state_space import StateSpace
from camvitals.records import InputError

EPSILON = 2e-6
LIMIT = 3.0
HALF_LIFE = 80  # frames: half of the 160 that a training clip has
MODES = ("chunk", "flow")
State = tuple[Tensor, ...]


def straightened(x: Tensor) -> Tensor:
    """Each place of (N, T, C, H, W) without its straight line over T, over its spread."""
    time = torch.linspace(-1, 1, x.shape[1], dtype=x.dtype, device=x.device)
    time = time / time.square().sum().sqrt().clamp_min(EPSILON)
    left = x - x.mean(1, keepdim=True)
    slope = torch.einsum("t,nt...->n...", time, left)
    left = left - time[:, None, None, None] * slope[:, None]
    return left / torch.sqrt(left.square().mean(1, keepdim=True) + EPSILON)


def settled(
    x: Tensor, weight: Tensor, mean: Tensor, square: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Each place of (N, T, C, H, W) against its running mean and spread, within ±3.

    weight: (N, 1) share of the running values that has been seen, 0 at the start.
    mean, square: (N, C, H, W) running mean, and running sum of squared deviations.
    Returns the values, and the two after them.
    """
    weight = weight[..., None, None]
    seen = _running(torch.ones_like(x[:, :, :1, :1, :1]), weight)
    # Reckoned from the last mean: differences of large sums would lose the pulse in float32.
    base = torch.where(weight > 0, mean, x[:, 0])
    x = x - base[:, None]
    centre = _running(x, torch.zeros_like(base)) / seen
    before = torch.cat([torch.zeros_like(x[:, :1]), centre[:, :-1]], 1)
    squares = _running((x - before).square(), square)
    # The smallest spread is larger while little has been seen: a difference of two frames is noise.
    spread = torch.sqrt((squares + EPSILON) / seen)
    values = torch.tanh((x - centre) / spread / LIMIT) * LIMIT
    return values, base + centre[:, -1], squares[:, -1]


class StateSpaceConv(nn.Module):
    """Normalise over time, look at each frame, let the mean over space go through time."""

    def __init__(self, width: int, inner: int, *, taps: int, dropout: float) -> None:
        super().__init__()
        self.look = nn.Conv2d(width, width, 3, padding=1)
        self.widen = nn.Conv2d(width, inner, 1)
        self.drop = GaussianDropout(dropout)
        self.over_time = StateSpace(inner, taps=taps)
        self.narrow = nn.Linear(inner, width, bias=False)
        self.merge = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor, past: Tensor, memory: Tensor) -> tuple[Tensor, State]:
        """Normalised (N, T, C, H, W), and what the state space carries."""
        frames = x.flatten(0, 1)
        features = F.relu(self.widen(self.look(frames))).mean((-2, -1))
        features = self.drop(features.reshape(*x.shape[:2], -1))
        features, *state = self.over_time(features, past, memory)
        summed = frames + self.narrow(features).flatten(0, 1)[..., None, None]
        return F.relu(self.merge(summed)).reshape(x.shape), tuple(state)


class Stage(nn.Module):
    """Two state-space convolutions around which the input is led, then half the size."""

    def __init__(self, taken: int, width: int, inner: int, *, taps: int, dropout: float) -> None:
        super().__init__()
        self.enter = nn.Conv2d(taken, width, 1, bias=False)
        self.layers = nn.ModuleList(
            StateSpaceConv(width, inner, taps=taps, dropout=dropout) for _ in range(2)
        )
        self.halve = nn.Conv2d(width, width, 2, stride=2)

    def forward(self, x: Tensor, weight: Tensor, state: Iterator[Tensor]) -> tuple[Tensor, State]:
        """(N, T, C, H, W) -> half of H and W, rounded up; an empty `weight` means chunk mode."""
        entered = self.enter(x.flatten(0, 1)).reshape(*x.shape[:2], -1, *x.shape[3:])
        out, after = entered, []
        for layer in self.layers:
            if weight.numel():
                out, *sums = settled(out, weight, next(state), next(state))
                after += sums
            else:
                out = straightened(out)
            out, carried = layer(out, next(state), next(state))
            after += carried
        frames = (out + entered).flatten(0, 1)
        # SAME padding of an odd size puts its zeros at the end.
        frames = F.pad(frames, (0, x.shape[-1] % 2, 0, x.shape[-2] % 2))
        halved = self.halve(frames)
        return halved.reshape(*x.shape[:2], *halved.shape[1:]), tuple(after)


class GaussianDropout(nn.Module):
    """Multiplies by noise of mean 1 while training, as much as dropout of this share."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.spread = (share / (1 - share)) ** 0.5

    def forward(self, x: Tensor) -> Tensor:
        """Any shape."""
        return x * (1 + self.spread * torch.randn_like(x)) if self.training else x


class MERPPG(nn.Module):
    """Pulse of clips, or of a stream.

    size: (rows, columns) of the pictures.
    mode: "chunk" or "flow"; may be changed on the module, the weights serve both.
    taps: of the convolutions over time in the stages: 12 as released; 4 is what the paper counts.
    """

    def __init__(
        self,
        *,
        size: Size = (36, 36),
        mode: str = "chunk",
        width: int = 32,
        inner: int = 64,
        taps: int = 12,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        if mode not in MODES:
            raise InputError(f"mode {mode!r} must be one of {', '.join(MODES)}")
        self.size, self.mode = size, mode
        self.stages = nn.ModuleList(
            Stage(width if at else 3, width, inner, taps=taps, dropout=dropout) for at in range(4)
        )
        self.enter = nn.Linear(width, width, bias=False)
        self.drop = GaussianDropout(dropout)
        self.over_time = nn.ModuleList(StateSpace(width) for _ in range(2))
        self.head = nn.Linear(width, 1)

    def state_shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of what is carried in this mode, for one clip; all zero at the start."""
        shapes: dict[str, tuple[int, ...]] = {}
        rows, columns = self.size
        if self.mode == "flow":
            shapes["weight"] = (1,)
        for at, stage in enumerate(self.stages):
            for number, layer in enumerate(stage.layers):  # type: ignore[arg-type]
                name = f"stage{at}_{number}"
                if self.mode == "flow":
                    place = (layer.look.in_channels, rows, columns)
                    shapes |= {f"{name}_mean": place, f"{name}_square": place}
                past, memory = layer.over_time.carried
                shapes |= {f"{name}_past": past, f"{name}_memory": memory}
            rows, columns = -(-rows // 2), -(-columns // 2)
        for number, space in enumerate(self.over_time):
            past, memory = space.carried  # type: ignore[misc]
            shapes |= {f"head{number}_past": past, f"head{number}_memory": memory}
        return shapes

    def start(self, n: int) -> State:
        """State of n clips before their first frame."""
        like = self.head.weight
        return tuple(like.new_zeros(n, *shape) for shape in self.state_shapes().values())

    def carry(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """The next frames (N, T, 3, H, W) of clips, T ≥ 1, in 0–1.

        Returns their pulse (N, T) and the state after them. In flow mode it does not matter how a
        clip is cut; in chunk mode every call normalises its frames by themselves.
        """
        before = iter(state)
        flows = self.mode == "flow"
        weight = next(before) if flows else x.new_zeros(0)
        after: list[Tensor] = []
        if flows:
            ones = torch.ones_like(x[:, :, 0, 0, 0])[..., None]
            after.append(_running(ones, weight)[:, -1])
        for stage in self.stages:
            x, carried = stage(x, weight, before)
            after += carried
        features = self.drop(self.enter(x.mean((-2, -1))))
        for space in self.over_time:
            features, *rest = space(features, next(before), next(before))
            after += rest
        return self.head(features)[..., 0], tuple(after)

    def forward(self, x: Tensor) -> Tensor:
        """Pulse (N, T) of clips (N, T, 3, H, W) in 0–1."""
        return self.carry(x, self.start(len(x)))[0]


class MERPPGStream(nn.Module):
    """ME-rPPG in flow mode as a graph that takes its state and gives it back, for export.

    Inputs frames (N, T, 3, H, W) and the tensors that `network.state_shapes` names; outputs the
    pulse (N, T) and the same tensors after it.
    """

    def __init__(self, network: MERPPG) -> None:
        super().__init__()
        if network.mode != "flow":
            raise InputError(f"a stream needs mode 'flow' but got {network.mode!r}; set it first")
        self.network = network

    def forward(self, frames: Tensor, *state: Tensor) -> State:
        """The next frames and the state."""
        pulse, after = self.network.carry(frames, state)
        return (pulse, *after)


def _running(x: Tensor, start: Tensor) -> Tensor:
    """Running sum of (N, T, …) that forgets half in HALF_LIFE frames, after `start` (N, …)."""
    age = torch.arange(x.shape[1] + 1, dtype=x.dtype, device=x.device) / HALF_LIFE
    lapse = age[1:, None] - age[None, 1:]
    share = (1 - 2 ** (-1 / HALF_LIFE)) * torch.exp2(-lapse.clamp_min(0)) * (lapse >= 0)
    left = torch.exp2(-age[1:])
    return torch.einsum("tu,nu...->nt...", share, x) + torch.einsum("t,n...->nt...", left, start)


def _build(*, size: Size, **options: Any) -> MERPPG:
    check_size(size, SIZES, name="ME-rPPG")
    return MERPPG(size=size, **options)


SIZES = tuple((s, s) for s in (9, 18, 36, 72))
ME_RPPG = Architecture(
    build=_build,
    takes="unit",
    gives="pulse",
    size=(36, 36),
    length=160,
    parameters=604_909,
    source="Wang, Tang et al., arXiv 2504.01774 (2025); KegangWangCCNU/open-rppg",
    sizes=SIZES,
    shortest=8,
)
