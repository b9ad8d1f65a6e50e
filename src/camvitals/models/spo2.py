"""Small networks that read oxygen saturation from the colours of some seconds.

M1, M2 and M3 follow Mathew et al. (2021): colours mixed first, time first, or in turns. "B" is
Ding et al. (2019): two convolutions over time on nine streams. "FC" has no convolution, and the
last is the small network of Hoffman et al. (2022) on 3 s. The papers give few sizes; those here
are ours, and every one is an option of `build`:

layers:  convolutions over time (FC: layers before the last), each followed by a pooling by 2.
filters: of the first; each next has twice as many (FC: half as many).
taps:    length of the first filter [samples]; later ones are shorter in M1 to M3.
length:  samples of the window that the head is made for; features of any other are brought to as
         many by averaging.
hidden:  width of the head, 0 for a single linear layer.   dropout: before the head.

Levels are taken over the spread of the training recordings, never of a window, because the level
and the depth of the pulse carry the saturation. `Standard` learns both in training, or is told
(`fit_input`), and keeps them with the weights. So does `Centre` for the mean saturation.
Shape letters: N windows, C streams, T samples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from camvitals.dsp.streams import STREAMS, streams
from camvitals.models.architecture import TRACES, Architecture, Size
from camvitals.records import Array, InputError

RATE_HZ = 30.0  # of the sources' cameras; the streams of "B" are cut at frequencies of it
WINDOW, SHORT = 300, 90  # samples: 10 s, and the 3 s of Hoffman et al.
SHORTEST = 32
LEVEL, SPREAD = 128.0, 32.0  # of codes, before a network has seen any
USUAL, SCALE = 90.0, 10.0  # %
NARROWER = 0.6  # length of a filter over that of the one before


def colours_of(traces: Tensor) -> Tensor:
    """(N, T, R, 3) colours of regions -> (N, 3, T), their mean over the regions that are seen."""
    if traces.ndim != 4 or traces.shape[-1] != 3:
        raise InputError(f"traces need shape n×n×n×3 but got {'×'.join(map(str, traces.shape))}")
    return traces.float().nanmean(2).transpose(1, 2).contiguous()


@lru_cache(maxsize=8)
def _filters(length: int, rate: float) -> Array:
    """(T, 2 T): a row of T samples times this is its pulse and its bias."""
    rows = np.repeat(np.eye(length)[:, :, None], 3, axis=2)
    made = np.stack([streams(row, rate=rate)[:, 3::3] for row in rows])
    return np.concatenate([made[..., 0], made[..., 1]], axis=1).astype(np.float32)


def streams_of(traces: Tensor, *, rate: float) -> Tensor:
    """`dsp.streams.streams` of a batch: (N, T, R, 3) colours of regions -> (N, 9, T)."""
    raw = colours_of(traces)
    count = raw.shape[-1]
    both = torch.tensor(_filters(count, rate), device=raw.device)
    level = raw.mean(-1, keepdim=True)  # for the digits of float32: level passes into bias whole
    found = (raw - level) @ both
    return torch.cat([raw, found[..., :count], found[..., count:] + level], 1)


class Standard(nn.Module):
    """Every stream less its mean and over its spread in the training recordings.

    In training it counts what it sees, unless it was told: `known` is how many samples.
    """

    mean: Tensor
    spread: Tensor
    known: Tensor
    told: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.full((channels, 1), LEVEL))
        self.register_buffer("spread", torch.full((channels, 1), SPREAD))
        self.register_buffer("known", torch.zeros((), dtype=torch.float64))
        self.register_buffer("told", torch.zeros((), dtype=torch.bool))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T); the shape stays."""
        if self.training and not self.told:
            self._count(x.detach())
        return (x - self.mean) / self.spread

    def tell(self, mean: Tensor, spread: Tensor) -> None:
        """Take these (C,) for good."""
        self.mean.copy_(mean[:, None])
        self.spread.copy_(spread[:, None].clamp_min(1e-6))
        self.told.fill_(True)

    def _count(self, x: Tensor) -> None:
        flat = x.transpose(0, 1).flatten(1)
        share = flat.shape[1] / (float(self.known) + flat.shape[1])
        mean, square = flat.mean(1, keepdim=True), flat.var(1, correction=0, keepdim=True)
        before = self.spread.square() if self.known else square
        moved = mean - self.mean if self.known else torch.zeros_like(mean)
        square = (1 - share) * before + share * square + share * (1 - share) * moved.square()
        self.mean.add_(share * (mean - self.mean))
        self.spread.copy_(square.sqrt().clamp_min(1e-6))
        self.known.add_(flat.shape[1])


