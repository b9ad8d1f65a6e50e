"""The networks of benchmarks/pruning.py, what each is trained by, and how its pulse is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from pruning_clips import SIDE, gridded
from torch import Tensor, nn

from camvitals.dsp.clean import bandpass
from camvitals.dsp.spectrum import HEART_BAND_HZ
from camvitals.models import MODELS
from camvitals.models.architecture import Architecture, Size
from camvitals.records import Array
from camvitals.train.checkpoint import load_weights, weights_in
from camvitals.train.clips import Clip, MadeClips
from camvitals.train.prune.start import prune_like
from camvitals.train.prune.wanted import Prune
from camvitals.train.recipe import (
    Augment,
    Evaluation,
    Model,
    Optimiser,
    Recipe,
    Schedule,
    Term,
    load_recipe,
)

ROOT = Path(__file__).parents[1]
METHODS = ("snip", "n2nskip", "random", "magnitude", "structured")
GRID, GRID_HZ, GRID_SAMPLES = 4, 15.0, 150
GAIN = 100.0
TRUNK = ("stem.", "to_", "skin_", "unused.")  # of rPPGNet, all but its heads


class GridPulse(nn.Module):
    """(N, 3·GRID², T) changes of a grid's colours -> (N, T) pulse."""

    def __init__(self, *, size: Size, width: int = 48) -> None:
        super().__init__()
        del size
        taken = [3 * GRID * GRID, *[width] * 5]
        self.layers = nn.ModuleList(
            nn.Conv1d(a, width, 7, padding=3 * dilation, dilation=dilation)
            for a, dilation in zip(taken, (1, 1, 2, 2, 4, 4), strict=True)
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(width) for _ in self.layers)
        self.out = nn.Conv1d(width, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The pulse."""
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = torch.relu(norm(layer(x)))
        return self.out(x)[:, 0]


def grid_changes(images: Tensor) -> Tensor:
    """(N, 3·GRID², T) relative changes of (N, T, GRID, GRID, 3) mean colours of cells."""
    n, t, h, w, _ = images.shape
    colours = images.float().reshape(n, t, h * w * 3).transpose(1, 2)
    mean = colours.mean(dim=-1, keepdim=True).clamp_min(1.0)
    return GAIN * (colours / mean - 1)


GRIDPULSE = Architecture(
    build=GridPulse,
    takes="raw",
    gives="pulse",
    size=(GRID, GRID),
    length=GRID_SAMPLES,
    parameters=0,
    source="benchmarks/pruning_networks.py, 2026",
    transform=grid_changes,
)


@dataclass(frozen=True, slots=True)
class Subject:
    """A network that is pruned in every way.

    recipes:  of all its trainings, given the folder that they lie in.
    size, rate: of what it takes [px, Hz].   length: of the windows in which it is read, 0: whole.
    exported: names of those that become ONNX files, in this order; small: as int8 too.
    """

    name: str
    architecture: Architecture
    recipes: Callable[[Path], list[Recipe]]
    size: Size
    rate: float
    length: int
    exported: tuple[str, ...]
    small: tuple[str, ...]

    @property
    def results(self) -> Path:
        """Where its figures lie."""
        place = ROOT / "results" / "pruning"
        return place if self.name == "gridpulse" else place / self.name

    def seen(self, images: Array) -> Array:
        """What it takes of (T, SIDE, SIDE, 3) pictures, without its own transform."""
        return gridded(images, self.size[0])

    def banded(self, wave: Array) -> Array:
        """A wave within the heart's band, its mean 0."""
        low, high = HEART_BAND_HZ
        return bandpass(np.asarray(wave - wave.mean(), float), rate=self.rate, low=low, high=high)

    def network(self, one: Recipe, runs: Path) -> nn.Module:
        """What a recipe was trained to."""
        weights, module = runs / one.name / "best.safetensors", self.untrained(one)
        if one.prune.method != "none":
            prune_like(module, one.prune, weights_in(weights), str(weights))
        load_weights(module, weights)
        return module.eval()

    def untrained(self, one: Recipe) -> nn.Module:
        """The network of a recipe before anything was learnt, dense."""
        torch.manual_seed(0)
        return self.architecture.build(size=self.size, **one.model.options).eval()

    def waves(self, module: nn.Module, seen: Array) -> Array:
        """(P, T) pulses of (P, T, …) people, each by windows that overlap by a third or more.

        They are joined as camvitals.waves.stretch does it in use.
        """
        if not self.length:
            return np.stack([self._wave(module, one) for one in seen])
        waves = np.zeros(seen.shape[:2])
        weight = np.zeros(seen.shape[1])
        taper = np.hanning(self.length + 2)[1:-1]
        last = seen.shape[1] - self.length
        count = 1 + int(np.ceil(last / (self.length * 2 / 3)))
        for at in np.linspace(0, last, count).round().astype(int):
            part = slice(at, at + self.length)
            found = np.stack([self.banded(self._wave(module, one[part])) for one in seen])
            waves[:, part] += taper * found / np.maximum(found.std(axis=1, keepdims=True), 1e-12)
            weight[part] += taper
        return waves / weight

    def _wave(self, module: nn.Module, images: Array) -> Array:
        with torch.no_grad():
            given = self.architecture.prepare(torch.from_numpy(images)[None])
            return self.architecture.wave(module(given), 1)[0].double().numpy()


def gridpulse(name: str, prune: Prune | None = None, **changes: object) -> Recipe:
    """One training; all differ in `prune` alone, but for the last rows of the table."""
    made = Recipe(
        name=name,
        model=Model(name=f"{__file__}:GRIDPULSE"),
        corpus=MadeClips(size=SIDE),
        clip=Clip(GRID_SAMPLES, GRID_HZ),
        augmentation=(
            Augment(
                name=f"{Path(__file__).with_name('pruning_clips.py')}:worse",
                options={"cells": GRID, "rate": GRID_HZ},
            ),
        ),
        loss=(Term(name="negative_pearson"),),
        optimiser=Optimiser(name="adamw", step=5e-3, weight_decay=1e-3),
        schedule=Schedule(name="one-cycle"),
        evaluation=Evaluation(count=0),
        prune=prune or Prune(),
        epochs=1,
        steps=240,
        batch=16,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def gridpulse_recipes(runs: Path) -> list[Recipe]:
    """Dense; every method at every factor; and from the dense weights with the dense as teacher."""
    found = [gridpulse("dense")]
    found += [gridpulse(*wanted) for wanted in pruned(METHODS, (10, 50, 20, 5, 2))]
    dense = runs / "dense"
    taught = (
        Term(name="negative_pearson"),
        Term(name="distillation", weight=0.5, options={"teacher": str(dense)}),
    )
    start = Model(name=f"{__file__}:GRIDPULSE", weights=str(dense / "best.safetensors"))
    for name, wanted in pruned(("magnitude", "structured"), (10, 50)):
        found.append(gridpulse(f"{name}-taught", wanted, model=start, loss=taught))
    return found


def rppgnet_recipes(runs: Path) -> list[Recipe]:
    """Dense; ten times by every method; four of them again; 50 and 2 times; by need.

    Its six heads, 384 weights, are left dense, but for the last row: the loss of the rate bears
    on one of them alone, so that sensitivity would cut off the others, which it learns by.
    """
    del runs
    base = replace(load_recipe(f"{ROOT}/recipes/pruned.py:rppgnet_made"), name="dense")

    def trained(methods: tuple[str, ...], *factors: int, only: tuple[str, ...]) -> list[Recipe]:
        wanted = pruned(methods, factors)
        return [replace(base, name=name, prune=replace(prune, only=only)) for name, prune in wanted]

    first = [base, *trained(("n2nskip", "snip", "structured", "magnitude"), 10, only=TRUNK)]
    again = [replace(one, name=f"{one.name}-second", seed=1) for one in first[:4]]
    more = trained(("structured", "snip", "n2nskip"), 50, 2, only=TRUNK)
    (heads,) = trained(("n2nskip",), 10, only=())
    return [*first, *again, *more, replace(heads, name="n2nskip-10-heads")]


def pruned(methods: tuple[str, ...], factors: tuple[int, ...]) -> list[tuple[str, Prune]]:
    """Name and pruning of each method at each factor."""
    return [
        (f"{method}-{factor}", Prune(method=method, factor=factor))  # type: ignore[arg-type]
        for factor in factors
        for method in methods
    ]


SUBJECTS = {
    "gridpulse": Subject(
        "gridpulse",
        GRIDPULSE,
        gridpulse_recipes,
        (GRID, GRID),
        GRID_HZ,
        0,
        (
            *("dense", "snip-10", "n2nskip-10", "structured-10", "snip-50", "n2nskip-50"),
            *("structured-50", "structured-2", "structured-5", "structured-20", "magnitude-50"),
            *("magnitude-10", "snip-20", "n2nskip-20", "random-10", "random-50", "snip-2"),
            *("n2nskip-2", "snip-5", "n2nskip-5", "magnitude-2", "magnitude-5", "magnitude-20"),
            *("random-2", "random-5", "random-20"),
        ),
        ("dense", "n2nskip-10", "structured-10"),
    ),
    "rppgnet": Subject(
        "rppgnet",
        MODELS["rppgnet"],
        rppgnet_recipes,
        (16, 16),
        10.0,
        64,
        (
            *("dense", "n2nskip-10", "snip-10", "structured-10", "magnitude-10", "n2nskip-50"),
            *("snip-50", "structured-50", "n2nskip-2", "snip-2", "structured-2"),
        ),
        ("dense", "n2nskip-10", "structured-10"),
    ),
}
