"""Versions of the software that a number depends on."""

from __future__ import annotations

import platform
import sys
from functools import cache


@cache
def versions() -> dict[str, str]:
    """Name -> version of this package, of those that it measures with, and of Python."""
    packages = ("camvitals", "numpy", "av", "onnxruntime")
    return {name: _version(name) for name in packages} | {"python": platform.python_version()}


def _version(package: str) -> str:
    """What a loaded package says of itself, as its metadata takes longer to ask than to decode 1 s.

    Of one that is not loaded, what is installed.
    """
    told = getattr(sys.modules.get(package), "__version__", None)
    if told is None:
        from importlib.metadata import version

        told = version(package)
    return str(told)
