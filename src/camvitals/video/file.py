"""Video files (and finite files behind a URL): presentation times, damaged frames left out."""

from __future__ import annotations

import heapq
import math
import re
from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING, cast

from camvitals.records import Array, Frame, InputError
from camvitals.video.clock import Clock
from camvitals.video.container import video_stream
from camvitals.video.planes import LUMA_WEIGHTS, UNSPECIFIED, frame_of, turns_of
from camvitals.video.reader import Facts
from camvitals.video.timing import at

if TYPE_CHECKING:
    from av import Packet, VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

# elementary streams: FFmpeg invents their times
CLOCKLESS = {"h264", "hevc", "vvc", "m4v", "mpegvideo", "mjpeg", "rawvideo", "obu", "av1", "h263"}
DEMUX_ERRORS = 16
SHORT_FRAMES, SHORT_S = 2, 0.25


class FileReader:
    """Decodes one container.

    clock: times (T,) s or a rate [Hz] of the caller's that replace the container's; or None.
    Raises InputError when not one picture can be decoded.
    """

    def __init__(
        self, container: InputContainer, *, name: str, clock: Array | float | None
    ) -> None:
        self._container, self._given = container, clock
        try:
            self._stream = stream = video_stream(container, name)
            self._sound = [s for s in container.streams if s.type == "audio"]
            self.facts = Facts(name, codec=stream.codec_context.name)
            self.facts.claimed = stream.frames or None
            declared = stream.bit_rate or (container.bit_rate if not self._sound else None)
            self.facts.bit_rate = float(declared) if declared else None
            self.tick = float(stream.time_base or 0) if clock is None else 0.0
            self._rate = float(stream.guessed_rate or stream.average_rate or 0)
            # a closed container must not be asked, so that all that it claims is noted here
            self._start = float((stream.start_time or 0) * (stream.time_base or 0))
            self._lasts = _lasting(stream)
            self._whole = container.duration / 1e6 if container.duration else None
            self._timeless = container.format.name in CLOCKLESS
            self._positions = Positions(stream) if container.format.name == "avi" else None
            reorders = self._positions is not None and stream.codec_context.has_b_frames
            self._due: list[int] | None = [] if reorders else None
            self._shown = self._damaged = self._discarded = self._guessed = self._bytes = 0
            self._sound_end = self._timed = self._latest = -math.inf
            self._ended = self._closed = False
            self._notes: list[str] = []
            self._pictures = self._decode()
            self._first = next(self._pictures, None)
            if self._first is None:
                raise InputError(
                    f"{name} holds no picture that can be decoded; record or copy it again"
                )
            self._describe(self._first)
        except BaseException:
            container.close()
            raise

    @property
    def expected(self) -> int | None:
        """Frames that the container counts, else its duration times its rate, else None."""
        if self.facts.claimed:
            return self.facts.claimed
        seconds = self._claimed_seconds()
        return round(seconds * self._rate) or None if seconds else None

    def frames(self) -> Iterator[Frame]:
        """Every whole picture with its presentation time."""
        picture, self._first = self._first, None
        begin = math.nan
        while picture is not None and not self._closed:
            frame = frame_of(picture, self._time_of(picture))
            begin = frame.time if math.isnan(begin) else begin
            yield frame
            picture = next(self._pictures, None)
        if self.facts.bit_rate is None and self._timed > begin:
            self.facts.bit_rate = 8 * self._bytes / (self._timed - begin)

    def close(self) -> None:
        """Close the container."""
        self._closed = True
        self._first = None
        self._pictures.close()
        self._container.close()

    def warnings(self, clock: Clock) -> list[str]:
        """Sentences about damage, a missing end, and times that were not the file's own."""
        found = list(self._notes)
        total = self._shown + self._damaged
        if self._guessed:
            found.append(
                f"the file gives no time for {self._guessed} of {total} frames; its nominal "
                f"{self._rate:.4g} frames per second were used; pass fps= or time= to replace them"
            )
        ended = self._ended and self._missing_end(clock)
        if ended:
            found.append(ended)
        if self._damaged:
            found.append(f"{self._damaged} of {total} frames were damaged and left out")
        return found

    def _missing_end(self, clock: Clock) -> str:
        claimed = (self.facts.claimed or 0) - self._discarded
        lost = claimed - self._shown - self._damaged
        seconds = self._claimed_seconds() if self._given is None else None
        rate = clock.rate or self._rate or 1.0
        end = clock.last - min(self._start, clock.first) + 1 / rate
        # the container's own duration may include a sound that starts or ends a little apart
        slack = (SHORT_FRAMES + 0.5) / rate
        if self._lasts is None and self._sound:
            slack = max(slack, SHORT_S)
        # some containers count their duration from their first time, some from zero
        short = seconds is not None and seconds - max(end, self._latest + 1 / rate) > slack
        if self.facts.claimed and lost <= SHORT_FRAMES:
            short = False
        if not short and lost <= SHORT_FRAMES:
            return ""
        of = f" of {seconds:.1f} s" if seconds and short else " s"
        frames = f"{self._shown} of {claimed} frames" if claimed > 0 else f"{self._shown} frames"
        return f"the file ends after {end:.1f}{of} ({frames}); the rest could not be decoded"

    def _claimed_seconds(self) -> float | None:
        """Duration of the video stream [s]; the container's only when the sound is not longer."""
        if self._lasts is not None or self._whole is None:
            return self._lasts
        return None if self._sound_end > self._whole - 2 * SHORT_S else self._whole

    def _describe(self, picture: VideoFrame) -> None:
        facts = self.facts
        facts.pixel_format = picture.format.name
        turns = turns_of(picture)
        facts.rotation = 90 * turns
        facts.width, facts.height = picture.width, picture.height
        if turns % 2:
            facts.width, facts.height = facts.height, facts.width
        if picture.colorspace not in LUMA_WEIGHTS and picture.colorspace not in (0, UNSPECIFIED):
            self._notes.append(
                f"colour matrix {picture.colorspace} of the file is not known; colours are a guess"
            )
        self._size = picture.width, picture.height
        given = self._given
        if isinstance(given, float) and self._rate and abs(given / self._rate - 1) > 0.01:
            self._notes.append(
                f"fps={given:g} replaces the file's own {self._rate:.4g} frames per second"
            )

    def _time_of(self, picture: VideoFrame) -> float:
        """Presentation time, else decoding time, else the last time plus one nominal interval."""
        base = picture.time_base or self._stream.time_base
        stamp = picture.pts if picture.pts is not None else picture.dts
        index = self._shown + self._damaged - 1
        if (picture.width, picture.height) != self._size:
            self._size = picture.width, picture.height
            self._notes.append(
                f"the picture size changes to {picture.width}×{picture.height} at frame {index}"
            )
        if self._given is not None:
            time = at(self._given, index)
        elif stamp is not None and base is not None and not self._timeless:
            time = stamp * base.numerator / base.denominator  # as Fraction rounds, but faster
        elif self._rate:
            self._guessed += 1
            time = self._timed + 1 / self._rate if math.isfinite(self._timed) else 0.0
        else:
            raise InputError(f"{self.facts.name} gives no times and no frame rate; pass fps=")
        self._timed = time
        self._latest = max(self._latest, time)
        return time

    def _decode(self) -> Generator[VideoFrame, None, None]:
        """Whole pictures in presentation order; what cannot be decoded is counted."""
        from av.error import FFmpegError

        for packet in self._packets():
            self._bytes += packet.size
            self._discarded += packet.is_discard
            try:
                pictures = self._stream.decode(packet)
            except FFmpegError:
                self._damaged += 1
                continue
            self._set_due(packet, pictures)
            for picture in pictures:
                if picture.is_corrupt:
                    self._damaged += 1
                else:
                    self._shown += 1
                    yield picture
        self._ended = True

    def _set_due(self, packet: Packet[VideoStream], pictures: Sequence[VideoFrame]) -> None:
        """AVI stores when a picture is decoded: each shown one takes the next time."""
        if self._due is None:
            return
        if packet.dts is not None and packet.size:
            heapq.heappush(self._due, packet.dts)
        for picture in pictures:
            picture.pts = heapq.heappop(self._due) if self._due else None

    def _packets(self) -> Iterator[Packet[VideoStream]]:
        """Packets of the picture stream; a fault of the container is stepped over a few times."""
        from av.error import FFmpegError

        wanted, faults = self._stream.index, 0
        while faults < DEMUX_ERRORS:
            try:
                for packet in self._container.demux(self._stream, *self._sound):
                    # an empty, flushing packet knows its stream but not the number of it
                    if packet.stream.index == wanted:
                        picture = cast("Packet[VideoStream]", packet)
                        if self._positions is not None:
                            self._damaged += self._positions.correct(picture)
                        yield picture
                    elif packet.pts is not None:
                        self._sound_end = max(self._sound_end, float(packet.pts * packet.time_base))
                return
            except FFmpegError:
                faults += 1


