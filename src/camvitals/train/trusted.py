"""Learning the pulse, and to know how well: the objective of networks that also give a certainty.

Shape letters: N clips, T samples, W windows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from camvitals.models.architecture import Architecture
from camvitals.records import InputError
from camvitals.train.recipe import Recipe
from camvitals.train.stream import Batch

BEGIN_S = 3.0  # of a clip, in which nothing is expected
WINDOW_S = 5.0  # over which the wave is compared with the truth
LATE_S = 1.0  # at the end of a window, when it must be known how good it was
CERTAINTY = "certainty"


def trusted(
    module: nn.Module, architecture: Architecture, batch: Batch, recipe: Recipe
) -> dict[str, Tensor]:
    """The recipe's terms of the wave, and `certainty`: how well it knows its own error.

    The certainty at the end of every WINDOW_S is to say how much of the truth the wave had in it:
    its squared correlation, 0 where it is negative or there is no pulse. Only the certainty learns
    from that. Raises InputError for a network without one, and for too short a clip.
    """
    from camvitals.train.objective import terms_of

    if CERTAINTY not in architecture.also:
        raise InputError(
            f"objective trusted needs a network with a {CERTAINTY}, such as regionpulse"
        )
    begin, window = round(BEGIN_S * batch.rate), round(WINDOW_S * batch.rate)
    if batch.target.shape[1] < begin + recipe.model.delay + window:
        raise InputError(
            f"objective trusted needs clips of {BEGIN_S + WINDOW_S:g} s and the delay but "
            f"clip.length is {batch.target.shape[1]}"
        )
    output = module(architecture.prepare(batch.images)).float()[:, begin:]
    late = replace(batch, target=batch.target[:, begin:])
    wave = architecture.wave(output, len(batch))
    terms: Mapping[str, Tensor] = terms_of(wave, architecture, late, recipe)
    at = 1 + list(architecture.also).index(CERTAINTY)
    shift = recipe.model.delay
    truth = late.target[:, : late.target.shape[1] - shift]
    told = _shared(wave[:, shift:].detach(), truth, window)
    odds = output[:, shift:, at]
    knows = _windows(odds, window)[..., -round(LATE_S * batch.rate) :].mean(-1)
    loss = F.binary_cross_entropy_with_logits(knows, told, reduction="none").mean(dim=1)
    return dict(terms) | {CERTAINTY: loss}


def _windows(values: Tensor, window: int) -> Tensor:
    """(N, W, window) of (N, T)."""
    whole = values.shape[1] // window * window
    return values[:, :whole].reshape(len(values), -1, window)


def _shared(wave: Tensor, truth: Tensor, window: int) -> Tensor:
    """(N, W) squared correlation in every window; 0 where it is negative, or the truth is flat."""
    a, b = (_windows(x, window) for x in (wave, truth))
    a, b = a - a.mean(-1, keepdim=True), b - b.mean(-1, keepdim=True)
    size = (a.square().sum(-1) * b.square().sum(-1)).sqrt()
    return ((a * b).sum(-1) / torch.where(size > 1e-9, size, torch.inf)).clamp(0, 1).square()
