"""A training specification of NVIDIA's TAO Toolkit as a recipe for HeartRateNet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from camvitals.data.cache import Cache
from camvitals.data.tao import TaoSpec
from camvitals.evaluate.protocol import PROTOCOLS
from camvitals.records import InputError
from camvitals.train.cached import CacheClips
from camvitals.train.clips import Clip
from camvitals.train.recipe import Evaluation, Model, Optimiser, Recipe, Term

SUFFIXES = (".txt", ".yaml", ".yml", ".spec")
WEIGHTS = ".safetensors"
PROTOCOL = "heartratenet"
CORPUS = "heartratenet"
LOOKED_AT = 1000  # windows held out, more than there usually are: TAO validates on all
NEAR_HZ = 0.005  # 0.67 Hz of TAO's specifications are the 40 bpm of the network's card


def is_spec(reference: str) -> bool:
    """Whether this names a specification and not a recipe, by the end of its name."""
    return reference.lower().endswith(SUFFIXES)


def recipe_of(spec: TaoSpec, *, name: str) -> Recipe:
    """The training that a specification asks for.

    Clips are as long as `evaluation_window`. TAO counts pictures in an update, and ours come as
    whole clips: there are as many as make up `batch_size`, one at least. A checkpoint is written
    at the end of every epoch whatever `checkpoint_n_epoch` says, so that no more than that is
    ever lost. tfrecords_directory_path is the folder that `camvitals data prepare` wrote.
    Raises InputError for what is missing, and for what a network or protocol here cannot do.
    """
    _check_band(spec)
    if spec.rate is None:
        raise InputError(
            "the pictures a second of the corpus are needed but there is no fps; add `fps: 30`, or "
            "what they were recorded at"
        )
    clip = Clip(round(spec.window * spec.rate), spec.rate)
    return Recipe(
        name=name,
        model=_model(spec),
        corpus=CacheClips(folder=spec.folder or "cache", corpora=(CORPUS,)),
        clip=clip,
        loss=(Term(name="mse"),),
        optimiser=Optimiser(
            name="adadelta",
            step=spec.learning_rate,
            options={"rho": spec.rho, "eps": spec.epsilon},
        ),
        evaluation=Evaluation(protocol=PROTOCOL, window=spec.window, count=LOOKED_AT),
        seed=spec.seed,
        epochs=spec.epochs,
        batch=max(1, round(spec.batch / clip.length)),
        clip_norm=None,
    )


def _model(spec: TaoSpec) -> Model:
    if spec.weights and not spec.weights.endswith(WEIGHTS):
        raise InputError(
            f"pretrained_model needs a {WEIGHTS} file but is {spec.weights}; TAO's own are "
            "encrypted, so take the best.safetensors of a training here, or leave it empty"
        )
    options: dict[str, Any] = {k: v for k, v in spec.options.items() if k != "size"}
    return Model(name="heartratenet", options=options, weights=spec.weights)


def _check_band(spec: TaoSpec) -> None:
    low, high = PROTOCOLS[PROTOCOL].band
    if abs(spec.low - low) > NEAR_HZ or abs(spec.high - high) > NEAR_HZ:
        raise InputError(
            f"the heart rate is looked for from {low:.2f} to {high:g} Hz but the specification "
            f"has {spec.low:g} to {spec.high:g}; take low_freq_cutoff and high_freq_cutoff out"
        )


def check_data(recipe: Recipe, spec: TaoSpec) -> None:
    """Raise InputError unless the recipe's folder is a cache of crops of the size of `spec`.

    For a folder of subjects it names the command that makes one.
    """
    assert isinstance(recipe.corpus, CacheClips)
    folder = Path(recipe.corpus.folder)
    again = f"camvitals data prepare {CORPUS} DIR --out CACHE --size {spec.size}"
    if not folder.is_dir():
        raise InputError(
            f"tfrecords_directory_path needs a prepared cache but there is no {folder}; make one "
            f"with `{again}`, and name it there or by --set corpus.folder=CACHE"
        )
    if any(folder.glob("*/image_timestamps.csv")):
        raise InputError(
            f"{folder} holds subjects, from which faces are cut first: `{again}`; then name the "
            "cache by tfrecords_directory_path or --set corpus.folder=CACHE"
        )
    found = Cache(folder).settings.size
    if found != spec.size:
        raise InputError(
            f"input_size is {spec.size} but the crops in {folder} have {found} px; make others "
            f"with `{again}`, or write input_size: {found}"
        )


def load_spec(path: str) -> tuple[Recipe, TaoSpec]:
    """The recipe of a file, called as the file is, and what stood in it."""
    spec = TaoSpec.load(path)
    try:
        return recipe_of(spec, name=Path(path).stem), spec
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
