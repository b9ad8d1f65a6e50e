"""Folders of pictures: the HeartRateNet layout, or any numbered pictures with a clock beside them.

Layout: SUBJECT/images/0000.bmp … and SUBJECT/image_timestamps.csv with columns ID, Time (UNIX
seconds), separated by commas, semicolons or white space; the pictures may also lie in SUBJECT.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

from camvitals.records import Array, Frame, InputError, check
from camvitals.video.clock import Clock
from camvitals.video.planes import frame_of, turns_of
from camvitals.video.reader import Facts
from camvitals.video.timing import at

if TYPE_CHECKING:
    from av import VideoFrame
    from av.video.codeccontext import VideoCodecContext

CLOCK_FILE = "image_timestamps.csv"
SUFFIXES = {".bmp", ".png", ".jpg", ".jpeg"}
DECODERS = {b"BM": "bmp", b"\x89PNG": "png", b"\xff\xd8": "mjpeg"}


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sorting key that puts 2.bmp before 10.bmp."""
    parts = re.findall(r"\d+|\D+", name.lower())
    return tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in parts)


def pictures_in(folder: Path) -> list[Path]:
    """The pictures of FOLDER/images, else of FOLDER, in natural order."""
    for place in (folder / "images", folder):
        if place.is_dir():
            found = [p for p in place.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file()]
            if found:
                return sorted(found, key=lambda p: natural(p.name))
    return []


def read_clock(path: Path) -> dict[str, float]:
    """ID -> seconds from an image_timestamps.csv; a time that is not a number becomes NaN."""
    rows: dict[str, float] = {}
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    lines = [re.split(r"[,;\s]+", line.strip()) for line in text.splitlines() if line.strip()]
    for number, row in enumerate(lines):
        heading = number == 0 and row[0].strip('"').lower() in {"id", "image", "frame"}
        if heading or len(row) < 2:
            continue
        try:
            rows[row[0].strip('"')] = float(row[1].strip('"'))
        except ValueError:
            rows[row[0].strip('"')] = math.nan
    if not rows:
        raise InputError(f"{path.name} needs rows of ID, Time but has none; write it or pass fps=")
    return rows


class FolderReader:
    """Decodes pictures one by one; those that cannot be read or have no time are left out.

    clock: times (T,) s or a rate [Hz] of the caller's, before image_timestamps.csv; or None.
    """

    def __init__(self, folder: Path, *, clock: Array | float | None) -> None:
        self._paths = pictures_in(folder)
        if not self._paths:
            raise InputError(
                f"{folder} needs pictures (png, jpg, bmp) in it or in images/ but has none; "
                "pass a video file or a folder of pictures"
            )
        self.tick = 0.0
        self.facts = Facts(folder.name or str(folder), claimed=len(self._paths))
        self._notes: list[str] = []
        self._unread: list[str] = []
        self._decoders: dict[str, VideoCodecContext] = {}
        self._times = self._find_times(folder, clock)

    def _find_times(self, folder: Path, clock: Array | float | None) -> list[float]:
        count = len(self._paths)
        if clock is not None:
            if not isinstance(clock, float):
                check("time", clock, (count,))
            return [at(clock, index) for index in range(count)]
        places = [folder / CLOCK_FILE, self._paths[0].parent / CLOCK_FILE]
        if folder.name == "images":
            places.append(folder.resolve().parent / CLOCK_FILE)
        found = next((place for place in places if place.is_file()), None)
        if found is None:
            raise InputError(
                f"{folder} has {count} pictures but no times; "
                f"pass fps= or put {CLOCK_FILE} (ID, Time) beside them"
            )
        return self._match(read_clock(found))

    def _match(self, rows: dict[str, float]) -> list[float]:
        """Times by name, by file name, or by number; pictures without a row are dropped."""
        numbered = {int(key): time for key, time in rows.items() if key.isdigit()}
        times, kept = [], []
        for path in self._paths:
            time = rows.get(path.stem, rows.get(path.name))
            digits = re.findall(r"\d+", path.stem)
            if time is None and digits:
                time = numbered.get(int(digits[-1]))
            if time is not None:
                times.append(time)
                kept.append(path)
        without, spare = len(self._paths) - len(kept), len(rows) - len(kept)
        if not kept:
            raise InputError(
                f"{CLOCK_FILE} names none of the pictures ({self._paths[0].name} …); "
                "its ID column needs the names of the pictures"
            )
        if without:
            self._notes.append(f"{without} pictures have no row in {CLOCK_FILE} and were left out")
        if spare > 0:
            self._notes.append(f"{spare} rows of {CLOCK_FILE} have no picture")
        self._paths = kept
        return times

    @property
    def expected(self) -> int | None:
        """Number of pictures with a time."""
        return len(self._paths)

    def frames(self) -> Iterator[Frame]:
        """Every picture that can be read, with its time."""
        for path, time in zip(self._paths, self._times, strict=True):
            picture = self._decode(path)
            if picture is None:
                self._unread.append(path.name) if len(self._unread) < 10**6 else None
                continue
            frame = frame_of(picture, time)
            if not self.facts.width:
                self.facts.width, self.facts.height = frame.width, frame.height
                self.facts.pixel_format = picture.format.name
                self.facts.rotation = 90 * turns_of(picture)
            yield frame
        if not self.facts.width:
            raise InputError(f"{self.facts.name} has no picture that can be read; copy it again")

    def _decode(self, path: Path) -> VideoFrame | None:
        from av import CodecContext, Packet
        from av.error import FFmpegError

        try:
            data = path.read_bytes()
            codec = next((c for magic, c in DECODERS.items() if data.startswith(magic)), None)
            if codec is None:
                return None
            if codec not in self._decoders:
                # one thread: a picture must come out before the next goes in
                decoder = cast("VideoCodecContext", CodecContext.create(codec, "r"))
                decoder.thread_count = 1
                self._decoders[codec] = decoder
            self.facts.codec = codec
            packet = Packet(data)
            packet.is_keyframe = True  # a PNG that is not one is added to the picture before it
            pictures = self._decoders[codec].decode(packet)
        except (FFmpegError, OSError):
            return None
        return pictures[0] if pictures and not pictures[0].is_corrupt else None

    def warnings(self, clock: Clock) -> list[str]:
        """Sentences about pictures without a time and pictures that could not be read."""
        del clock
        found = list(self._notes)
        if self._unread:
            found.append(
                f"{len(self._unread)} of {len(self._paths)} pictures could not be read "
                f"({self._unread[0]} …) and were left out"
            )
        return found

    def close(self) -> None:
        """Let go of the decoders."""
        self._decoders.clear()
