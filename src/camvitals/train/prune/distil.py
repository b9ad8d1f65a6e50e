"""Distillation: a smaller network learns from what a larger one says, beside the truth.

It is a term of the loss like any other, in every objective that learns a wave or a number:

    Term(name="distillation", weight=0.5, options={"teacher": "runs/dense"})

Shape letters: N clips, T samples.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from camvitals.models.architecture import Architecture
from camvitals.records import InputError
from camvitals.train.losses import LOSSES

if TYPE_CHECKING:
    from camvitals.train.recipe import Recipe, Term
    from camvitals.train.stream import Batch

TERM = "distillation"
LIKE = ("negative_pearson", "mse", "mae", "rmse")  # losses of a wave against the teacher's


def distillation(wave: Tensor, batch: Batch, term: Term, recipe: Recipe, kind: str) -> Tensor:
    """(N,) how far a wave (N, T) is from the teacher's on the same clips.

    term.options: teacher, the folder of its training; like, one of LIKE: negative_pearson if unset
        and it is a wave, else mse.
    Raises InputError without a teacher, and for one that learns something else.
    """
    from camvitals.train.objective import kind_of, predicted

    folder, like = _options(term, kind)
    module, architecture, taught = _teacher(folder, bool(recipe.own_code))
    if kind_of(taught, architecture) != kind or taught.model.delay != recipe.model.delay:
        raise InputError(
            f"the teacher in {folder} gives {kind_of(taught, architecture)} after "
            f"{taught.model.delay} samples but {kind} after {recipe.model.delay} is learnt; "
            "train one alike"
        )
    with torch.no_grad():
        told = predicted(module.to(wave.device), architecture, batch)
    if told.shape[1] < wave.shape[1]:
        raise InputError(f"the teacher in {folder} gives {told.shape[1]} samples; give one alike")
    told = told[:, told.shape[1] - wave.shape[1] :]
    return LOSSES[like](wave, told, rate=batch.rate, heart_rate=batch.heart_rate, speed=batch.speed)


def _options(term: Term, kind: str) -> tuple[str, str]:
    """The teacher's folder, and the loss."""
    options: dict[str, Any] = dict(term.options)
    folder = options.pop("teacher", "")
    like = options.pop("like", LIKE[0] if kind in ("wave", "derivative") else "mse")
    if not folder or options or like not in LIKE:
        raise InputError(
            f"{TERM} needs options teacher, the folder of a training, and like of "
            f"{', '.join(LIKE)}, but got {dict(term.options)}"
        )
    return str(folder), str(like)


@lru_cache(maxsize=2)
def _teacher(folder: str, own_code: bool) -> tuple[nn.Module, Architecture, Recipe]:
    """The best weights of a training, which learn nothing any more."""
    from camvitals.train.cards import trained
    from camvitals.train.objective import architecture_of

    module, recipe = trained(folder, own_code=own_code)
    return module.requires_grad_(False).eval(), architecture_of(recipe), recipe
