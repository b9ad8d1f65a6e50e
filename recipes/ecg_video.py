"""System A: an ECG from 12 pictures a second of a cheek, as published. See docs/ecg-video.md.

camvitals simulate made/ecg --subjects 22 --layout ecg-video --duration 260
camvitals data prepare ecg-video made/ecg --out made/cache --size 224 --box left-cheek --extension 0
camvitals train recipes/ecg_video.py:i3d --set corpus.scheme=peaks --out runs/ecg-i3d-peaks

Stated: the networks, twelve pictures of one second, 50 epochs, Adam from 1e-4 down, mean squared
error (the absolute error was tried), 70 % to learn from. Chosen here: the rest, as the names say.
"""

from dataclasses import replace
from typing import Any

from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, interpolate

from camvitals.models.architecture import Architecture
from camvitals.models.i3d import I3D_12
from camvitals.models.mobilenet import LSTM, PAIR
from camvitals.train.clips import Clip
from camvitals.train.labelled import LabelClips
from camvitals.train.recipe import (
    Augment,
    Evaluation,
    Model,
    Optimiser,
    Recipe,
    Schedule,
    Term,
)

RATE_HZ, PICTURES = 12.0, 12
BATCH = {"mobilenet-pair": 32, "mobilenet-lstm": 32, "i3d": 8}
REPAIRED_STEP = {"mobilenet-pair": 1e-3, "mobilenet-lstm": 1e-3, "i3d": 3e-4}
NAMES = {"mobilenet-pair": "pair", "mobilenet-lstm": "lstm", "i3d": "i3d"}
WINDOW_S, MOST_WINDOWS = 1.0, 100_000  # all that are held out
CELLS, EPSILON = 4, 1e-6  # of a side of the crop
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


class Coarse(nn.Module):
    """A published network behind a crop of few, large cells, whose noise is averaged away."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """What the network gives of pictures (N, ., ., H, W), cells over one spread of the clip."""
        cells = adaptive_avg_pool2d(x.flatten(0, 2)[:, None], CELLS)
        wide = interpolate(cells, x.shape[-2:]).reshape(x.shape)
        return self.network(wide / (wide.std((1, 2, 3, 4), keepdim=True) + EPSILON))


def coarse(published: Architecture) -> Architecture:
    """Repaired: what stands still is taken out, so that half a percent is not hidden below it."""

    def build(**options: Any) -> nn.Module:
        return Coarse(published.build(**options))

    return replace(published, build=build, takes="deviation")


PAIR_REPAIRED, LSTM_REPAIRED, I3D_REPAIRED = coarse(PAIR), coarse(LSTM), coarse(I3D_12)


def repaired_of(model: str, *, scheme: str) -> Recipe:
    """The same of changes, with a clip for each picture and three or ten times the step.

    MobileNet gives its features instead of the softmax of its classes; I3D drops nothing out.
    """
    made = recipe_of(model, scheme=scheme)
    network = f"{__file__}:{NAMES[model].upper()}_REPAIRED"
    options = {"dropout": 0.0} if model == "i3d" else {"classes": False}
    return replace(
        made,
        name=f"{made.name}-repaired",
        model=replace(made.model, name=network, options=options),
        corpus=replace(made.corpus, hop=1 / RATE_HZ),
        augmentation=(Augment(name="flip"),),
        optimiser=replace(made.optimiser, step=REPAIRED_STEP[model]),
        clip_norm=1.0,
    )


def i3d_repaired() -> Recipe:
    """I3D of the changes within a second."""
    return repaired_of("i3d", scheme="peaks")
