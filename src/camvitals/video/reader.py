"""Video: frames in increasing time from any reader, and the facts measured on the way."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

from camvitals.dsp.clean import GAP_S
from camvitals.records import Frame, InputError, Source
from camvitals.video.clock import Clock
from camvitals.video.memory import EVERY_FRAMES, hand_back

LEAP_S = 10.0


@dataclass(slots=True)
class Facts:
    """What a reader knows about its pictures; sizes are upright."""

    name: str
    width: int = 0
    height: int = 0
    claimed: int | None = None
    codec: str = ""
    pixel_format: str = ""
    bit_rate: float | None = None
    rotation: int = 0


class Reader(Protocol):
    """A kind of source. `tick` is the resolution of its times [s]."""

    tick: float
    facts: Facts

    @property
    def expected(self) -> int | None:
        """Frames to come in all, for progress; None when endless or not known."""

    def frames(self) -> Iterator[Frame]:
        """Pictures in the order of the source, with whatever times it gives."""

    def warnings(self, clock: Clock) -> list[str]:
        """Sentences about what went wrong in this source."""

    def close(self) -> None:
        """Let go of file or device; the frames already given stay valid."""


class Video:
    """Frames of one recording in strictly increasing time; read once, in a `with` block.

    Frames whose time repeats, goes back or is not finite are left out and counted. `source` holds
    the facts so far and is complete after the last frame.
    stop: seconds of video after the first frame to read, None for all.
    """

    def __init__(self, reader: Reader, *, stop: float | None = None) -> None:
        if stop is not None and not stop > 0:
            raise InputError(f"stop needs seconds > 0 but got {stop}; leave it out to read all")
        self._reader = reader
        self._stop = math.inf if stop is None else stop
        self._clock = Clock(reader.tick)
        self._dropped = 0
        self._closed = False
        self._frames = self._increasing()

    def __enter__(self) -> Video:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        if self._closed:
            raise StopIteration
        frame = next(self._frames)
        clock = self._clock
        if clock.frames and frame.time - clock.first >= self._stop:
            self.close()
            raise StopIteration
        clock.add(frame.time)
        if clock.frames % EVERY_FRAMES == 0:
            hand_back()
        return frame

    def _increasing(self) -> Iterator[Frame]:
        """One wild time must not cost all frames after it: a leap waits for its successor."""
        last, held = -math.inf, None
        for frame in self._reader.frames():
            if not last < frame.time < math.inf:
                self._dropped += 1
                continue
            if held is not None:
                if frame.time > held.time:
                    last = held.time
                    yield held
                else:
                    self._dropped += 1
                held = None
            if frame.time - last > LEAP_S:
                held = frame
                continue
            last = frame.time
            yield frame
        if held is not None:
            yield held

    @property
    def expected(self) -> int | None:
        """Frames that the source promises, for progress; None when it does not say."""
        return self._reader.expected

    @property
    def source(self) -> Source:
        """The facts of the recording so far; complete after the last frame."""
        clock, facts = self._clock, self._reader.facts
        warnings = self._reader.warnings(clock)
        if self._dropped:
            warnings.append(
                f"{self._dropped} of {self._dropped + clock.frames} frames came with a time that "
                "repeats, goes back or is not a number; they were left out"
            )
        if clock.gaps:
            warnings.append(
                f"gaps longer than {GAP_S:g} s between frames: {clock.gaps} "
                f"({clock.missing:.1f} s in all)"
            )
        return Source(
            name=facts.name,
            width=facts.width,
            height=facts.height,
            frames=clock.frames,
            claimed=facts.claimed,
            duration=clock.duration,
            rate=clock.rate,
            jitter=clock.jitter,
            codec=facts.codec,
            pixel_format=facts.pixel_format,
            bit_rate=facts.bit_rate,
            rotation=facts.rotation,
            warnings=tuple(warnings),
        )

    def close(self) -> None:
        """End the reading; a loop over the frames ends. Frames already given stay valid."""
        self._closed = True
        self._reader.close()
