"""Networks that read saturation, trained several times over: instances.

Each differs in what it starts from and in the windows drawn for it. The instance with the lowest
validation RMSE is the one to test; Li & Sharma (2023) say the highest, a slip of the pen.
Shape letters: W windows, N samples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from camvitals.models import model
from camvitals.models.architecture import Architecture
from camvitals.models.spo2 import SpO2Net
from camvitals.records import Array, InputError
from camvitals.train.losses import EPSILON
from camvitals.train.oxygen.splits import oversampled
from camvitals.train.oxygen.windows import Windows

LIMITS = (50.0, 100.0)
AT_ONCE = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """How an instance is trained.

    name: of MODELS, one that gives spo2.   options: of its `build`.
    draws: windows an epoch, drawn so that every 2 % are equally frequent.
    patience: epochs without a lower validation RMSE after which it ends.   step: of Adam.
    pulse_only: only what pulses (0.5–5 Hz) is shown, the level taken away.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    epochs: int = 200
    patience: int = 10
    draws: int = 2000
    batch: int = 64
    step: float = 1e-3
    pulse_only: bool = False


@dataclass(frozen=True, slots=True)
class Instance:
    """A trained network.   rmse: on the validation windows [%], the lowest; epoch: when.   seed."""

    module: SpO2Net
    rmse: float
    epoch: int
    seed: int


def prepared(windows: Windows, training: Training) -> Tensor:
    """(W, C, N) what the network takes of the windows."""
    architecture = model(training.name)
    parts = [
        _shown(windows.colours[at : at + AT_ONCE], architecture, training.pulse_only)
        for at in range(0, len(windows), AT_ONCE)
    ]
    return torch.cat(parts)


def _shown(colours: Array, architecture: Architecture, pulse_only: bool) -> Tensor:
    clips = torch.tensor(colours)[:, :, None]
    if not pulse_only:
        return architecture.prepare(clips)
    found = model("spo2-ding").prepare(clips)
    if architecture is model("spo2-ding"):
        found[:, :3], found[:, 6:] = 0.0, 0.0
        return found
    return found[:, 3:6].clone()


def built(training: Training) -> SpO2Net:
    """The network before it has learnt anything. InputError for one that is none of SpO2."""
    module = model(training.name).build(size=(1, 1), **training.options)
    if not isinstance(module, SpO2Net):
        raise InputError(f"{training.name} gives no spo2; choose a network of models.spo2")
    return module


def train_instance(
    x: Tensor,
    spo2: Tensor,
    split: tuple[Array, Array],
    training: Training,
    *,
    seed: int,
    tell: Callable[[int, float], None] = lambda _epoch, _rmse: None,
) -> Instance:
    """One network, kept as it was when its validation RMSE was lowest.

    x: (W, C, N) of all windows; spo2: (W,) %.   split: indices to learn from and to choose by.
    The loss is sqrt(mean squared error + 1e-8); mean and spread of the input, and the mean
    saturation, are those of the windows that are learnt from.
    tell: called after each epoch, from 1, with the validation RMSE; what it raises ends the
        training, as when a search gives it up.
    """
    train, judge = (torch.from_numpy(np.asarray(rows)) for rows in split)
    if len(train) == 0 or len(judge) == 0:
        raise InputError("an instance needs windows to learn from and to choose by")
    rng = np.random.default_rng([seed, 67])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = built(training)
        module.fit_input(x[train], spo2[train])
        optimiser = torch.optim.Adam(module.parameters(), training.step)
        best, state, at = float("inf"), module.state_dict(), 0
        for epoch in range(training.epochs):
            drawn = train[oversampled(spo2[train].numpy(), rng, count=training.draws)]
            _epoch(module, optimiser, x, spo2, torch.split(drawn, training.batch))
            rmse = float((estimates(module, x[judge]) - spo2[judge]).square().mean().sqrt())
            if rmse < best:
                best, at = rmse, epoch
                state = {name: value.clone() for name, value in module.state_dict().items()}
            tell(epoch + 1, rmse)
            if epoch - at >= training.patience:
                break
        module.load_state_dict(state)
    return Instance(module.eval(), best, at, seed)


def _epoch(
    module: SpO2Net,
    optimiser: torch.optim.Optimizer,
    x: Tensor,
    spo2: Tensor,
    batches: Sequence[Tensor],
) -> None:
    module.train()
    for rows in batches:
        optimiser.zero_grad()
        error = module(x[rows])[:, 0] - spo2[rows]
        (error.square().mean() + EPSILON).sqrt().backward()
        optimiser.step()


def estimates(module: SpO2Net, x: Tensor) -> Tensor:
    """(W,) % of prepared windows (W, C, N), within 50–100."""
    module.eval()
    with torch.no_grad():
        found = [module(part)[:, 0] for part in torch.split(x, AT_ONCE)]
    return torch.cat(found).clamp(*LIMITS)


def lowest(instances: Sequence[Instance]) -> Instance:
    """The instance that did best on its validation windows."""
    if not instances:
        raise InputError("there is no instance to choose")
    return min(instances, key=lambda one: one.rmse)
