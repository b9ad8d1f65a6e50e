"""N2NSkip: sparse learnable connections between convolutions that do not follow each other.

Subramaniam & Sharma, "N2NSkip: learning highly sparse networks using neuron-to-neuron skip
connections", BMVC 2020. A skip is a 1×1(×1) convolution without bias from what one layer gives to
what a later one takes, by average pooling where that is smaller, to the nearest where it is larger.
The weights that it keeps are drawn at random, and begin with the spread of He et al. (2015) for as
many as there are.

Skips hang on the network as its part `n2n`, by hooks, so that names of the others stay. Which
layers they join is in the state dict, as numbers of convolutions in the order of the network's
parts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from camvitals.records import InputError
from camvitals.train.prune.layers import CONVOLUTIONS, Passage
from camvitals.train.prune.masks import put_masks
from camvitals.train.prune.scores import best

PART = "n2n"
ENDS = f"{PART}.ends"
POINTWISE: dict[int, type[nn.Module]] = {3: nn.Conv1d, 4: nn.Conv2d, 5: nn.Conv3d}
POOLS = {3: F.avg_pool1d, 4: F.avg_pool2d, 5: F.avg_pool3d}
Ends = tuple[str, str]


@dataclass(slots=True)
class _Outputs:
    """What layers gave in this run of the network."""

    of: dict[str, Tensor] = field(default_factory=dict)


class Skips(nn.Module):
    """The skips of one network. ends: (P, 2) numbers of the layers that each joins."""

    def __init__(self, ends: Tensor, convolutions: Sequence[nn.Module]) -> None:
        super().__init__()
        self.register_buffer("ends", ends)
        self.convs = nn.ModuleList(convolutions)
        self.outputs = _Outputs()

    def forward(self, x: Tensor) -> Tensor:
        """Nothing; a network that is a sequence runs all its parts."""
        return x


@dataclass(slots=True)
class _Keep:
    """Hook: remembers what a layer gives."""

    skips: Skips
    source: str

    def __call__(self, _layer: nn.Module, _taken: Any, given: Tensor) -> None:
        self.skips.outputs.of[self.source] = given


@dataclass(slots=True)
class _Add:
    """Hook: adds what comes along skips to what a layer takes."""

    skips: Skips
    incoming: tuple[tuple[int, str], ...]

    def __call__(self, _layer: nn.Module, taken: tuple[Any, ...]) -> tuple[Any, ...]:
        x = taken[0]
        for number, source in self.incoming:
            x = x + _along(self.skips.convs[number], self.skips.outputs.of[source], x)
        return (x, *taken[1:])


@dataclass(slots=True)
class _Forget:
    """Hook: nothing of a run is kept after it."""

    skips: Skips

    def __call__(self, _network: nn.Module, _taken: Any, _given: Any) -> None:
        self.skips.outputs.of.clear()


def _along(convolution: nn.Module, given: Tensor, wanted: Tensor) -> Tensor:
    """What a skip makes of a layer's output, in the size of another's input."""
    size = wanted.shape[2:]
    ratio = [max(1, have // want) for have, want in zip(given.shape[2:], size, strict=True)]
    if any(step > 1 for step in ratio):
        given = POOLS[given.dim()](given, ratio)
    out: Tensor = convolution(given)
    return out if out.shape[2:] == size else F.interpolate(out, size=size, mode="nearest")


def joinable(
    met: Sequence[Passage], *, only: tuple[str, ...] = ()
) -> list[tuple[Passage, Passage]]:
    """Pairs of convolutions (i, j ≥ i + 2) of one run whose pictures, or series, can be joined.

    met: convolutions in the order in which they ran, of two clips or more.
    only: beginnings of names; both ends must have the same.
    """
    found = []
    for number, source in enumerate(met):
        for target in met[number + 2 :]:
            alike = len(source.given) == len(target.taken) and len(source.given) in POINTWISE
            inside = not only or any(
                source.name.startswith(b) and target.name.startswith(b) for b in only
            )
            if alike and inside and source.given[0] == target.taken[0]:
                found.append((source, target))
    return found


def drawn(
    pairs: Sequence[tuple[Passage, Passage]], *, count: int, weights: int, seed: int
) -> list[tuple[Passage, Passage]]:
    """So many of the pairs, or more until they have room for twice the weights."""
    order = torch.randperm(len(pairs), generator=torch.Generator().manual_seed(seed)).tolist()
    chosen: list[tuple[Passage, Passage]] = []
    room = 0
    for number in order:
        if len(chosen) >= count and room >= 2 * weights:
            break
        chosen.append(pairs[number])
        room += pairs[number][0].given[1] * pairs[number][1].taken[1]
    return sorted(chosen, key=lambda pair: (pair[0].turn, pair[1].turn))


def room_of(pairs: Sequence[tuple[Passage, Passage]]) -> int:
    """Weights that skips between all of them could have."""
    return sum(source.given[1] * target.taken[1] for source, target in pairs)


def connect(
    module: nn.Module, pairs: Sequence[tuple[Passage, Passage]], *, weights: int, seed: int
) -> None:
    """Put skips into a network, in place, with exactly so many weights between them."""
    names = _convolutions(module)
    ends = torch.tensor([[names.index(a.name), names.index(b.name)] for a, b in pairs])
    shapes = [(b.taken[1], a.given[1], *[1] * (len(a.given) - 2)) for a, b in pairs]
    skips = _attached(module, ends, shapes)
    generator = torch.Generator().manual_seed(seed)
    scores = {
        f"convs.{number}.weight": torch.rand(shape, generator=generator)
        for number, shape in enumerate(shapes)
    }
    masks = best(scores, weights)
    for convolution, mask in zip(skips.convs, masks.values(), strict=True):
        fan_in = max(1.0, float(mask.sum()) / mask.shape[0])  # C_in × density
        weight = torch.randn(mask.shape, generator=generator) * math.sqrt(2 / fan_in)
        with torch.no_grad():
            convolution.weight.copy_(weight)  # type: ignore[operator]
    device = next(module.parameters()).device
    put_masks(skips, masks)
    skips.to(device)


def reconnect(module: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Put skips into a network as a state dict tells of them, without their weights.

    Raises InputError when they are of another network.
    """
    ends = tensors[ENDS]
    kernels = {
        int(name.split(".")[2]): tuple(tensor.shape)
        for name, tensor in tensors.items()
        if name.startswith(f"{PART}.convs.") and tensor.is_floating_point()
    }
    names = _convolutions(module)
    fits = ends.dim() == 2 and ends.shape[1:] == (2,) and len(kernels) == len(ends)
    if not fits or (len(ends) and not 0 <= int(ends.min()) <= int(ends.max()) < len(names)):
        raise InputError(
            "the skip connections are of another model: they join layers that this one does not "
            "have; build the model that they are of"
        )
    _attached(module, ends.clone(), [kernels[number] for number in range(len(ends))])


