"""What a file of somebody else's claims to be, before any picture of it is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from camvitals.records import InputError
from camvitals.video.container import video_stream

# containers of recordings; none that names other files or addresses to be opened
FORMATS = ("mov", "mp4", "matroska", "webm", "avi", "asf", "ogg", "mpegts", "mpeg", "flv", "gif")


@dataclass(frozen=True, slots=True)
class Claims:
    """Width and height [px], duration [s] or None, and the name of the format."""

    width: int
    height: int
    duration: float | None
    format: str


def probe(path: Path, *, name: str, megapixels: float) -> Claims:
    """What the container at a path says of its pictures.

    name: what the file is called in messages.
    megapixels: larger pictures are refused.
    Only FORMATS are opened, as a playlist would have other files and addresses opened too.
    Raises InputError for another format, for no video, and for too large pictures.
    """
    import av

    most = round(megapixels * 1e6)
    try:
        container = av.open(
            f"file:{path.resolve()}",
            options={"format_whitelist": ",".join(FORMATS), "protocol_whitelist": "file"},
            metadata_errors="replace",
        )
    except (av.error.FFmpegError, OverflowError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise InputError(
            f"{name} is no recording that can be read here ({why}); send mp4, mov, webm, mkv or avi"
        ) from None
    with container:
        context = video_stream(container, name).codec_context
        width, height = context.width, context.height
        if width * height > most:
            raise InputError(
                f"{name} has pictures of {width}×{height}, more than {megapixels:g} megapixels; "
                "make it smaller"
            )
        seconds = container.duration / 1e6 if container.duration else None
        return Claims(width, height, seconds, container.format.name)
