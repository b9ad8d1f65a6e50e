"""Single pictures from bytes, and what a file claims before any picture is decoded."""

import struct
import zlib
from fractions import Fraction

import numpy as np
import pytest
from av import CodecContext, VideoFrame

from camvitals import InputError
from camvitals.video import write_video
from camvitals.video.picture import Pictures
from camvitals.video.probe import probe
from camvitals.video.write import picture_bytes

IMAGE = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
FLAT = np.full((48, 64, 3), (200, 120, 90), np.uint8)


def coded(image, codec, pixels):
    context = CodecContext.create(codec, "w")
    context.height, context.width = image.shape[:2]
    context.pix_fmt, context.time_base = pixels, Fraction(1, 1)
    frame = VideoFrame.from_ndarray(image, format="rgb24").reformat(format=pixels)
    frame.pts = 0
    return b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)])


def test_a_png_is_what_was_drawn():
    frame = Pictures(megapixels=1).frame(picture_bytes(IMAGE, "png"), 2.5)
    assert frame.time == 2.5
    assert np.array_equal(frame.rgb(), IMAGE)


@pytest.mark.parametrize(("codec", "pixels"), [("mjpeg", "yuvj420p"), ("libwebp", "yuv420p")])
def test_lossy_pictures_keep_their_colour(codec, pixels):
    pictures = Pictures(megapixels=1)
    for _ in range(3):
        frame = pictures.frame(coded(FLAT, codec, pixels), 0.0)
        assert np.abs(frame.rgb().astype(int) - FLAT).max() < 6


def test_kinds_and_sizes_may_change():
    pictures = Pictures(megapixels=1)
    for image in (IMAGE, IMAGE[:20, :30], IMAGE):
        for data in (picture_bytes(image, "png"), coded(image, "mjpeg", "yuvj444p")):
            frame = pictures.frame(data, 0.0)
            assert (frame.height, frame.width) == image.shape[:2]


def claimed(width, height):
    """A PNG whose head claims a size."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return picture_bytes(IMAGE, "png").replace(
        picture_bytes(IMAGE, "png")[12:33], head + struct.pack(">I", zlib.crc32(head))
    )


def test_what_is_too_large_is_refused_and_the_next_is_taken():
    pictures = Pictures(megapixels=1)
    for size in ((30_000, 30_000), (2000, 501), (2**31 - 1, 1)):
        with pytest.raises(InputError, match="at most 1 megapixels"):
            pictures.frame(claimed(*size), 0.0)
        assert pictures.frame(picture_bytes(IMAGE, "png"), 0.0).width == 64


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"RIFF....WAVE", bytes(100), b"<svg>"])
def test_what_is_no_picture_is_told(data):
    with pytest.raises(InputError, match="JPEG, PNG or WebP"):
        Pictures(megapixels=1).frame(data, 0.0)


def test_what_is_cut_off_is_told():
    data = picture_bytes(IMAGE, "png")
    for kept in (20, 100, len(data) // 2):
        with pytest.raises(InputError, match=r"damaged|could not be decoded"):
            Pictures(megapixels=1).frame(data[:kept], 0.0)


def test_what_a_file_claims(tmp_path):
    path = tmp_path / "a.mp4"
    write_video(path, [IMAGE] * 10, time=np.arange(10) / 10)
    claims = probe(path, name="a.mp4", megapixels=1)
    assert (claims.width, claims.height) == (64, 48)
    assert claims.duration == pytest.approx(1.0)
    with pytest.raises(InputError, match=r"64×48, more than 0\.001 megapixels"):
        probe(path, name="a.mp4", megapixels=0.001)


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nother.mp4\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile other.mp4\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
        "",
        "a letter",
    ],
)
def test_lists_of_other_files_are_not_opened(tmp_path, text):
    write_video(tmp_path / "other.mp4", [IMAGE] * 3, time=[0.0, 0.1, 0.2])
    path = tmp_path / "list"
    path.write_text(text)
    with pytest.raises(InputError, match="no recording that can be read here"):
        probe(path, name="list", megapixels=1)
