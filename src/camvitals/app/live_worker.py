"""Monitors of several visitors in a process of their own, which may die without the server.

Hears and says blocks that begin with `wire.HEAD`. Every message heard is answered in order by DONE,
WRONG or LATE, with what the visitor is to be told, if anything; TOLD comes by itself. Messages come
before reports, which go on in short steps when none has waited for long, one report after the
other; where there is not time enough for all, reports come seldom rather than pictures late.
"""

from __future__ import annotations

import json
import math
import select
import sys
from collections import deque
from dataclasses import asdict
from time import monotonic
from typing import Any, BinaryIO

from camvitals.app.child import bound, ears, hear, mouth, say
from camvitals.app.wire import (
    BINARY,
    CLOSE,
    DONE,
    HEAD,
    LATE,
    OPEN,
    READY,
    TOLD,
    WRONG,
    Samples,
    parsed,
    picture_of,
    samples_in,
    samples_of,
)
from camvitals.records import Array, Face, InputError, Reading, Report
from camvitals.report.json_file import to_json
from camvitals.stream import Monitor, TraceMonitor
from camvitals.video.picture import Pictures

MONITOR_WORDS = ("window", "period", "method")
CLOSEST_S = 1 / 125
WARM_S, WARM_HZ = 12.0, 15.0
CALM_S = 0.05  # a message older than this says that others wait
LEAST_SHARE = 0.25  # of the time for messages, for reports when messages leave none


class Visit:
    """One visitor's monitor, and what is to be told of it."""

    def __init__(self, start: dict[str, Any], *, megapixels: float) -> None:
        self._start, self._megapixels = start, megapixels
        self._send, self._last, self._asked = start["send"], -math.inf, False
        self._pictures = Pictures(megapixels=megapixels)
        words = {name: start[name] for name in MONITOR_WORDS}
        self.monitor: Monitor
        if start["input"] == "traces":
            self.monitor = TraceMonitor(start["regions"], **words)
        else:
            self.monitor = Monitor(roi=start["roi"], skin=start["skin"], **words)
        self.monitor.paced = False

    def take(self, data: bytes) -> list[str]:
        """A picture or colours; what to tell of it."""
        if isinstance(self.monitor, TraceMonitor):
            regions = len(self.monitor.regions)
            return self._take_samples(samples_of(data, regions=regions, box=self._start["box"]))
        frame = picture_of(data, self._pictures, megapixels=self._megapixels)
        self._check_pace(frame.time)
        self.monitor.push_people(frame)
        return self._seen(frame.time)

    def hear(self, text: str) -> list[str]:
        """A message of words; what to tell of it."""
        message = parsed(text)
        if message["type"] == "now":
            if not self._asked:  # who asks again before the answer is there has that one
                self.monitor.begin()
            self._asked = True
            return []
        if message["type"] == "trace" and isinstance(self.monitor, TraceMonitor):
            return self._take_samples(samples_in(message, regions=len(self.monitor.regions)))
        raise InputError(f"no message {message['type'][:40]!r} here; see the protocol")

    def advance(self) -> list[str]:
        """Go on with the report in the making; what to tell when it is done."""
        return self._report(self.monitor.advance())

    def _take_samples(self, samples: Samples) -> list[str]:
        assert isinstance(self.monitor, TraceMonitor)
        for at, time in enumerate(samples.time.tolist()):
            self._check_pace(time)
            box = None if samples.box is None else tuple(samples.box[at].tolist())
            self.monitor.push_colours(samples.rgb[at], time, box=box)
        return self._seen(float(samples.time[-1]))

    def _check_pace(self, time: float) -> None:
        """Times that creep would fill the memory with a window that never ends."""
        if 0 < time - self._last < CLOSEST_S:
            raise InputError(
                f"times need to be {CLOSEST_S:g} s apart at least but were {time - self._last:.3g}"
            )
        self._last = time

    def _seen(self, time: float) -> list[str]:
        return [json.dumps({"type": "seen", "time": time})] if self._start["seen"] else []

    def _report(self, people: tuple[Report, ...]) -> list[str]:
        if not people:
            return []
        head: dict[str, Any] = {"type": "report", "asked": self._asked}
        self._asked = False
        if self._send == "report":
            return [f'{json.dumps(head)[:-1]}, "document": {to_json(people)}}}']
        trace = people[0].trace
        head |= {
            "time": None if trace is None else float(trace.time[-1]),
            "people": [_person(report, waves=self._send == "waves") for report in people],
            "faces": [_face(face) for face in self.monitor.faces],
        }
        return [json.dumps(head, allow_nan=False)]


