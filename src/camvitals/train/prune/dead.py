"""What no output depends on is cut out of a pruned network, before it is exported.

A channel is dead when every weight that takes it is masked; or when every weight that makes it is
masked and what is left of it, after norms and activations, is 0. Which weights these are is found
by torch-pruning. Whatever a network does between its layers, a cut stays only if what comes out is
the same; where it is not, each set of channels that belong together is tried by itself.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from camvitals.records import InputError
from camvitals.train.prune.layers import CONVOLUTIONS, TRANSPOSED
from camvitals.train.prune.masks import masks_of, plain
from camvitals.train.prune.structured import (
    following,
    norms_too,
    tensors_in,
    torch_pruning,
    total,
)
from camvitals.train.prune.wiring import wiring

SAME = 1e-5  # of the largest value that comes out
ROUNDS = 20  # a layer without its last reader is dead in the next one
Inputs = tuple[Tensor, ...]


@dataclass(frozen=True, slots=True)
class Lean:
    """A network without masks and without what was dead.

    channels: that were cut out.   why: what kept others in, "" where nothing did.
    """

    module: nn.Module
    channels: int
    why: str = ""


def lean(module: nn.Module, given: Sequence[Tensor]) -> Lean:
    """A copy of a network that computes the same, with fewer channels where some are dead.

    given: what it takes. A network without masks is given back as it is; without torch-pruning, and
    for networks that it cannot follow, the zeros stay and `why` says so.
    """
    if not masks_of(module):
        return Lean(module, 0)
    bare = plain(module).eval()
    inputs = tuple(given)
    told = _told(bare, inputs)
    cut = 0
    try:
        library = torch_pruning()
        for _ in range(ROUNDS):
            found, bare = _one_round(library, bare, inputs, told)
            cut += found
            if not found:
                break
    except InputError as error:
        return Lean(bare, cut, str(error))
    except Exception as error:  # the library raises anything for what it cannot follow
        said = " ".join(str(error).split())[:160] or type(error).__name__
        return Lean(bare, cut, f"its channels cannot be followed ({said})")
    return Lean(bare, cut)


def _one_round(
    library: ModuleType, bare: nn.Module, inputs: Inputs, told: Tensor
) -> tuple[int, nn.Module]:
    """Channels that were cut out, and the network without them."""
    dead = _dead(library, bare, inputs)
    if not dead:
        return 0, bare
    tried = copy.deepcopy(bare)
    count = _cut(library, tried, inputs, dead)
    if _same(tried, inputs, told):
        return count, tried
    total = 0
    for one in dead.items():
        tried = copy.deepcopy(bare)
        count = _cut(library, tried, inputs, dict([one]))
        if _same(tried, inputs, told):
            bare, total = tried, total + count
    return total, bare


def _dead(library: ModuleType, bare: nn.Module, inputs: Inputs) -> dict[str, list[int]]:
    """Name of a layer -> its channels that are dead, one layer of those that share them."""
    names = {part: name for name, part in bare.named_modules()}
    parts = dict(bare.named_modules())
    ends = set(wiring(bare, lambda: total(bare(*inputs))).outputs_of_layers)
    silent = _silent(bare, inputs)
    found: dict[str, list[int]] = {}
    with _graph(library, bare, inputs) as graph:
        whole = [parts[name] for name in ends]
        kinds = [*CONVOLUTIONS, nn.Linear]
        for group in graph.get_all_groups(ignored_layers=whole, root_module_types=kinds):
            channels = _dead_of(library, group, silent)
            if channels:
                found[names[group[0].dep.target.module]] = channels
    return found


def _dead_of(library: ModuleType, group: Any, silent: dict[nn.Module, Tensor]) -> list[int]:
    """Channels of a group's first layer that are dead in all of its layers."""
    makes = (library.prune_conv_out_channels, library.prune_linear_out_channels)
    takes = (library.prune_conv_in_channels, library.prune_linear_in_channels)
    count = len(group[0].idxs)
    unread, unmade = torch.ones(count, dtype=torch.bool), torch.ones(count, dtype=torch.bool)
    readers = 0
    for item in group:
        part, act = item.dep.target.module, item.dep.handler
        roots = torch.tensor(item.root_idxs)
        places = torch.tensor(item.idxs)
        grouped = getattr(part, "groups", 1) > 1
        if act in takes:
            readers += 1
            read = _side(part, taken=True)[places] if not grouped else torch.ones(len(places)) > 0
            unread[roots[read]] = False
            unmade[roots[~silent[part][places]]] = False
        elif act in makes:
            made = _side(part, taken=False)[places] if not grouped else torch.ones(len(places)) > 0
            unmade[roots[made]] = False
        elif isinstance(part, nn.Parameter):
            return []
    dead = (unread | unmade) if readers else torch.zeros(count, dtype=torch.bool)
    if dead.all():
        dead[0] = False  # a layer keeps one channel
    return [int(place) for place in torch.tensor(group[0].idxs)[dead]]


