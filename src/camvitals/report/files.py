"""Write files whole or not at all: a text, or a file of its own for each person."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from camvitals.records import InputError, Report


def write_atomically(path: str | Path, text: str) -> Path:
    """Write `text` as UTF-8 to `path`, so that no reader ever sees half of it.

    A temporary file in the same folder takes its place by one rename; when anything fails the old
    file stays. Returns the path. Raises InputError when the folder is missing.
    """
    target = Path(path)
    _need_folder(target)
    if target.is_dir():
        raise InputError(f"{target} is a folder; give the name of a file")
    handle, name = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        temporary.chmod(_usual_mode(target))
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return target


def _need_folder(target: Path) -> None:
    if not target.parent.is_dir():
        raise InputError(
            f"{target.name} needs the folder {target.parent}, which is missing; make it first"
        )


def _usual_mode(target: Path) -> int:
    """The permissions of the file that is replaced, or what the process gives new files."""
    if target.exists():
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def write_each(
    path: str | Path,
    reports: Iterable[Report],
    *,
    ending: str,
    write: Callable[[Path, Report], None],
) -> Path:
    """Write a file for each person, named by `one_each`; returns the path of the first.

    write: puts one report at a path, and whatever belongs to it beside that; nothing of it is kept
        where it fails.
    """
    given = tuple(reports)
    paths = one_each(path, given, ending=ending)
    for target, report in zip(paths, given, strict=True):
        with aside(target.parent) as folder:
            write(folder / target.name, report)
    return paths[0]


def one_each(path: str | Path, reports: Sequence[Report], *, ending: str) -> list[Path]:
    """A file for each person: `path` itself for one, else NAME-1, NAME-2 … before the ending.

    Raises InputError for no report at all, or a missing folder.
    """
    target = Path(path)
    if not reports:
        raise InputError(f"{target.name} needs a report but got none; measure something first")
    _need_folder(target)
    if len(reports) == 1:
        return [target]
    given = target.name
    fits = given.lower().endswith(ending)
    stem, end = (given[: -len(ending)], given[-len(ending) :]) if fits else (given, "")
    return [target.with_name(f"{stem}-{k}{end}") for k in range(1, len(reports) + 1)]


@contextmanager
def aside(folder: Path) -> Iterator[Path]:
    """A folder to write in, whose files take their places in `folder` when all is well."""
    made = Path(tempfile.mkdtemp(prefix=".camvitals-", dir=folder))
    try:
        yield made
        for file in sorted(made.iterdir()):
            os.replace(file, folder / file.name)  # noqa: PTH105  one rename, over what was there
    finally:
        shutil.rmtree(made, ignore_errors=True)
