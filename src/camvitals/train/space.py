"""What a search tries: values of settings, one by one or out of a range.

Settings are named as `--set` names them, `optimiser.step`, `model.options.width`. Choices of
values are planned before the search starts, so that a grid is the same whoever works on it.
"""

from __future__ import annotations

import dataclasses
import difflib
import inspect
import itertools
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

import numpy as np

from camvitals.records import InputError
from camvitals.train.settings import with_setting

MOST_PLANNED = 100_000  # combinations of a grid
OPTIONS = "model.options."


@dataclass(frozen=True, slots=True)
class Range:
    """All numbers from low to high, both included; whole ones where both are whole.

    log: evenly by their logarithm, which needs low > 0.
    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        good = math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high
        if not good or (self.log and not self.low > 0):
            raise InputError(
                f"a range needs low < high, and low > 0 with log, but got {self.low} and "
                f"{self.high}; write low:high or low:high:log"
            )

    @property
    def whole(self) -> bool:
        """Whether it has whole numbers only."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    def at(self, share: float) -> float:
        """The number at a share of the way, 0 to below 1."""
        top = self.high + 1 if self.whole else self.high
        if self.log:
            found = math.exp(math.log(self.low) + share * math.log(top / self.low))
        else:
            found = self.low + share * (top - self.low)
        return min(int(self.high), int(found)) if self.whole else found


Choice = tuple[Any, ...] | Range
Space = Mapping[str, Choice]
Settings = dict[str, Any]


def parse_vary(words: list[str]) -> dict[str, Choice]:
    """KEY=v1,v2,…, KEY=low:high or KEY=low:high:log words as a space.

    Values that hold commas themselves are written as a JSON list: KEY=[[1,2],[3,4]].
    Raises InputError for other words, and for a key that is given twice.
    """
    found: dict[str, Choice] = {}
    for word in words:
        key, sign, text = word.partition("=")
        if not sign or not key:
            raise InputError(
                f"--vary needs KEY=v1,v2,… or KEY=low:high:log but got {word!r}; as in "
                "optimiser.step=1e-4:1e-2:log"
            )
        if key in found:
            raise InputError(f"--vary {key} is given twice; leave one out")
        found[key] = _range(key, text) or _values(key, text)
    return found


def _range(key: str, text: str) -> Range | None:
    parts = text.split(":")
    if len(parts) < 2:
        return None
    try:
        low, high = (_number(part) for part in parts[:2])
    except ValueError:
        return None
    if parts[2:] not in ([], ["log"]):
        raise InputError(f"--vary {key} needs low:high or low:high:log but got {text!r}")
    return Range(low, high, log=len(parts) == 3)


def _number(text: str) -> float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _values(key: str, text: str) -> tuple[Any, ...]:
    if text.startswith("["):
        try:
            return tuple(json.loads(text))
        except ValueError as error:
            raise InputError(
                f"--vary {key} needs a JSON list but got {text!r} ({error})"
            ) from error
    return tuple(part.strip() for part in text.split(",") if part.strip())


def checked(base: Any, space: Space) -> dict[str, Choice]:
    """The space with each value in the type of its field.

    base: the dataclass that is varied. Raises InputError for a setting that it does not have, with
    the nearest ones, for a value that it does not take, and for a space without values.
    """
    if not space:
        raise InputError("a search needs something to vary; give --vary KEY=v1,v2 or a space")
    return {key: _checked(base, key, choice) for key, choice in space.items()}


def _checked(base: Any, key: str, choice: Choice) -> Choice:
    tell_unknown(base, key)
    if not isinstance(choice, Range):
        values = tuple(choice)
        if not values:
            raise InputError(f"{key} has no values to try; give some, or leave it out")
        typed = tuple(value_at(with_setting(base, key, value), key) for value in values)
        twice = [value for n, value in enumerate(typed) if value in typed[:n]]
        if twice:
            raise InputError(f"{key} has {twice[0]!r} twice; leave one out")
        return typed
    ends = [choice.low, choice.high]
    if type(value_at(base, key)) is float:
        ends = [float(end) for end in ends]
    low, high = (value_at(with_setting(base, key, end), key) for end in ends)
    if not all(isinstance(end, int | float) for end in (low, high)):
        raise InputError(f"{key} is no number; give values to try instead of a range")
    return Range(low, high, log=choice.log)


