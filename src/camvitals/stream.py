"""Frame by frame: the functions of `measure` around a ring buffer."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace

import numpy as np

from camvitals.pipeline import Settings, reports_steps
from camvitals.records import Array, Face, Frame, InputError, Report, Source
from camvitals.steps import Steps, finish
from camvitals.video.array import checked
from camvitals.vitals.calibration import Calibration
from camvitals.vitals.oxygen import Oxygen
from camvitals.waves.auto import AUTO


class Monitor:
    """Vital signs of a live picture, updated every `period` seconds from the last `window` seconds.

    >>> import numpy as np
    >>> monitor = Monitor(roi="frame", window=10.0, period=1.0)
    >>> monitor.push(np.zeros((48, 64, 3), np.uint8), time=0.0) is None
    True

    window, period: [s].   method, roi, skin, oxygen: as in `measure`, but without a baseline, whose
        seconds would leave the window.
    A report is made in short steps, one with each picture that follows the one it was due with, so
        that no picture waits for it; it speaks of the window up to the picture it was due with.
    Memory is bounded by the window. Over the same window the answer is that of `measure`.
    """

    def __init__(
        self,
        *,
        window: float = 30.0,
        period: float = 1.0,
        method: str = AUTO,
        roi: str = "face",
        skin: str = "otsu",
        oxygen: Oxygen = None,
    ) -> None:
        if not 5 <= window < math.inf or not 0 < period < math.inf:
            raise InputError(
                f"a monitor needs window >= 5 s and period > 0 s but got {window:g} and {period:g}"
            )
        self.window, self.period = window, period
        self.settings = Settings(method, roi, skin, oxygen)
        if isinstance(oxygen, Calibration) and oxygen.baseline is not None:
            raise InputError(
                "a monitor forgets the seconds of a baseline; measure the recording, or take the "
                "calibration without its baseline"
            )
        self._size = (0, 0)
        self._frames = 0
        self._late = 0
        self._start()

    def _start(self) -> None:
        self._collector = self.settings.collector(keep=self.window)
        self._times: deque[float] = deque()
        self._due = -math.inf
        self._work: Steps[tuple[Report, ...]] | None = None
        self.report: Report | None = None

    @property
    def faces(self) -> tuple[Face, ...]:
        """Faces in the last picture, for drawing."""
        return tuple(self._collector.faces)

    def push(self, frame: Frame | Array, time: float | None = None) -> Report | None:
        """Take one picture; return a report of the person seen most when one is ready.

        frame: a Frame with its own time, or an (H, W, 3) uint8 RGB picture with `time` [s].
        A picture that is late, repeated or without a finite time is counted and passed over; when
        the clock falls back by more than the window it was set anew, and the monitor starts again.
        """
        people = self.push_people(frame, time)
        return people[0] if people else None

    def push_people(self, frame: Frame | Array, time: float | None = None) -> tuple[Report, ...]:
        """Like `push`, with a report for every person, the one seen most first; () if not ready."""
        frame = _framed(frame, time)
        if self._times and frame.time < self._times[-1] - self.window:
            self._start()
        if not math.isfinite(frame.time) or (self._times and frame.time <= self._times[-1]):
            self._late += 1
            return ()
        self._remember(frame.time)
        self._size = (frame.width, frame.height)
        self._collector.push(frame)
        if self._due == -math.inf:
            self._due = frame.time + self.period
        if self._work is None and frame.time >= self._due:
            self._due += self.period * math.ceil((frame.time - self._due) / self.period + 1e-9)
            self._work = self._begin()
        return self._advance()

    def now(self) -> Report:
        """The report of the last window at once, due or not; of nobody before the first picture."""
        self._work = None
        self.report = finish(self._begin())[0]
        return self.report

    def _begin(self) -> Steps[tuple[Report, ...]]:
        return reports_steps(self._collector.traces(), self._facts(), settings=self.settings)

    def _advance(self) -> tuple[Report, ...]:
        """One more step of the report in the making; the reports when it was the last."""
        if self._work is None:
            return ()
        try:
            next(self._work)
        except StopIteration as done:
            people: tuple[Report, ...] = done.value
            self._work, self.report = None, people[0]
            return people
        return ()

    def _remember(self, time: float) -> None:
        """Note the time of a picture; those that left the window are forgotten."""
        self._frames += 1
        self._times.append(time)
        while self._times[0] < time - self.window - 1e-9:
            self._times.popleft()

    def _facts(self) -> Source:
        times = np.array(self._times)
        gaps = np.diff(times)
        interval = float(np.median(gaps)) if len(gaps) else 0.0
        span = float(times[-1] - times[0]) if len(times) else 0.0
        late = f"{self._late} pictures came late or twice and were passed over"
        return Source(
            name="live",
            width=self._size[0],
            height=self._size[1],
            frames=self._frames,
            duration=span + interval,
            rate=1 / interval if interval else 0.0,
            jitter=float(gaps.std()) if len(gaps) else 0.0,
            warnings=(late,) if self._late else (),
        )


def _framed(frame: Frame | Array, time: float | None) -> Frame:
    if isinstance(frame, Frame):
        return frame if time is None else replace(frame, time=float(time))
    if time is None:
        raise InputError("push needs the time of the picture; pass time= in seconds")
    return Frame.of_rgb(checked(frame), float(time))
