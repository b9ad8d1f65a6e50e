"""First trainings: networks that learn the pulse from made people alone, on any computer.

camvitals train recipes/made_people.py:traces
camvitals train recipes/made_people.py:pictures --set epochs=5
"""

from camvitals.train.clips import Clip, MadeClips, MadeTraces
from camvitals.train.recipe import Evaluation, Model, Optimiser, Recipe, Schedule, Term

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
