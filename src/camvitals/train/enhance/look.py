"""What a stage costs with weights that it did not learn: where it began, or those of another."""

from __future__ import annotations

from pathlib import Path

import torch

from camvitals.records import InputError
from camvitals.train.checkpoint import load_weights
from camvitals.train.enhance.objective import enhancement
from camvitals.train.objective import architecture_of
from camvitals.train.recipe import Recipe
from camvitals.train.stream import batch_of

OBJECTIVE = "enhancement"


def losses_with(recipe: Recipe, weights: Path | str) -> dict[str, float]:
    """Name of each term -> its mean over the clips of people held out, unweighted.

    "loss" is their weighted sum.   weights: a .safetensors file of the recipe's network.
    Raises InputError for a recipe of another objective, and for weights of another network.
    """
    if recipe.objective != OBJECTIVE:
        raise InputError(f"{recipe.name} has objective {recipe.objective}, not {OBJECTIVE}")
    architecture = architecture_of(recipe)
    source = recipe.corpus.open(
        recipe.clip, seed=recipe.seed, held_out=True, count=recipe.evaluation.count
    )
    clips = [source.sample(number) for number in range(source.count or 0)]
    size = clips[0].images.shape[1:3]
    module = architecture.build(size=size, **recipe.model.options)
    load_weights(module, weights)
    module.eval()
    found: dict[str, list[float]] = {term.name: [] for term in recipe.loss}
    for at in range(0, len(clips), recipe.batch):
        batch = batch_of(clips[at : at + recipe.batch], rate=recipe.clip.rate)
        with torch.no_grad():
            for name, value in enhancement(module, architecture, batch, recipe).items():
                found[name] += value.tolist()
    means = {name: sum(values) / len(values) for name, values in found.items()}
    total = sum(term.weight * means[term.name] for term in recipe.loss)
    return {"loss": total} | means
