"""What is exported: a network from its input to its wave as one module, and the card of that.

Shape letters: N clips, T samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from camvitals.card import ModelCard
from camvitals.models.architecture import TRACES, Architecture


class Reading(nn.Module):
    """A published network and the reading of its output as one module: input -> (N, T) wave.

    What an architecture gives besides comes after it, in the order of `also`.
    """

    def __init__(self, module: nn.Module, architecture: Architecture) -> None:
        super().__init__()
        self.module, self._architecture = module, architecture

    def forward(self, given: Tensor) -> Tensor | tuple[Tensor, ...]:
        """(N, T) for what `card.takes` and `card.layout` say."""
        if self._architecture.transform is not None:
            pictures = self._architecture.takes != TRACES
            given = self._architecture.transform(
                given.permute(0, 1, 3, 4, 2) if pictures else given
            )
        output = self.module(given)
        wave = self._architecture.wave(output, given.shape[0])
        if not self._architecture.also:
            return wave
        return (wave, *output.unbind(-1)[1:])


class Carried(nn.Module):
    """A network that carries state as a graph that takes it and gives it back.

    module: has `carry(given, state) -> (output, state)`, and `state_shapes()`, name -> shape of one
        clip; all state is zero at the start.
    several: whether the last axis of the output holds several outputs.
    """

    def __init__(self, module: nn.Module, *, several: bool = False) -> None:
        super().__init__()
        self.module, self._several = module, several

    def forward(self, given: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """The next samples and the state; what comes out, the pulse first, and the state after."""
        output, after = self.module.carry(given, state)  # type: ignore[operator]
        return (*(output.unbind(-1) if self._several else [output]), *after)


def state_of(module: nn.Module) -> dict[str, Tensor]:
    """Name -> what is carried before the first sample, of one clip; {} where nothing is."""
    if not hasattr(module, "state_shapes"):
        return {}
    shapes: Mapping[str, tuple[int, ...]] = module.state_shapes()  # type: ignore[operator]
    return {name: torch.zeros(1, *shape) for name, shape in shapes.items()}


def card_of(
    architecture: Architecture,
    *,
    name: str,
    rate: float | None,
    size: tuple[int, int] | None = None,
    length: int | None = None,
    **facts: Any,
) -> ModelCard:
    """The card of a network of one of MODELS: what its architecture says, and `facts`.

    rate: that it was trained at [Hz], or None where it is not known.
    size, length: None takes the architecture's own.
    facts: other fields of ModelCard; words that are missing say that it is not known.
    """
    colours = architecture.takes.endswith(TRACES)
    own = architecture.transform is not None and not colours
    said: dict[str, Any] = {
        "version": "1",
        "task": "pulse" if architecture.gives in ("pulse", "derivative") else architecture.gives,
        "size": None if colours else tuple(size or architecture.size),
        "colour": "" if colours else "RGB",
        "scale": (0.0, 255.0),
        "outputs": {architecture.gives: f"(N, T) {architecture.gives}, arbitrary unit"}
        | dict(architecture.also),
        "training_data": "not said",
        "licence": "not said",
        "operating_range": "not said",
        "source": architecture.source,
        "takes": "raw" if own else architecture.takes,
        "layout": "" if colours else ("TCHW" if own else architecture.layout),
        "extra": 0 if own else architecture.extra,
        "gives": architecture.gives,
        "length": length or architecture.length,
    }
    return ModelCard(name=name, rate=rate, sha256="", **said | facts)
