import itertools
from fractions import Fraction

import av
import numpy as np
import pytest

from camvitals.records import InputError
from camvitals.video import open_video, write_video
from camvitals.video.clock import Clock


def read(source, **options):
    with open_video(source, **options) as video:
        frames = list(video)
    return frames, video.source


def levels(frames):
    return np.array([frame.rgb().mean() for frame in frames])


@pytest.mark.parametrize(
    ("name", "codec", "accuracy"),
    [
        ("a.mp4", "h264", 6e-6),
        ("a.mp4", "hevc", 6e-6),
        ("a.mov", "mpeg4", 9e-6),
        ("a.mkv", "h264", 5.1e-4),
        ("a.mkv", "mjpeg", 5.1e-4),
        ("a.webm", "vp9", 5.1e-4),
        ("a.mkv", "ffv1", 5.1e-4),
    ],
)
def test_every_codec_keeps_irregular_times_and_pictures(tmp_path, shades, name, codec, accuracy):
    images = shades(20, 72, 72)
    time = np.cumsum(np.random.default_rng(1).uniform(0.02, 0.09, 20))
    assert write_video(tmp_path / name, images, time=time, codec=codec) == 20
    frames, source = read(tmp_path / name)
    assert np.abs([f.time for f in frames] - time).max() <= accuracy
    assert np.abs(levels(frames) - levels_of(images)).max() < 3
    assert source.frames == 20
    assert source.jitter == pytest.approx(np.std(np.diff(time)), abs=2 * accuracy)
    assert source.warnings == ()


def levels_of(images):
    return np.array([image.mean() for image in images])


def test_rate_that_halves_midway_is_told_frame_by_frame(tmp_path, shades):
    time = np.r_[np.arange(60) / 30, 2 + np.arange(20) / 15]
    write_video(tmp_path / "a.mp4", shades(80), time=time)
    frames, source = read(tmp_path / "a.mp4")
    assert np.allclose([f.time for f in frames], time, atol=6e-6)
    assert source.rate == pytest.approx(30, abs=0.01)
    assert source.duration == pytest.approx(time[-1] + 1 / 30, abs=1e-4)


@pytest.mark.parametrize("name", ["a.mp4", "a.avi"])
def test_ntsc_rate_is_exact(tmp_path, shades, name):
    time = np.arange(100) * 1001 / 30000
    write_video(tmp_path / name, shades(100), time=time, codec="mpeg4")
    frames, source = read(tmp_path / name)
    assert source.rate == pytest.approx(30000 / 1001, rel=1e-9)
    assert frames[-1].time == pytest.approx(99 * 1001 / 30000, abs=1e-9)


def test_ntsc_rate_survives_a_clock_of_milliseconds(tmp_path, shades):
    write_video(
        tmp_path / "a.mkv", shades(400), time=np.arange(400) * 1001 / 30000, preset="ultrafast"
    )
    assert read(tmp_path / "a.mkv")[1].rate == pytest.approx(30000 / 1001, abs=0.002)


def test_dropped_frames_leave_gaps(tmp_path, shades):
    time = np.delete(np.arange(60) / 25, [10, 11, 12, 40])
    for name in ("a.mp4", "a.avi"):
        write_video(tmp_path / name, shades(56), time=time, codec="mpeg4")
        frames, source = read(tmp_path / name)
        assert np.allclose([f.time for f in frames], time, atol=1e-5)
        assert source.rate == pytest.approx(25)


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "h264"), ("a.mkv", "h264"), ("a.webm", "vp9")]
)
def test_clock_not_from_zero_is_kept_and_unix_clock_starts_at_zero(tmp_path, shades, name, codec):
    for start, expected in ((12.5, 12.5), (1.7e9, 0.0)):
        write_video(tmp_path / name, shades(20), time=start + np.arange(20) / 10, codec=codec)
        frames, source = read(tmp_path / name)
        assert frames[0].time == pytest.approx(expected, abs=1e-5)
        assert source.duration == pytest.approx(2.0, abs=1e-3)
        assert source.warnings == ()


