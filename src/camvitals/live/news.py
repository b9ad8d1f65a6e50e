"""What of a report was not yet sent on: the samples of its pulse since the last report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from camvitals.records import Array, Report


class Outlet(Protocol):
    """Where reports are sent on to, as they come."""

    note: str

    def send(self, reports: Sequence[Report], *, offset: float) -> None:
        """Send what is new; offset: what to add to their times for time.monotonic [s]."""

    def close(self) -> None:
        """Let go of it."""


class News:
    """Hands out every sample of the pulse once, in order, for each person."""

    def __init__(self) -> None:
        self._sent: dict[int, float] = {}

    def of(self, report: Report) -> tuple[Array, Array]:
        """Times (T,) s and values (T,) of the pulse since the last call; NaN in gaps.

        A pulse that is not trusted is all NaN: nobody shall take it for one.
        """
        wave = next((wave for wave in report.waves if wave.name == "pulse"), None)
        if wave is None:
            return np.zeros(0), np.zeros(0)
        # half a sample later: the clock of the next window is laid anew
        step = float(np.median(np.diff(wave.time))) if len(wave.time) > 1 else 0.0
        new = wave.time > self._sent.get(report.person, -np.inf) + step / 2
        time = np.asarray(wave.time[new], dtype=float)
        if len(time):
            self._sent[report.person] = float(time[-1])
        trusted = report.reading("heart_rate").value is not None
        return time, np.where(trusted, wave.values[new], np.nan)
