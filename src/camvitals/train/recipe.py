"""Recipe: everything that makes one training, in one frozen value that is saved beside the weights.

A recipe is what a Python function without arguments returns; single fields are changed with
`with_settings`, on the command line by `--set key=value`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from camvitals.evaluate.protocol import PROTOCOLS
from camvitals.records import InputError
from camvitals.report.files import write_atomically
from camvitals.train.cached import CacheClips
from camvitals.train.clips import Clip, MadeClips, MadeTraces
from camvitals.train.enhance.pairs import PairClips
from camvitals.train.labelled import LabelClips
from camvitals.train.named import is_own, load_named
from camvitals.train.prune.wanted import Prune
from camvitals.train.settings import as_declared, from_plain, to_plain, with_setting

FORMAT = 1
CORPORA: dict[str, type] = {
    "made-traces": MadeTraces,
    "made-clips": MadeClips,
    "cache": CacheClips,
    "labels": LabelClips,
    "pairs": PairClips,
}
PUBLISHED = "public"  # a trunk that is fetched
# What may change when a run goes on: it does not touch what has been computed so far.
MOVABLE = ("epochs", "save_every")


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What is trained.

    name: of camvitals.models.MODELS, or FILE.py:NAME of an Architecture of one's own.
    options: of its `build`.   target: what it learns, "" as it gives: "wave", "derivative", "rate"
        (bpm), "last" (the reference at the end of the clip, as for oxygen saturation) or "label"
        (the reference as the corpus gives it, on the pictures that the network sees whole).
    delay: samples by which its output comes after the input that it speaks of.
    weights: a .safetensors file to start from, or "".
    trunk: published weights for all but the last layers (camvitals.train.pretrained): a file,
        "public" to fetch them, or "".
    frozen: beginnings of names of parameters that stay as they are; those modules stay in
        evaluation mode.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    target: Literal["", "wave", "derivative", "rate", "last", "label"] = ""
    delay: int = 0
    weights: str = ""
    trunk: str = ""
    frozen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One part of the loss: a name of camvitals.train.losses.LOSSES, its weight, its options."""

    name: str
    weight: float = 1.0
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Augment:
    """One change of clips: a name of camvitals.train.augment.AUGMENTATIONS or FILE.py:NAME.

    It stands for a function that takes `options` and returns the change.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimiser:
    """name: adam, adamw, sgd, adadelta.   step: the learning rate.   options: of torch's class."""

    name: Literal["adam", "adamw", "sgd", "adadelta"] = "adamw"
    step: float = 1e-3
    weight_decay: float = 0.0
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.step > 0 or self.weight_decay < 0:
            raise InputError(
                f"optimiser needs step > 0 and weight_decay >= 0 but got {self.step:g} and "
                f"{self.weight_decay:g}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How the learning rate goes; see camvitals.train.schedule.

    name: constant, cosine, one-cycle or steps.   warm_up: steps over which it rises from nothing.
    final: share of `optimiser.step` at which a cosine ends.
    every, factor: `steps` multiplies it by `factor` every `every` epochs.
    """

    name: Literal["constant", "cosine", "one-cycle", "steps"] = "constant"
    warm_up: int = 0
    final: float = 0.01
    every: int = 10
    factor: float = 0.5

    def __post_init__(self) -> None:
        if self.warm_up < 0 or not 0 <= self.final <= 1 or self.every < 1 or not self.factor > 0:
            raise InputError("schedule needs warm_up >= 0, final 0–1, every >= 1 and factor > 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What is looked at after an epoch, on people who are never trained on.

    protocol: of evaluate.protocol.PROTOCOLS; its estimator, filters and band read the heart rate,
        and its reference is compared with.   window: [s] of each stretch, cut to whole clips.
    count: made people, or windows of a cache; 0: no validation.   every: epochs.
    metric: "loss", or "mae": mean absolute error of the heart rate [bpm], or of the number that
        a model gives; the lower the better.
    patience: looks without a new best after which training stops; None: never.
    """

    protocol: str = "rppg-toolbox"
    window: float = 30.0
    count: int = 32
    every: int = 1
    metric: Literal["mae", "loss"] = "mae"
    patience: int | None = None

    def __post_init__(self) -> None:
        known = [name for name, found in PROTOCOLS.items() if found.estimator != "report"]
        if self.protocol not in known:
            raise InputError(
                f"evaluation.protocol needs one of {', '.join(known)} but got {self.protocol!r}"
            )
        if self.count < 0 or self.every < 1 or not self.window > 0:
            raise InputError("evaluation needs count >= 0, every >= 1 and window > 0 s")
        if self.patience is not None and self.patience < 1:
            raise InputError(f"evaluation.patience needs >= 1 or none but got {self.patience}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One training.

    name: of the run.   loss: the sum of its terms.   seed: of weights, clips, dropout.
    epochs: looks at validation.   steps: updates in each; None is one pass over a cache.
    batch: clips in an update, over all devices.   clip_norm: of gradients, None leaves them.
    objective: "supervised", or FILE.py:NAME of one's own (see camvitals.train.objective).
    precision: as Lightning Fabric calls it.   save_every: steps between checkpoints within an
        epoch; None: one at its end.
    """

    name: str
    model: Model
    corpus: MadeTraces | MadeClips | CacheClips | LabelClips | PairClips
    clip: Clip
    loss: tuple[Term, ...]
    augmentation: tuple[Augment, ...] = ()
    optimiser: Optimiser = field(default_factory=Optimiser)
    schedule: Schedule = field(default_factory=Schedule)
    evaluation: Evaluation = field(default_factory=Evaluation)
    prune: Prune = field(default_factory=Prune)
    seed: int = 0
    epochs: int = 10
    steps: int | None = None
    batch: int = 8
    clip_norm: float | None = 1.0
    objective: str = "supervised"
    precision: Literal["32-true", "16-mixed", "bf16-mixed"] = "32-true"
    save_every: int | None = None

    def __post_init__(self) -> None:
        for name, value in as_declared(self).items():
            object.__setattr__(self, name, value)
        if not self.name or "/" in self.name or self.name.startswith("."):
            raise InputError(f"a recipe's name must do for a folder but is {self.name!r}")
        if not self.loss:
            raise InputError("a recipe needs a loss with at least one term")
        counts = {"epochs": self.epochs, "steps": self.steps, "batch": self.batch}
        for name, value in counts.items():
            if value is not None and value < 1:
                raise InputError(f"{name} needs a whole number >= 1 but got {value}")
        if not 0 <= self.seed < 10**6:
            raise InputError(f"seed needs 0 to 999999 but got {self.seed}")
        if self.clip_norm is not None and not self.clip_norm > 0:
            raise InputError(f"clip_norm needs > 0 or none but got {self.clip_norm:g}")
        if self.save_every is not None and self.save_every < 1:
            raise InputError(f"save_every needs steps >= 1 or none but got {self.save_every}")
        if self.steps is None and not isinstance(self.corpus, CacheClips | LabelClips | PairClips):
            raise InputError("made clips have no end: a recipe with them needs steps=…")
        self.to_json()  # a value that cannot be saved is told now

    def with_settings(self, settings: Mapping[str, Any]) -> Recipe:
        """The recipe with these fields changed; keys as `optimiser.step`, `loss.0.weight`.

        Texts are turned into the field's type. Raises InputError for an unknown key, with those
        there are, and for a value of another type.
        """
        found = self
        for path, value in settings.items():
            found = with_setting(found, path, value)
        return found

    def to_json(self) -> str:
        """The recipe as JSON. Raises InputError for a value that JSON has no word for."""
        plain = {"format": FORMAT} | to_plain(self, CORPORA)
        return json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str, *, own_code: bool = False, where: str = "recipe") -> Recipe:
        """The recipe that `to_json` wrote.

        own_code: whether it may name Python files; False refuses them, as a recipe may come from
            a stranger. Raises InputError for anything else than a recipe.
        """
        try:
            found = json.loads(text)
        except ValueError as error:
            raise InputError(f"{where} needs JSON but is none ({error})") from error
        if not isinstance(found, dict) or found.pop("format", None) != FORMAT:
            raise InputError(f"{where} is no recipe of this format; write it again")
        recipe = from_plain(cls, found, CORPORA, where)
        if not own_code and (own := recipe.own_code):
            raise InputError(
                f"{where} names Python of its own, {own[0]}, which would be run; start from the "
                "recipe's function instead"
            )
        return recipe

    @property
    def own_code(self) -> list[str]:
        """Names of Python that is not ours."""
        names = [self.model.name, self.objective, *(one.name for one in self.augmentation)]
        return [name for name in names if is_own(name)]

    @property
    def hash(self) -> str:
        """64 hexadecimal digits of all that moves what is learnt."""
        plain = json.loads(self.to_json())
        kept = {key: value for key, value in plain.items() if key not in ("name", *MOVABLE)}
        if not self.model.trunk:
            del kept["model"]["trunk"]  # recipes from before there was one keep their hash
        if self.prune.method == "none":
            del kept["prune"]
        return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()

    def differences(self, other: Recipe) -> list[str]:
        """What moves the result and differs, as "optimiser.step 0.001 / 0.0001"."""
        mine, theirs = (_flat(to_plain(one, CORPORA)) for one in (self, other))
        keys = sorted(set(mine) | set(theirs))
        return [
            f"{key} {mine.get(key)} / {theirs.get(key)}"
            for key in keys
            if mine.get(key) != theirs.get(key) and key not in ("name", *MOVABLE)
        ]

    def save(self, path: Path | str) -> None:
        """Write it as JSON, whole or not at all."""
        write_atomically(path, self.to_json())


def load_recipe(reference: str) -> Recipe:
    """The recipe of FILE.py:FUNCTION, package.module:FUNCTION, or a recipe.json.

    The function takes no arguments. It is the user's own code and runs in this process. Files that
    it names are made absolute, so that the run can go on from another folder.
    Raises InputError when there is none, or what it returns is no recipe.
    """
    if reference.endswith(".json"):
        path = Path(reference)
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"no recipe in {reference}: {error}; check the path") from error
        return Recipe.from_json(text, where=reference)
    if not is_own(reference):
        raise InputError(
            f"no recipe {reference!r}; give FILE.py:FUNCTION, package.module:FUNCTION or a "
            "recipe.json"
        )
    made = load_named(reference, what="recipe")
    recipe = made() if callable(made) else made
    if not isinstance(recipe, Recipe):
        raise InputError(f"{reference} must return a Recipe but returned {type(recipe).__name__}")
    return recipe


def absolute(recipe: Recipe) -> Recipe:
    """The same recipe with the files it names as absolute paths."""
    model = dataclasses.replace(
        recipe.model,
        name=_absolute_name(recipe.model.name),
        weights=_absolute_path(recipe.model.weights),
        trunk=_absolute_path(recipe.model.trunk),
    )
    corpus = recipe.corpus
    if isinstance(corpus, CacheClips | LabelClips | PairClips):
        corpus = dataclasses.replace(corpus, folder=_absolute_path(corpus.folder))
    changes = tuple(
        dataclasses.replace(one, name=_absolute_name(one.name)) for one in recipe.augmentation
    )
    objective = _absolute_name(recipe.objective)
    loss = tuple(_absolute_term(term) for term in recipe.loss)
    return dataclasses.replace(
        recipe, model=model, corpus=corpus, augmentation=changes, objective=objective, loss=loss
    )


def _absolute_term(term: Term) -> Term:
    if "teacher" not in term.options:
        return term
    teacher = _absolute_path(str(term.options["teacher"]))
    return dataclasses.replace(term, options={**term.options, "teacher": teacher})


def _absolute_path(path: str) -> str:
    return os.path.abspath(path) if path not in ("", PUBLISHED) else path  # noqa: PTH100


def _absolute_name(name: str) -> str:
    place, colon, rest = name.partition(":")
    return os.path.abspath(place) + colon + rest if place.endswith(".py") else name  # noqa: PTH100


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    found: dict[str, Any] = {}
    for key, inner in pairs:
        name = f"{path}.{key}" if path else str(key)
        if isinstance(inner, dict | list) and inner:
            found |= _flat(inner, name)
        else:
            found[name] = inner
    return found
