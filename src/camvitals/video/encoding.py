"""The encoders that videos are written with, and how each is told what is wanted of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from camvitals.records import InputError

# libx265 may swap so many pictures; of fewer it tells decoding times out of nowhere
REORDERED = 3
QUANTISERS = range(2, 32)


@dataclass(frozen=True, slots=True)
class Codec:
    """An encoder: its name, usual pixel format, ticks per second, and what its preset is called.

    crf, quality: whether it obeys these two.   least: rows and columns from which on it works, and
        always makes the same file of the same pictures.
    """

    encoder: str
    pixel_format: str = "yuv420p"
    ticks: int = 90_000
    preset: str = ""
    crf: bool = False
    quality: bool = False
    least: int = 1


CODECS = {
    "h264": Codec("libx264", preset="preset", crf=True),
    # libx265 codes blocks of 64 px: of narrower or lower pictures it overruns its memory, which
    # ends the whole process; of those just as wide it makes another file every time
    "hevc": Codec("libx265", preset="preset", crf=True, least=72),
    "vp9": Codec("libvpx-vp9", preset="cpu-used", crf=True),
    # MPEG-4 part 2 counts at most 65 535 ticks a second; 60 000 holds 29.97 exactly
    "mpeg4": Codec("mpeg4", ticks=60_000, quality=True),
    "mjpeg": Codec("mjpeg", "yuvj420p", quality=True),
    "ffv1": Codec("ffv1", "bgr0"),
}


class Encoding(TypedDict, total=False):
    """Further options of `write_video`.

    gop:          frames from one key frame to the next.
    preset:       the encoder's own: "ultrafast" … (h264, hevc), "0" … "8" (vp9).
    pixel_format: FFmpeg's name, such as yuv444p or yuv420p10le; sets depth and chroma.
    colour_space: bt601, bt709 or bt2020; by default bt709 from 720 rows on, else bt601.
    full_range:   luma over 0–255 instead of 16–235.
    rotation:     quarter turns [degrees counter-clockwise] that a player shall apply.
    threads:      of the encoder; 0 lets it choose.
    quality:      quantiser scale of mpeg4 and mjpeg, a whole number 2–31, small is good; 2 if
                  neither this nor bit_rate is given.
    """

    gop: int
    preset: str
    pixel_format: str
    colour_space: str
    full_range: bool
    rotation: int
    threads: int
    quality: int


def options_of(
    codec: Codec, quality: tuple[float | None, float | None], more: Encoding, *, brief: bool
) -> dict[str, str]:
    """What FFmpeg is told.

    quality: crf and bit_rate.   brief: whether there are fewer than REORDERED pictures.
    Raises InputError for what the encoder does not know.
    """
    crf, bit_rate = quality
    options: dict[str, str] = {}
    if crf is not None:
        if not codec.crf:
            raise InputError(f"{codec.encoder} has no crf; pass bit_rate= or use h264, hevc, vp9")
        if bit_rate is not None:
            raise InputError("write_video needs crf= or bit_rate=, not both; leave one out")
        options["crf"] = f"{crf:g}"
    if "preset" in more:
        if not codec.preset:
            raise InputError(f"{codec.encoder} has no preset; leave it out")
        options[codec.preset] = more["preset"]
    if codec.encoder == "libx264":
        # the first picture group of a process came out another way now and then with this on
        options["x264-params"] = "mbtree=0"
    if codec.encoder == "libx265":
        options["x265-params"] = "log-level=none" + (":bframes=0" if brief else "")
    if codec.encoder == "libvpx-vp9":
        options.setdefault("cpu-used", "4")
        options["row-mt"] = "1"
    return options | _quantiser(codec, bit_rate, more)


def _quantiser(codec: Codec, bit_rate: float | None, more: Encoding) -> dict[str, str]:
    """Constant quality of the encoders that know no crf."""
    wanted = more.get("quality")
    if wanted is None:
        # their own default of 200 kbit/s leaves nothing of a pulse
        wanted = 2 if codec.quality and bit_rate is None else None
    elif not codec.quality:
        raise InputError(f"{codec.encoder} has no quality; use mpeg4 or mjpeg, or pass crf=")
    elif bit_rate is not None:
        raise InputError("write_video needs quality= or bit_rate=, not both; leave one out")
    elif wanted not in QUANTISERS:
        raise InputError(f"quality needs a whole number 2–31 but is {wanted}; 2 is the best")
    return {} if wanted is None else {"qmin": str(wanted), "qmax": str(wanted)}
