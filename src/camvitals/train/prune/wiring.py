"""Which layer's output a layer takes, through whatever is between them: norms, sums, attention."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from camvitals.records import InputError
from camvitals.train.prune.layers import CONVOLUTIONS, put_modes

WIRED: tuple[type[nn.Module], ...] = (*CONVOLUTIONS, nn.Linear)


@dataclass(frozen=True, slots=True)
class Wiring:
    """The layers of one run, convolutions and linear ones, and who feeds whom.

    layers:  names in the order in which they ran; a layer that runs twice is there twice.
    sources: for each layer the places in `layers` of those that it takes from; () is the input.
    outputs: places of the layers that the result is made of.
    taken, given: channels of each.
    """

    layers: tuple[str, ...]
    sources: tuple[tuple[int, ...], ...]
    outputs: tuple[int, ...]
    taken: tuple[int, ...]
    given: tuple[int, ...]

    @property
    def outputs_of_layers(self) -> tuple[str, ...]:
        """Names of the layers that the result is made of."""
        return tuple(dict.fromkeys(self.layers[place] for place in self.outputs))


def wiring(module: nn.Module, run: Callable[[], Tensor]) -> Wiring:
    """How the layers of a network are joined.

    run: runs the network once and gives its result. Every layer's output is cut off from the graph
    before it is passed on, so that what reaches a layer tells its sources.
    Raises InputError where the result depends on no layer.
    """
    names: list[str] = []
    taken: list[Tensor] = []
    given: list[Tensor] = []
    layers: list[nn.Module] = []

    def cutting(name: str) -> Callable[..., Tensor]:
        def cut(layer: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> Tensor:
            names.append(name)
            layers.append(layer)
            taken.append(inputs[0])
            given.append(output.detach().requires_grad_())
            return given[-1]

        return cut

    parts = [(name, part) for name, part in module.named_modules() if isinstance(part, WIRED)]
    handles = [part.register_forward_hook(cutting(name)) for name, part in parts]
    try:
        with _evaluating(module), torch.enable_grad():
            result = run()
    finally:
        for handle in handles:
            handle.remove()
    if not result.requires_grad:
        raise InputError("the network's result depends on no layer of it; nothing can be traced")
    return Wiring(
        layers=tuple(names),
        sources=tuple(_reached(one, given[:at]) for at, one in enumerate(taken)),
        outputs=_reached(result, given),
        taken=tuple(_channels(layer, 1) for layer in layers),
        given=tuple(_channels(layer, 0) for layer in layers),
    )


def _reached(tensor: Tensor, earlier: list[Tensor]) -> tuple[int, ...]:
    """Places of those tensors that this one was made of."""
    if not tensor.requires_grad or not earlier:
        return ()
    found = torch.autograd.grad(tensor.sum(), earlier, retain_graph=True, allow_unused=True)
    return tuple(place for place, gradient in enumerate(found) if gradient is not None)


def _channels(layer: nn.Module, side: int) -> int:
    if isinstance(layer, nn.Linear):
        return (layer.out_features, layer.in_features)[side]
    assert isinstance(layer, CONVOLUTIONS)
    found: int = (layer.out_channels, layer.in_channels)[side]  # type: ignore[assignment]
    return found


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    mode = {name: part.training for name, part in module.named_modules()}
    module.eval()
    try:
        yield
    finally:
        put_modes(module, mode)
