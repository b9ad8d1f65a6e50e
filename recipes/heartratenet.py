"""HeartRateNet as NVIDIA describes it, on made people in the folders of its TAO Toolkit.

The whole chain, from the people to a measurement, is docs/heartratenet.md. In short:

camvitals train recipes/heartratenet.py:first --out runs/heartratenet-first
camvitals simulate made/train --subjects 128 --seed 9000000 … (people to train on)
camvitals data prepare heartratenet made/train --out made/cache --size 36
camvitals train recipes/heartratenet.py:heartratenet --out runs/heartratenet

The first training sees small pictures put together while it runs, another person in each, so that
there is no end of them; the second the pictures of drawn heads. A fifth of those people are held
out; people to test on have other seeds, from 9200000 on.
"""

from camvitals.train.cached import CacheClips
from camvitals.train.clips import Clip, MadeClips
from camvitals.train.recipe import Augment, Evaluation, Model, Optimiser, Recipe, Schedule, Term

RATE_HZ = 20.0  # of the public training specification
CLIP_S, WINDOW_S = 5.0, 10.0
DROPOUT = {"conv_dropout": 0.1, "dense_dropout": 0.2}
LOSS = (Term(name="mse"), Term(name="negative_pearson"))


def first() -> Recipe:
    """The network for 36 px, 532,899 numbers, on 8,000 people: half an hour of one core.

    AdamW for thousands of steps in the place of Adadelta for many more. `camvitals train SPEC.txt`
    is the training that TAO's own specification asks for.
    """
    return Recipe(
        name="heartratenet-36-first",
        model=Model(name="heartratenet", options=DROPOUT),
        corpus=MadeClips(size=36, fixed={"codec": "ffv1"}),
        clip=Clip(round(CLIP_S * RATE_HZ), RATE_HZ),
        loss=LOSS,
        augmentation=(Augment(name="flip"),),
        optimiser=Optimiser(name="adamw", step=1.5e-3),
        schedule=Schedule(name="one-cycle"),
        evaluation=Evaluation(protocol="heartratenet", count=0),
        epochs=20,
        steps=100,
        batch=4,
        precision="bf16-mixed",
    )


def heartratenet() -> Recipe:
    """The same network goes on with drawn heads; it learns the derivative of the pulse.

    Weights are chosen by the loss: the error in bpm hangs on a few windows of people who talk.
    """
    return Recipe(
        name="heartratenet-36",
        model=Model(
            name="heartratenet",
            options=DROPOUT,
            weights="runs/heartratenet-first/best.safetensors",
        ),
        corpus=CacheClips(folder="made/cache", hop=2.5, corpora=("heartratenet",)),
        clip=Clip(round(CLIP_S * RATE_HZ), RATE_HZ),
        loss=LOSS,
        augmentation=(Augment(name="flip"),),
        optimiser=Optimiser(name="adamw", step=1e-3),
        schedule=Schedule(name="one-cycle"),
        evaluation=Evaluation(protocol="heartratenet", window=WINDOW_S, count=64, metric="loss"),
        epochs=6,
        batch=4,
        precision="bf16-mixed",
        save_every=50,
    )
