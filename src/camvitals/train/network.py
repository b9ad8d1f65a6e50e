"""A module of torch as a function on arrays, called as an ONNX file is."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from camvitals.card import ModelCard
from camvitals.records import Array, InputError
from camvitals.waves.learned import shape_of

INPUT = "given"


class TorchNetwork:
    """A module that was not exported yet, for whatever takes a `runtime.Network`.

    module: gives the outputs in the order of `card.outputs`, and then those of `card.state`.
    state:  what is carried at the start, in the order of `card.state`, for one clip.
    """

    def __init__(
        self, module: nn.Module, card: ModelCard, *, state: tuple[Tensor, ...] = ()
    ) -> None:
        if len(state) != len(card.state):
            raise InputError(
                f"{card.name} carries {len(card.state)} tensors but got {len(state)}; give all"
            )
        self.card, self._module, self._start = card, module.eval(), state
        self._state = state

    @property
    def inputs(self) -> dict[str, tuple[int | str | None, ...]]:
        """Name and shape of what a call needs."""
        return {INPUT: (None, *shape_of(self.card)[1:])}

    def __call__(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """Run once."""
        given = torch.from_numpy(np.ascontiguousarray(arrays[INPUT], dtype=np.float32))
        with torch.no_grad():
            told = self._module(given, *self._state)
        found = [told] if isinstance(told, Tensor) else list(told)
        count = len(self.card.outputs)
        self._state = tuple(found[count : count + len(self._start)])
        return {n: t.numpy() for n, t in zip(self.card.outputs, found[:count], strict=True)}

    def reset(self) -> None:
        """Forget what was carried from earlier calls."""
        self._state = self._start

    def another(self) -> TorchNetwork:
        """The same module with a state of its own."""
        return TorchNetwork(self._module, self.card, state=self._start)
