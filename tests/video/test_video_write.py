import numpy as np
import pytest

from camvitals.records import InputError
from camvitals.video import open_video, write_video
from camvitals.video.encoding import CODECS


def test_ffv1_is_lossless(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (5, 48, 64, 3), np.uint8)
    write_video(tmp_path / "a.mkv", images, time=np.arange(5) / 10, codec="ffv1")
    with open_video(tmp_path / "a.mkv") as video:
        assert all(np.array_equal(f.rgb(), i) for f, i in zip(video, images, strict=True))


def test_transcoding_keeps_times(tmp_path, clip):
    path = clip(count=20)
    with open_video(path) as video:
        assert write_video(tmp_path / "b.webm", video, time=None, codec="vp9", crf=20) == 20
    with open_video(tmp_path / "b.webm") as video:
        assert np.allclose([f.time for f in video], np.arange(20) / 30, atol=5.1e-4)


def test_quality_and_rate_are_obeyed(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (30, 96, 128, 3), np.uint8)
    time = np.arange(30) / 30
    size = {}
    for name, more in {
        "fine": {"crf": 10},
        "coarse": {"crf": 40},
        "low": {"bit_rate": 100e3},
        "high": {"bit_rate": 2e6},
    }.items():
        write_video(tmp_path / "a.mp4", images, time=time, preset="veryfast", threads=1, **more)
        size[name] = (tmp_path / "a.mp4").stat().st_size
    assert size["fine"] > 3 * size["coarse"]
    assert size["high"] > 2 * size["low"]


@pytest.mark.parametrize("codec", ["mpeg4", "mjpeg"])
def test_quantiser_scale_is_obeyed(tmp_path, codec):
    images = np.random.default_rng(0).integers(0, 256, (5, 48, 64, 3), np.uint8)
    size = {}
    for quality in (None, 2, 8, 31):
        more = {} if quality is None else {"quality": quality}
        write_video(tmp_path / "a.avi", images, time=np.arange(5) / 10, codec=codec, **more)
        size[quality] = (tmp_path / "a.avi").stat().st_size
    assert size[None] == size[2] > 1.3 * size[8] > 1.69 * size[31]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_few_pictures_of_hevc_keep_their_times(tmp_path, shades, count):
    for _ in range(5):  # libx265 failed now and then
        images = shades(count, 72, 72)
        write_video(tmp_path / "a.mp4", images, time=np.arange(count) / 5, codec="hevc")
        with open_video(tmp_path / "a.mp4") as video:
            assert np.allclose([f.time for f in video], np.arange(count) / 5, atol=1e-4)


@pytest.mark.parametrize("threads", [0, 1])
@pytest.mark.parametrize("codec", [name for name, codec in CODECS.items() if codec.least > 1])
def test_at_the_least_size_the_file_is_always_the_same(tmp_path, codec, threads):
    """Noise, so that every block is told; at 64 px wide no two of eight were alike."""
    side = CODECS[codec].least
    images = np.random.default_rng(0).integers(0, 256, (8, side, side, 3), np.uint8)
    path, found = tmp_path / "a.mp4", set()
    for _ in range(4):
        write_video(path, images, time=np.arange(8) / 30, codec=codec, threads=threads)
        found.add(path.read_bytes())
    assert len(found) == 1


@pytest.mark.parametrize(("rows", "columns"), [(72, 70), (70, 72), (64, 64), (16, 640)])
def test_pictures_too_small_for_hevc_are_refused(tmp_path, shades, rows, columns):
    small = shades(3, rows, columns)
    message = f"libx265 needs images of 72×72 or more but they are {columns}×{rows}; .* use h264"
    with pytest.raises(InputError, match=message):
        write_video(tmp_path / "a.mp4", small, time=[0, 1, 2], codec="hevc")
    assert list(tmp_path.iterdir()) == []


