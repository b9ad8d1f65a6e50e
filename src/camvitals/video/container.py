"""Opening containers with PyAV: which stream, and one line when it cannot be read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from camvitals.records import InputError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

# demuxers that make "pictures" of any text
TEXT_FORMATS = {"tty", "bin", "idf", "xbin", "adf", "aqtitle", "subviewer", "srt", "webvtt"}


def open_container(
    address: str,
    *,
    name: str,
    format: str | None = None,
    options: dict[str, str] | None = None,
    timeout: tuple[float, float] | None = None,
) -> InputContainer:
    """The open container at a path, URL or device; InputError with the reason if it cannot be."""
    import av

    try:
        return av.open(
            address,
            "r",
            format=format,
            options=options,
            timeout=timeout,
            metadata_errors="replace",
        )
    except av.error.FFmpegError as error:
        why = error.strerror or type(error).__name__
        raise InputError(_remedy(address, name, why)) from None


def _remedy(address: str, name: str, why: str) -> str:
    path = Path(address.removeprefix("file:"))
    if not address.startswith("file:") or not path.is_file():
        return f"{name} cannot be opened ({why}); check that it is there and may be read"
    with path.open("rb") as file:
        head = file.read(12)
    if head[4:8] == b"ftyp":
        return (
            f"{name} has no index that can be read, as when a recording is cut off before its end; "
            "record or copy it again"
        )
    return f"{name} is not a video that can be read ({why}); pass a video file"


def video_stream(container: InputContainer, name: str) -> VideoStream:
    """The video stream to read, decoder threads on; InputError when there is none."""
    from av.stream import Disposition

    kinds = sorted({stream.type for stream in container.streams})
    moving = [
        stream
        for stream in container.streams.video
        if Disposition.attached_pic not in stream.disposition
    ]
    if container.format.name in TEXT_FORMATS:
        raise InputError(f"{name} is text, not video; pass a video file")
    if not moving:
        given = "only " + " and ".join(kinds) if kinds else "nothing"
        raise InputError(
            f"{name} needs a video stream but holds {given}; pass a recording of a face"
        )
    best = container.streams.best("video")
    stream = next((s for s in moving if best is not None and s.index == best.index), moving[0])
    if stream.codec_context is None:
        raise InputError(
            f"{name} is coded in a way that this FFmpeg cannot decode; convert to H.264"
        )
    stream.thread_type = "AUTO"
    return stream
