"""Long work in short steps, so that a live picture never waits for it.

A function that returns `Steps[T]` is a generator that yields nothing, now and then, and returns T.
`finish` runs it to its end; a caller who has other things to do calls `next` when it suits.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias, TypeVar

T = TypeVar("T")
Steps: TypeAlias = Generator[None, None, T]


def finish(steps: Steps[T]) -> T:
    """The result of the work, all steps at once.

    >>> def work():
    ...     yield
    ...     return 42
    >>> finish(work())
    42
    """
    while True:
        try:
            next(steps)
        except StopIteration as done:
            result: T = done.value
            return result
