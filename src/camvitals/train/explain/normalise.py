"""Normalisations on the way of relevance: means are linear, what divides is a constant.

Ali et al., "XAI for transformers: better explanations through conservative propagation",
ICML (2022), for normalisations that take their statistics from the data at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from camvitals.train.explain.rules import as_value

if TYPE_CHECKING:
    from camvitals.train.explain.propagation import Propagation

Given = tuple[Any, ...]


def bound(names: Sequence[str], args: Given, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Arguments by name; those that are missing are None."""
    return dict.fromkeys(names) | dict(zip(names, args, strict=False)) | kwargs


def batch_norm(it: Propagation, func: Callable[..., Any], args: Given, kwargs: Any) -> Any:
    """Running statistics: a scale and a bias for each channel."""
    names = ("input", "mean", "var", "weight", "bias", "training", "momentum", "eps")
    g = bound(names, args, {k.removeprefix("running_"): v for k, v in kwargs.items()})
    return _by_channel(it, func(*args, **kwargs), g)


def _by_channel(it: Propagation, told: Tensor, g: dict[str, Any]) -> Any:
    x: Tensor = g["input"]
    scale = torch.rsqrt(g["var"].detach() + (1e-5 if g["eps"] is None else g["eps"]))
    scale = scale if g["weight"] is None else scale * g["weight"].detach()
    shift = -g["mean"].detach() * scale
    shift = shift if g["bias"] is None else shift + g["bias"].detach()
    column = (-1, *[1] * (x.ndim - 2))
    path = x * scale.reshape(column) + it.absorbing(shift.reshape(column))
    return it.followed(as_value(told.detach(), path), x)


def instance_norm(it: Propagation, func: Callable[..., Any], args: Given, kwargs: Any) -> Any:
    """Statistics of each channel of each clip, or running ones."""
    names = ("input", "mean", "var", "weight", "bias", "use_input_stats", "momentum", "eps")
    g = bound(names, args, {k.removeprefix("running_"): v for k, v in kwargs.items()})
    told = func(*args, **kwargs)
    if g["use_input_stats"] is False and g["mean"] is not None:
        return _by_channel(it, told, g)
    x: Tensor = g["input"]
    column = (-1, *[1] * (x.ndim - 2))
    return _over(it, told, x, tuple(range(2, x.ndim)), g, column)


def layer_norm(it: Propagation, func: Callable[..., Any], args: Given, kwargs: Any) -> Any:
    """Statistics over the last axes."""
    g = bound(("input", "normalized_shape", "weight", "bias", "eps"), args, kwargs)
    shape = tuple(g["normalized_shape"])
    axes = tuple(range(-len(shape), 0))
    return _over(it, func(*args, **kwargs), g["input"], axes, g, shape)


def group_norm(it: Propagation, func: Callable[..., Any], args: Given, kwargs: Any) -> Any:
    """Statistics over groups of channels."""
    g = bound(("input", "num_groups", "weight", "bias", "eps"), args, kwargs)
    told, x = func(*args, **kwargs), g["input"]
    grouped = x.reshape(x.shape[0], g["num_groups"], -1)
    centred = (grouped - grouped.mean(-1, keepdim=True)) * _over_spread(grouped, (-1,), g)
    return _affine(it, told, x, centred.reshape(x.shape), g, (-1, *[1] * (x.ndim - 2)))


def rms_norm(it: Propagation, func: Callable[..., Any], args: Given, kwargs: Any) -> Any:
    """Over the root of the mean square; no mean is taken away."""
    g = bound(("input", "normalized_shape", "weight", "eps"), args, kwargs) | {"bias": None}
    shape, x = tuple(g["normalized_shape"]), g["input"]
    eps = torch.finfo(x.dtype).eps if g["eps"] is None else g["eps"]
    power = x.detach().square().mean(tuple(range(-len(shape), 0)), keepdim=True)
    return _affine(it, func(*args, **kwargs), x, x * torch.rsqrt(power + eps), g, shape)


def _over(
    it: Propagation,
    told: Tensor,
    x: Tensor,
    axes: tuple[int, ...],
    g: dict[str, Any],
    column: tuple[int, ...],
) -> Any:
    centred = (x - x.mean(axes, keepdim=True)) * _over_spread(x, axes, g)
    return _affine(it, told, x, centred, g, column)


def _over_spread(x: Tensor, axes: tuple[int, ...], g: dict[str, Any]) -> Tensor:
    eps = 1e-5 if g["eps"] is None else g["eps"]
    return torch.rsqrt(x.detach().var(axes, correction=0, keepdim=True) + eps)


def _affine(
    it: Propagation,
    told: Tensor,
    x: Tensor,
    path: Tensor,
    g: dict[str, Any],
    column: tuple[int, ...],
) -> Any:
    if g["weight"] is not None:
        path = path * g["weight"].detach().reshape(column)
    if g["bias"] is not None:
        path = path + it.absorbing(g["bias"].reshape(column))
    return it.followed(as_value(told.detach(), path), x)


NORMALISED = {
    "batch_norm": batch_norm,
    "instance_norm": instance_norm,
    "layer_norm": layer_norm,
    "group_norm": group_norm,
    "rms_norm": rms_norm,
}
