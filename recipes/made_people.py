"""First trainings: networks that learn the pulse from made people alone, on any computer.

camvitals train recipes/made_people.py:traces
camvitals train recipes/made_people.py:pictures --set epochs=5
camvitals train recipes/made_people.py:varied_traces
"""

from dataclasses import replace

from camvitals.train.clips import Clip, MadeClips, MadeTraces
from camvitals.train.recipe import Augment, Evaluation, Model, Optimiser, Recipe, Schedule, Term

RATE_HZ = 30.0


def traces() -> Recipe:
    """A network of 9,713 numbers on the colours of six regions: minutes on two cores."""
    return Recipe(
        name="tracenet-made",
        model=Model(name="tracenet"),
        corpus=MadeTraces(),
        clip=Clip(300, RATE_HZ),
        loss=(Term(name="negative_pearson"),),
        optimiser=Optimiser(step=3e-3),
        schedule=Schedule(name="cosine", warm_up=50),
        evaluation=Evaluation(protocol="heartratenet", window=30.0, count=64, patience=10),
        epochs=30,
        steps=100,
        batch=16,
    )


def varied_traces() -> Recipe:
    """The same with people made faster and slower, and clips with samples lost, as cameras do.

    A clip that is played faster, or loses samples, must be cut longer first: here by the factor
    less 1, times what is lost: 1.5 / (1 - 0.02) - 1.
    """
    return replace(
        traces(),
        name="tracenet-made-varied",
        clip=Clip(300, RATE_HZ, margin=0.54),
        augmentation=(
            Augment(name="time_scale", options={"factor": (0.6, 1.5), "rates": (30, 180)}),
            Augment(name="colour"),
            Augment(name="drop", options={"share": 0.3, "lost": 0.02}),
        ),
    )


def pictures() -> Recipe:
    """TS-CAN on small pictures put together from made colours, as rPPG-Toolbox trains it."""
    return Recipe(
        name="tscan-made",
        model=Model(name="tscan"),
        corpus=MadeClips(size=36),
        clip=Clip(180, RATE_HZ),
        loss=(Term(name="mse"),),
        optimiser=Optimiser(name="adamw", step=9e-3),
        schedule=Schedule(name="one-cycle"),
        evaluation=Evaluation(protocol="heartratenet", window=30.0, count=32),
        epochs=30,
        steps=200,
        batch=4,
    )
