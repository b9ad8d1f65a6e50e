"""Cameras and live streams: frames at their arrival times, old ones dropped when we are late."""

from __future__ import annotations

import math
import queue
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from camvitals.records import Frame, InputError
from camvitals.video.clock import Clock
from camvitals.video.container import open_container, video_stream
from camvitals.video.planes import frame_of
from camvitals.video.reader import Facts

if TYPE_CHECKING:
    from av import Packet
    from av.container import InputContainer

WAITING = 16
BURST = 60
TIMEOUT_S = (10.0, 5.0)


def open_camera(device: str, *, fps: float | None) -> InputContainer:
    """The container of a Video4Linux device; fps is what the camera is asked for [Hz]."""
    if not sys.platform.startswith("linux"):
        raise InputError(
            f"camera {device} needs Video4Linux, which this system lacks; pass the URL of a stream"
        )
    if not Path(device).exists():
        others = ", ".join(sorted(str(p) for p in Path("/dev").glob("video*"))) or "none"
        raise InputError(
            f"there is no camera at {device} (found: {others}); connect it or name one"
        )
    options = {} if fps is None else {"framerate": f"{fps:g}"}
    return open_container(
        device, name=device, format="video4linux2,v4l2", options=options, timeout=TIMEOUT_S
    )


class LiveReader:
    """Reads a live container in a thread of its own, so that arrival times stay true.

    Times are `time.monotonic` [s] at the arrival of the compressed picture. At most 16 pictures
    wait; when the consumer is slower than the camera the oldest are dropped and counted.
    """

    def __init__(self, container: InputContainer, *, name: str) -> None:
        self._container = container
        try:
            self._stream = stream = video_stream(container, name)
        except BaseException:
            container.close()
            raise
        # frame threads would hold pictures back
        stream.thread_type = "SLICE"
        context = stream.codec_context
        self.tick = 0.0
        self.facts = Facts(name, context.width, context.height, codec=context.name)
        self.facts.pixel_format = context.pix_fmt or ""
        self._queue: queue.Queue[Frame | None] = queue.Queue(WAITING)
        self._stop = threading.Event()
        self._late = self._damaged = self._burst = 0
        self._before = math.nan, math.nan
        self._error = ""
        self._thread = threading.Thread(target=self._run, name="camvitals-camera", daemon=True)

    @property
    def expected(self) -> int | None:
        """A camera has no end."""
        return None

    def frames(self) -> Iterator[Frame]:
        """Pictures as they arrive, until the stream ends or `close` is called."""
        if not self._stop.is_set():
            self._thread.start()
        while not self._stop.is_set():
            frame = self._queue.get()
            if frame is None:
                break
            self.facts.width, self.facts.height = frame.width, frame.height
            yield frame

    def _run(self) -> None:
        from av.error import FFmpegError

        try:
            self._read()
        except FFmpegError as error:
            self._error = error.strerror or type(error).__name__
        finally:
            self._container.close()
            self._put(None)

    def _read(self) -> None:
        from av.error import FFmpegError

        for packet in self._container.demux(self._stream):
            arrival = monotonic()
            if self._stop.is_set():
                return
            try:
                pictures = self._stream.decode(packet)
            except FFmpegError:
                self._damaged += 1
                continue
            # what comes out when the stream ends arrived long ago
            if packet.size == 0 or not pictures or self._queued(packet, arrival):
                continue
            if pictures[0].is_corrupt:
                self._damaged += 1
            else:
                self._put(frame_of(pictures[0], arrival))

    def _queued(self, packet: Packet[Any], arrival: float) -> bool:
        """True for what piled up while the stream was opened and now arrives all at once.

        Its arrival times are not true; it ends with the first interval that is at least half of
        the one between the stamps.
        """
        if self._burst >= BURST or packet.pts is None:
            return False
        stamp = float(packet.pts * packet.time_base)
        before, self._before = self._before, (arrival, stamp)
        if arrival - before[0] < 0.5 * (stamp - before[1]) or math.isnan(before[0]):
            self._burst += 1
            return True
        self._burst = BURST
        return False

    def _put(self, frame: Frame | None) -> None:
        while True:
            try:
                self._queue.put_nowait(frame)
                return
            except queue.Full:
                try:
                    self._queue.get_nowait()
                    self._late += frame is not None
                except queue.Empty:
                    continue

    def warnings(self, clock: Clock) -> list[str]:
        """Sentences about dropped and damaged pictures, and a stream that broke off."""
        found = []
        if self._late:
            found.append(
                f"{self._late} pictures were dropped because they arrived faster than they were "
                "used; lower the frame rate or the picture size"
            )
        if self._damaged:
            found.append(f"{self._damaged} pictures arrived damaged and were left out")
        if self._error:
            found.append(f"the stream broke off after {clock.duration:.1f} s ({self._error})")
        return found

    def close(self) -> None:
        """Stop the camera; a loop waiting for the next picture ends."""
        self._stop.set()
        if self._thread.ident is None:
            self._container.close()
            return
        self._put(None)
        if self._thread is not threading.current_thread():
            self._thread.join(timeout=sum(TIMEOUT_S))