def tell_unknown(base: Any, key: str) -> None:
    """Raise InputError with the nearest names for a setting that there is not."""
    try:
        value_at(base, key)
    except InputError as error:
        raise InputError(f"{error}{nearest(key, names_of(base))}") from error


def nearest(name: str, known: list[str]) -> str:
    """The end of a message that names what is written alike; "" where nothing is."""
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def tell_unknown_option(build: Callable[..., Any], space: Space, *, name: str) -> None:
    """The same for `model.options.KEY`, which `build` must take by that name.

    build: called with options alone.   name: of the model.
    """
    for key, choice in space.items():
        option = key.removeprefix(OPTIONS)
        if option == key:
            continue
        value = choice.low if isinstance(choice, Range) else choice[0]
        try:
            build(**{option: value})
        except TypeError as error:
            known = list(inspect.signature(type(build())).parameters)
            said = f"{name} takes no option {option!r}{nearest(option, known)}"
            raise InputError(said) from error
        except (InputError, ValueError, RuntimeError):
            continue  # it may fit with others


def names_of(base: Any, before: str = "") -> list[str]:
    """Names of all settings of a dataclass, with those below."""
    found: list[str] = []
    for one in dataclasses.fields(base):
        value, name = getattr(base, one.name), before + one.name
        if dataclasses.is_dataclass(value):
            found += names_of(value, f"{name}.")
        elif isinstance(value, tuple) and value and dataclasses.is_dataclass(value[0]):
            for n, inner in enumerate(value):
                found += names_of(inner, f"{name}.{n}.")
        elif isinstance(value, Mapping):
            found += [f"{name}.{inner}" for inner in value]
        else:
            found.append(name)
    return found


def value_at(node: Any, path: str) -> Any:
    """What a dataclass has for a setting; None below a mapping that has no such key yet.

    Raises InputError for a name that is not there.
    """
    names = path.split(".")
    for n, name in enumerate(names):
        if isinstance(node, Mapping):
            return node.get(".".join(names[n:]))
        if isinstance(node, tuple) and name.isdigit() and int(name) < len(node):
            node = node[int(name)]
        elif dataclasses.is_dataclass(node) and name in get_type_hints(type(node)):
            node = getattr(node, name)
        else:
            known = get_type_hints(type(node)) if dataclasses.is_dataclass(node) else {}
            there = ", ".join(known) or "no parts"
            raise InputError(
                f"no setting {path!r}: {type(node).__name__} has {there}, not {name!r}"
            )
    return node


def applied(base: Any, settings: Mapping[str, Any]) -> Any:
    """The dataclass with these settings. Raises InputError where they do not fit together."""
    for key, value in settings.items():
        base = with_setting(base, key, value)
    return base


def size_of(space: Space) -> int:
    """Combinations of a grid. Raises InputError for a range, which has no end of values."""
    for key, choice in space.items():
        if isinstance(choice, Range):
            raise InputError(
                f"a grid needs values but {key} has a range; give values, or use --sampler random "
                "or tpe"
            )
    count = math.prod(len(choice) for choice in space.values() if not isinstance(choice, Range))
    if count > MOST_PLANNED:
        raise InputError(
            f"the grid has {count} combinations but {MOST_PLANNED} at most can be planned; try "
            "fewer values, or use --sampler random"
        )
    return count


def grid(space: Space, *, seed: int) -> list[Settings]:
    """All combinations, in an order drawn by `seed`: what is done so far is a fair sample."""
    count = size_of(space)
    choices = [choice for choice in space.values() if not isinstance(choice, Range)]
    every = list(itertools.product(*choices))
    order = np.random.default_rng([seed, 83]).permutation(count)
    return [dict(zip(space, every[k], strict=True)) for k in order]


def drawn(space: Space, *, seed: int) -> Iterator[Settings]:
    """Combinations drawn one after the other, without end; the same for the same seed."""
    for number in itertools.count():
        rng = np.random.default_rng([seed, 89, number])
        found: Settings = {}
        for key, choice in space.items():
            share = float(rng.random())
            if isinstance(choice, Range):
                found[key] = choice.at(share)
            else:
                found[key] = choice[int(share * len(choice))]
        yield found
