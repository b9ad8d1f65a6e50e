"""Frame by frame: the functions of `measure` around a ring buffer."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from camvitals.face.record import Record
from camvitals.face.regions import NAMES
from camvitals.pipeline import Settings, reports_steps
from camvitals.records import Array, Box, Face, Frame, InputError, Report, Source, Trace, check
from camvitals.steps import Steps, finish
from camvitals.video.array import checked
from camvitals.vitals.calibration import Calibration
from camvitals.vitals.oxygen import Oxygen
from camvitals.waves.auto import AUTO, FINGER


class Monitor:
    """Vital signs of a live picture, updated every `period` seconds from the last `window` seconds.

    >>> import numpy as np
    >>> monitor = Monitor(roi="frame", window=10.0, period=1.0)
    >>> monitor.push(np.zeros((48, 64, 3), np.uint8), time=0.0) is None
    True

    window, period: [s].   method, roi, skin, oxygen, enhance: as in `measure`, but without a
        baseline, whose seconds would leave the window. With an enhancer pictures wait for it: some
        for a block, and each report for the end of the last one.
    A report is made in short steps, one with each picture that follows the one it was due with, so
        that no picture waits for it; it speaks of the window up to the picture it was due with.
    Memory is bounded by the window. Over the same window the answer is that of `measure`.
    """

    paced = True  # by the pictures, as said; if not, reports are made by `advance` alone

    def __init__(
        self,
        *,
        window: float = 30.0,
        period: float = 1.0,
        method: str = AUTO,
        roi: str = "face",
        skin: str = "otsu",
        oxygen: Oxygen = None,
        enhance: str | None = None,
    ) -> None:
        if not 5 <= window < math.inf or not 0 < period < math.inf:
            raise InputError(
                f"a monitor needs window >= 5 s and period > 0 s but got {window:g} and {period:g}"
            )
        self.window, self.period = window, period
        self.settings = Settings(method, roi, skin, oxygen, enhance)
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
        if not self._comes(frame.time):
            return ()
        self._size = (frame.width, frame.height)
        self._collector.push(frame)
        return self._taken(frame.time)

    def _comes(self, time: float) -> bool:
        """Whether what has this time is the next; noted if so, counted as late if not."""
        if self._times and time < self._times[-1] - self.window:
            self._start()
        if not math.isfinite(time) or (self._times and time <= self._times[-1]):
            self._late += 1
            return False
        self._remember(time)
        return True

    def _taken(self, time: float) -> tuple[Report, ...]:
        """One step of the report that is due by now or in the making."""
        if self._due == -math.inf:
            self._due = time + self.period
        return self.advance() if self.paced else ()

    def now(self) -> Report:
        """The report of the last window at once, due or not; of nobody before the first picture."""
        self._work = None
        self.report = finish(self._begin())[0]
        return self.report

    def begin(self) -> None:
        """Begin a report of the last window, due or not, for `advance` to go on with."""
        self._work = self._begin()

    def _begin(self) -> Steps[tuple[Report, ...]]:
        return reports_steps(self._seen(), self._facts(), settings=self.settings)

    def _seen(self) -> dict[int, Trace]:
        """The traces of everybody in the window."""
        return self._collector.traces()

    @property
    def busy(self) -> bool:
        """Whether a report is due or in the making, for `advance` to go on with."""
        return self._work is not None or bool(self._times and self._times[-1] >= self._due)

    def advance(self) -> tuple[Report, ...]:
        """One more step of the report in the making; the reports when it was the last.

        Every picture takes one; who has time between two pictures has the report sooner. One that
        is due is begun, of the window up to the last picture.
        """
        if not self.busy:
            return ()
        if self._work is None:
            late = self._times[-1] - self._due
            self._due += self.period * math.ceil(late / self.period + 1e-9)
            self._work = self._begin()
        try:
            next(self._work)
        except StopIteration as done:
            people: tuple[Report, ...] = done.value
            self._work, self.report = None, people[0]
            return people
        except BaseException:
            self._work = None
            raise
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


class TraceMonitor(Monitor):
    """A `Monitor` for those who have looked at the picture already and send its colours.

    regions: names of what the colours are of, such as "forehead", "left_cheek", "skin",
        "background"; or "finger" for one that lies on the lens.
    window, period, method: as in `Monitor`. A method that needs more than the colours of regions
        is refused with InputError.
    """

    def __init__(
        self,
        regions: Sequence[str],
        *,
        window: float = 30.0,
        period: float = 1.0,
        method: str = AUTO,
    ) -> None:
        self.regions = tuple(regions)
        known = (*NAMES, "background", FINGER)
        if not set(self.regions) <= set(known) or len(set(self.regions)) != len(self.regions):
            raise InputError(f"regions need names of {', '.join(known)} but are {self.regions}")
        if not set(self.regions) - {"background"}:
            raise InputError("regions need one of skin at least; send the mean colour of the face")
        super().__init__(window=window, period=period, method=method)
        enough = ("rgb", "regions", *self.regions)  # a method may need the background
        if self.settings.needs not in enough:
            raise InputError(f"{method} needs pictures, not colours alone; take auto, or send them")

    def _start(self) -> None:
        super()._start()
        self._record = Record(self.regions, keep=self.window, moments=False, points=0)

    def push_colours(
        self, rgb: Array, time: float, *, box: Box | None = None
    ) -> tuple[Report, ...]:
        """Take the colours of one picture; the report when one is ready, else nothing.

        rgb: (R, 3) mean colour of the regions, 0–255; one that is not seen is NaN.   time: [s].
        box: of the face [px], by which motion is known.
        """
        check("rgb", rgb, (len(self.regions), 3))
        colours = np.asarray(rgb, dtype=np.float32)
        if np.any((colours < 0) | (colours > 255)):
            raise InputError("rgb needs mean colours in 0–255, and NaN for what is not seen")
        if not self._comes(time):
            return ()
        seen = np.asarray(np.isfinite(colours).all(axis=1, keepdims=True))
        self._record.append(
            time,
            rgb=np.where(seen, colours, np.nan),
            pixels=seen[:, 0].astype(float),
            box=np.full(4, np.nan) if box is None else np.asarray(box, dtype=float),
        )
        return self._taken(time)

    def push_people(self, frame: Frame | Array, time: float | None = None) -> tuple[Report, ...]:
        """Refused with InputError: this monitor takes colours."""
        del frame, time
        raise InputError("a monitor of traces takes no pictures; give it colours by push_colours")

    def _seen(self) -> dict[int, Trace]:
        return {0: self._record.trace()} if len(self._record) else {}


def _framed(frame: Frame | Array, time: float | None) -> Frame:
    if isinstance(frame, Frame):
        return frame if time is None else replace(frame, time=float(time))
    if time is None:
        raise InputError("push needs the time of the picture; pass time= in seconds")
    return Frame.of_rgb(checked(frame), float(time))
