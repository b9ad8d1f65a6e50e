import gc

import av
import numpy as np
import pytest

from camvitals.records import Frame
from camvitals.video import open_video, write_video
from camvitals.video.planes import LAYOUTS, converted, frame_of, matrix_of

CENTRES = [(24, 24), (24, 72), (24, 120), (72, 24), (72, 72), (72, 120)]


def first(path):
    with open_video(path) as video:
        frames = list(video)
    return frames[0], video.source


def colours(image, box=16):
    half = box // 2
    return np.array(
        [image[r - half : r + half, c - half : c + half].mean((0, 1)) for r, c in CENTRES]
    )


@pytest.mark.parametrize("space", ["bt601", "bt709", "bt2020"])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("pixels", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv444p10le"])
def test_colours_come_back_within_two_levels(tmp_path, patches, space, full, pixels):
    path = tmp_path / "a.mp4"
    more = {"colour_space": space, "full_range": full, "pixel_format": pixels}
    write_video(path, [patches] * 3, time=[0, 0.1, 0.2], crf=4, **more)
    frame, source = first(path)
    assert source.pixel_format in (pixels, pixels.replace("yuv4", "yuvj4"))
    assert frame.planes[0].dtype == (np.uint16 if "10" in pixels else np.uint8)
    assert np.abs(colours(frame.rgb()) - colours(patches)).max() <= 2


def test_wrong_matrix_would_be_seen(tmp_path, patches):
    write_video(tmp_path / "a.mp4", [patches], time=[0], crf=4, colour_space="bt709")
    frame, _ = first(tmp_path / "a.mp4")
    wrong = Frame(frame.planes, matrix_of("yuv420p", 6, 1, False), 0.0)
    assert np.abs(colours(wrong.rgb()) - colours(patches)).max() > 8


@pytest.mark.parametrize("rows", [96, 720])
def test_untagged_video_is_601_below_720_rows_and_709_from_there(tmp_path, rows):
    planes = np.full((rows * 3 // 2, 128), 150, np.uint8)
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", 30)
        stream.width, stream.height, stream.pix_fmt = 128, rows, "yuv420p"
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts = 0
        out.mux([*stream.encode(frame), *stream.encode(None)])
    red = first(path)[0].rgb()[10, 10, 0]
    kr = 0.299 if rows < 720 else 0.2126
    assert red == round(255 / 219 * 134 + 2 * (1 - kr) * 22 * 255 / 224)


@pytest.mark.parametrize(
    ("layout", "pixels", "codec"),
    [
        ("rgb24", "bgr0", "ffv1"),
        ("rgb24", "gbrp", "libx264rgb"),
        ("rgb24", "rgb24", "png"),
        ("rgb48le", "gbrp16le", "ffv1"),
        ("rgb48be", "rgb48be", "png"),
        ("rgb24", "rgba", "png"),
        ("rgb24", "pal8", "gif"),
    ],
)
def test_rgb_formats_come_out_as_rgb(tmp_path, patches, encode, layout, pixels, codec):
    image = patches.astype(np.uint16) * 257 if "48" in layout else patches
    name = {"gif": "a.gif", "png": "a.mov"}.get(codec, "a.mkv")
    if codec == "gif":
        layout, pixels, image = "rgb8", "rgb8", patches[..., 0] // 32 * 32
    if codec == "libx264rgb":
        pixels = "rgb24"
    frame, source = first(
        encode(tmp_path / name, [image], codec=codec, layout=layout, pixels=pixels)
    )
    rgb = frame.rgb().astype(int)
    if codec == "gif":
        assert source.pixel_format in ("bgra", "bgr0", "pal8")
        assert frame.is_rgb
        return
    assert np.abs(rgb - patches).max() <= (2 if "x264" in codec else 0)
    assert frame.is_rgb == ("48" not in layout)
    assert np.abs(np.float32(frame.luma) / frame.luma.max() - patches[..., 1] / 172).max() < 0.02


@pytest.mark.parametrize("pixels", ["gray", "gray10le"])
def test_gray_is_neutral(tmp_path, encode, pixels):
    ramp = np.tile(np.arange(0, 256, 4, dtype=np.uint8), (48, 1))
    image = ramp if pixels == "gray" else (ramp.astype(np.uint32) * 1023 // 255).astype(np.uint16)
    frame, _ = first(encode(tmp_path / "a.mkv", [image], layout=pixels, pixels=pixels))
    rgb = frame.rgb().astype(int)
    assert np.abs(rgb - ramp[..., None]).max() <= 1
    assert np.ptp(rgb, axis=2).max() == 0


@pytest.mark.parametrize("form", [f for f in sorted(LAYOUTS) if f not in ("ya8", "gray")])
def test_every_layout_agrees_with_libswscale(patches, form):
    """Smooth colours through swscale into the format, then by our planes and matrix."""
    rows, columns = np.mgrid[:96, :144]
    image = np.stack([90 + rows, 60 + columns, 210 - rows], axis=2).astype(np.uint8)
    if "gray" in form:
        image = np.repeat(image[..., :1], 3, axis=2)
    picture = av.VideoFrame.from_ndarray(image, format="rgb24")
    full = LAYOUTS[form].full
    made = converted(
        picture, format=form, dst_colorspace=5, src_color_range=2, dst_color_range=2 if full else 1
    )
    made.colorspace = 6
    made.color_range = 2 if full else 1
    rgb = frame_of(made, 0.0).rgb().astype(int)
    assert np.abs(rgb - image)[8:-8, 8:-8].max() <= (6 if "41" in form else 4)


@pytest.mark.parametrize(
    "form", ["yuv420p10be", "yuva444p10le", "ayuv64le", "monow", "vuya", "y210le"]
)
def test_formats_without_a_layout_are_converted(patches, form):
    picture = av.VideoFrame.from_ndarray(patches, format="rgb24")
    made = converted(picture, format=form, dst_colorspace=5, src_color_range=2, dst_color_range=1)
    made.colorspace, made.color_range = 6, 1
    rgb = frame_of(made, 0.0).rgb()
    if form == "monow":
        assert set(np.unique(rgb)) == {0, 255}
    else:
        assert np.abs(colours(rgb) - colours(patches)).max() <= 3


@pytest.mark.parametrize("rotation", [0, 90, 180, 270, -90])
def test_rotated_video_comes_upright(tmp_path, patches, rotation):
    path = tmp_path / "a.mp4"
    stored = np.ascontiguousarray(np.rot90(patches, -rotation // 90))
    write_video(path, [stored] * 2, time=[0, 0.1], crf=4, rotation=rotation)
    frame, source = first(path)
    assert (frame.height, frame.width) == patches.shape[:2] == (source.height, source.width)
    assert source.rotation == rotation % 360
    assert np.abs(colours(frame.rgb()) - colours(patches)).max() <= 2


@pytest.mark.parametrize("size", [(47, 61), (48, 62), (33, 17)])
def test_odd_sizes_and_padded_lines(tmp_path, size):
    rows, columns = np.mgrid[: size[0], : size[1]]
    image = np.stack([40 + 3 * rows, 30 + 3 * columns, 200 - 2 * rows], axis=2).clip(0, 255)
    image = image.astype(np.uint8)
    write_video(tmp_path / "a.mp4", [image], time=[0], codec="mpeg4")
    frame, _ = first(tmp_path / "a.mp4")
    assert frame.planes[0].shape == size
    assert frame.planes[1].shape == (-(-size[0] // 2), -(-size[1] // 2))
    assert np.abs(frame.rgb().astype(int) - image).mean() < 6


def test_frames_outlive_the_file_and_are_read_only(tmp_path, shades):
    images = shades(60, 96, 128)
    write_video(tmp_path / "a.mp4", images, time=np.arange(60) / 30, preset="ultrafast")
    kept = []
    for _ in range(3):
        with open_video(tmp_path / "a.mp4") as video:
            frames = list(video)
        seen = [frame.planes[0].copy() for frame in frames]
        kept.append((frames, seen))
        del frames, video
        gc.collect()
    for frames, seen in kept:
        assert all(np.array_equal(f.planes[0], y) for f, y in zip(frames, seen, strict=True))
        levels = [float(f.rgb().mean()) for f in frames]
        assert np.abs(np.array(levels) - [i.mean() for i in images]).max() < 3
    with pytest.raises(ValueError, match="read-only"):
        kept[0][0][0].planes[0][0, 0] = 0


def test_planes_are_views_not_copies(tmp_path, patches):
    write_video(tmp_path / "a.mp4", [patches], time=[0])
    frame, _ = first(tmp_path / "a.mp4")
    base = frame.planes[1]
    while isinstance(base, np.ndarray) and base.base is not None:
        base = base.base
    assert isinstance(getattr(base, "obj", base), av.video.plane.VideoPlane)


def test_matrices_are_made_once():
    assert matrix_of("yuv420p", 1, 1, True) is matrix_of("yuv420p", 1, 1, True)
    assert matrix_of("yuv420p", 1, 1, True).dtype == np.float32
