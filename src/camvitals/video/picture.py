"""Single pictures in memory: JPEG, PNG or WebP bytes in, a Frame out."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from camvitals.records import Frame, InputError
from camvitals.video.planes import frame_of

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"


class Pictures:
    """Decodes pictures one by one; a decoder of each kind is kept.

    megapixels: a picture that says to be larger is refused before anything is made room for.
    """

    def __init__(self, *, megapixels: float) -> None:
        self._most = round(megapixels * 1e6)
        self._decoders: dict[str, VideoCodecContext] = {}

    def frame(self, data: bytes, time: float) -> Frame:
        """The picture as a Frame. Raises InputError when it is none, damaged or too large."""
        from av import Packet
        from av.error import FFmpegError

        codec = kind_of(data)
        try:
            packet = Packet(data)
            packet.is_keyframe = True
            pictures = self._decoder(codec).decode(packet)
        except FFmpegError as error:
            self._decoders.pop(codec, None)
            raise InputError(
                f"a picture could not be decoded ({error.strerror or type(error).__name__}); send "
                f"whole pictures of at most {self._most / 1e6:g} megapixels"
            ) from None
        if not pictures or pictures[0].is_corrupt:
            raise InputError("a picture is damaged; send whole pictures")
        return frame_of(pictures[0], time)

    def _decoder(self, codec: str) -> VideoCodecContext:
        from av import CodecContext

        if codec not in self._decoders:
            # one thread: a picture must come out before the next goes in
            decoder = cast("VideoCodecContext", CodecContext.create(codec, "r"))
            decoder.thread_count = 1
            decoder.options = {"max_pixels": str(self._most)}
            self._decoders[codec] = decoder
        return self._decoders[codec]


def kind_of(data: bytes) -> str:
    """The decoder of these bytes, by what they begin with. Raises InputError for others."""
    if data.startswith(JPEG):
        return "mjpeg"
    if data.startswith(PNG):
        return "png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    raise InputError("a picture needs to be JPEG, PNG or WebP but these bytes are none of them")