def _side(part: nn.Module, *, taken: bool) -> Tensor:
    """Which of a layer's channels, taken or given, have a weight that is not 0."""
    weight: Tensor = part.weight.detach()  # type: ignore[operator]
    axis = int(taken) if not isinstance(part, TRANSPOSED) else int(not taken)
    return weight.transpose(0, axis).flatten(1).ne(0).any(dim=1)


def _silent(bare: nn.Module, inputs: Inputs) -> dict[nn.Module, Tensor]:
    """For each layer, which of the channels that it takes are 0 throughout."""
    found: dict[nn.Module, Tensor] = {}

    def note(part: nn.Module, taken: tuple[Any, ...], _: Any) -> None:
        x = taken[0].detach()
        axis = -1 if isinstance(part, nn.Linear) else 1
        silent = x.transpose(0, axis).flatten(1).eq(0).all(dim=1)
        found[part] = found.get(part, silent) & silent

    parts = [p for p in bare.modules() if isinstance(p, (*CONVOLUTIONS, nn.Linear))]
    handles = [part.register_forward_hook(note) for part in parts]
    try:
        _told(bare, inputs)
        _told(bare, tuple(_noise(tensor) for tensor in inputs))
    finally:
        for handle in handles:
            handle.remove()
    return found


def _noise(like: Tensor) -> Tensor:
    """Other values of the same range."""
    generator = torch.Generator().manual_seed(0)
    drawn = torch.rand(like.shape, generator=generator)
    return like.min() + drawn * (like.max() - like.min()) if like.numel() else like


def _cut(library: ModuleType, bare: nn.Module, inputs: Inputs, dead: dict[str, list[int]]) -> int:
    """Take dead channels out, in place; how many."""
    parts, count = dict(bare.named_modules()), 0
    with _graph(library, bare, inputs) as graph:
        for name, channels in dead.items():
            part = parts[name]
            linear = isinstance(part, nn.Linear)
            act = library.prune_linear_out_channels if linear else library.prune_conv_out_channels
            group = graph.get_pruning_group(part, act, channels)
            if graph.check_pruning_group(group):
                group.prune()
                count += len(channels)
    return count


@contextmanager
def _graph(library: ModuleType, bare: nn.Module, inputs: Inputs) -> Iterator[Any]:
    """Which channels belong together."""
    with warnings.catch_warnings(), torch.enable_grad(), following():
        warnings.simplefilter("ignore")
        yield library.DependencyGraph().build_dependency(
            bare,
            example_inputs=inputs,
            forward_fn=lambda network, given: tensors_in(network(*given)),
            customized_pruners=norms_too(),
        )


def _same(bare: nn.Module, inputs: Inputs, told: Tensor) -> bool:
    try:
        now = _told(bare, inputs)
    except Exception:  # a network that counts its channels itself
        return False
    most = float(told.abs().max())
    return now.shape == told.shape and float((now - told).abs().max()) <= SAME * max(most, 1e-9)


def _told(bare: nn.Module, inputs: Inputs) -> Tensor:
    """Everything that comes out, in one row."""
    with torch.no_grad():
        return torch.cat([tensor.flatten() for tensor in tensors_in(bare(*inputs))])
