"""What the times of a recording say: frames, duration, rate and jitter, in bounded memory."""

from __future__ import annotations

import math

import numpy as np

from camvitals.dsp.clean import GAP_S

NEWEST = 65_536


class Clock:
    """Counts frames and measures their intervals one by one.

    tick: resolution of the times [s]; intervals within one tick of the median (a quarter of it at
    most) count as equal, so that a clock of whole milliseconds still yields 29.97 and not 30.30.
    gaps, missing: how many intervals are longer than 0.5 s, and their sum [s].
    """

    def __init__(self, tick: float = 0.0) -> None:
        self.tick = tick
        self.frames = 0
        self.first, self.last = math.nan, -math.inf
        self.gaps, self.missing = 0, 0.0
        self._intervals = np.zeros(64)
        self._mean = 0.0
        self._squares = 0.0

    def add(self, time: float) -> None:
        """Count a frame at a time later than all before [s]."""
        if self.frames == 0:
            self.first = time
        else:
            interval, count = time - self.last, self.frames
            if interval > GAP_S:
                self.gaps += 1
                self.missing += interval
            if count > len(self._intervals) and count <= NEWEST:
                self._intervals = np.resize(self._intervals, min(NEWEST, 2 * count))
            self._intervals[(count - 1) % len(self._intervals)] = interval
            above = interval - self._mean
            self._mean += above / count
            self._squares += above * (interval - self._mean)
        self.last = time
        self.frames += 1

    @property
    def rate(self) -> float:
        """Median frame rate over the newest 65 536 intervals [Hz]; 0 for fewer than two frames."""
        if self.frames < 2:
            return 0.0
        intervals = self._intervals[: min(self.frames - 1, NEWEST)]
        median = float(np.median(intervals))
        rounding = min(1.01 * self.tick, median / 4) + 1e-9
        equal = np.abs(intervals - median) <= rounding
        # an even count of two kinds of interval has a median between them, equal to none
        return 1 / (float(np.mean(intervals[equal])) if equal.any() else median)

    @property
    def jitter(self) -> float:
        """Standard deviation of all intervals [s]."""
        return math.sqrt(self._squares / (self.frames - 1)) if self.frames > 2 else 0.0

    @property
    def duration(self) -> float:
        """Last minus first time plus one median interval [s]; 0 for fewer than two frames."""
        return self.last - self.first + 1 / self.rate if self.frames > 1 else 0.0
