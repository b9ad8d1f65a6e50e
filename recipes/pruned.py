"""System B pruned ten times, as its authors say it, and the control that they leave out.

camvitals train recipes/pruned.py:system_b
camvitals train recipes/pruned.py:enhancer_alone
camvitals train recipes/pruned.py:structured --set prune.factor=20
camvitals train recipes/pruned.py:rppgnet_made --set prune.method=n2nskip --set prune.factor=10

Both networks at full size are work for a GPU: the first three show how the parts are named. The
last is for a processor, and what results/pruning/rppgnet was made with: rPPGNet as wide as
published, on crops of 16 px. Any recipe is pruned by `--set prune.method=snip`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor

from camvitals.models.architecture import Architecture
from camvitals.records import Array
from camvitals.train.clips import Clip, MadeClips
from camvitals.train.losses import frequency, negative_pearson
from camvitals.train.objective import target_of
from camvitals.train.prune.wanted import Prune
from camvitals.train.recipe import (
    Augment,
    Evaluation,
    Model,
    Optimiser,
    Recipe,
    Schedule,
    Term,
)
from camvitals.train.stream import Augmentation, Batch

RATE_HZ = 30.0
BOTH = ("enhancer.", "recovery.")


def system_b() -> Recipe:
    """STVEN and rPPGNet together by N2NSkip, one budget: skips stay within each of them."""
    return Recipe(
        name="system-b-pruned",
        model=Model(name="stven-rppgnet"),
        corpus=MadeClips(size=64),
        clip=Clip(64, RATE_HZ),
        loss=(Term(name="negative_pearson"),),
        optimiser=Optimiser(name="adam", step=1e-4),
        evaluation=Evaluation(protocol="heartratenet", window=15.0, count=16),
        prune=Prune(method="n2nskip", factor=10, only=BOTH),
        epochs=15,
        steps=200,
        batch=4,
    )


def enhancer_alone() -> Recipe:
    """The same with the recovery dense: which of the two was pruned is not said."""
    recipe = system_b()
    only = replace(recipe.prune, only=BOTH[:1])
    return replace(recipe, name="system-b-enhancer-pruned", prune=only)


def structured() -> Recipe:
    """Of rPPGNet whole channels are taken out, which is smaller and faster for any library."""
    return replace(
        system_b(),
        name="rppgnet-structured",
        model=Model(name="rppgnet"),
        prune=Prune(method="structured", factor=10),
        batch=8,
    )


def rppgnet_made() -> Recipe:
    """RPPGNet at its published width on crops of 16 px at 10 Hz, told changes besides.

    Few pictures a second, as it sees no more than 15 of them at once: 1.5 s. Nothing that went
    through H.264, which leaves no pulse in 32 px. Without a look at people held out: the last
    weights are taken.
    """
    rate = 10.0
    return Recipe(
        name="rppgnet-made-16",
        model=Model(name="rppgnet", options={"changes": True, "own_first_part": True}),
        corpus=MadeClips(size=32),
        clip=Clip(64, rate),
        augmentation=(
            Augment(name="degrade", options={"share": 0.5, "levels": ("face-16", "face-8")}),
            Augment(name=f"{__file__}:halved"),
        ),
        loss=(
            Term(name="whole"),
            Term(name="auxiliary", weight=0.5),
            *(Term(name=f"part{number}", weight=0.5) for number in range(1, 5)),
            Term(name="frequency", weight=0.3),
        ),
        objective=f"{__file__}:heads",
        optimiser=Optimiser(name="adamw", step=2e-3, weight_decay=1e-3),
        schedule=Schedule(name="one-cycle"),
        evaluation=Evaluation(count=0),
        epochs=12,
        steps=80,
        batch=8,
        precision="bf16-mixed",
    )


def halved() -> Augmentation:
    """Pictures of half the rows and columns, each pixel the mean of four."""

    def change(
        images: Array, clock: Array, target: Array, rng: np.random.Generator
    ) -> tuple[Array, Array, Array]:
        del rng
        t, h, w, _ = images.shape
        parts = images.reshape(t, h // 2, 2, w // 2, 2, 3)
        return parts.mean(axis=(2, 4), dtype=np.float32), clock, target

    return change


def heads(
    module: Any, architecture: Architecture, batch: Batch, recipe: Recipe
) -> dict[str, Tensor]:
    """Likeness of all six pulses that rPPGNet gives, as published, and the rate of the whole.

    There is no loss of the skin: made clips have no map of it. That of the rate is not published;
    it keeps the second harmonic of slow pulses from being taken for the pulse.
    """
    del recipe
    told = module(architecture.prepare(batch.images))
    waves = {"whole": told.pulse, "auxiliary": told.auxiliary}
    waves |= {f"part{number}": getattr(told, f"part{number}") for number in range(1, 5)}
    waves = {name: wave.float() for name, wave in waves.items()}
    target = target_of(batch, "wave", told.pulse)
    found = {name: negative_pearson(wave, target) for name, wave in waves.items()}
    found["frequency"] = frequency(
        waves["whole"], target, rate=batch.rate, heart_rate=batch.heart_rate
    )
    return found
