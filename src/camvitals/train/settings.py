"""Frozen dataclasses from and to JSON, and with single fields changed by words.

A path names a field as in Python, `optimiser.step`; a number counts the parts of a tuple,
`loss.0.weight`; below a mapping any key will do, `model.options.size`.
"""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from camvitals.records import InputError

T = TypeVar("T")
KIND = "kind"  # which dataclass it is, where a field may hold one of several
TRUE, FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def with_setting(node: T, path: str, value: Any) -> T:
    """The dataclass with one field changed; a text is turned into the field's type.

    Raises InputError for an unknown name, with those there are, and for a value of another type.
    """
    found: T = _changed(node, path.split("."), value, path)
    return found


def _changed(node: Any, names: list[str], value: Any, path: str) -> Any:
    name, rest = names[0], names[1:]
    hints = get_type_hints(type(node))
    if name not in hints:
        raise InputError(
            f"no setting {path!r}: {type(node).__name__} has {', '.join(hints)}, not {name!r}"
        )
    old = getattr(node, name)
    if not rest:
        return dataclasses.replace(node, **{name: typed(value, hints[name], path)})
    if isinstance(old, Mapping):
        return dataclasses.replace(node, **{name: {**old, ".".join(rest): _loose(value)}})
    if isinstance(old, tuple) and old and dataclasses.is_dataclass(old[0]):
        return dataclasses.replace(node, **{name: _in_tuple(old, rest, value, path)})
    if not dataclasses.is_dataclass(old):
        raise InputError(f"no setting {path!r}: {name} is one value; write {name}=…")
    return dataclasses.replace(node, **{name: _changed(old, rest, value, path)})


def _in_tuple(old: tuple[Any, ...], names: list[str], value: Any, path: str) -> tuple[Any, ...]:
    fits = names[0].isdigit() and int(names[0]) < len(old) and len(names) > 1
    if not fits:
        said = f"a number from 0 to {len(old) - 1} and a field"
        raise InputError(f"no setting {path!r}: there must be {said} instead of {names[0]!r}")
    at = int(names[0])
    return (*old[:at], _changed(old[at], names[1:], value, path), *old[at + 1 :])


def typed(value: Any, hint: Any, path: str) -> Any:
    """A value, perhaps a text, as the type of a field. Raises InputError when it is none."""
    options = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    nothing = isinstance(value, str) and value.lower() in ("none", "null", "")
    if types.NoneType in options and (value is None or nothing):
        return None
    wanted = [option for option in options if option is not types.NoneType]
    for option in wanted:
        try:
            return _as(option, value)
        except (ValueError, TypeError):
            continue
    said = " or ".join(_said(option) for option in options)
    raise InputError(f"{path} needs {said} but got {value!r}; give another value")


def _as(hint: Any, value: Any) -> Any:
    if dataclasses.is_dataclass(hint):
        raise TypeError("a part of the recipe is changed field by field")
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise ValueError
        return value
    if get_origin(hint) is tuple:
        return _as_tuple(get_args(hint), value)
    if get_origin(hint) is not None and issubclass(get_origin(hint), Mapping):
        return _as_mapping(value)
    if hint is bool:
        return _as_bool(value)
    if isinstance(value, bool):
        raise TypeError("yes or no is no number")
    if hint is int:
        if isinstance(value, int):
            return value
        number = float(value)
        if number != int(number):
            raise ValueError
        return int(number)
    return hint(value)


def _as_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if not isinstance(value, str) or value.lower() not in TRUE + FALSE:
        raise ValueError
    return value.lower() in TRUE


