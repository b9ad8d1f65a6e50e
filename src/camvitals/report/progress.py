"""A progress bar with the time left, for work that takes longer than one likes to wait."""

from __future__ import annotations

import sys
import time
from typing import Any

SLOW_S = 2.0


class Bar:
    """A bar on standard error, a terminal given, once the work takes over SLOW_S; then it goes."""

    def __init__(self, title: str) -> None:
        self._title, self._start = title, time.monotonic()
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, done: float, expected: int | None) -> None:
        """Show how much is done of how much."""
        if self._bar is None:
            if time.monotonic() - self._start < SLOW_S or not sys.stderr.isatty():
                return
            self._bar = _rich_bar()
            self._task = self._bar.add_task(self._title, total=expected)
            self._bar.start()
        self._bar.update(self._task, completed=done, total=expected)


def _rich_bar() -> Any:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(
        *columns,
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
    )
