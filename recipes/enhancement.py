"""System B: low-resolution and compressed video made better before the pulse is read from it.

Each stage is one recipe of the one training loop (docs/enhancement.md):

python recipes/enhancement.py pairs made/pairs --heads 400 --patches 400
camvitals train recipes/enhancement.py:recovery --out runs/enhancement/recovery
camvitals train recipes/enhancement.py:teacher --out runs/enhancement/teacher
python recipes/enhancement.py join runs/enhancement/teacher runs/enhancement/recovery \
    runs/enhancement/start.safetensors
camvitals train recipes/enhancement.py:joint --out runs/enhancement/joint
camvitals train recipes/enhancement.py:small_first --out runs/enhancement/small_first
camvitals train recipes/enhancement.py:small --out runs/enhancement/small
camvitals train recipes/enhancement.py:recovery_longer --out runs/enhancement/recovery_longer
python recipes/enhancement.py join runs/enhancement/small runs/enhancement/recovery_longer \
    runs/enhancement/small_start.safetensors
camvitals train recipes/enhancement.py:small_joint --out runs/enhancement/small_joint
camvitals train recipes/enhancement.py:small_joint_both --out runs/enhancement/small_joint_both

Those without `large` are for a processor: 64 px, narrow.
`large_recovery`, `large_enhancer`, `large_joint` and `large_joint_both` have the published sizes
(550,779 and 37,326,784 numbers, 64 × 128×128) and steps, and want a GPU: --accelerator cuda.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from camvitals.train.clips import Clip
from camvitals.train.enhance.pairs import PairClips
from camvitals.train.enhance.quality import ORIGINAL, QUALITIES
from camvitals.train.recipe import Evaluation, Model, Optimiser, Recipe, Schedule, Term

RATE_HZ = 30.0
RUNS = "runs/enhancement"
NARROW = 8  # channels of the first layer, 64 and 16 as published
SMALL_RECOVERY: dict[str, Any] = {"width": NARROW, "changes": True, "own_first_part": True}
SMALL_TEACHER: dict[str, Any] = {"width": NARROW, "qualities": len(QUALITIES)}
LARGE_RECOVERY: dict[str, Any] = {"own_first_part": True}
LARGE_ENHANCER: dict[str, Any] = {"qualities": len(QUALITIES)}


def _looks(clip: Clip, count: int) -> Evaluation:
    return Evaluation(
        protocol="heartratenet", window=clip.length / clip.rate, count=count, metric="loss"
    )


def recovery() -> Recipe:
    """The pulse from clean clips: rPPGNet at half its width, told changes over time besides."""
    clip = Clip(64, RATE_HZ)
    return Recipe(
        name="recovery-64",
        model=Model(name="rppgnet", options=SMALL_RECOVERY),
        corpus=PairClips(folder="made/pairs", levels=(ORIGINAL,)),
        clip=clip,
        objective="enhancement",
        loss=(Term(name="recovery"),),
        optimiser=Optimiser(name="adamw", step=2e-3),
        schedule=Schedule(name="one-cycle"),
        evaluation=_looks(clip, 16),
        epochs=6,
        steps=20,
        batch=4,
        precision="bf16-mixed",
        save_every=10,
    )


def recovery_longer() -> Recipe:
    """It goes on from the weights that `recovery` found; the people held out stay the same."""
    first = recovery()
    return replace(
        first,
        name="recovery-64-longer",
        model=replace(first.model, weights=f"{RUNS}/recovery/best.safetensors"),
        evaluation=replace(first.evaluation, every=5),
        epochs=16,
    )


def teacher(*, kind: str = "rmse") -> Recipe:
    """STVEN at an eighth of its width: reconstruction and loop, both RMSE as the source says."""
    clip = Clip(32, RATE_HZ)
    return Recipe(
        name=f"stven-64-{kind}",
        model=Model(name="stven", options=SMALL_TEACHER),
        corpus=PairClips(folder="made/pairs"),
        clip=clip,
        objective="enhancement",
        loss=(
            Term(name="reconstruction", options={"kind": kind}),
            Term(name="loop", options={"kind": kind}),
        ),
        optimiser=Optimiser(name="adam", step=1e-3),
        schedule=Schedule(name="one-cycle"),
        evaluation=_looks(clip, 16),
        epochs=5,
        steps=20,
        batch=2,
        save_every=10,
    )


def teacher_l1() -> Recipe:
    """The control: the same by mean absolute differences."""
    return teacher(kind="l1")


def joint(*, enhancer: str = "stven") -> Recipe:
    """Only the enhancer learns, by what a frozen recovery reads from its pictures."""
    clip = Clip(64, RATE_HZ)
    options = {
        "enhancer": enhancer,
        "enhancer_options": SMALL_TEACHER if enhancer == "stven" else {},
        "recovery_options": SMALL_RECOVERY,
    }
    return Recipe(
        name="joint-64",
        model=Model(
            name="stven-rppgnet",
            options=options,
            weights=f"{RUNS}/start.safetensors",
            frozen=("recovery.",),
        ),
        corpus=PairClips(folder="made/pairs"),
        clip=clip,
        objective="enhancement",
        loss=_joint_terms(kind="rmse"),
        optimiser=Optimiser(name="adam", step=3e-4),
        schedule=Schedule(name="one-cycle"),
        evaluation=_looks(clip, 16),
        epochs=4,
        steps=50,
        batch=2,
    )


def _joint_terms(*, kind: str) -> tuple[Term, ...]:
    """L_rPPG + L_perceptual + 1e-4 · L_STVEN, as released."""
    return (
        Term(name="recovery"),
        Term(name="perceptual"),
        Term(name="reconstruction", weight=1e-4, options={"kind": kind}),
        Term(name="loop", weight=1e-4, options={"kind": kind}),
    )


def small_first() -> Recipe:
    """The enhancer that runs anywhere, 241,700 numbers: pictures, and the pulse that they show.

    The mean colour of the skin is to show the pulse; where there is none only the pictures count.
    """
    clip = Clip(64, RATE_HZ)
    return Recipe(
        name="enhancer-small-64-first",
        model=Model(name="enhancer-small"),
        corpus=PairClips(folder="made/pairs"),
        clip=clip,
        objective="enhancement",
        loss=(
            Term(name="reconstruction", weight=2.0),
            Term(name="colours", weight=0.1),
            Term(name="shown", weight=0.3),
        ),
        optimiser=Optimiser(name="adamw", step=2e-3),
        schedule=Schedule(name="one-cycle"),
        evaluation=replace(_looks(clip, 16), every=4),
        epochs=20,
        steps=20,
        batch=4,
        precision="bf16-mixed",
        save_every=10,
    )


def small() -> Recipe:
    """It goes on, taught by the large one and by what a frozen recovery reads from its pictures.

    `written` for `shown`: a wrong pulse now costs more than none, and whoever has none shows none.
    """
    first = small_first()
    return replace(
        first,
        name="enhancer-small-64",
        model=replace(first.model, weights=f"{RUNS}/small_first/best.safetensors"),
        loss=(
            *first.loss[:2],
            Term(name="written", weight=0.3),
            Term(name="distil", weight=0.5, options={"network": f"{RUNS}/teacher"}),
            Term(name="recovery", weight=0.05, options={"network": f"{RUNS}/recovery"}),
        ),
        optimiser=Optimiser(name="adamw", step=5e-4),
        evaluation=replace(first.evaluation, every=1),
        epochs=5,
    )


def small_joint() -> Recipe:
    """The joint stage of the small enhancer: only it learns, as released."""
    like = joint(enhancer="enhancer-small")
    return replace(
        like,
        name="small-joint-64",
        model=replace(like.model, weights=f"{RUNS}/small_start.safetensors"),
        optimiser=Optimiser(name="adamw", step=5e-4),
        epochs=7,
        steps=20,
        batch=4,
        precision="bf16-mixed",
        save_every=10,
    )


def small_joint_both() -> Recipe:
    """The same with both that learn, as system B says."""
    both = small_joint().with_settings({"model.frozen": ()})
    return both.with_settings({"name": "small-joint-64-both"})


def large_recovery() -> Recipe:
    """RPPGNet as published, with the head of its first part mended: 550,779 numbers."""
    clip = Clip(64, RATE_HZ)
    return Recipe(
        name="rppgnet",
        model=Model(name="rppgnet", options=LARGE_RECOVERY),
        corpus=PairClips(folder="made/pairs-128", levels=(ORIGINAL,)),
        clip=clip,
        objective="enhancement",
        loss=(Term(name="recovery"),),
        optimiser=Optimiser(name="adam", step=1e-4, weight_decay=1e-5),
        evaluation=_looks(clip, 64),
        epochs=20,
        steps=1000,
        batch=8,
        precision="16-mixed",
    )


def large_enhancer(*, kind: str = "rmse") -> Recipe:
    """STVEN as published: 37,326,784 numbers with five qualities."""
    clip = Clip(64, RATE_HZ)
    return Recipe(
        name=f"stven-{kind}",
        model=Model(name="stven", options=LARGE_ENHANCER),
        corpus=PairClips(folder="made/pairs-128"),
        clip=clip,
        objective="enhancement",
        loss=(
            Term(name="reconstruction", options={"kind": kind}),
            Term(name="loop", options={"kind": kind}),
        ),
        optimiser=Optimiser(name="adam", step=1e-4, weight_decay=1e-5),
        evaluation=_looks(clip, 64),
        epochs=20,
        steps=1000,
        batch=4,
        precision="16-mixed",
    )


def large_joint() -> Recipe:
    """As released: the recovery is frozen, only the enhancer is updated."""
    clip = Clip(64, RATE_HZ)
    options = {"enhancer_options": LARGE_ENHANCER, "recovery_options": LARGE_RECOVERY}
    return Recipe(
        name="stven-rppgnet",
        model=Model(
            name="stven-rppgnet",
            options=options,
            weights=f"{RUNS}/large-start.safetensors",
            frozen=("recovery.",),
        ),
        corpus=PairClips(folder="made/pairs-128"),
        clip=clip,
        objective="enhancement",
        loss=_joint_terms(kind="rmse"),
        optimiser=Optimiser(name="adam", step=1e-4, weight_decay=1e-5),
        evaluation=_looks(clip, 64),
        epochs=20,
        steps=1000,
        batch=2,
        precision="16-mixed",
    )


def large_joint_both() -> Recipe:
    """As system B says it: both are updated."""
    both = large_joint().with_settings({"model.frozen": ()})
    return both.with_settings({"name": "stven-rppgnet-both"})


def main(arguments: list[str] | None = None) -> None:
    """Make pairs, join weights, make one file of both, or say what a stage costs with weights."""
    import argparse

    parser = argparse.ArgumentParser(description="Pairs to train on, and joined weights.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    pairs = verbs.add_parser("pairs")
    pairs.add_argument("folder", type=Path)
    pairs.add_argument("--heads", type=int, default=100)
    pairs.add_argument("--patches", type=int, default=100)
    pairs.add_argument("--test", action="store_true", help="all levels, people for tests alone")
    pairs.add_argument("--size", type=int, default=64)
    join = verbs.add_parser("join")
    for name in ("enhancer", "recovery", "out"):
        join.add_argument(name, type=Path)
    ship = verbs.add_parser("ship", help="an enhancer and a recovery as one pulse method")
    for name in ("enhancer", "recovery", "out"):
        ship.add_argument(name, type=Path)
    look = verbs.add_parser("loss", help="of a stage on people held out, with any weights")
    look.add_argument("stage", choices=("small_joint", "small_joint_both", "joint"))
    look.add_argument("weights", type=Path)
    given = parser.parse_args(arguments)
    if given.verb == "loss":
        from camvitals.train.enhance.look import losses_with

        found = losses_with(globals()[given.stage](), given.weights)
        print(", ".join(f"{name} {value:.3f}" for name, value in found.items()))
        return
    if given.verb == "ship":
        from camvitals.train.enhance.ship import ship_both

        ship_both(given.enhancer, given.recovery, given.out)
        return
    if given.verb == "join":
        from camvitals.train.enhance.join import join_weights

        join_weights(given.enhancer, given.recovery, given.out)
        return
    from camvitals.train.enhance.make import make_people

    make_people(
        given.folder,
        heads=given.heads,
        patches=given.patches,
        size=given.size,
        rate=RATE_HZ,
        test=given.test,
    )


if __name__ == "__main__":
    main()
