"""Training specifications of NVIDIA's TAO Toolkit for HeartRateNet, read into plain values.

Two ways of writing are read: braces, `model_config { input_size: 72 }`, and the indented
`model:` / `  input_size: 72`. A setting means the same in whatever part it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from camvitals.records import InputError

Tree = dict[str, Any]
CLASS = "__class_name__"
PARTS = (
    *("model", "model_config", "model_info", "model_parameters"),
    *("train", "train_config", "training_config", "evaluation", "evaluation_config", "eval_config"),
    *("dataset", "dataset_config", "dataset_info", "dataloader", "image_info"),
    *("loss", "loss_config", "optimizer", "optimizer_config", "learning_rate_schedule"),
)
# setting -> (field of TaoSpec, type); no field: it must be one of CHOICES, or it has no effect here
SETTINGS: dict[str, tuple[str, type]] = {
    "input_size": ("size", int),
    "image_height": ("size", int),
    "image_width": ("size", int),
    "conv_dropout_rate": ("conv_dropout", float),
    "fully_connected_dropout_rate": ("dense_dropout", float),
    "use_batch_norm": ("batch_norm", bool),
    "frozen_blocks": ("frozen_blocks", int),
    "pretrained_model": ("weights", str),
    "num_epoch": ("epochs", int),
    "batch_size": ("batch", int),
    "random_seed": ("seed", int),
    "checkpoint_n_epoch": ("save_every", int),
    "learning_rate": ("learning_rate", float),
    "rho": ("rho", float),
    "epsilon": ("epsilon", float),
    "evaluation_window": ("window", float),
    "low_freq_cutoff": ("low", float),
    "high_freq_cutoff": ("high", float),
    "fps": ("rate", float),
    "tfrecords_directory_path": ("folder", str),
    "results_dir": ("results", str),
    "data_format": ("", str),
    "model_type": ("", str),
    "num_channels": ("", int),
    "loss_function_name": ("", str),
    "checkpoint_dir": ("", str),
    "log_every_n_secs": ("", int),
    "summary_every_n_steps": ("", int),
    "infrequent_summary_every_n_steps": ("", int),
    "last_step": ("", int),
    "tfrecord_folder_name": ("", str),
    "tfrecord_train_file_name": ("", str),
    "tfrecord_test_file_name": ("", str),
    "tfrecord_validation_file_name": ("", str),
}
CHOICES: dict[str, tuple[Any, ...]] = {
    "data_format": ("channels_first", "channels_last"),  # how TAO lays out memory, not what it does
    "model_type": ("HRNet_release", "HRNet_relase"),  # the second stands in the model's card
    "num_channels": (3,),
    "loss_function_name": ("MSE",),
    CLASS: (
        "HeartRateNetTrainer",
        "HeartRateNetDataloader",
        "HeartRateNet",
        "HeartRateNetLoss",
        "AdadeltaOptimizer",
        "ConstantLearningRateSchedule",
    ),
}
ITEM = re.compile(  # }, or `name {`, or `name: value`
    r"[\s,;]*(?P<item>(?P<end>\})|(?P<part>\w+)\s*:?\s*\{"
    r"|(?P<name>\w+)\s*:\s*(?P<value>'[^']*'|\"[^\"]*\"|[^\s{},;'\"]+))[\s,;]*"
)
LEAST = {"size": 1, "epochs": 1, "batch": 1, "save_every": 1, "rate": 1, "window": 1, "low": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class TaoSpec:
    """One training of HeartRateNet as TAO describes it. What a text leaves out is as below.

    size: side of the pictures [px].   conv_dropout, dense_dropout: shares; those of NVIDIA's card.
    batch_norm, frozen_blocks: see models.heartratenet.   weights: TAO's file to start from, or "".
    epochs, seed, save_every (epochs), learning_rate, rho, epsilon: Adadelta on the mean squared
        error; those of the public sample.   batch: pictures in an update; the sample has none.
    window: of evaluation [s].   low, high: band of the heart [Hz].
    rate: frames per second [Hz], or None where the text does not say.
    folder: where the data lies, results: where to write, as the text has them, or "".
    unused: settings in the text that mean nothing here, such as how often to log.
    """

    size: int = 72
    conv_dropout: float = 0.2
    dense_dropout: float = 0.5
    batch_norm: bool = False
    frozen_blocks: int = 0
    weights: str = ""
    epochs: int = 20
    batch: int = 32
    seed: int = 32
    save_every: int = 1
    learning_rate: float = 1.0
    rho: float = 0.95
    epsilon: float = 1e-7
    window: float = 10.0
    low: float = 0.67
    high: float = 4.0
    rate: float | None = None
    folder: str = ""
    results: str = ""
    unused: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, least in LEAST.items():
            value = getattr(self, name)
            if value is not None and value < least:
                raise InputError(f"{name} must be at least {least} but is {value:g}")
        for name in ("conv_dropout", "dense_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"{name} must be from 0 to below 1 but is {getattr(self, name):g}")
        if not 0 <= self.frozen_blocks <= 4:
            raise InputError(f"frozen_blocks must be 0–4 but is {self.frozen_blocks}")
        if not self.low < self.high:
            raise InputError(f"the band must rise but goes from {self.low:g} to {self.high:g} Hz")

    @property
    def options(self) -> dict[str, Any]:
        """Options for `MODELS["heartratenet"].build`."""
        return {
            "size": (self.size, self.size),
            "conv_dropout": self.conv_dropout,
            "dense_dropout": self.dense_dropout,
            "batch_norm": self.batch_norm,
            "frozen_blocks": self.frozen_blocks,
        }

    @property
    def training(self) -> dict[str, Any]:
        """What a trainer needs besides the network and the data."""
        return {
            "epochs": self.epochs,
            "batch": self.batch,
            "seed": self.seed,
            "save_every": self.save_every,
            "loss": "mse",
            "optimiser": "adadelta",
            "learning_rate": self.learning_rate,
            "optimiser_options": {"rho": self.rho, "eps": self.epsilon},
            "window": self.window,
            "band": (self.low, self.high),
        }

    @classmethod
    def load(cls, path: Path | str) -> TaoSpec:
        """Read a file. Raises InputError as `parse` does, or when it cannot be read."""
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"cannot read {path}: {error}; give a text file") from error
        return cls.parse(text, where=str(path))

    @classmethod
    def parse(cls, text: str, *, where: str = "the specification") -> TaoSpec:
        """Read a text; `where` names it in messages.

        Raises InputError for a setting or part that is not known, with those that are; for a value
        of the wrong kind or that means another network or loss; and for two values of one thing.
        """
        found: dict[str, Any] = {}
        unused: list[str] = []
        for name, value in _leaves(tree(text, where=where), where):
            field, kind = SETTINGS[name] if name != CLASS else ("", str)
            given = _typed(name, value, kind, where)
            if name in CHOICES and given not in CHOICES[name]:
                known = ", ".join(map(str, CHOICES[name]))
                raise InputError(f"{where}: {name} must be one of {known} but is {given!r}")
            if not field:
                unused += [name] if name not in CHOICES else []
            elif found.setdefault(field, given) != given:
                raise InputError(
                    f"{where}: {name} is {given} but elsewhere {found[field]}; write one of them"
                )
        if not found and not unused:
            raise InputError(f"{where} holds no setting of HeartRateNet; give a training spec")
        return cls(**found, unused=tuple(dict.fromkeys(unused)))


def tree(text: str, *, where: str) -> Tree:
    """A text in either way of writing as nested dicts; numbers and truth values as such."""
    lines = [_without_comment(line) for line in text.expandtabs().splitlines()]
    if any("{" in re.sub(r"'[^']*'|\"[^\"]*\"", "", line) for line in lines):
        return _braced(lines, where)
    return _indented(lines, where)


def _without_comment(line: str) -> str:
    found = re.match(r"(?:[^#'\"]|'[^']*'|\"[^\"]*\"|(?<=\S)#)*", line)
    return found[0].rstrip() if found else ""


def _braced(lines: list[str], where: str) -> Tree:
    text = "\n".join(lines).rstrip()
    opened: list[Tree] = [{}]
    at = 0
    while at < len(text):
        item = ITEM.match(text, at)
        number = text.count("\n", 0, item.start("item") if item else at) + 1
        if item is None or (item["end"] and len(opened) == 1):
            word = text[at:].split()[0]
            raise InputError(f"{where}, line {number}: {word!r} is not `name: value` nor `name {{`")
        if item["end"]:
            opened.pop()
        elif item["part"]:
            opened.append(_part(opened[-1], item["part"], where, number))
        else:
            _put(opened[-1], item["name"], _value(item["value"]), where, number)
        at = item.end()
    if len(opened) > 1:
        raise InputError(f"{where} ends inside {len(opened) - 1} open brace(s); close them")
    return opened[0]


def _indented(lines: list[str], where: str) -> Tree:
    root: Tree = {}
    opened: list[tuple[int, Tree]] = [(-1, root)]
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.strip() == "---":
            continue
        found = re.fullmatch(r"( *)(\w+):(?: +(.+))?", line)
        if not found:
            raise InputError(f"{where}, line {number}: {line.strip()!r} is not `name: value`")
        depth, name, value = len(found[1]), found[2], found[3]
        while opened[-1][0] >= depth:
            opened.pop()
        if value is None:
            opened.append((depth, _part(opened[-1][1], name, where, number)))
        else:
            _put(opened[-1][1], name, _value(value), where, number)
    return root


def _part(tree: Tree, name: str, where: str, number: int) -> Tree:
    inside: Tree = {}
    _put(tree, name, inside, where, number)
    return inside


def _put(tree: Tree, name: str, value: Any, where: str, number: int) -> None:
    if name in tree:
        raise InputError(f"{where}, line {number}: {name} stands there twice; write it once")
    tree[name] = value


def _value(text: str) -> Any:
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _leaves(tree: Tree, where: str) -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            if name not in PARTS:
                raise InputError(f"{where}: no part {name!r}; known are {', '.join(PARTS)}")
            yield from _leaves(value, where)
        elif name not in SETTINGS and name != CLASS:
            raise InputError(f"{where}: no setting {name!r}; known are {', '.join(SETTINGS)}")
        else:
            yield name, value


def _typed(name: str, value: Any, kind: type, where: str) -> Any:
    if kind is float and type(value) is int:
        return float(value)
    if kind is int and type(value) is float and value.is_integer():
        return int(value)
    if type(value) is not kind:
        words = {int: "a whole number", float: "a number", bool: "True or False", str: "text"}
        raise InputError(f"{where}: {name} must be {words[kind]} but is {value!r}")
    return value
