"""Write a file whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from camvitals.records import InputError


def write_atomically(path: str | Path, text: str) -> Path:
    """Write `text` as UTF-8 to `path`, so that no reader ever sees half of it.

    A temporary file in the same folder takes its place by one rename; when anything fails the old
    file stays. Returns the path. Raises InputError when the folder is missing.
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise InputError(
            f"{target.name} needs the folder {target.parent}, which is missing; make it first"
        )
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


def _usual_mode(target: Path) -> int:
    """The permissions of the file that is replaced, or what the process gives new files."""
    if target.exists():
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
