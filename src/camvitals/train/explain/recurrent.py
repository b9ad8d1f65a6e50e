"""GRU and LSTM written out step by step, so that relevance passes: their gates are constants.

Arras et al., "Explaining recurrent neural network predictions in sentiment analysis", EMNLP
workshop WASSA (2017). Shape letters: N clips, T steps, C channels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional as F

from camvitals.records import InputError

if TYPE_CHECKING:
    from camvitals.train.explain.propagation import Propagation

Given = tuple[Any, ...]
State = tuple[Tensor, ...]
Step = Callable[[Tensor, Tensor, State], State]  # from the input, from the state, state -> state


def gru(it: Propagation, func: Callable[..., Any], args: Given, kwargs: Any) -> Any:
    """A GRU over (N, T, C), as torch's operation of this name gives it."""
    del func, kwargs
    told, (last,) = _unrolled(it, args, (args[1],), _gru_step)
    return told, last


def lstm(it: Propagation, func: Callable[..., Any], args: Given, kwargs: Any) -> Any:
    """An LSTM over (N, T, C), as torch's operation of this name gives it."""
    del func, kwargs
    told, (last, cell) = _unrolled(it, args, tuple(args[1]), _lstm_step)
    return told, last, cell


def _gru_step(given: Tensor, recalled: Tensor, state: State) -> State:
    r, z, n = given.chunk(3, -1)
    hr, hz, hn = recalled.chunk(3, -1)
    keep = torch.sigmoid(z + hz)
    new = torch.tanh(n + torch.sigmoid(r + hr) * hn)
    return ((1 - keep) * new + keep * state[0],)


def _lstm_step(given: Tensor, recalled: Tensor, state: State) -> State:
    i, f, g, o = (given + recalled).chunk(4, -1)
    cell = torch.sigmoid(f) * state[1] + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(cell), cell


def _unrolled(
    it: Propagation, args: Given, start: State, step: Step
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """args: as torch's `gru` and `lstm` take them, of which the first is (N, T, C) or (T, N, C)."""
    if len(args) != 9 or isinstance(args[3], Tensor | list):
        raise InputError(
            "relevance propagation has no rule for packed sequences; use integrated-gradients or "
            "occlusion, or give the network clips of one length"
        )
    x, _, weights, biased, layers, _, _, both, clips_first = args
    per, ways = (4 if biased else 2), (2 if both else 1)
    finals: list[State] = []
    with it:
        x = x if clips_first else x.transpose(0, 1)
        for layer in range(layers):
            sides = []
            for way in range(ways):
                at = layer * ways + way
                part = [*weights[at * per : (at + 1) * per], None, None][:4]
                begin = tuple(s[at] for s in start)
                out, final = _side(x.flip(1) if way else x, part, begin, step)
                sides.append(out.flip(1) if way else out)
                finals.append(final)
            x = sides[0] if ways == 1 else torch.cat(sides, -1)
        x = x if clips_first else x.transpose(0, 1)
        return x, tuple(torch.stack(parts) for parts in zip(*finals, strict=True))


def _side(
    x: Tensor, weights: list[Tensor | None], state: State, step: Step
) -> tuple[Tensor, State]:
    from_input, from_state, input_bias, state_bias = weights
    assert from_input is not None and from_state is not None
    out = []
    for given in F.linear(x, from_input, input_bias).unbind(1):
        state = step(given, F.linear(state[0], from_state, state_bias), state)
        out.append(state[0])
    return torch.stack(out, 1), state


RECURRENT = {"gru": gru, "lstm": lstm}
