"""Batch normalisation drawn into the layer before it, so that a rule sees both as one layer."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm as BatchNorm

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
LAYERS = (nn.Linear, *CONVOLUTIONS, *TRANSPOSED)
NEAR = 1e-4  # share by which the merged network may differ


def merged(module: nn.Module, example: Tensor) -> nn.Module:
    """A copy in which every batch norm that follows a layer with weights at once is part of it.

    module: in evaluation mode.   example: an input, to see what follows what. A network that
    would give something else then is left as it is.
    """
    twin = copy.deepcopy(module)
    for layer, norm in _pairs(twin, example):
        _merge(layer, norm)
    with torch.no_grad():
        before, after = _flat(module(example)), _flat(twin(example))
    apart = (before - after).abs().max()
    return twin if apart <= NEAR * before.abs().max() else module


def _pairs(module: nn.Module, example: Tensor) -> list[tuple[Any, BatchNorm]]:
    """Layers and the batch norms that take what they give, each at work once."""
    gave: dict[int, tuple[nn.Module, Tensor]] = {}
    pairs: list[tuple[Any, BatchNorm]] = []
    calls: dict[nn.Module, int] = {}

    def leave(part: nn.Module, given: Any, told: Any) -> None:
        calls[part] = calls.get(part, 0) + 1
        if isinstance(part, LAYERS):
            gave[id(told)] = (part, told)  # held, so that its id stays its own
        elif isinstance(part, BatchNorm) and id(given[0]) in gave:
            pairs.append((gave[id(given[0])][0], part))

    parts = [p for p in module.modules() if isinstance(p, (*LAYERS, BatchNorm))]
    hooks = [part.register_forward_hook(leave) for part in parts]
    with torch.no_grad():
        module(example)
    for hook in hooks:
        hook.remove()
    return [
        (layer, norm)
        for layer, norm in pairs
        if calls[layer] == calls[norm] == 1
        and norm.running_mean is not None
        and not (isinstance(layer, TRANSPOSED) and layer.groups > 1)
    ]


def _merge(layer: Any, norm: BatchNorm) -> None:
    mean, var = norm.running_mean, norm.running_var
    assert mean is not None and var is not None
    with torch.no_grad():
        scale = torch.rsqrt(var + norm.eps)
        scale = scale if norm.weight is None else scale * norm.weight
        shift = -mean * scale if norm.bias is None else norm.bias - mean * scale
        axis = 1 if isinstance(layer, TRANSPOSED) else 0
        column = [-1 if k == axis else 1 for k in range(layer.weight.ndim)]
        layer.weight = nn.Parameter(layer.weight * scale.reshape(column), requires_grad=False)
        old = 0 if layer.bias is None else layer.bias * scale
        layer.bias = nn.Parameter(shift + old, requires_grad=False)
        norm.running_mean, norm.running_var = torch.zeros_like(mean), torch.ones_like(var)
        norm.eps, norm.weight, norm.bias = 0.0, None, None  # type: ignore[assignment]


def _flat(told: Any) -> Tensor:
    if isinstance(told, Tensor):
        return told.flatten().double()
    return torch.cat([_flat(part) for part in told])