class Worker:
    """Hears, answers, and goes on with reports when there is nothing to hear."""

    def __init__(
        self, source: BinaryIO, out: BinaryIO, *, megapixels: float, stale_s: float
    ) -> None:
        self._source, self._out = source, out
        self._megapixels, self._stale_s = megapixels, stale_s
        self._visits: dict[int, Visit] = {}
        self._making: deque[int] = deque()  # who has a report due or in the making, in turn
        self._owed_s = 0.0  # to reports, for messages that left no time to them

    def run(self) -> None:
        """Until nobody speaks any more."""
        self._say(READY, 0, 0.0, "")
        while True:
            while not self._heard() and self._go_on():
                pass
            heard = hear(self._source)
            if heard is None:
                return
            kind, number, stamp = HEAD.unpack_from(heard)
            begin = monotonic()
            self._answer(kind, number, stamp, heard[HEAD.size :])
            self._allow(begin, stamp)

    def _allow(self, begin: float, stamp: float) -> None:
        """One step of a report after a message, where no other has waited for long."""
        now = monotonic()
        self._owed_s = min(self._owed_s + LEAST_SHARE * (now - begin), CALM_S)
        if now - stamp < CALM_S:
            self._go_on()
        elif self._owed_s > 0:
            self._go_on()
            self._owed_s -= monotonic() - now

    def _heard(self) -> bool:
        return bool(select.select([self._source], [], [], 0)[0])

    def _go_on(self) -> bool:
        """One step of the first report in the making; False where there is none."""
        while self._making and not self._busy(self._making[0]):
            self._making.popleft()
        if not self._making:
            return False
        number = self._making[0]
        try:
            told = self._visits[number].advance()
        except Exception as error:
            told = [self._given_up(number, error)]
        if told:
            self._making.rotate(-1)
        for text in told:
            self._say(TOLD, number, 0.0, text)
        return True

    def _busy(self, number: int) -> bool:
        return number in self._visits and self._visits[number].monitor.busy

    def _answer(self, kind: int, number: int, stamp: float, data: bytes) -> None:
        if kind == CLOSE:
            self._visits.pop(number, None)
            return
        if kind != OPEN and monotonic() - stamp > self._stale_s:
            self._say(LATE, number, stamp, "")
            return
        try:
            told = self._told(kind, number, data)
        except InputError as error:
            self._say(WRONG, number, stamp, _wrong(error))
        except Exception as error:
            self._say(WRONG, number, stamp, self._given_up(number, error))
        else:
            for text in told[:-1]:
                self._say(TOLD, number, 0.0, text)
            self._say(DONE, number, stamp, told[-1] if told else "")

    def _told(self, kind: int, number: int, data: bytes) -> list[str]:
        if kind == OPEN:
            start = json.loads(data)
            self._visits[number] = Visit(start, megapixels=self._megapixels)
            return [json.dumps({"type": "started"} | start)]
        visit = self._visits.get(number)
        if visit is None:
            raise InputError("this monitor has ended; begin another")
        told = visit.take(data) if kind == BINARY else visit.hear(data.decode("utf-8", "replace"))
        if visit.monitor.busy and number not in self._making:
            self._making.append(number)
        return told

    def _given_up(self, number: int, error: Exception) -> str:
        """A fault that only this visitor is to feel; what to tell of it."""
        self._visits.pop(number, None)
        if isinstance(error, MemoryError):
            return _wrong("there is no memory left for this; come later")
        if isinstance(error, InputError):
            return _wrong(error)
        return _wrong(f"this is a fault of camvitals ({error!r:.200}); the monitor has ended")

    def _say(self, kind: int, number: int, stamp: float, told: str | None) -> None:
        say(self._out, HEAD.pack(kind, number, stamp) + (told or "").encode())


def warm_up() -> None:
    """Make one report of nothing much, so that the first visitor waits for no library."""
    import numpy as np

    monitor = TraceMonitor(["forehead", "skin"], window=WARM_S)
    noise: Array = np.random.default_rng(0).normal(100, 0.5, (round(WARM_S * WARM_HZ), 2, 3))
    for k, colours in enumerate(noise):
        monitor.push_colours(colours, k / WARM_HZ)
    monitor.now()


def _person(report: Report, *, waves: bool) -> dict[str, Any]:
    out: dict[str, Any] = {
        "person": report.person,
        "readings": [_reading(reading) for reading in report.readings],
        "capture": [asdict(finding) for finding in report.capture],
        "rate_hz": report.source.rate,
    }
    if waves:
        shown = [wave for wave in report.waves if wave.name in ("pulse", "breath")]
        (entry,) = json.loads(to_json([Report((), report.source, waves=tuple(shown))]))["reports"]
        out["waves"] = entry["waves"]
    return out


def _reading(reading: Reading) -> dict[str, Any]:
    return asdict(reading) | {"span": [float(t) for t in reading.span]}


def _face(face: Face) -> list[float]:
    return [round(float(edge), 1) for edge in face.box]


def _wrong(error: InputError | str) -> str:
    return json.dumps({"type": "error", "code": "bad_message", "message": str(error)})


def main() -> None:
    """Serve the monitors of one process: memory in MB, megapixels, seconds until it is stale."""
    out = mouth()
    memory_mb, megapixels, stale_s = map(float, sys.argv[1:4])
    bound(memory_mb=memory_mb, processor_s=None, written_mb=0.0)
    warm_up()
    source = ears()
    Worker(source, out, megapixels=megapixels, stale_s=stale_s).run()


if __name__ == "__main__":
    main()
