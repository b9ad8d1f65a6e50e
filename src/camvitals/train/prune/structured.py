"""Structured pruning: whole channels are taken out, so that the network is smaller and faster.

Which channels belong together is found by torch-pruning (Fang et al., "DepGraph: towards any
structural pruning", CVPR 2023).
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any, cast

import torch
from torch import Tensor, nn

from camvitals.records import InputError
from camvitals.train.prune.layers import CONVOLUTIONS, TRANSPOSED, put_modes
from camvitals.train.prune.wiring import wiring

DEEPEST = 20  # nodes between a reshape and the layer that reads it
HALVINGS = 9  # of the share of channels that is looked for
MOST = 0.995  # share of a layer's channels
MOST_TIED = 3000  # steps from layer to layer that the library takes before it goes in circles
NORMS: tuple[type[nn.Module], ...] = (nn.modules.batchnorm._NormBase,)  # of batches, instances
Read = Callable[[nn.Module, Tensor], Tensor]


def torch_pruning() -> ModuleType:
    """The library. Raises InputError without it."""
    try:
        return import_module("torch_pruning")
    except ImportError as error:
        raise InputError(
            "structured pruning needs torch-pruning; install it with pip install 'camvitals[train]'"
        ) from error


@contextmanager
def following() -> Iterator[None]:
    """Help the library where it takes axes of place and time for channels.

    It follows gradients and takes every reshape before a layer, and every split, for one of
    channels. Here a reshape counts where a linear layer reads it, and a split on the axis of
    channels; shares that add up to 1 over places, or over other channels, join none. Where it goes
    round in circles, as through layers that keep a past of their own, it is stopped.
    """
    index, types = _library("dependency.index_mapping"), _library("ops").OPTYPE
    usual = index.update_reshape_index_mapping, index.update_split_index_mapping
    group = _library("dependency.group").Group
    softmax, add = torch.softmax, group.add_dep

    def reshaped(graph: Any, node: Any) -> None:
        if _read_by(node, types.LINEAR, stop=(types.CONV, types.DEPTHWISE_CONV)):
            usual[0](graph, node)

    def split(graph: Any, node: Any) -> None:
        if getattr(node.grad_fn, "_saved_dim", 1) == 1:
            usual[1](graph, node)

    def shares(*given: Any, **options: Any) -> Tensor:
        return softmax(*given, **options).detach()

    def tied(found: Any, *given: Any, **named: Any) -> None:
        if len(found) >= MOST_TIED:
            raise RecursionError("no end is found of what belongs to one channel")
        add(found, *given, **named)

    index.update_reshape_index_mapping, index.update_split_index_mapping = reshaped, split
    torch.softmax, group.add_dep = shares, tied
    try:
        yield
    finally:
        index.update_reshape_index_mapping, index.update_split_index_mapping = usual
        torch.softmax, group.add_dep = softmax, add


def norms_too() -> dict[type[nn.Module], Any]:
    """Instance norms are cut as batch norms are: the library forgets what they have run up."""
    pruner = _library("pruner.function").BatchnormPruner()
    return dict.fromkeys((nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d), pruner)


def _library(part: str) -> Any:
    return import_module(f"torch_pruning.{part}")


def _read_by(node: Any, kind: Any, *, stop: tuple[Any, ...], depth: int = 0) -> bool:
    """Whether what leaves a node of the library's graph reaches a layer of this kind first."""
    if node.type == kind:
        return True
    if node.type in stop or depth > DEEPEST:
        return False
    return any(_read_by(after, kind, stop=stop, depth=depth + 1) for after in node.outputs)


def tensors_in(output: Any) -> list[Tensor]:
    """Every tensor of what a network gives."""
    if isinstance(output, Tensor):
        return [output]
    return [tensor for part in output for tensor in tensors_in(part)]


def total(output: Any) -> Tensor:
    """The sum of all that a network gives, which depends on whatever any of it depends on."""
    return torch.stack([tensor.sum() for tensor in tensors_in(output)]).sum()


