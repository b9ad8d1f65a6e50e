"""Python of the user's own, by name: FILE.py:NAME or package.module:NAME.

It runs in this process with everything that the user may do, so that a name is only ever taken
from the user: from a command, a call, or a recipe function, never from weights or JSON of others.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from camvitals.records import InputError


def is_own(name: str) -> bool:
    """Whether a name leads to Python of the user's own and not into one of our tables."""
    return ":" in name or name.endswith(".py")


def load_named(reference: str, *, what: str) -> Any:
    """What FILE.py:NAME or package.module:NAME stands for.

    what: how to call it in messages, such as "recipe". Without :NAME it is the only public function
    of the file. Raises InputError when there is no such file or name, or the file does not run.
    """
    place, _, name = reference.rpartition(":") if ":" in reference else (reference, "", "")
    module = _of_file(Path(place), what) if place.endswith(".py") else _of_package(place, what)
    known = _functions(module)
    if not name and len(known) == 1:
        name = known[0]
    if not name or not hasattr(module, name):
        asked = f"but not {name!r}" if name else "so that one must be named"
        there = ", ".join(known) or "no function"
        raise InputError(f"{place} has {there}, {asked}; write {what} as {place}:NAME")
    return getattr(module, name)


def _of_file(path: Path, what: str) -> ModuleType:
    if not path.is_file():
        raise InputError(f"no {what} at {path}: there is no such file; check the path")
    full = path.resolve()
    mark = hashlib.sha256(f"{full}{full.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    name = f"camvitals_own_{full.stem}_{mark}"
    if name in sys.modules:  # run once, until the file changes
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, full)
    if spec is None or spec.loader is None:
        raise InputError(f"{path} is no Python file; write {what} as FILE.py:NAME")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise InputError(_said(path, error)) from error
    return module


def _of_package(place: str, what: str) -> ModuleType:
    try:
        return importlib.import_module(place)
    except ImportError as error:
        raise InputError(
            f"no {what} in {place or 'nothing'}: {error}; write FILE.py:NAME or package.module:NAME"
        ) from error


def _said(path: Path, error: Exception) -> str:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__)]
    found = error.lineno if isinstance(error, SyntaxError) else (lines or [0])[-1]
    return f"{path} does not run: {type(error).__name__} near line {found}: {error}; mend it first"


def _functions(module: ModuleType) -> list[str]:
    """Public functions that are written in the module itself."""
    return [
        name
        for name, value in vars(module).items()
        if inspect.isfunction(value)
        and value.__module__ == module.__name__
        and not name.startswith("_")
    ]
