"""One source, watched until it ends, is stopped, or is lost for good."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

import numpy as np

from camvitals.data.recorded import Recorder, Traces
from camvitals.records import Frame, InputError, Report
from camvitals.steps import finish
from camvitals.stream import Monitor
from camvitals.video import open_video
from camvitals.video.reader import Video

RATE_S = 3.0  # pictures a second are counted over so long
SILENT_S = 2.0  # a camera without a picture for so long is told
WAITS_S = (0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0, 8.0)  # before each try to find a lost camera again
RECORD_S = 2.0  # from one part of the recording to the next: what a crash can cost


class Watch(Monitor):
    """A Monitor that also shows its traces, and everybody's report at once."""

    def traces(self) -> Traces:
        """Number of the person -> trace of the last window."""
        return self._seen()

    def everybody(self) -> tuple[Report, ...]:
        """Like `now`, with a report for everybody, the one seen most first."""
        self._work = None
        people = finish(self._begin())
        self.report = people[0]
        return people


class Session:
    """Reports of a source as it happens.

    source:   camera number, URL, or a file, which is played at its own pace.
    fps:      rate asked of a camera [Hz].
    duration: seconds after which to end.
    record:   file for the traces, or None.
    waits:    seconds before each try to find a lost camera again.
    speed:    how much faster than its own pace a file is played.
    `stop` may be called from any thread; everything that can be read here may be read from any.
    """

    def __init__(
        self,
        source: str,
        watch: Watch,
        *,
        fps: float | None = None,
        duration: float = math.inf,
        record: Path | None = None,
        waits: tuple[float, ...] = WAITS_S,
        speed: float = 1.0,
    ) -> None:
        if not duration > 0:
            raise InputError(f"--duration needs seconds > 0 but got {duration:g}; leave it out")
        self.source, self.watch = source, watch
        self._fps, self._duration, self._waits, self._speed = fps, duration, waits, speed
        self._ended = Event()
        self._video = self._open()
        self.live = _is_live(source, self._video)
        self._begun = self._latest = monotonic()
        self._first = math.nan
        self._times: deque[float] = deque()
        self._untold: list[float] = []
        self._told = -math.inf
        self.size = (0, 0)
        self.offset = 0.0  # what to add to the time of a picture for time.monotonic
        self.trouble = ""  # what is wrong with the source now
        self.failed = ""  # what went wrong with the recording
        self.lost = ""  # why the session ended before its time
        settings = watch.settings
        about = {"source": self.name, "roi": settings.roi, "skin": settings.skin, **self._when()}
        try:
            self.recorder = None if record is None else Recorder(record, about=about)
        except BaseException:
            self._video.close()
            raise

    @property
    def name(self) -> str:
        """The source as its reader calls it, without a password."""
        return self._video.source.name

    @property
    def rate(self) -> float:
        """Pictures a second over the last seconds [Hz]; 0 when there are none."""
        times = list(self._times)
        if len(times) < 2 or monotonic() - self._latest > RATE_S:
            return 0.0
        return (len(times) - 1) / (times[-1] - times[0])

    @property
    def elapsed(self) -> float:
        """Seconds since the session began."""
        return monotonic() - self._begun

    @property
    def silent(self) -> float:
        """Seconds since the last picture, 0 while they come."""
        late = monotonic() - self._latest
        return late if late > SILENT_S else 0.0

    def stop(self) -> None:
        """End the session, as soon as the picture at hand is done."""
        self._ended.set()
        if self.live:  # which may wait long for the next picture; a file must not be closed in one
            self._video.close()

    def reports(self) -> Generator[tuple[Report, ...], None, None]:
        """Everybody's reports, each time that they are ready, and once more at the end.

        They end too when a camera was lost and did not come back, which `lost` then tells.
        """
        try:
            for frame in self._pictures():
                people = self.watch.push_people(frame)
                self._note(frame)
                if people:
                    yield self._dated(people)
        finally:
            self._video.close()
            self._record()
            if self.recorder is not None:
                self.recorder.close()
        if not math.isnan(self._first):
            yield self._dated(self.watch.everybody())

    def _pictures(self) -> Iterator[Frame]:
        """Pictures of the source; of a camera also after it was lost and found again."""
        while True:
            yield from self._paced(self._video)
            if not self.live or self._over():
                return
            self._find()
            if self.lost or self._over():
                return

    def _paced(self, video: Video) -> Iterator[Frame]:
        """The pictures of a file when they are due; those of a camera as they come."""
        begun = monotonic()
        with video:
            for frame in video:
                if math.isnan(self._first):
                    self._first = frame.time
                    self.offset = 0.0 if self.live else monotonic() - frame.time
                if not self.live:
                    due = begun + (frame.time - self._first) / self._speed
                    self._ended.wait(max(0.0, due - monotonic()))
                if self._over() or frame.time - self._first >= self._duration:
                    self._ended.set()
                    return
                self._latest, self.trouble = monotonic(), ""
                yield frame

    def _over(self) -> bool:
        return self._ended.is_set() or (self.live and self.elapsed >= self._duration)

    def _find(self) -> None:
        """Open a camera that was lost again, or give up."""
        why = next(iter(self._video.source.warnings[-1:]), "no more pictures came")
        for count, wait in enumerate(self._waits, start=1):
            self.trouble = f"{self.name} was lost ({why}); try {count} of {len(self._waits)}"
            if self._ended.wait(wait) or self._over():
                return
            try:
                self._video = self._open()
            except InputError as error:
                why = str(error).removeprefix(f"{self.name} ")
                continue
            return
        if math.isnan(self._first):
            self.lost = f"{self.name} gave no picture ({why}); check it and start again"
        else:
            self.lost = (
                f"{self.name} was lost after {self._latest - self._begun:.0f} s and did not come "
                f"back ({why}); connect it and start again"
            )

    def _open(self) -> Video:
        given = Path(self.source).expanduser()
        rate = None if given.is_file() else self._fps
        return open_video(self.source, fps=rate)

    def _note(self, frame: Frame) -> None:
        self.size = frame.width, frame.height
        self._times.append(frame.time)
        while self._times[0] < frame.time - RATE_S:
            self._times.popleft()
        if self.recorder is not None:
            self._untold.append(frame.time)
            if frame.time - self._told >= RECORD_S:
                self._record()
                self._told = frame.time

    def _record(self) -> None:
        """Append what is new; a full disk ends the recording, not the session."""
        if self.recorder is None or self.failed or not self._untold:
            return
        traces, times = self.watch.traces(), np.array(self._untold)
        width, height = self.size
        try:
            self.recorder.write(traces, times, width=width, height=height)
            self._untold.clear()
        except OSError as error:
            self.failed = (
                f"{self.recorder.path} cannot be written ({error.strerror or error}); what was "
                "recorded before stays, make room and start again"
            )

    def _dated(self, people: tuple[Report, ...]) -> tuple[Report, ...]:
        """Reports that name their source and, of a camera, say when second 0 of its clock was."""
        return tuple(
            replace(
                report,
                source=replace(report.source, name=self.name),
                settings={**report.settings, **self._when()},
            )
            for report in people
        )

    def _when(self) -> dict[str, Any]:
        if not self.live:
            return {}
        zero = datetime.now(UTC) - timedelta(seconds=monotonic() - self.offset)
        return {"started": zero.isoformat(timespec="milliseconds")}


def _is_live(source: str, video: Video) -> bool:
    """Whether pictures come as they are taken: a device, or a stream without an end."""
    if Path(source).expanduser().is_file() or Path(source).is_dir():
        return False
    is_url = re.match(r"[a-z][a-z0-9+]*://", source) is not None
    return not is_url or video.expected is None
