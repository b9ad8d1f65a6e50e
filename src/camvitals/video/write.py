"""Videos and picture folders written whole or not at all, every frame at its own time."""

from __future__ import annotations

import math
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack, cast

import numpy as np

from camvitals.records import Array, Frame, InputError, check
from camvitals.video.array import checked
from camvitals.video.encoding import CODECS, REORDERED, Codec, Encoding, options_of
from camvitals.video.folder import CLOCK_FILE
from camvitals.video.planes import converted

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import OutputContainer
    from av.video.codeccontext import VideoCodecContext
    from av.video.stream import VideoStream

SUFFIXES = {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi"}
# name -> code of ISO/IEC 23091-2, and libswscale's own
COLOUR_SPACES = {"bt601": (6, 5), "bt709": (1, 1), "bt2020": (9, 9)}
DAY_S = 86_400
HD_ROWS = 720


def write_video(
    path: str | os.PathLike[str],
    images: Iterable[object],
    *,
    time: Iterable[float] | None,
    codec: str = "h264",
    crf: float | None = None,
    bit_rate: float | None = None,
    **more: Unpack[Encoding],
) -> int:
    """Write images at their own times to a video file; returns how many.

    path:   ends in .mp4, .mkv, .webm, .mov or .avi (.avi holds one constant rate, gaps allowed).
    images: (T, H, W, 3) uint8 RGB, or an iterable of such images; with time=None, of
            (image, time) pairs or Frames.
    time:   (T,) s, increasing. A clock that starts within 0–24 h is kept, any other (UNIX
            seconds, .avi) is written from 0. Resolution: 11 µs in .mp4, 1 ms in .mkv and .webm.
    codec:  h264, hevc, vp9, mpeg4, mjpeg, ffv1 (lossless).
    crf:    constant quality of h264, hevc, vp9, small is good.   bit_rate: [bit/s].
    more:   see `Encoding`.
    The file appears whole when the last frame is written, or not at all. On one machine the same
    images, times and options give the same bytes.
    Raises InputError for images, times or options that cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"write_video needs {', '.join(sorted(SUFFIXES))} but got {path.name!r}")
    if codec not in CODECS:
        raise InputError(f"write_video has no codec {codec!r}; it has {', '.join(CODECS)}")
    if not path.absolute().parent.is_dir():
        raise InputError(f"there is no folder {path.parent} to write {path.name} in; make it first")
    part = path.with_name(f".{uuid.uuid4().hex[:8]}-{path.name}")
    try:
        frames = _timed(images, time)
        head = list(islice(frames, REORDERED))
        if not head:
            raise InputError("write_video needs at least one image but got none")
        writer = _Writer(part, head, CODECS[codec], (crf, bit_rate), more)
        count = writer.write(chain(head, frames))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return count


def _timed(images: Iterable[object], time: Iterable[float] | None) -> Iterator[tuple[Array, float]]:
    """(image, time) pairs, times checked to increase."""
    last, end = -math.inf, object()
    clock = None if time is None else iter(time)
    for item in images:
        if isinstance(item, Frame):
            image, stamp = item.rgb(), item.time
        elif clock is None:
            if not (isinstance(item, tuple) and len(item) == 2):
                raise InputError("time=None needs (image, time) pairs or Frames; pass time=")
            image, stamp = checked(item[0]), float(item[1])
        else:
            image, stamp = checked(item), math.nan
        if clock is not None:
            given: Any = next(clock, end)
            if given is end:
                raise InputError("there are more images than times; give one time per image")
            stamp = float(given)
        if not last < stamp < math.inf:
            raise InputError(
                f"times must increase but {stamp:.6g} s follows {last:.6g} s; sort them"
            )
        last = stamp
        yield image, stamp
    if clock is not None and next(clock, end) is not end:
        raise InputError("there are more times than images; give one time per image")


class _Writer:
    """One output file from its first images on, three where there are so many."""

    def __init__(
        self,
        path: Path,
        head: list[tuple[Array, float]],
        codec: Codec,
        quality: tuple[float | None, float | None],
        more: Encoding,
    ) -> None:
        image, first = head[0]
        self._shape = image.shape
        # a lone picture has no rate; one second is as good as any
        interval = head[1][1] - first if len(head) > 1 else 1.0
        self._rate = Fraction(1 / interval).limit_denominator(1001) or Fraction(1, 1000)
        self._constant = path.suffix.lower() == ".avi"
        self._is_mp4 = path.suffix.lower() in {".mp4", ".m4v", ".mov"}
        self._base = 1 / self._rate if self._constant else Fraction(1, codec.ticks)
        self._origin = 0.0 if 0 <= first < DAY_S and not self._constant else first
        self._pixels = more.get("pixel_format", codec.pixel_format)
        space = more.get("colour_space", "bt709" if image.shape[0] >= HD_ROWS else "bt601")
        if space not in COLOUR_SPACES:
            raise InputError(f"colour_space needs {', '.join(COLOUR_SPACES)} but is {space!r}")
        self._full = more.get("full_range", False) or self._pixels.startswith("yuvj")
        self._space = COLOUR_SPACES[space]
        self._path, self._codec, self._more = path, codec, more
        self._options = options_of(codec, quality, more, brief=len(head) < REORDERED)
        self._bit_rate = quality[1]
        self._check_size()

    def _check_size(self) -> None:
        rows, columns = self._shape[:2]
        if min(rows, columns) < self._codec.least:
            raise InputError(
                f"{self._codec.encoder} needs images of {self._codec.least}×{self._codec.least} or "
                f"more but they are {columns}×{rows}; enlarge them or use h264"
            )
        odd = (columns % 2 and "444" not in self._pixels) or (rows % 2 and "420" in self._pixels)
        if odd and self._codec.encoder in {"libx264", "libx265"} and "yuv" in self._pixels:
            raise InputError(
                f"{self._pixels} needs an even size but the images are {columns}×{rows}; "
                "crop them or pass pixel_format='yuv444p'"
            )

    def write(self, frames: Iterator[tuple[Array, float]]) -> int:
        """Encode all frames; returns how many."""
        import av

        try:
            more = {"fflags": "+bitexact"}  # no random identity, no date
            if self._is_mp4:
                # the default of 1 ms would shift a clock that does not start at zero
                more["movie_timescale"] = str(self._codec.ticks)
            with av.open(str(self._path), "w", options=more) as container:
                stream = self._add_stream(container)
                return self._encode(container, stream, frames)
        except (av.error.FFmpegError, av.codec.codec.UnknownCodecError) as error:
            raise InputError(
                f"{self._codec.encoder} cannot write {self._pixels} at "
                f"{self._shape[1]}×{self._shape[0]} ({error}); try another codec or pixel_format"
            ) from error

    def _add_stream(self, container: OutputContainer) -> VideoStream:
        try:
            added = container.add_stream(self._codec.encoder, self._rate, options=self._options)
        except ValueError as error:
            raise InputError(f"{self._path.suffix} cannot hold this codec ({error})") from None
        stream = cast("VideoStream", added)
        context = stream.codec_context
        context.height, context.width = self._shape[:2]
        try:
            context.pix_fmt = self._pixels
        except ValueError:
            raise InputError(
                f"FFmpeg knows no pixel format {self._pixels!r}; try yuv420p"
            ) from None
        context.time_base = self._base
        context.thread_count = self._more.get("threads", 0)
        if "gop" in self._more:
            context.gop_size = self._more["gop"]
        if self._bit_rate:
            context.bit_rate = round(self._bit_rate)
        if self._pixels.startswith(("yuv", "nv", "p0", "gray")):
            context.color_range = 2 if self._full else 1
            context.colorspace = self._space[0]
        self._rotate(stream)
        return stream

    def _rotate(self, stream: VideoStream) -> None:
        rotation = self._more.get("rotation", 0)
        if rotation % 90:
            raise InputError(f"rotation needs a multiple of 90 degrees but is {rotation}")
        if rotation % 360 == 0:
            return
        if not (self._is_mp4 or self._path.suffix.lower() == ".mkv"):
            raise InputError(f"{self._path.suffix} holds no rotation; use .mp4 or turn the images")
        stream.set_display_rotation(rotation)

    def _encode(
        self,
        container: OutputContainer,
        stream: VideoStream,
        frames: Iterator[tuple[Array, float]],
    ) -> int:
        count, nominal = 0, max(1, round(1 / (self._rate * self._base)))
        last: tuple[Any, float] = (None, math.inf)
        for (image, time), (_, following) in pairwise(chain(frames, [last])):
            picture = self._picture(image)
            picture.pts = self._stamp(time)
            ends = math.isinf(following)
            picture.duration = nominal if ends else self._stamp(following) - picture.pts
            container.mux(stream.encode(picture))
            count += 1
        container.mux(stream.encode(None))
        return count

    def _stamp(self, time: float) -> int:
        ticks = (time - self._origin) / float(self._base)
        if self._constant and abs(ticks - round(ticks)) > 0.1:
            raise InputError(
                f".avi holds only one constant rate, {float(self._rate):.4g} frames per second "
                f"here, and {time:.4f} s does not fit; write .mp4 or .mkv"
            )
        return round(ticks)

    def _picture(self, image: Array) -> VideoFrame:
        from av import VideoFrame
        from av.video.reformatter import Interpolation

        check("image", image, self._shape)
        picture = VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        picture = converted(
            picture,
            format=self._pixels,
            dst_colorspace=self._space[1],
            src_color_range=2,
            dst_color_range=2 if self._full or not self._pixels.startswith("yuv") else 1,
            interpolation=int(Interpolation.AREA | Interpolation.ACCURATE_RND),
        )
        picture.time_base = self._base
        return picture


def write_images(
    folder: str | os.PathLike[str],
    images: Iterable[object],
    *,
    time: Iterable[float] | None,
    codec: str = "bmp",
) -> int:
    """Write the HeartRateNet layout: images/0000.bmp … and image_timestamps.csv; returns how many.

    folder: made here; must not exist or be empty.   images, time: as in `write_video`; times may
    be UNIX seconds and are written in full.   codec: bmp or png.
    The folder appears whole or not at all. Raises InputError as `write_video` does.
    """
    folder = Path(folder)
    if codec not in {"bmp", "png"}:
        raise InputError(f"write_images needs codec bmp or png but got {codec!r}")
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise InputError(f"{folder} is there already and not empty; choose another folder")
    part = folder.with_name(f".{uuid.uuid4().hex[:8]}-{folder.name}")
    (part / "images").mkdir(parents=True)
    try:
        count = _write_pictures(part, _timed(images, time), codec)
        if count == 0:
            raise InputError("write_images needs at least one image but got none")
        if folder.exists():
            folder.rmdir()
        part.replace(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return count


def _write_pictures(part: Path, frames: Iterator[tuple[Array, float]], codec: str) -> int:
    count = 0
    with (part / CLOCK_FILE).open("w", encoding="utf-8") as clock:
        clock.write("ID,Time\n")
        for image, time in frames:
            (part / "images" / f"{count:04d}.{codec}").write_bytes(picture_bytes(image, codec))
            clock.write(f"{count:04d},{time:.6f}\n")
            count += 1
    return count


def picture_bytes(image: Array, codec: str) -> bytes:
    """An (H, W, 3) uint8 RGB image as a bmp or png file."""
    from av import CodecContext, VideoFrame

    context = cast("VideoCodecContext", CodecContext.create(codec, "w"))
    context.height, context.width = image.shape[:2]
    context.pix_fmt = "bgr24" if codec == "bmp" else "rgb24"
    context.time_base = Fraction(1, 1)
    picture = VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
    picture = converted(picture, format=context.pix_fmt)
    picture.pts = 0
    packets = [*context.encode(picture), *context.encode(None)]
    return b"".join(bytes(packet) for packet in packets)
