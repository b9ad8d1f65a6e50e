"""How good a network is by now, on people it is never trained on.

Shape letters: N clips, T samples, P clips that make one window.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from camvitals.evaluate.estimators import rates_of
from camvitals.evaluate.protocol import PROTOCOLS, Protocol
from camvitals.evaluate.windows import check_rate, ready
from camvitals.models.architecture import Architecture
from camvitals.records import Array, InputError
from camvitals.train.clips import Clip, Sample, Source, shortened
from camvitals.train.losses import SHARED
from camvitals.train.objective import (
    kind_of,
    known_targets,
    objective_of,
    predicted,
    terms_of,
    weighted,
)
from camvitals.train.recipe import Recipe
from camvitals.train.stream import Batch, batch_of

HEARTS = ("pulse", "ecg", "blood_pressure")
KEPT_BYTES = 256e6  # of held-out clips that stay in memory between two looks


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found. loss: NaN where no term can be said of one clip; mae: NaN likewise."""

    loss: float
    mae: float


class Validation:
    """The held-out windows of a recipe, and the way to judge by them.

    Raises InputError when the recipe's metric cannot be had of its model and corpus.
    """

    def __init__(self, recipe: Recipe, architecture: Architecture) -> None:
        look = recipe.evaluation
        self._recipe, self._architecture = recipe, architecture
        self._protocol = replace(PROTOCOLS[look.protocol], window=look.window, step=None, span=None)
        clip = recipe.clip
        self._pieces = max(1, round(look.window * clip.rate / clip.length))
        long = Clip(self._pieces * clip.length, clip.rate)
        self._source: Source = recipe.corpus.open(
            long, seed=recipe.seed, held_out=True, count=look.count
        )
        self._kind = kind_of(recipe, architecture)
        self._objective = objective_of(recipe)
        self._terms = tuple(term for term in recipe.loss if term.name not in SHARED)
        self._kept: list[Sample] = []
        self._check()

    def _check(self) -> None:
        heart = self._recipe.corpus.reference in HEARTS
        waves = self._kind in ("wave", "derivative")
        self._rated = self._kind == "rate" or (waves and heart)
        self._measured = self._rated or self._kind == "last"
        metric = self._recipe.evaluation.metric
        if metric == "mae" and not self._measured:
            raise InputError(
                f"evaluation.metric mae needs a heart rate or a number but this recipe learns "
                f"{self._recipe.corpus.reference} with {self._recipe.model.name}; use loss"
            )
        if metric == "loss" and not self._terms:
            raise InputError(
                "no term of the loss can be said of one clip; use evaluation.metric=mae"
            )
        if waves and self._rated:
            check_rate(self._protocol, self._recipe.clip.rate)

    def __call__(self, module: nn.Module, *, device: torch.device) -> Look:
        """Look at all windows, in evaluation mode; the module stays in the mode it was in."""
        mode = {name: part.training for name, part in module.named_modules()}
        module.eval()
        try:
            with torch.no_grad():
                return self._look(module, device)
        finally:
            for name, part in module.named_modules():
                part.training = mode[name]

    def _look(self, module: nn.Module, device: torch.device) -> Look:
        losses, weights, waves, truths, rates = [], [], [], [], []
        for sample in self._samples():
            found = [self._piece(module, part.to(device)) for part in self._parts(sample)]
            losses += [loss for loss, _, _ in found]
            weights += [weight for _, weight, _ in found]
            waves.append(np.concatenate([wave for _, _, wave in found]))
            truths.append(sample.target)
            rates.append(sample.heart_rate)
        total = float(np.concatenate(weights).sum()) if weights else 0.0
        loss = np.concatenate(losses) @ np.concatenate(weights) / total if total else np.nan
        mae = self._mae(waves, np.array(truths), np.array(rates)) if self._measured else np.nan
        return Look(float(loss) if self._terms else float("nan"), float(mae))

    def _piece(self, module: nn.Module, batch: Batch) -> tuple[Array, Array, Array]:
        """(N,) losses and weights, and (N, T) waves of some clips of one window."""
        recipe = replace(self._recipe, loss=self._terms or self._recipe.loss)
        plain = recipe.objective == "supervised"
        wave = torch.zeros(len(batch), 1)
        if self._measured or plain:
            wave = predicted(module, self._architecture, batch)
        loss = torch.zeros(len(batch))
        if self._terms:
            if plain:
                terms = terms_of(wave, self._architecture, batch, recipe)
            else:
                terms = dict(self._objective(module, self._architecture, batch, recipe))
            loss = weighted(terms, recipe)
        known = known_targets(batch, self._kind)
        return _array(loss), _array(known), _array(wave[:, recipe.model.delay :])

    def _mae(self, waves: list[Array], truths: Array, heart_rates: Array) -> float:
        """Mean absolute error; a window without an answer counts as an answer of 0."""
        if self._kind in ("rate", "last"):
            chosen = slice(None) if self._kind == "rate" else slice(-1, None)
            estimate = np.array([float(wave[chosen].mean()) for wave in waves])
            truth = heart_rates if self._kind == "rate" else truths[:, -1]
        else:
            flat = np.array([wave.ravel() for wave in waves])
            summed = np.cumsum(flat, axis=1) if self._kind == "derivative" else flat
            estimate = _rates(self._protocol, summed, rate=self._recipe.clip.rate)
            truth = heart_rates
            if self._protocol.reference == "same":
                truth = _rates(self._protocol, truths, rate=self._recipe.clip.rate)
        known = np.isfinite(truth)
        if not known.any():
            return float("nan")
        answered = np.where(np.isfinite(estimate), estimate, 0.0)
        return float(np.abs(answered - truth)[known].mean())

    def _parts(self, sample: Sample) -> Iterator[Batch]:
        """The clips of a window, at most a recipe's batch at a time."""
        length, rate = self._recipe.clip.length, self._recipe.clip.rate
        pieces = []
        for n in range(self._pieces):
            cut = slice(n * length, (n + 1) * length)
            one = replace(
                sample,
                images=sample.images[cut],
                time=sample.time[cut],
                target=sample.target[cut],
            )
            pieces.append(shortened(one, length, rate=rate))
        for at in range(0, len(pieces), self._recipe.batch):
            yield batch_of(pieces[at : at + self._recipe.batch], rate=rate)

    def _samples(self) -> Iterator[Sample]:
        """Every window, from memory where there is room for all of them."""
        if self._kept:
            yield from self._kept
            return
        found: list[Sample] = []
        count = self._source.count or 0
        for index in range(count):
            sample = self._source.sample(index)
            found.append(sample)
            if sample.images.nbytes * count > KEPT_BYTES:
                found.clear()
            yield sample
        self._kept = found if len(found) == count else []


def _array(values: Tensor) -> Array:
    return np.asarray(values.double().cpu())


def _rates(protocol: Protocol, values: Array, *, rate: float) -> Array:
    """(N,) heart rates [bpm] of windows, as a protocol reads them; NaN of a flat one."""
    made, _ = ready(protocol, np.asarray(values, dtype=float), rate=rate)
    found = rates_of(made, estimator=protocol.estimator, rate=rate, band=protocol.band)
    return np.asarray(np.where(made.std(axis=1) > 0, found, np.nan))
