"""System A: an ECG from 12 pictures a second of a cheek, as published. See docs/ecg-video.md.

camvitals simulate made/ecg --subjects 22 --layout ecg-video --duration 260
camvitals data prepare ecg-video made/ecg --out made/cache --size 224 --box left-cheek --extension 0
camvitals train recipes/ecg_video.py:i3d --set corpus.scheme=peaks --out runs/ecg-i3d-peaks

Stated: the networks, twelve pictures of one second, 50 epochs, Adam from 1e-4 down, mean squared
error (the absolute error was tried), 70 % to learn from. Chosen here: the rest, as the names say.
"""

from dataclasses import replace

from camvitals.train.clips import Clip
from camvitals.train.labelled import LabelClips
from camvitals.train.recipe import Evaluation, Model, Optimiser, Recipe, Schedule, Term

RATE_HZ, PICTURES = 12.0, 12
BATCH = {"mobilenet-pair": 32, "mobilenet-lstm": 32, "i3d": 8}
NAMES = {"mobilenet-pair": "pair", "mobilenet-lstm": "lstm", "i3d": "i3d"}
WINDOW_S, MOST_WINDOWS = 1.0, 100_000  # all that are held out
SPLITS = {
    "participant": LabelClips(folder="made/cache", split="participant", held_out=0.3),
    "window": LabelClips(folder="made/cache", split="window", held_out=0.3),
}


def recipe_of(model: str, *, scheme: str, loss: str = "mse", split: str = "participant") -> Recipe:
    """One training.

    model: mobilenet-pair, mobilenet-lstm or i3d.   scheme: average, maximum, closest or peaks.
    loss: mse or mae.   split: of SPLITS; "participant" leaves 7 of 22 people out, "window" shuffles
    seconds whoever they are of.
    """
    return Recipe(
        name=f"ecg-{NAMES[model]}-{scheme}-{loss}-{split}",
        model=Model(name=model, target="label"),
        corpus=replace(SPLITS[split], scheme=scheme),
        clip=Clip(PICTURES, RATE_HZ),
        loss=(Term(name=loss),),
        optimiser=Optimiser(name="adam", step=1e-4),
        schedule=Schedule(name="cosine", final=0.01),
        evaluation=Evaluation(window=WINDOW_S, count=MOST_WINDOWS, metric="loss"),
        epochs=50,
        batch=BATCH[model],
        clip_norm=None,
    )


def pair() -> Recipe:
    """Two pictures, one MobileNet, the label of the first."""
    return recipe_of("mobilenet-pair", scheme="peaks")


def lstm() -> Recipe:
    """MobileNet of each picture, a recurrent layer over twelve."""
    return recipe_of("mobilenet-lstm", scheme="peaks")


def i3d() -> Recipe:
    """Twelve pictures at once; of ImageNet and Kinetics with `--set model.trunk=public`."""
    return recipe_of("i3d", scheme="peaks")


def i3d_frozen() -> Recipe:
    """The same with its first blocks as they came, for weights that were trained before."""
    made = i3d()
    frozen = ("conv_1a.", "conv_2b.", "conv_2c.", "mixed_3b.", "mixed_3c.")
    model = replace(made.model, trunk="public", frozen=frozen)
    return replace(made, name="ecg-i3d-frozen", model=model)