def test_given_rate_or_clock_replaces_the_files_own(clip):
    path = clip(count=30)
    frames, source = read(path, fps=25)
    assert frames[-1].time == pytest.approx(29 / 25)
    assert "replaces the file's own 30 frames per second" in source.warnings[0]
    own = np.cumsum(np.linspace(0.03, 0.05, 30)) + 1.6e9
    frames, source = read(path, time=own)
    assert [f.time for f in frames] == own.tolist()
    assert source.warnings == ()


def test_clock_shorter_than_the_file_drops_the_rest_and_says_so(clip):
    frames, source = read(clip(count=30), time=np.arange(20) / 30)
    assert len(frames) == 20
    assert "10 of 30 frames" in source.warnings[0]


@pytest.mark.parametrize(
    ("stamps", "kept"),
    [
        ([0, 33, 33, 66, 99], [0, 33, 66, 99]),
        ([0, 33, 20, 66, 10, 99], [0, 33, 66, 99]),
        ([910, 10, 43, 76], [10, 43, 76]),
        ([0, 33, 900_000, 99, 132], [0, 33, 99, 132]),
        ([0, 33, 20_000, 20_033], [0, 33, 20_000, 20_033]),
    ],
)
def test_times_that_repeat_go_back_or_leap_cost_only_their_own_frame(
    tmp_path, shades, encode, stamps, kept
):
    images = shades(len(stamps))
    path = encode(tmp_path / "a.mkv", images, stamps=stamps)
    frames, source = read(path)
    assert [round(1000 * f.time) for f in frames] == kept
    numbers = [int(np.argmin(np.abs(levels_of(images) - level))) for level in levels(frames)]
    assert [stamps[k] for k in numbers] == kept
    dropped = len(stamps) - len(kept)
    told = [w for w in source.warnings if "gaps longer" not in w]
    assert len(told) == bool(dropped)
    if dropped:
        assert f"{dropped} of {len(stamps)} frames" in told[0]


def test_elementary_stream_has_no_times_and_says_so(tmp_path, shades):
    path = tmp_path / "a.h264"
    with av.open(str(path), "w", format="h264") as out:
        stream = out.add_stream("libx264", Fraction(20), options={"tune": "zerolatency"})
        stream.width, stream.height = 64, 48
        for image in shades(40):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(stream.encode(None))
    frames, source = read(path)
    assert len(frames) == 40
    assert np.allclose(np.diff([f.time for f in frames]), 1 / 20)
    assert "no time for 40 of 40 frames; its nominal 20 frames" in source.warnings[0]
    frames, source = read(path, fps=30)
    assert source.rate == pytest.approx(30)
    assert not any("no time" in warning for warning in source.warnings)


def test_reading_stops_in_time_and_after_closing(clip):
    path = clip()
    assert len(read(path, stop=1.0)[0]) == 30
    video = open_video(path)
    first = list(itertools.islice(video, 5))
    video.close()
    assert list(video) == []
    assert len(first) == 5
    assert video.source.frames == 5
    with pytest.raises(InputError, match="stop needs seconds > 0"):
        open_video(path, stop=0)


def test_expected_frames_are_known_before_reading(clip):
    for name, codec in (("a.mp4", "h264"), ("a.webm", "vp9")):
        with open_video(clip(name, codec=codec, count=45)) as video:
            assert abs(video.expected - 45) <= 1


def test_clock_of_a_long_recording_stays_small():
    clock = Clock()
    interval = np.random.default_rng(0).normal(1 / 30, 1e-3, 70_000)
    for time in np.cumsum(interval):
        clock.add(float(time))
    assert len(clock._intervals) == 65_536
    assert clock.rate == pytest.approx(30, rel=1e-3)
    assert clock.jitter == pytest.approx(np.std(interval[1:]), rel=1e-6)
    assert clock.frames == 70_000


def test_avi_that_shows_pictures_in_another_order_than_it_stores_keeps_all(tmp_path, shades):
    path = tmp_path / "b.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"bf": "3"})
        stream.height, stream.width = shades(1)[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for image in shades(40):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    frames, source = read(path)
    assert source.warnings == ()
    assert np.allclose([f.time for f in frames], np.arange(40) / 25)
    assert np.abs(levels(frames) - levels_of(shades(40))).max() < 3