def test_key_frames_come_as_asked(tmp_path, shades):
    import av

    write_video(tmp_path / "a.mp4", shades(30), time=np.arange(30) / 30, gop=5)
    with av.open(str(tmp_path / "a.mp4")) as container:
        keys = sum(packet.is_keyframe for packet in container.demux(video=0))
    assert keys == 6


@pytest.mark.parametrize(
    ("name", "more", "message"),
    [
        ("a.xyz", {}, r"needs .avi, .*but got 'a.xyz'"),
        ("a.mp4", {"codec": "rv40"}, "no codec 'rv40'; it has h264"),
        ("no/a.mp4", {}, "no folder"),
        ("a.webm", {"codec": "h264"}, ".webm cannot hold this codec"),
        ("a.mp4", {"codec": "mpeg4", "crf": 20}, "mpeg4 has no crf"),
        ("a.mp4", {"codec": "mpeg4", "preset": "fast"}, "mpeg4 has no preset"),
        ("a.mp4", {"quality": 5}, "libx264 has no quality; .*or pass crf="),
        ("a.mp4", {"codec": "mpeg4", "quality": 5, "bit_rate": 1e6}, "not both"),
        ("a.avi", {"codec": "mjpeg", "quality": 32}, "whole number 2–31 but is 32"),
        ("a.avi", {"codec": "mjpeg", "quality": 2.5}, "whole number 2–31 but is 2.5"),
        ("a.mp4", {"crf": 20, "bit_rate": 1e6}, "not both"),
        ("a.mp4", {"pixel_format": "yuv999"}, "libx264 cannot write|pixel format"),
        ("a.mp4", {"preset": "warp"}, "libx264 cannot write"),
        ("a.mp4", {"colour_space": "srgb"}, "colour_space needs bt601"),
        ("a.mp4", {"rotation": 45}, "multiple of 90"),
        ("a.webm", {"codec": "vp9", "rotation": 90}, "holds no rotation"),
        ("a.avi", {"codec": "mpeg4", "time": [0, 0.1, 0.25]}, "only one constant rate"),
        ("a.mp4", {"time": [0, 0.1]}, "more images than times"),
        ("a.mp4", {"time": [0, 0.1, 0.2, 0.3]}, "more times than images"),
        ("a.mp4", {"time": [0, 0.2, 0.1]}, "times must increase but 0.1 s follows 0.2"),
        ("a.mp4", {"time": [0, 0.2, np.nan]}, "times must increase"),
        ("a.mp4", {"time": None}, "pairs or Frames"),
    ],
)
def test_wrong_wishes_are_refused_and_leave_nothing(tmp_path, shades, name, more, message):
    with pytest.raises(InputError, match=message):
        write_video(tmp_path / name, shades(3), **{"time": [0, 0.1, 0.2], **more})
    assert list(tmp_path.iterdir()) == []


def test_wrong_images_are_refused(tmp_path, shades):
    with pytest.raises(InputError, match="at least one image"):
        write_video(tmp_path / "a.mp4", [], time=[])
    with pytest.raises(InputError, match="even size but the images are 63×48"):
        write_video(tmp_path / "a.mp4", shades(2, 48, 63), time=[0, 1])
    with pytest.raises(InputError, match="image needs shape 48×64×3 but got 50×64×3"):
        write_video(tmp_path / "a.mp4", [*shades(2), *shades(1, 50)], time=[0, 1, 2])
    with pytest.raises(InputError, match="needs uint8 RGB"):
        write_video(tmp_path / "a.mp4", [np.zeros((48, 64, 3))], time=[0])
    assert list(tmp_path.iterdir()) == []


def test_old_file_stays_when_writing_fails(tmp_path, shades):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"old")
    with pytest.raises(InputError, match="increase"):
        write_video(path, shades(3), time=[0, 2, 1])
    assert path.read_bytes() == b"old"
    write_video(path, shades(1), time=[0])
    with open_video(path) as video:
        assert len(list(video)) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]
