"""Masks: single weights that are held at zero, whatever the optimiser does.

A mask is a parametrization of torch: what the layer uses is `where(mask, weight, 0)`, so that a
masked weight has no gradient, and neither momentum nor weight decay nor an optimiser's old state
can bring it back. The mask is a buffer, `LAYER.parametrizations.weight.0.mask`, and travels with
the state dict.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from camvitals.records import InputError
from camvitals.train.prune.layers import OTHERS, kernels

PLACE = "parametrizations"
ENDING = ".0.mask"  # of a mask's name in the state dict
HANDLES = "_of_masks"  # hooks of a recurrent layer


class Mask(nn.Module):
    """Weights -> the same, those that are masked at zero."""

    def __init__(self, mask: Tensor) -> None:
        super().__init__()
        self.register_buffer("mask", mask.to(torch.bool))
        self.mask: Tensor

    def forward(self, weight: Tensor) -> Tensor:
        """The weights that are used."""
        return torch.where(self.mask, weight, weight.new_zeros(()))

    def right_inverse(self, weight: Tensor) -> Tensor:
        """What is kept of weights that are put in."""
        return self.forward(weight)


def put_masks(module: nn.Module, masks: Mapping[str, Tensor]) -> None:
    """Mask these kernels, in place: name -> (like the kernel) bool, True is kept.

    Raises InputError for masks that are of another network, or put on twice.
    """
    known = {kernel.name: kernel for kernel in kernels_of_any(module)}
    there = masks_of(module)
    for name, mask in masks.items():
        if name in there:
            raise InputError(f"{name} is masked already; prune a dense network")
        if name not in known:
            raise InputError(
                f"the masks are of another model: this one has no weights {name!r}; take its own"
            )
        needed, given = tuple(known[name].weight.shape), tuple(mask.shape)
        if needed != given:
            raise InputError(
                f"the masks are of another model: that of {name} has shape {given} but {needed} "
                "is needed; take its own"
            )
    for name in (name for name in known if name in masks):  # optimisers go by the order of weights
        owner, key = known[name].owner, known[name].key
        device = known[name].weight.device
        parametrize.register_parametrization(owner, key, Mask(masks[name].to(device)))
        if isinstance(owner, nn.RNNBase) and not hasattr(owner, HANDLES):
            handles = owner.register_forward_pre_hook(_fill), owner.register_forward_hook(_empty)
            setattr(owner, HANDLES, handles)
            owner._flat_weights = []


def _fill(layer: nn.RNNBase, _: Any) -> None:
    """A recurrent layer keeps a list of its weights, which must be those that are masked."""
    layer._flat_weights = [getattr(layer, name) for name in layer._flat_weights_names]


def _empty(layer: nn.RNNBase, _taken: Any, _given: Any) -> None:
    """Results of the graph cannot be copied with the layer."""
    layer._flat_weights = []


def kernels_of_any(module: nn.Module) -> list[Any]:
    """Every kernel, learnt or not, masked or not."""
    from camvitals.train.prune.layers import CONVOLUTIONS, Kernel

    found = []
    for layer, owner in module.named_modules():
        if not isinstance(owner, CONVOLUTIONS + OTHERS):
            continue
        masked = getattr(owner, PLACE, {})
        keys = [*(key for key, w in owner.named_parameters(recurse=False) if w.dim() > 1), *masked]
        found += [Kernel(f"{layer}.{key}" if layer else key, owner, key) for key in keys]
    return found


def masks_of(module: nn.Module) -> dict[str, Tensor]:
    """Name of each masked kernel -> its mask."""
    return masks_in(dict(module.named_buffers()))


def masks_in(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same from a state dict."""
    return {
        plain_name(name.removesuffix(ENDING)): tensor
        for name, tensor in tensors.items()
        if is_mask(name)
    }


def is_mask(name: str) -> bool:
    """Whether a tensor of this name in a state dict is a mask."""
    return name.endswith(ENDING) and PLACE in name.split(".")


def plain_name(name: str) -> str:
    """Name of a weight as it is without its mask."""
    parts = [part for part in name.split(".") if part != PLACE]
    return ".".join(parts).removesuffix(".original")


def plain(module: nn.Module) -> nn.Module:
    """A copy without masks, with zeros where they were; the network computes the same."""
    for owner in module.modules():
        if isinstance(owner, nn.RNNBase) and hasattr(owner, HANDLES):
            owner._flat_weights = []  # moving it to a device has filled it
    bare = copy.deepcopy(module)
    for owner in list(bare.modules()):
        if masked := getattr(owner, PLACE, {}):
            _uncover(owner, {key: getattr(owner, key).detach() for key in masked})
        if isinstance(owner, nn.RNNBase) and hasattr(owner, HANDLES):
            for handle in getattr(owner, HANDLES):
                handle.remove()
            delattr(owner, HANDLES)
            owner._init_flat_weights()
    return bare


def _uncover(owner: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Weights as plain parameters again.

    torch's own way takes them from the class, which a copy shares with what it was copied from.
    """
    del owner._modules[PLACE]
    owner.__class__ = type(owner).__bases__[0]
    others = dict(owner._parameters)
    owner._parameters.clear()
    for key, weight in weights.items():
        owner.register_parameter(key, nn.Parameter(weight.clone()))
    owner._parameters.update(others)


@dataclass(frozen=True, slots=True)
class Counted:
    """Numbers of a network.

    kernels: of its kernels, masked ones too.   kept: of those, not masked.
    others: of norms and biases, which stay dense.
    """

    kernels: int
    kept: int
    others: int

    @property
    def parameters(self) -> int:
        """All that are not masked."""
        return self.kept + self.others


def counted(module: nn.Module) -> Counted:
    """Count the numbers of a network, pruned or not."""
    masks = masks_of(module)
    every, kept = 0, 0
    for kernel in kernels_of_any(module):
        size = kernel.weight.numel()
        every += size
        kept += int(masks[kernel.name].sum()) if kernel.name in masks else size
    whole = sum(parameter.numel() for parameter in module.parameters())
    return Counted(every, kept, whole - every)


def dense_count(module: nn.Module, *, layers: str, only: tuple[str, ...]) -> int:
    """Weights that pruning decides about."""
    return sum(k.weight.numel() for k in kernels(module, layers=layers, only=only).values())