def _as_tuple(hints: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    parts = list(value.split(",")) if isinstance(value, str) else list(value)
    parts = [part.strip() if isinstance(part, str) else part for part in parts if part != ""]
    if len(hints) == 2 and hints[1] is Ellipsis:
        return tuple(_as(hints[0], part) for part in parts)
    if len(parts) != len(hints):
        raise ValueError
    return tuple(_as(hint, part) for hint, part in zip(hints, parts, strict=True))


def _as_mapping(value: Any) -> dict[str, Any]:
    found = json.loads(value) if isinstance(value, str) else value
    if not isinstance(found, Mapping):
        raise TypeError
    return {str(key): _frozen(inner) for key, inner in found.items()}


def _loose(value: Any) -> Any:
    """A value for a mapping: JSON where it is some, else the text itself."""
    if not isinstance(value, str):
        return _frozen(value)
    try:
        return _frozen(json.loads(value))
    except ValueError:
        return value


def _frozen(value: Any) -> Any:
    """Lists as tuples, so that what comes from JSON equals what was written in Python."""
    if isinstance(value, list | tuple):
        return tuple(_frozen(inner) for inner in value)
    if isinstance(value, Mapping):
        return {str(key): _frozen(inner) for key, inner in value.items()}
    return value


def _said(hint: Any) -> str:
    words = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
    if hint is types.NoneType:
        return "none"
    if get_origin(hint) is tuple:
        inner = get_args(hint)
        if inner[-1] is Ellipsis:
            return "values between commas"
        return f"{len(inner)} values between commas"
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(map(repr, get_args(hint)))
    if dataclasses.is_dataclass(hint):
        return "its fields one by one, as in NAME.field=value"
    return words.get(hint, "a JSON object")


def as_declared(node: Any) -> dict[str, Any]:
    """The fields of a dataclass, every number as it is declared, those of its parts too.

    1 where a float is declared is 1.0, and 8.0 where an int is declared is 8, as when they are
    read from JSON: how a number was written moves no digest. Fields that may be either, and what
    is in a mapping, are as they are.
    """
    hints = get_type_hints(type(node))
    names = [field.name for field in dataclasses.fields(node) if field.init]
    return {name: _declared(getattr(node, name), hints[name]) for name in names}


def _declared(value: Any, hint: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.replace(value, **as_declared(value))
    options = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    if isinstance(value, list | tuple):
        inner = next((get_args(one) for one in options if get_origin(one) is tuple), ())
        inner = inner[:1] * len(value) if inner[1:] == (Ellipsis,) else inner
        fits = len(inner) == len(value)
        return tuple(map(_declared, value, inner)) if fits else value
    if isinstance(value, bool) or (int in options and float in options):
        return value
    if isinstance(value, int) and float in options:
        return float(value)
    whole = isinstance(value, float) and value.is_integer()
    return int(value) if whole and int in options else value


def to_plain(value: Any, kinds: Mapping[str, type]) -> Any:
    """A dataclass as what JSON can hold; those of `kinds` say which they are.

    Raises InputError for a value that JSON has no word for.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        kind = next((name for name, cls in kinds.items() if type(value) is cls), None)
        inner = {f.name: to_plain(getattr(value, f.name), kinds) for f in dataclasses.fields(value)}
        return inner if kind is None else {KIND: kind} | inner
    if isinstance(value, Mapping):
        return {str(key): to_plain(inner, kinds) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(inner, kinds) for inner in value]
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise InputError(
        f"a recipe holds numbers, texts and their groups but got {value!r}; name what it stands "
        "for as FILE.py:NAME"
    )


def from_plain(cls: type[T], found: Any, kinds: Mapping[str, type], where: str) -> T:
    """The dataclass that `to_plain` told. Raises InputError for anything else."""
    if not isinstance(found, Mapping):
        raise InputError(f"{where} needs a JSON object but got {found!r}")
    hints = get_type_hints(cls)
    given = {key: value for key, value in found.items() if key != KIND}
    missing = [
        f.name
        for f in dataclasses.fields(cls)  # type: ignore[arg-type]
        if f.default is dataclasses.MISSING
        and f.default_factory is dataclasses.MISSING
        and f.name not in given
    ]
    if missing or set(given) - set(hints):
        strange = sorted(set(given) - set(hints))
        raise InputError(f"{where} lacks {missing} and has unknown {strange}; write it again")
    return cls(**{k: _value(v, hints[k], kinds, f"{where}.{k}") for k, v in given.items()})


def _value(value: Any, hint: Any, kinds: Mapping[str, type], where: str) -> Any:
    options = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    classes = [option for option in options if dataclasses.is_dataclass(option)]
    if classes and isinstance(value, Mapping):
        chosen = kinds.get(str(value.get(KIND))) if len(classes) > 1 else classes[0]
        if chosen not in classes:
            known = ", ".join(name for name, cls in kinds.items() if cls in classes)
            raise InputError(f"{where} needs kind {known} but got {value.get(KIND)!r}")
        return from_plain(cast("type[Any]", chosen), value, kinds, where)
    inner = get_args(hint)
    if get_origin(hint) is tuple and inner and dataclasses.is_dataclass(inner[0]):
        if not isinstance(value, list | tuple):
            raise InputError(f"{where} needs a list but got {value!r}")
        part = cast("type[Any]", inner[0])
        return tuple(from_plain(part, one, kinds, f"{where}.{n}") for n, one in enumerate(value))
    return typed(value, hint, where)
