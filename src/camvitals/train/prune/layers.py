"""The weights that pruning decides about, and in which order their layers run.

A kernel is a weight tensor of a convolution, or of a linear or recurrent layer. Norms and biases
are never pruned: they are few, and are told apart in every receipt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from camvitals.records import InputError

CONVOLUTIONS: tuple[type[nn.Module], ...] = (
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
)
TRANSPOSED: tuple[type[nn.Module], ...] = CONVOLUTIONS[3:]
OTHERS: tuple[type[nn.Module], ...] = (nn.Linear, nn.RNNBase)


@dataclass(frozen=True, slots=True)
class Kernel:
    """One weight tensor: `owner.key`, under this name in the network."""

    name: str
    owner: nn.Module
    key: str

    @property
    def weight(self) -> Tensor:
        """As it is used now."""
        found: Tensor = getattr(self.owner, self.key)
        return found

    @property
    def layer(self) -> str:
        """Name of its layer."""
        return self.name.rpartition(".")[0]


def kernels(
    module: nn.Module, *, layers: str = "all", only: tuple[str, ...] = ()
) -> dict[str, Kernel]:
    """Name -> kernel, in the order of the network's parts; those that are not learnt are left out.

    layers, only: as in `Prune`. Raises InputError where nothing is left.
    """
    kinds = CONVOLUTIONS if layers == "convolutions" else CONVOLUTIONS + OTHERS
    found: dict[str, Kernel] = {}
    seen: set[int] = set()
    begun = dict.fromkeys(only, False)
    for layer, owner in module.named_modules():
        if not isinstance(owner, kinds):
            continue
        for key, weight in owner.named_parameters(recurse=False):
            name = f"{layer}.{key}" if layer else key
            begun |= {b: True for b in only if name.startswith(b)}
            learnt = weight.requires_grad and weight.dim() > 1 and id(weight) not in seen
            if learnt and name.startswith(only or ("",)):
                found[name] = Kernel(name, owner, key)
                seen.add(id(weight))
    unknown = [beginning for beginning, met in begun.items() if not met]
    if unknown:
        raise InputError(f"prune.only: no layer begins with {unknown[0]!r}; see the model's names")
    if not found:
        what = "convolutions" if layers == "convolutions" else "weights"
        raise InputError(f"there are no {what} to prune that are learnt; choose other layers")
    return found


@dataclass(frozen=True, slots=True)
class Passage:
    """One layer in a run of the network: its turn, and the shapes it took and gave."""

    name: str
    layer: nn.Module
    turn: int
    taken: tuple[int, ...]
    given: tuple[int, ...]


def passages(
    module: nn.Module, run: Callable[[], Any], kinds: tuple[type[nn.Module], ...]
) -> list[Passage]:
    """Layers of these kinds in the order in which they run, those that run once.

    run: runs the network once; it is put into evaluation and back.
    """
    met: dict[str, list[Passage]] = {}
    count = 0
    mode = {name: part.training for name, part in module.named_modules()}

    def noting(name: str) -> Callable[..., None]:
        def note(layer: nn.Module, taken: tuple[Any, ...], given: Any) -> None:
            nonlocal count
            if isinstance(given, Tensor) and taken and isinstance(taken[0], Tensor):
                shapes = tuple(taken[0].shape), tuple(given.shape)
                met.setdefault(name, []).append(Passage(name, layer, count, *shapes))
            count += 1

        return note

    parts = {name: part for name, part in module.named_modules() if isinstance(part, kinds)}
    handles = [part.register_forward_hook(noting(name)) for name, part in parts.items()]
    module.eval()
    try:
        with torch.no_grad():
            run()
    finally:
        for handle in handles:
            handle.remove()
        put_modes(module, mode)
    once = [found[0] for found in met.values() if len(found) == 1]
    return sorted(once, key=lambda passage: passage.turn)


def put_modes(module: nn.Module, mode: Mapping[str, bool]) -> None:
    """Training or evaluation of every part, as it was."""
    for name, part in module.named_modules():
        part.training = mode.get(name, part.training)
