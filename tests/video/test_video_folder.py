from fractions import Fraction

import av
import numpy as np
import pytest

from camvitals.records import InputError
from camvitals.video import open_video, write_images, write_video

UNIX = 1_600_000_000.0


def read(source, **options):
    with open_video(source, **options) as video:
        frames = list(video)
    return frames, video.source


def layout(folder, images, time):
    write_images(folder, images, time=time)
    return folder


def test_heartratenet_layout_comes_back_bit_for_bit(tmp_path, shades, patches):
    time = UNIX + np.cumsum(np.random.default_rng(0).uniform(0.02, 0.05, 12))
    images = [*shades(11, 96, 144), patches]
    assert write_images(tmp_path / "Subject_001", images, time=time) == 12
    frames, source = read(tmp_path / "Subject_001")
    assert np.allclose([f.time for f in frames], time, atol=1e-6, rtol=0)
    assert all(np.array_equal(f.rgb(), i) for f, i in zip(frames, images, strict=True))
    assert (source.frames, source.claimed, source.width, source.height) == (12, 12, 144, 96)
    assert (source.codec, source.name, source.warnings) == ("bmp", "Subject_001", ())
    assert len(read(tmp_path / "Subject_001" / "images")[0]) == 12


@pytest.mark.parametrize(
    "text",
    [
        "ID,Time\n" + "".join(f"{k},{UNIX + k / 10}\n" for k in range(12)),
        "\ufeffID, Time\r\n" + "".join(f"{k:04d}.bmp, {UNIX + k / 10}\r\n" for k in range(12)),
        "ID Time\n" + "".join(f"{k}\t{UNIX + k / 10}\n" for k in reversed(range(12))),
        "".join(f"{k:06d};{UNIX + k / 10};x\n" for k in range(12)),
    ],
)
def test_clock_file_in_every_spelling(tmp_path, shades, text):
    folder = layout(tmp_path / "s", shades(12), np.arange(12))
    (folder / "image_timestamps.csv").write_text(text, encoding="utf-8")
    frames, source = read(folder)
    assert np.allclose([f.time for f in frames], UNIX + np.arange(12) / 10, rtol=0, atol=1e-6)
    assert source.warnings == ()


def test_numbers_are_ordered_as_numbers(tmp_path, shades):
    images = shades(12)
    folder = layout(tmp_path / "s", images, np.arange(12))
    for path in (folder / "images").iterdir():
        path.rename(path.with_name(f"frame{int(path.stem)}.bmp"))
    frames, source = read(folder, fps=20)
    levels = [frame.rgb().mean() for frame in frames]
    assert np.all(np.diff(levels) > 0)
    assert source.rate == pytest.approx(20)
    assert len(read(folder)[0]) == 12


def test_missing_rows_pictures_and_times_are_told(tmp_path, shades):
    folder = layout(tmp_path / "s", shades(10), np.arange(10) / 10)
    rows = (folder / "image_timestamps.csv").read_text().splitlines()
    rows[3] = "0002,soon"
    rows[6] = "0005,0.0"
    del rows[9]
    (folder / "image_timestamps.csv").write_text("\n".join([*rows, "0077,9"]))
    (folder / "images" / "0007.bmp").write_bytes(b"BM nothing")
    frames, source = read(folder)
    assert [round(10 * f.time) for f in frames] == [0, 1, 3, 4, 6, 9]
    told = " | ".join(source.warnings)
    assert "1 pictures have no row" in told
    assert "1 rows of image_timestamps.csv have no picture" in told
    assert "1 of 9 pictures could not be read (0007.bmp …)" in told
    assert "2 of 8 frames came with a time" in told


def test_folder_without_times_says_what_to_do(tmp_path, shades):
    folder = layout(tmp_path / "s", shades(3), np.arange(3))
    (folder / "image_timestamps.csv").unlink()
    with pytest.raises(InputError, match=r"no times; pass fps= or put image_timestamps.csv"):
        open_video(folder)
    frames, _ = read(folder, time=[0, 0.5, 0.7])
    assert [f.time for f in frames] == [0, 0.5, 0.7]
    with pytest.raises(InputError, match="time needs shape 3 but got 2"):
        open_video(folder, time=[0, 1])
    (folder / "image_timestamps.csv").write_text("ID,Time\nx,1\ny,2\n")
    with pytest.raises(InputError, match="names none of the pictures"):
        open_video(folder)
    (folder / "image_timestamps.csv").write_text("ID,Time\n")
    with pytest.raises(InputError, match="needs rows of ID, Time"):
        open_video(folder)
    for path in (folder / "images").iterdir():
        path.write_bytes(b"nothing")
    with pytest.raises(InputError, match="no picture that can be read"):
        read(folder, fps=10)


def test_png_and_jpeg_directly_in_the_folder(tmp_path, patches):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for k, (codec, pixels) in enumerate(
        [("png", "rgb24"), ("mjpeg", "yuvj444p"), ("mjpeg", "yuvj420p")]
    ):
        context = av.CodecContext.create(codec, "w")
        context.width, context.height, context.pix_fmt = 144, 96, pixels
        context.time_base, context.qmin, context.qmax = Fraction(1, 1), 1, 1
        picture = av.VideoFrame.from_ndarray(patches, format="rgb24")
        picture = picture.reformat(format=pixels, dst_colorspace=5, dst_color_range=2)
        data = b"".join(bytes(p) for p in [*context.encode(picture), *context.encode(None)])
        # the bytes tell what it is, not the name
        (folder / f"{k}.{'jpg' if k < 2 else 'png'}").write_bytes(data)
    frames, source = read(folder, fps=10)
    assert len(frames) == 3
    for frame in frames:
        assert np.abs(frame.rgb()[20:28, 20:28].mean((0, 1)) - patches[24, 24]).max() <= 3
    assert source.warnings == ()


def test_images_are_written_whole_or_not_at_all(tmp_path, shades):
    def broken():
        yield from zip(shades(3), [0.0, 0.1, 0.2], strict=True)
        raise RuntimeError("camera fell down")

    for write, name in ((write_images, "s"), (write_video, "a.mp4")):
        with pytest.raises(RuntimeError, match="fell down"):
            write(tmp_path / name, broken(), time=None)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match="at least one image"):
        write_images(tmp_path / "s", [], time=[])
    with pytest.raises(InputError, match="codec bmp or png"):
        write_images(tmp_path / "s", shades(1), time=[0], codec="tiff")
    layout(tmp_path / "s", shades(1), [0])
    with pytest.raises(InputError, match="already and not empty"):
        write_images(tmp_path / "s", shades(1), time=[0])