class Centre(nn.Module):
    """SpO2 [%] from what the head gives: its tens, about the mean of the training windows."""

    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(USUAL))

    def forward(self, x: Tensor) -> Tensor:
        """(N, 1); the shape stays."""
        return self.mean + SCALE * x


class Steps(nn.Module):
    """Features (N, C, T) brought to a number of steps by averaging, where they have another."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, count)."""
        return x if x.shape[-1] == self.count else F.adaptive_avg_pool1d(x, self.count)


class SpO2Net(nn.Module):
    """Standardised streams, features over time, a head; the parts are plain sequences.

    features: layers on (N, streams, T) that give (N, channels, steps at `length`).
    """

    def __init__(self, features: nn.Sequential, head: nn.Sequential, *, channels: int) -> None:
        super().__init__()
        self.standard = Standard(channels)
        self.features = features
        self.head = head
        self.centre = Centre()

    def forward(self, x: Tensor) -> Tensor:
        """SpO2 (N, 1) [%] of streams (N, C, T)."""
        found: Tensor = self.centre(self.head(self.features(self.standard(x))))
        return found

    def fit_input(self, streams_NCT: Tensor, spo2_N: Tensor) -> None:
        """Take mean and spread of each stream, and the mean saturation, from training windows."""
        flat = streams_NCT.transpose(0, 1).flatten(1).double()
        self.standard.tell(flat.mean(1).float(), flat.std(1).float())
        self.centre.mean.copy_(spo2_N.double().mean().float())


def _taps(first: int, layer: int, narrower: float) -> int:
    """An odd number of taps, at least 3."""
    return max(3, 2 * round((first * narrower**layer - 1) / 2) + 1)


def _head(width: int, hidden: int, dropout: float) -> nn.Sequential:
    start = [nn.Dropout(dropout), nn.Flatten()]
    if not hidden:
        return nn.Sequential(*start, nn.Linear(width, 1))
    return nn.Sequential(*start, nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, 1))


