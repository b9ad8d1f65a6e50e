"""Which weights are worth keeping: one number for each, and one threshold for the whole network."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from camvitals.records import InputError
from camvitals.train.prune.layers import Kernel, put_modes

Scores = dict[str, Tensor]
Loss = Callable[[], Tensor]


def randomly(found: Mapping[str, Kernel], *, seed: int) -> Scores:
    """A number drawn for each weight, the same for the same seed."""
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.rand(k.weight.shape, generator=generator) for name, k in found.items()}


def by_size(found: Mapping[str, Kernel]) -> Scores:
    """|w| (Han et al., NIPS 2015): for weights that have been trained."""
    return {name: kernel.weight.detach().abs().cpu() for name, kernel in found.items()}


def sensitivity(module: nn.Module, found: Mapping[str, Kernel], losses: list[Loss]) -> Scores:
    """|∂L/∂c| at c = 1 of a gate c on each weight: |w ∂L/∂w| (Lee et al., ICLR 2019, eq. 6).

    losses: each runs the network, in training mode, on a batch and gives the loss; gradients are
        added over them. Running statistics of norms are as before afterwards.
    Raises InputError where the loss does not depend on any weight, or is not finite.
    """
    weights = [kernel.weight for kernel in found.values()]
    total = [torch.zeros_like(weight) for weight in weights]
    mode = {name: part.training for name, part in module.named_modules()}
    kept = {name: buffer.clone() for name, buffer in module.named_buffers()}
    module.train()
    try:
        for loss in losses:
            gradients = torch.autograd.grad(loss(), weights, allow_unused=True)
            total = [
                before if gradient is None else before + gradient
                for before, gradient in zip(total, gradients, strict=True)
            ]
    finally:
        put_modes(module, mode)
        with torch.no_grad():
            for name, buffer in module.named_buffers():
                buffer.copy_(kept[name])
    scores = {
        name: (weight.detach() * gradient).abs().cpu()
        for (name, weight, gradient) in zip(found, weights, total, strict=True)
    }
    largest = max(float(score.max()) for score in scores.values())
    if not 0 < largest < float("inf"):
        raise InputError(
            f"the sensitivity of the weights is {largest:g} at most; use another loss, a batch "
            "whose loss is finite, or prune by magnitude"
        )
    return scores


def best(scores: Mapping[str, Tensor], keep: int, *, least: int = 0) -> dict[str, Tensor]:
    """Masks that keep exactly `keep` weights: the highest scores over all layers together.

    least: weights that every layer keeps, its best ones, within the same budget.
    Raises InputError when the budget is less than that, or more than there is.
    """
    total = sum(score.numel() for score in scores.values())
    floors = {name: min(least, score.numel()) for name, score in scores.items()}
    if not sum(floors.values()) <= keep <= total or keep < 1:
        raise InputError(
            f"{keep} of {total} weights cannot be kept with at least {least} in each of "
            f"{len(scores)} layers; use a smaller prune.factor"
        )
    flat = torch.cat([score.flatten().double() for score in scores.values()])
    begin = 0
    for name, score in scores.items():
        part = flat[begin : begin + score.numel()]
        part[torch.topk(part, floors[name]).indices] = torch.inf
        begin += score.numel()
    mask = torch.zeros(total, dtype=torch.bool)
    mask[torch.topk(flat, keep, sorted=False).indices] = True
    parts = torch.split(mask, [score.numel() for score in scores.values()])
    return {
        name: part.reshape(score.shape)
        for (name, score), part in zip(scores.items(), parts, strict=True)
    }


def budget(total: int, factor: float) -> int:
    """Weights that are kept of so many."""
    return round(total / factor)
