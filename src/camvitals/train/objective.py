"""What a step asks of a network: from a batch to the losses of its clips.

An objective is a function (module, architecture, batch, recipe) -> {term: (N,) losses}; one of
one's own, for a network with several outputs or stages, is named in the recipe as FILE.py:NAME.
Shape letters: N clips, T samples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from camvitals.models.architecture import Architecture
from camvitals.records import InputError
from camvitals.train.enhance.objective import TERMS, enhancement
from camvitals.train.losses import LOSSES
from camvitals.train.named import is_own, load_named
from camvitals.train.prune.distil import TERM, distillation
from camvitals.train.recipe import Recipe
from camvitals.train.stream import Batch
from camvitals.train.trusted import trusted

if TYPE_CHECKING:
    from camvitals.train.stream import Augmentation

Objective = Callable[[Any, Architecture, Batch, Recipe], Mapping[str, Tensor]]
TARGETS = {
    "pulse": "wave",
    "ecg": "wave",
    "derivative": "derivative",
    "rate": "rate",
    "spo2": "last",
}


def architecture_of(recipe: Recipe) -> Architecture:
    """The architecture that a recipe names. Raises InputError when there is none."""
    name = recipe.model.name
    if not is_own(name):
        from camvitals.models import model

        return model(name)
    found = load_named(name, what="model")
    made = found() if callable(found) else found
    if not isinstance(made, Architecture):
        raise InputError(f"{name} must be an Architecture but is {type(made).__name__}")
    return made


def objective_of(recipe: Recipe) -> Objective:
    """The objective that a recipe names. Raises InputError when there is none."""
    if is_own(recipe.objective):
        return cast(Objective, load_named(recipe.objective, what="objective"))
    if recipe.objective not in OBJECTIVES:
        known = ", ".join(OBJECTIVES)
        raise InputError(f"objective needs {known} or FILE.py:NAME but got {recipe.objective!r}")
    losses = TERMS if recipe.objective == "enhancement" else (*LOSSES, TERM)
    odd = [term.name for term in recipe.loss if term.name not in losses]
    if odd:
        raise InputError(f"no loss {odd[0]!r}; choose one of {', '.join(losses)}")
    return OBJECTIVES[recipe.objective]


class Augmentations:
    """The changes of clips that a recipe names, made once in every process that needs them."""

    def __init__(self, recipe: Recipe) -> None:
        self._wanted = recipe.augmentation
        self._made: list[Augmentation] | None = None

    def __getstate__(self) -> dict[str, object]:
        return {"_wanted": self._wanted, "_made": None}

    def __call__(self) -> list[Augmentation]:
        """In the order of the recipe. Raises InputError when there is none of a name."""
        if self._made is None:
            self._made = [_augmentation(one.name)(**one.options) for one in self._wanted]
        return self._made


def _augmentation(name: str) -> Callable[..., Augmentation]:
    if is_own(name):
        return cast("Callable[..., Augmentation]", load_named(name, what="augmentation"))
    import importlib

    try:
        known = importlib.import_module("camvitals.train.augment").AUGMENTATIONS
    except ImportError:
        known = {}
    if name not in known:
        there = ", ".join(known) or "none of ours"
        raise InputError(f"no augmentation {name!r}; choose one of {there}, or FILE.py:NAME")
    return cast("Callable[..., Augmentation]", known[name])


def supervised(
    module: nn.Module, architecture: Architecture, batch: Batch, recipe: Recipe
) -> dict[str, Tensor]:
    """Losses of the wave against the target; every term of the recipe by its name, unweighted."""
    return terms_of(predicted(module, architecture, batch), architecture, batch, recipe)


def terms_of(
    wave: Tensor, architecture: Architecture, batch: Batch, recipe: Recipe
) -> dict[str, Tensor]:
    """The same of a wave that is there already."""
    late = recipe.model.delay
    wave = wave[:, late:] if late else wave
    kind = kind_of(recipe, architecture)
    from_teacher = {
        term.name: distillation(wave, batch, term, recipe, kind)
        for term in recipe.loss
        if term.name == TERM
    }
    target = target_of(batch, kind, wave, delay=late)
    if kind == "label" and architecture.extra:  # the last was given twice
        wave, target = wave[:, : -architecture.extra], target[:, : -architecture.extra]
    return from_teacher | {
        term.name: LOSSES[term.name](
            wave,
            target,
            rate=batch.rate,
            heart_rate=batch.heart_rate,
            speed=batch.speed,
            **term.options,
        )
        for term in recipe.loss
        if term.name != TERM
    }


def predicted(module: nn.Module, architecture: Architecture, batch: Batch) -> Tensor:
    """(N, T) float32 wave of each clip, or (N, 1) of networks that give a number."""
    given = batch.images[..., :3]  # pairs hold the clean pictures and the skin besides
    output = module(architecture.prepare(given))
    return architecture.wave(output, len(batch)).float()


def kind_of(recipe: Recipe, architecture: Architecture) -> str:
    """What is learnt, as in Recipe's model.target; "" where an objective of one's own knows.

    Raises InputError where a model gives none of these.
    """
    kind = recipe.model.target or TARGETS.get(architecture.gives, "")
    if not kind and recipe.objective in ("supervised", "trusted"):
        raise InputError(
            f"{recipe.model.name} gives {architecture.gives}; train it with an objective of its own"
        )
    return kind


def target_of(batch: Batch, kind: str, wave: Tensor, *, delay: int = 0) -> Tensor:
    """The target as a network of this kind learns it, in the shape of its wave.

    delay: samples at the end of the clip that the wave does not speak of.

    wave: the reference with mean 0 and spread 1 in each clip.   derivative: its differences over
    their spread, a zero appended.   rate: the heart rate [bpm].   last: the reference's last value.
    label: the reference as it is.
    """
    if kind == "rate":
        return batch.heart_rate.nan_to_num(0.0)[:, None].expand_as(wave)
    if kind == "last":
        return batch.target[:, -1:].expand_as(wave)
    target = batch.target[:, : batch.target.shape[1] - delay]
    if wave.shape[1] != target.shape[1]:
        raise InputError(
            f"the model gives {wave.shape[1]} samples for clips of {target.shape[1]}; use a "
            "clip.length that it takes"
        )
    if kind == "label":
        return target
    if kind == "derivative":
        change = target.diff(dim=1)
        change = change / change.std(dim=1, keepdim=True, correction=0).clamp_min(1e-8)
        return torch.cat([change, torch.zeros_like(change[:, :1])], dim=1)
    centred = target - target.mean(dim=1, keepdim=True)
    return centred / target.std(dim=1, keepdim=True, correction=0).clamp_min(1e-8)


def weighted(terms: Mapping[str, Tensor], recipe: Recipe) -> Tensor:
    """(N,) the sum of the terms, each times its weight in the recipe, 1 where it is not there."""
    weight = {term.name: term.weight for term in recipe.loss}
    return torch.stack([weight.get(name, 1.0) * value for name, value in terms.items()]).sum(0)


def known_targets(batch: Batch, kind: str) -> Tensor:
    """(N,) the weight of each clip: 0 where the rate that is to be learnt is not known."""
    return batch.weight * torch.isfinite(batch.heart_rate) if kind == "rate" else batch.weight


OBJECTIVES: dict[str, Objective] = {
    "supervised": supervised,
    "trusted": trusted,
    "enhancement": enhancement,
}