def _over_time(before: int, after: int, taps: int, *, groups: int = 1) -> list[nn.Module]:
    convolution = nn.Conv1d(before, after, taps, padding=taps // 2, groups=groups)
    return [convolution, nn.ReLU(), nn.MaxPool1d(2)]


def _checked(**sizes: int) -> None:
    odd = [f"{name} {value}" for name, value in sizes.items() if value < 1]
    if odd:
        raise InputError(f"networks of SpO2 need {', '.join(odd)} to be at least 1")


def _ended(
    layers: list[nn.Module], channels: int, length: int, pools: int, hidden: int, dropout: float
) -> tuple[nn.Sequential, nn.Sequential]:
    steps = length // 2**pools
    if steps < 1:
        raise InputError(f"{length} samples cannot be halved {pools} times; use fewer layers")
    head = _head(channels * steps, hidden, dropout)
    return nn.Sequential(*layers, Steps(steps)), head


def mix_then_time(
    *,
    mixed: int = 8,
    filters: int = 16,
    taps: int = 15,
    layers: int = 2,
    length: int = WINDOW,
    hidden: int = 64,
    dropout: float = 0.25,
) -> SpO2Net:
    """M1: colours are mixed by 1×1 to `mixed` series, then convolved over time."""
    _checked(mixed=mixed, filters=filters, taps=taps, layers=layers)
    parts: list[nn.Module] = [nn.Conv1d(3, mixed, 1), nn.ReLU()]
    width = mixed
    for k in range(layers):
        parts += _over_time(width, filters * 2**k, _taps(taps, k, NARROWER))
        width = filters * 2**k
    return SpO2Net(*_ended(parts, width, length, layers, hidden, dropout), channels=3)


def time_then_mix(
    *,
    mixed: int = 32,
    filters: int = 8,
    taps: int = 15,
    layers: int = 2,
    length: int = WINDOW,
    hidden: int = 64,
    dropout: float = 0.25,
) -> SpO2Net:
    """M2: `filters` features over time of each channel by itself, then mixed to `mixed` by 1×1."""
    _checked(mixed=mixed, filters=filters, taps=taps, layers=layers)
    parts: list[nn.Module] = []
    width = 3
    for k in range(layers):
        parts += _over_time(width, 3 * filters * 2**k, _taps(taps, k, NARROWER), groups=3)
        width = 3 * filters * 2**k
    parts += [nn.Conv1d(width, mixed, 1), nn.ReLU()]
    return SpO2Net(*_ended(parts, mixed, length, layers, hidden, dropout), channels=3)


def interleaved(
    *,
    filters: int = 8,
    taps: int = 15,
    layers: int = 2,
    length: int = WINDOW,
    hidden: int = 64,
    dropout: float = 0.25,
) -> SpO2Net:
    """M3: mixing by 1×1 and convolution over time in turns."""
    _checked(filters=filters, taps=taps, layers=layers)
    parts: list[nn.Module] = []
    width = 3
    for k in range(layers):
        mixed, width_after = filters * 2**k, filters * 2 ** (k + 1)
        parts += [nn.Conv1d(width, mixed, 1), nn.ReLU()]
        parts += _over_time(mixed, width_after, _taps(taps, k, NARROWER))
        width = width_after
    return SpO2Net(*_ended(parts, width, length, layers, hidden, dropout), channels=3)


def nine_streams(
    *,
    filters: int = 32,
    taps: int = 9,
    layers: int = 2,
    length: int = WINDOW,
    hidden: int = 0,
    dropout: float = 0.25,
) -> SpO2Net:
    """B: raw, pulse and bias of each channel, convolved over time with dropout in between."""
    _checked(filters=filters, taps=taps, layers=layers)
    parts: list[nn.Module] = []
    width = len(STREAMS)
    for k in range(layers):
        dropped: list[nn.Module] = [nn.Dropout(dropout)] if k else []
        parts += [*dropped, *_over_time(width, filters * 2**k, _taps(taps, k, 1.0))]
        width = filters * 2**k
    features, head = _ended(parts, width, length, layers, hidden, dropout)
    return SpO2Net(features, head, channels=len(STREAMS))


def fully_connected(
    *, filters: int = 128, layers: int = 2, length: int = WINDOW, dropout: float = 0.0
) -> SpO2Net:
    """FC: every sample of every channel to every unit."""
    _checked(filters=filters, layers=layers)
    parts: list[nn.Module] = [nn.Flatten()]
    width = 3 * length
    for k in range(layers):
        after = max(1, filters // 2**k)
        parts += [nn.Linear(width, after), nn.ReLU(), nn.Dropout(dropout)]
        width = after
    head = nn.Sequential(*parts, nn.Linear(width, 1))
    return SpO2Net(nn.Sequential(Steps(length)), head, channels=3)


def three_seconds(
    *,
    filters: int = 16,
    taps: int = 3,
    layers: int = 3,
    length: int = SHORT,
    hidden: int = 32,
    dropout: float = 0.25,
) -> SpO2Net:
    """Hoffman et al.: a 3×3 convolution over channels and time, then others over time alone.

    Over three rows of channels without padding, the first is a convolution of three channels.
    """
    _checked(filters=filters, taps=taps, layers=layers)
    parts: list[nn.Module] = [nn.Conv1d(3, filters, 3, padding=1), nn.ReLU()]
    width = filters
    for k in range(layers - 1):
        parts += _over_time(width, filters * 2**k, _taps(taps, k, 1.0))
        width = filters * 2**k
    return SpO2Net(*_ended(parts, width, length, layers - 1, hidden, dropout), channels=3)


def _build(make: Callable[..., SpO2Net], *, size: Size, **options: Any) -> SpO2Net:
    del size  # colours have none
    return make(**options)


M1 = Architecture(
    build=partial(_build, mix_then_time),
    takes=TRACES,
    gives="spo2",
    size=(1, 1),
    length=WINDOW,
    parameters=160_337,
    source="Mathew, Tian, Wong & Wu, arXiv 2107.05087 (2021), model 1",
    shortest=SHORTEST,
    transform=colours_of,
)
M2 = replace(
    M1,
    build=partial(_build, time_then_mix),
    parameters=159_185,
    source="Mathew, Tian, Wong & Wu, arXiv 2107.05087 (2021), model 2",
)
M3 = replace(
    M1,
    build=partial(_build, interleaved),
    parameters=160_609,
    source="Mathew, Tian, Wong & Wu, arXiv 2107.05087 (2021), model 3",
)
B = replace(
    M1,
    build=partial(_build, nine_streams),
    parameters=25_921,
    source="Ding, Nassehi & Larson, IEEE JBHI 23 (2019)",
    transform=partial(streams_of, rate=RATE_HZ),
)
FC = replace(
    M1,
    build=partial(_build, fully_connected),
    parameters=123_649,
    source="Li & Sharma (2023), the fully connected one",
)
SMALL_CNN = replace(
    M1,
    build=partial(_build, three_seconds),
    length=SHORT,
    parameters=25_105,
    source="Hoffman et al., npj Digital Medicine 5:146 (2022)",
)
