"""HeartRateNet as NVIDIA describes it, on made people in the folders of its TAO Toolkit.

The whole chain, from the people to a measurement, is docs/heartratenet.md. In short:

camvitals simulate made/train --subjects 64 --seed 9000000 … (people to train on)
camvitals data prepare heartratenet made/train --out made/cache --size 36
camvitals train recipes/heartratenet.py:heartratenet

People held out to choose by are a fifth of those subjects; people to test on have other seeds,
from 9100000 on, and are seen once, at the end.
"""

from camvitals.train.cached import CacheClips
from camvitals.train.clips import Clip
from camvitals.train.recipe import Augment, Evaluation, Model, Optimiser, Recipe, Schedule, Term

RATE_HZ = 20.0  # of the public training specification
CLIP_S, WINDOW_S = 5.0, 10.0


def heartratenet() -> Recipe:
    """The network for 36 px, 532,899 numbers; it learns the derivative of the pulse.

    AdamW for a thousand steps in the place of Adadelta for many thousands: this is to run on one
    core. `camvitals train SPEC.txt` is the training that TAO's own specification asks for.
    Weights are chosen by the loss: the error in bpm hangs on a few windows of people who talk.
    """
    return Recipe(
        name="heartratenet-36",
        model=Model(name="heartratenet", options={"conv_dropout": 0.1, "dense_dropout": 0.2}),
        corpus=CacheClips(folder="made/cache", hop=2.5, corpora=("heartratenet",)),
        clip=Clip(round(CLIP_S * RATE_HZ), RATE_HZ),
        loss=(Term(name="mse"), Term(name="negative_pearson")),
        augmentation=(Augment(name="flip"),),
        optimiser=Optimiser(name="adamw", step=2e-3),
        schedule=Schedule(name="one-cycle"),
        evaluation=Evaluation(protocol="heartratenet", window=WINDOW_S, count=64, metric="loss"),
        epochs=8,
        batch=2,
        save_every=50,
    )
