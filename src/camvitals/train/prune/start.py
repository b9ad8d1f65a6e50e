"""A dense network and what a recipe says about pruning -> the network that is trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from camvitals.models.architecture import Architecture
from camvitals.records import InputError
from camvitals.train.prune.layers import CONVOLUTIONS, kernels, passages
from camvitals.train.prune.masks import masks_in, put_masks
from camvitals.train.prune.scores import Loss, Scores, best, budget, by_size, randomly, sensitivity
from camvitals.train.prune.skips import (
    ENDS,
    connect,
    drawn,
    joinable,
    reconnect,
    room_of,
)
from camvitals.train.prune.structured import reshape_like, shrink
from camvitals.train.prune.wanted import SPARSE, Prune

if TYPE_CHECKING:
    from camvitals.train.recipe import Recipe
    from camvitals.train.stream import Batch

Run = Callable[[], object]


def prune(module: nn.Module, wanted: Prune, *, run: Run, losses: Sequence[Loss] = ()) -> None:
    """Prune a dense network in place, by any method but `structured`.

    run: runs the network once, on two clips or more.   losses: each runs it on a batch in training
        mode and gives the loss, for scores that are sensitivities.
    Exactly round(N / factor) of the N weights that it decides about are kept, skips among them.
    Raises InputError where the budget cannot be met, and for skips in a network without room.
    """
    if wanted.method not in SPARSE:
        raise InputError(f"no masks by {wanted.method!r}; choose one of {', '.join(SPARSE)}")
    found = kernels(module, layers=wanted.layers, only=wanted.only)
    keep = budget(sum(kernel.weight.numel() for kernel in found.values()), wanted.factor)
    scores = _scores(module, wanted, losses)
    if wanted.method != "n2nskip":
        put_masks(module, best(scores, keep, least=wanted.least))
        return
    met = passages(module, run, CONVOLUTIONS)
    pairs = joinable(met, only=wanted.only)
    if not pairs:
        raise InputError(
            "n2nskip needs convolutions, each run once, that do not follow each other directly; "
            "this network has none: prune it by snip"
        )
    skipping = round(keep * wanted.share)
    chosen = drawn(pairs, count=wanted.pairs or len(met), weights=skipping, seed=wanted.seed)
    # Half of them at most, as they are to be sparse; what they cannot take stays in the layers
    skipping = min(skipping, room_of(chosen) // 2)
    put_masks(module, best(scores, keep - skipping, least=wanted.least))
    connect(module, chosen, weights=skipping, seed=wanted.seed)


def _scores(module: nn.Module, wanted: Prune, losses: Sequence[Loss]) -> Scores:
    found = kernels(module, layers=wanted.layers, only=wanted.only)
    if wanted.judged == "random":
        return randomly(found, seed=wanted.seed)
    if wanted.judged == "magnitude":
        return by_size(found)
    if not losses:
        raise InputError("the sensitivity of weights needs a loss on a batch; give losses=")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(wanted.seed)  # of dropout
        return sensitivity(module, found, list(losses))


def prune_for(
    module: nn.Module, recipe: Recipe, architecture: Architecture, batches: Sequence[Batch]
) -> None:
    """Prune as a recipe says, in place, before its first step; batches: of its first clips.

    Raises InputError where the network, or its budget, does not allow it.
    """
    from camvitals.train.objective import kind_of, known_targets, objective_of, weighted

    objective, kind = objective_of(recipe), kind_of(recipe, architecture)

    def loss(batch: Batch) -> Tensor:
        terms = dict(objective(module, architecture, batch, recipe))
        return (weighted(terms, recipe) * known_targets(batch, kind)).mean()

    given = architecture.prepare(_two(batches[0].images))
    losses = [partial(loss, batch) for batch in batches]
    wanted = recipe.prune
    if wanted.method != "structured":
        prune(module, wanted, run=partial(module, given), losses=losses)
        return

    def read(network: nn.Module, given: Tensor) -> Tensor:
        return architecture.wave(network(given), len(given))

    shrink(
        module,
        given,
        read,
        factor=wanted.factor,
        scores=wanted.judged,
        seed=wanted.seed,
        loss=losses[0],
        only=wanted.only,
    )


def _two(images: Tensor) -> Tensor:
    """Two clips, so that what is a clip can be told from what is not."""
    return torch.cat([images, images])[:2]


def prune_like(module: nn.Module, wanted: Prune, tensors: Mapping[str, Tensor], name: str) -> None:
    """Give a dense network what a state dict has: masks and skips, or fewer channels; no weights.

    In place. name: where the tensors are from. Raises InputError when they are of another network.
    """
    if wanted.method == "structured":
        reshape_like(module, tensors, name)
        return
    try:
        if ENDS in tensors:
            reconnect(module, tensors)
        put_masks(module, masks_in(tensors))
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