def shrink(
    module: nn.Module,
    given: Tensor,
    read: Read,
    *,
    factor: float,
    scores: str = "magnitude",
    seed: int = 0,
    loss: Callable[[], Tensor] | None = None,
    only: tuple[str, ...] = (),
) -> float:
    """Take channels out of a network, in place; returns how many times fewer parameters it has.

    given: what it takes, of one clip or more.   read: (network, given) -> its wave or number.
    factor: so many times fewer, at the least; every layer loses the same share of its channels, the
        least important first, and keeps one.   scores: magnitude, random, or snip with a loss.
    only: beginnings of names of layers that may lose some; () is all.
    Layers that the result is read from, or what comes out beside it, keep all that they give.
    Raises InputError for networks whose channels cannot be taken out, which are as before then.
    """
    library = torch_pruning()
    before = parameters(module)
    mode = {name: part.training for name, part in module.named_modules()}
    module.eval()
    try:
        if scores == "snip":
            if loss is None:
                raise InputError("the sensitivity of channels needs a loss on a batch; give loss=")
            loss().backward()  # type: ignore[no-untyped-call]
        found = wiring(module, lambda: read(module, given))
        cut = partial(_cut, library, given=given, scores=scores, seed=seed)
        whole = found.outputs_of_layers
        whole += tuple(name for name in found.layers if only and not name.startswith(only))
        try:
            smaller = _smaller(module, cut, whole, lambda one: read(one, given), before / factor)
        except RuntimeError:  # an enhancer's pictures are added to what came in, colour by colour
            whole += _beside(module, given)
            smaller = _smaller(module, cut, whole, lambda one: read(one, given), before / factor)
        _put_smaller(module, smaller)
    except InputError:
        raise
    except Exception as error:  # the library, and networks that reshape, raise anything
        said = " ".join(str(error).split())[:160] or type(error).__name__
        raise InputError(
            f"its channels cannot be taken out ({said}); prune it by snip or n2nskip"
        ) from error
    finally:
        module.zero_grad()
        put_modes(module, mode)
    return before / parameters(module)


def _beside(module: nn.Module, given: Tensor) -> tuple[str, ...]:
    """Layers that anything is read from; one channel cannot be fewer."""
    found = wiring(module, lambda: total(module(given)))
    return tuple(found.layers[place] for place in found.outputs if found.given[place] > 1)


def _smaller(
    module: nn.Module,
    cut: Callable[..., None],
    whole: tuple[str, ...],
    run: Callable[[nn.Module], Tensor],
    wanted: float,
) -> nn.Module:
    """A copy with so many parameters or fewer, which runs and is told by its state dict alone."""
    tried = _copied(module)
    cut(tried, whole, share=_share(module, cut, whole, wanted=wanted))
    again = copy.deepcopy(module)  # as a training that goes on makes it
    _put_smaller(again, tried)
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        if not torch.equal(run(copy.deepcopy(tried)), run(copy.deepcopy(again))):
            raise RuntimeError("the shapes of its weights do not tell which belong together")
        run(copy.deepcopy(again).train())  # some do more in training
    return again


def _copied(module: nn.Module) -> nn.Module:
    """A copy with its gradients, 0 where nothing came back, if there are any."""
    tried = copy.deepcopy(module)
    slopes = [parameter.grad for parameter in module.parameters()]
    if any(slope is not None for slope in slopes):
        for parameter, slope in zip(tried.parameters(), slopes, strict=True):
            parameter.grad = torch.zeros_like(parameter) if slope is None else slope.clone()
    return tried


def _put_smaller(module: nn.Module, smaller: nn.Module) -> None:
    reshape_like(module, smaller.state_dict(), "the smaller network")
    module.load_state_dict(smaller.state_dict())


def _share(
    module: nn.Module,
    cut: Callable[..., None],
    whole: tuple[str, ...],
    *,
    wanted: float,
) -> float:
    """The smallest share of channels to take out that leaves so many parameters or fewer."""
    low, high = 0.0, MOST
    least = parameters(module)
    for step in range(HALVINGS):
        share = high if step == 0 else (low + high) / 2
        tried = _copied(module)
        cut(tried, whole, share=share)
        left = parameters(tried)
        least = min(least, left)
        if left <= wanted:
            high = share
        elif step == 0:
            raise InputError(
                f"structured pruning leaves {least} parameters at least, where {wanted:.0f} are "
                "wanted; use a smaller prune.factor"
            )
        else:
            low = share
    return high


