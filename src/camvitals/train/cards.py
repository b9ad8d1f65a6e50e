"""The card of trained weights: what a recipe says about them, and their digest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from camvitals.card import ModelCard
from camvitals.data.cache import Cache
from camvitals.data.corpora import CORPORA
from camvitals.models.architecture import Architecture
from camvitals.records import InputError
from camvitals.train import graph
from camvitals.train.cached import CacheClips
from camvitals.train.checkpoint import (
    CARD,
    load_weights,
    on_disk,
    packed,
    weights_in,
    write_together,
)
from camvitals.train.clips import MadeClips
from camvitals.train.labelled import LabelClips
from camvitals.train.objective import architecture_of
from camvitals.train.prune.start import prune_like
from camvitals.train.recipe import Recipe


def save_carded(
    path: Path,
    tensors: Mapping[str, Tensor],
    recipe: Recipe,
    architecture: Architecture,
    *,
    size: tuple[int, int],
    metrics: Mapping[str, float],
) -> None:
    """Write weights, and their card beside them as NAME.safetensors.json; both or neither.

    size, metrics: as `card_of`.   Raises InputError on a full disk; what was there before stays.
    """
    data = packed(tensors, {"recipe": recipe.hash, "row": dict(metrics)})
    card = card_of(recipe, architecture, size=size, metrics=metrics)
    card = replace(card, sha256=hashlib.sha256(data).hexdigest())
    with on_disk(path, needed=len(data)):
        write_together({path: data, path.with_name(path.name + CARD): card.text().encode()})


def card_of(
    recipe: Recipe,
    architecture: Architecture,
    *,
    size: tuple[int, int],
    metrics: Mapping[str, float],
) -> ModelCard:
    """The card of weights, but for their digest.

    size: rows and columns of the pictures, or the number of regions and 3.
    """
    corpus = recipe.corpus
    facts: dict[str, Any] = {
        "training_data": f"made people (camvitals {version('camvitals')}), no real ones",
        "licence": "Apache-2.0",
    }
    if isinstance(corpus, CacheClips | LabelClips):
        facts |= _of_cache(corpus)
    if not isinstance(corpus, MadeClips):
        facts["regions"] = tuple(getattr(corpus, "named_regions", ()))
    if recipe.model.delay:
        facts["delay"] = recipe.model.delay
    length, rate = recipe.clip.length, recipe.clip.rate
    return graph.card_of(
        architecture,
        name=recipe.name,
        rate=rate,
        size=size,
        length=length,
        version=recipe.hash[:12],
        operating_range=f"clips of {length} samples ({length / rate:.1f} s)",
        source=f"{recipe.model.name} ({architecture.source}), trained by recipe {recipe.name}",
        metrics={k: v for k, v in metrics.items() if k not in ("epoch", "step")},
        **facts,
    )


def _of_cache(corpus: CacheClips | LabelClips) -> dict[str, Any]:
    """Whose recordings they were, by whose leave, and how they were cut."""
    cache = Cache(corpus.folder)
    people: dict[str, set[str]] = {}
    for one in cache.recordings:
        if one.trainable and one.corpus in (corpus.corpora or (one.corpus,)):
            people.setdefault(one.corpus, set()).add(one.subject)
    known = {name: CORPORA[name] for name in people if name in CORPORA}
    titles = {name: known[name].title if name in known else name for name in people}
    licences = {name: known[name].licence if name in known else "not said" for name in people}
    several = len(people) > 1
    made = asdict(cache.settings)
    return {
        "training_data": "; ".join(
            f"{titles[name]} ({len(who)} people)" for name, who in people.items()
        ),
        "licence": "; ".join(
            f"{titles[name]}: {text}" if several else text for name, text in licences.items()
        ),
        "crop": {name: made[name] for name in ("box", "extension", "smooth")},
    }


def trained(folder: Path | str, *, own_code: bool = False) -> tuple[nn.Module, Recipe]:
    """The network with its best weights, in evaluation mode, and the recipe it was trained by.

    own_code: whether Python files that the recipe names may be run; only for your own folders.
    Raises InputError when something is missing, or weights, card and recipe do not belong together.
    """
    place = Path(folder)
    path, weights = place / "recipe.json", place / "best.safetensors"
    if not (path.is_file() and weights.is_file()):
        raise InputError(f"{place} has no recipe.json and best.safetensors; train first")
    recipe = Recipe.from_json(path.read_text("utf-8"), own_code=own_code, where=str(path))
    architecture = architecture_of(recipe)
    card = ModelCard.load(weights.with_name(weights.name + CARD))
    size = card.size or (len(card.regions) or 1, 3)
    module = architecture.build(**{"size": size, **recipe.model.options})
    if recipe.prune.method != "none":
        prune_like(module, recipe.prune, weights_in(weights), str(weights))
    facts = load_weights(module, weights)
    if facts.get("recipe") != recipe.hash:
        raise InputError(f"{weights} was not trained by {path}; take the two of one training")
    return module.eval(), recipe
