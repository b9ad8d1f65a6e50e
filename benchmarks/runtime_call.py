"""One call of a network, as torch or ONNX Runtime makes it, and how long it takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from runtime_subject import Subject, module_of

from camvitals.card import ModelCard
from camvitals.records import Array
from camvitals.runtime import Model

ROUNDS = 5
FEWEST = 5  # calls of each


def shape_of(card: ModelCard, model: Model, *, batch: int, frames: int) -> list[int]:
    """Shape of the network's input for so many clips of so many frames."""
    ((_, shape),) = model.inputs.items()
    axis = 2 if card.layout == "CTHW" else 1
    wanted = [batch if k == 0 else n for k, n in enumerate(shape)]
    wanted[axis] = frames + card.extra
    return [int(n) for n in wanted]


def inputs_of(model: Model, *, batch: int, frames: int) -> Array:
    """Colours or prepared pictures; 100 ± 10 does for both."""
    shape = shape_of(model.card, model, batch=batch, frames=frames)
    return np.random.default_rng(0).normal(100, 10, shape).astype(np.float32)


def onnx_call(model: Model, arrays: Array) -> Callable[[], Any]:
    """One call of the file. State of a batch is that of one clip, repeated."""
    (name,) = model.inputs
    batch = len(arrays)
    start = {key: np.repeat(value, batch, axis=0) for key, value in model.state.items()}

    def call() -> Any:
        model._carried = start
        return model({name: arrays})

    return call


def torch_call(subject: Subject, card: ModelCard, arrays: Array) -> Callable[[], Any]:
    """One eager call of the module."""
    import torch

    module, state = module_of(subject, card)
    clips = torch.from_numpy(arrays)
    many = tuple(s.repeat(len(clips), *[1] * (s.ndim - 1)) for s in state)

    def call() -> Any:
        with torch.inference_mode():
            return module(clips, *many)

    return call


def multiplications(subject: Subject, card: ModelCard, arrays: Array) -> float:
    """Of one call, each with its addition, halves of what torch counts."""
    from torch.utils.flop_counter import FlopCounterMode

    call = torch_call(subject, card, arrays)
    with FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops() / 2


def spent(call: Callable[[], Any], seconds: float) -> list[float]:
    """Seconds of each of as many calls as fill the time, one at least."""
    took: list[float] = []
    end = time.perf_counter() + seconds
    while not took or time.perf_counter() < end:
        begin = time.perf_counter()
        call()
        took.append(time.perf_counter() - begin)
    return took


def in_turns(calls: Mapping[str, Callable[[], Any]], seconds: float) -> dict[str, list[float]]:
    """Seconds of each call of each form: a first call apart, then ROUNDS turns."""
    found: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(ROUNDS):
        for name, call in calls.items():
            found[name] += spent(call, seconds / ROUNDS)
    for name, call in calls.items():
        while len(found[name]) < FEWEST:
            found[name] += spent(call, 0.0)
    return found