def _cut(
    library: ModuleType,
    module: nn.Module,
    whole: tuple[str, ...],
    *,
    given: Tensor,
    scores: str,
    seed: int,
    share: float,
) -> None:
    """Take this share of the channels of every layer but those that stay whole."""
    kinds = {
        "magnitude": library.importance.GroupMagnitudeImportance,
        "snip": library.importance.GroupTaylorImportance,
        "random": library.importance.RandomImportance,
    }
    parts = dict(module.named_modules())
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings(), following():
        warnings.simplefilter("ignore")
        torch.manual_seed(seed)
        pruner = library.pruner.BasePruner(
            module,
            given,
            importance=kinds[scores](),
            pruning_ratio=share,
            pruning_ratio_dict={part: min(share, _most(part)) for part in parts.values()},
            ignored_layers=[parts[name] for name in whole],
            forward_fn=lambda network, given: tensors_in(network(given)),
            customized_pruners=norms_too(),
        )
        pruner.step()


def _most(part: nn.Module) -> float:
    """The share of a layer's channels that leaves one; the library takes all or none otherwise."""
    channels = getattr(part, "out_channels", getattr(part, "out_features", 1))
    return 1 - 1.001 / channels if channels > 1 else 0.0


def parameters(module: nn.Module) -> int:
    """Learnt numbers of a network, masked ones too."""
    return sum(parameter.numel() for parameter in module.parameters())


def reshape_like(module: nn.Module, tensors: Mapping[str, Tensor], name: str) -> None:
    """Give a dense network the shapes of a smaller one's state dict, in place, not its weights.

    name: where the tensors are from. Raises InputError where they are larger, or of another kind.
    """
    for layer, part in module.named_modules():
        for kind in (part._parameters, part._buffers):
            for key, tensor in list(kind.items()):
                full = f"{layer}.{key}" if layer else key
                other = tensors.get(full)
                if tensor is None or other is None or other.shape == tensor.shape:
                    continue
                pairs = zip(other.shape, tensor.shape, strict=False)
                if other.dim() != tensor.dim() or any(a > b for a, b in pairs):
                    raise InputError(
                        f"{name} is of another model: {full} has shape {tuple(other.shape)}, which "
                        f"is no part of {tuple(tensor.shape)}; build the model that it is of"
                    )
                small: Any = tensor.new_zeros(other.shape)
                is_parameter = isinstance(tensor, nn.Parameter)
                kind[key] = nn.Parameter(small, tensor.requires_grad) if is_parameter else small
        _count_again(part)


def _count_again(part: nn.Module) -> None:
    """Numbers of channels that a layer keeps beside its weights."""
    weight, layer = part._parameters.get("weight"), cast("Any", part)
    if isinstance(part, nn.modules.instancenorm._InstanceNorm) and weight is None:
        part.register_forward_pre_hook(_count_what_comes)
    if isinstance(part, nn.RNNBase):
        layer.input_size = layer.weight_ih_l0.shape[1]
        layer._init_flat_weights()  # a list of its own, of what was
    if weight is None:
        return
    if isinstance(part, CONVOLUTIONS):
        _count_convolution(layer, weight, isinstance(part, TRANSPOSED))
    elif isinstance(part, nn.Linear):
        layer.out_features, layer.in_features = weight.shape
    elif isinstance(part, NORMS):
        layer.num_features = len(weight)
    elif isinstance(part, nn.LayerNorm):
        layer.normalized_shape = tuple(weight.shape)
    elif isinstance(part, nn.GroupNorm):
        layer.num_channels = len(weight)


def _count_what_comes(part: nn.Module, taken: tuple[Tensor, ...]) -> None:
    """Hook of a norm without weights, which nothing else tells how many channels there are."""
    if part.num_features != taken[0].shape[1]:
        part.num_features = int(taken[0].shape[1])  # type: ignore[assignment]


def _count_convolution(part: Any, weight: Tensor, transposed: bool) -> None:
    first, second = weight.shape[:2]
    if part.groups > 1 and part.groups == part.out_channels:  # one filter for each channel
        part.groups = first
    if transposed:
        part.in_channels, part.out_channels = first, second * part.groups
    else:
        part.out_channels, part.in_channels = first, second * part.groups
