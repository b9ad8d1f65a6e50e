"""Made tasks of which it is known where the answer lies: an explanation has to find it.

A small network learns the task in about a second. Everywhere else in its input there are pulses
too, as strong and of other frequencies, so that only what the network uses tells the place.
Shape letters: N clips, C channels, T samples, H rows, W columns.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from camvitals.records import Array
from camvitals.train.explain.attribute import Case, Explainer
from camvitals.train.explain.checks import Check
from camvitals.train.explain.question import ask

MADE_HZ = 15.0  # of the made clips
LENGTH, SIDE = 60, 8
CHANNELS = ("R", "G", "B")
CHEEK = (slice(4, 6), slice(5, 7))  # rows and columns of the left cheek, at the right of a picture
FOUND = 0.5  # share of the relevance that has to lie where the answer is
LEARN = 150  # steps
Draw = Callable[[torch.Generator, int], tuple[Tensor, Tensor]]


class OfChannels(nn.Module):
    """(N, 3, T) -> (N, T)."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv1d(len(CHANNELS), 6, 5, padding=2), nn.ReLU(), nn.Conv1d(6, 1, 5, padding=2)
        )

    def forward(self, x: Tensor) -> Tensor:
        """The wave."""
        told: Tensor = self.net(x)
        return told[:, 0]


class OfPictures(nn.Module):
    """(N, 1, T, H, W) -> (N, T)."""

    def __init__(self) -> None:
        super().__init__()
        self.look = nn.Linear(SIDE * SIDE, 6)
        self.over_time = nn.Conv1d(6, 1, 5, padding=2)

    def forward(self, x: Tensor) -> Tensor:
        """The wave."""
        seen = torch.relu(self.look(x[:, 0].flatten(2))).transpose(1, 2)
        told: Tensor = self.over_time(seen)
        return told[:, 0]


class Asked(nn.Module):
    """A network and the question put to it, (N,) of a clip."""

    def __init__(self, net: nn.Module, weights: Tensor) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("weights", weights)

    def forward(self, x: Tensor) -> Tensor:
        """(N,)."""
        told: Tensor = (self.net(x) * self.weights).sum(1)
        return told


def planted_channel(explain: Explainer, *, channel: int = 1, seed: int = 0) -> Check:
    """Only one of three channels carries the pulse that is asked for."""

    def draw(rng: torch.Generator, n: int) -> tuple[Tensor, Tensor]:
        waves = _pulses(rng, n * len(CHANNELS)).reshape(n, len(CHANNELS), LENGTH)
        noise = torch.randn(waves.shape, generator=rng, dtype=torch.float64)
        return waves + 0.2 * noise, waves[:, channel]

    values = _explained(OfChannels, draw, explain, axes="CT", seed=seed)
    size = np.abs(values).sum(1)
    share = float(size[channel] / size.sum())
    name = CHANNELS[channel]
    said = f"{share:.0%} of the relevance is in channel {name}, which alone carries the answer"
    return Check("planted channel", share > FOUND, share, FOUND, said)


def planted_region(explain: Explainer, *, seed: int = 0) -> Check:
    """Only the left cheek, 4 of 64 pixels, carries the pulse that is asked for."""

    def draw(rng: torch.Generator, n: int) -> tuple[Tensor, Tensor]:
        waves = _pulses(rng, n * 16).reshape(n, 4, 4, LENGTH)  # one of each 2×2 pixels
        spread = waves.repeat_interleave(2, 1).repeat_interleave(2, 2)
        wave = _pulses(rng, n)
        spread[:, CHEEK[0], CHEEK[1]] = wave[:, None, None]
        x = spread.movedim(-1, 1)[:, None]
        return x + 0.2 * torch.randn(x.shape, generator=rng, dtype=torch.float64), wave

    values = _explained(OfPictures, draw, explain, axes="CTHW", seed=seed)
    size = np.abs(values).sum((0, 1))
    share = float(size[CHEEK].sum() / size.sum())
    said = f"{share:.0%} of the relevance is on the left cheek, which alone carries the answer"
    return Check("planted region", share > FOUND, share, FOUND, said)


def _pulses(rng: torch.Generator, n: int) -> Tensor:
    """(n, T) sines of 0.8 to 2.5 Hz with a harmonic, any phase."""
    frequency, phase = (torch.rand(n, 1, generator=rng, dtype=torch.float64) for _ in range(2))
    turn = 2 * torch.pi
    angle = turn * (phase + (0.8 + 1.7 * frequency) * torch.arange(LENGTH) / MADE_HZ)
    return torch.sin(angle) + 0.3 * torch.sin(2 * angle)


def _explained(
    build: Callable[[], nn.Module], draw: Draw, explain: Explainer, *, axes: str, seed: int
) -> Array:
    with torch.random.fork_rng(), torch.enable_grad():
        torch.manual_seed(seed)
        net = build().double()
        rng = torch.Generator().manual_seed(seed)
        optimiser = torch.optim.Adam(net.parameters(), lr=1e-2)
        for _ in range(LEARN):
            x, target = draw(rng, 16)
            loss = (net(x) - target).square().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        x, _ = draw(rng, 1)
        with torch.no_grad():
            question = ask(net(x), "pulse", rate=MADE_HZ)
        asked = Asked(copy.deepcopy(net), question.weights)
        return explain(asked, Case(x, torch.zeros_like(x), axes)).values
