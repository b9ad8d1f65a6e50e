"""Freed pictures handed back, so that long recordings take little more memory than short ones."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache

EVERY_FRAMES = 150


@cache
def _trim() -> Callable[[int], int] | None:
    """The C library's `malloc_trim`, or None where it has none (only glibc does)."""
    try:
        found: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):
        return None
    return found


def hand_back() -> None:
    """Return freed memory to the system.

    glibc keeps the pages of freed pictures when small arrays that live on lie between them: over
    ten minutes of video that came to some 40 MB. Takes about a millisecond; changes no setting.
    """
    trim = _trim()
    if trim is not None:
        trim(0)