def _convolutions(module: nn.Module) -> list[str]:
    """Names of a network's own convolutions, in the order of its parts."""
    return [
        name
        for name, part in module.named_modules()
        if isinstance(part, CONVOLUTIONS) and not name.startswith(f"{PART}.")
    ]


def _attached(module: nn.Module, ends: Tensor, shapes: Sequence[tuple[int, ...]]) -> Skips:
    """Skips of these shapes, and the hooks that use them."""
    if hasattr(module, PART):
        raise InputError("the network has skip connections already; begin with a dense one")
    convolutions = []
    for shape in shapes:
        made = POINTWISE[len(shape)](shape[1], shape[0], 1, bias=False)
        convolutions.append(made)
    skips = Skips(ends, convolutions)
    names, parts = _convolutions(module), dict(module.named_modules())
    joined = [(names[a], names[b]) for a, b in ends.tolist()]
    module.add_module(PART, skips)
    for source in dict.fromkeys(a for a, _ in joined):
        parts[source].register_forward_hook(_Keep(skips, source))
    for target in dict.fromkeys(b for _, b in joined):
        incoming = tuple((n, a) for n, (a, b) in enumerate(joined) if b == target)
        parts[target].register_forward_pre_hook(_Add(skips, incoming))
    module.register_forward_hook(_Forget(skips))
    return skips


def skips_of(module: nn.Module) -> list[Ends]:
    """Names of the layers that skips join, in a network that has some."""
    if not hasattr(module, PART):
        return []
    names = _convolutions(module)
    return [(names[a], names[b]) for a, b in module.n2n.ends.tolist()]  # type: ignore[operator, union-attr]