class Positions:
    """AVI counts frames to tell the time, so that lost ones make it late: its index knows better.

    An entry of the index points to the header of 8 bytes before the packet's own bytes.
    """

    def __init__(self, stream: VideoStream) -> None:
        self._entries = stream.index_entries
        self._next = self._late = 0

    def correct(self, packet: Packet[VideoStream]) -> int:
        """Set the packet's stamps by its place in the file; returns how many were lost before."""
        start, entries = packet.pos, self._entries
        if start is None:
            return 0
        while self._next < len(entries) and entries[self._next].pos + 8 < start:
            self._next += 1
        lost = 0
        if self._next < len(entries) and packet.dts is not None:
            entry = entries[self._next]
            if entry.pos + 8 == start:
                late = entry.timestamp - packet.dts
                lost, self._late = max(0, late - self._late), late
        if self._late and packet.dts is not None:
            packet.dts += self._late
            packet.pts = None if packet.pts is None else packet.pts + self._late
        return lost


def _lasting(stream: VideoStream) -> float | None:
    """Duration that the container claims for one stream [s]; Matroska writes it as a tag."""
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    tag = next((v for k, v in stream.metadata.items() if k.upper().startswith("DURATION")), "")
    parts = re.fullmatch(r"(\d+):(\d+):(\d+(?:\.\d+)?)", tag.strip(), re.ASCII)
    return int(parts[1]) * 3600 + int(parts[2]) * 60 + float(parts[3]) if parts else None
