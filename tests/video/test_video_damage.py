import wave

import numpy as np
import pytest

from camvitals.records import InputError
from camvitals.video import open_video, write_video


def read(source, **options):
    with open_video(source, **options) as video:
        frames = list(video)
    return frames, video.source


def refusal(source, **options):
    with pytest.raises(InputError) as caught:
        read(source, **options)
    line = str(caught.value)
    assert "\n" not in line
    assert len(line) < 250
    return line


def fast_start(path, target):
    """The same packets with the index in front, as phones and streaming services write it."""
    import av

    with (
        av.open(str(path)) as source,
        av.open(str(target), "w", options={"movflags": "faststart"}) as out,
    ):
        stream = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    return target


def cut(path, share):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def test_truncated_mp4_says_how_far_it_got(tmp_path, clip):
    path = cut(fast_start(clip(), tmp_path / "fast.mp4"), 0.5)
    frames, source = read(path)
    assert 5 < len(frames) < 80
    assert source.claimed == 90
    end = frames[-1].time + 1 / 30
    expected = f"the file ends after {end:.1f} of 3.0 s ({len(frames)} of 90 frames); the rest"
    assert any(warning.startswith(expected) for warning in source.warnings)
    levels = [frame.rgb().mean() for frame in frames]
    assert np.allclose(levels, 20 + 200 * np.arange(len(frames)) / 89, atol=4)


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mkv", "h264"), ("a.webm", "vp9"), ("a.mkv", "ffv1")]
)
def test_truncated_matroska_says_how_far_it_got(clip, name, codec):
    frames, source = read(cut(clip(name, codec=codec), 0.5))
    assert 15 < len(frames) < 80
    end = frames[-1].time + 1 / source.rate
    assert any(w.startswith(f"the file ends after {end:.1f} of 3.0 s") for w in source.warnings)


def test_truncated_avi_says_how_far_it_got(clip):
    frames, source = read(cut(clip("a.avi", codec="mjpeg"), 0.5))
    assert 15 < len(frames) < 80
    assert any("of 90 frames); the rest could not be decoded" in w for w in source.warnings)


def test_whole_files_have_no_warnings(tmp_path, clip):
    for name, codec in (
        ("a.mp4", "h264"),
        ("a.webm", "vp9"),
        ("a.avi", "mpeg4"),
        ("a.mkv", "ffv1"),
    ):
        assert read(clip(name, codec=codec))[1].warnings == ()
    assert read(fast_start(tmp_path / "a.mp4", tmp_path / "b.mp4"))[1].warnings == ()


def test_mp4_cut_before_its_index_is_refused(clip):
    assert "no index that can be read" in refusal(cut(clip(), 0.6))


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "h264"), ("a.mkv", "h264"), ("a.avi", "mjpeg"), ("a.mkv", "ffv1")]
)
def test_damage_in_the_middle_costs_frames_not_the_rest(clip, name, codec):
    path = clip(name, codec=codec)
    data = bytearray(path.read_bytes())
    middle = len(data) * 45 // 100
    data[middle : middle + len(data) // 20] = np.random.default_rng(3).bytes(len(data) // 20)
    path.write_bytes(data)
    frames, source = read(path)
    assert 40 < len(frames) < 90
    assert frames[-1].time == pytest.approx(89 / 30, abs=0.002)
    assert source.warnings
    time = np.array([frame.time for frame in frames])
    late = time > 2.6
    levels = np.array([frame.rgb().mean() for frame in np.array(frames, dtype=object)[late]])
    assert np.abs(levels - (20 + 200 * time[late] * 30 / 89)).max() < 4


def test_audio_only_is_refused(tmp_path):
    path = tmp_path / "voice.wav"
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(bytes(16000))
    assert refusal(path) == (
        "voice.wav needs a video stream but holds only audio; pass a recording of a face"
    )


def test_cover_picture_of_a_song_is_not_video(tmp_path, patches):
    import av

    from camvitals.video.write import picture_bytes

    path = tmp_path / "song.mp3"
    with av.open(str(path), "w") as out:
        sound = out.add_stream("libmp3lame", 44100)
        cover = out.add_stream("png", 1)
        cover.width, cover.height, cover.pix_fmt = 144, 96, "rgb24"
        cover.disposition = 0x400
        picture = av.VideoFrame.from_ndarray(patches, format="rgb24")
        samples = av.AudioFrame.from_ndarray(np.zeros((2, 44100), np.float32), "fltp", "stereo")
        samples.sample_rate = 44100
        out.mux([*cover.encode(picture), *cover.encode(None)])
        out.mux([*sound.encode(samples), *sound.encode(None)])
    assert picture_bytes(patches, "png").startswith(b"\x89PNG")
    assert "needs a video stream but holds only audio" in refusal(path)


def test_broken_input_is_refused_in_one_line(tmp_path):
    empty = tmp_path / "empty.mp4"
    empty.touch()
    assert "is empty (0 bytes)" in refusal(empty)
    text = tmp_path / "text.mp4"
    text.write_text("this is not a video\n" * 100)
    assert "is not a video that can be read" in refusal(text)
    notes = tmp_path / "notes.txt"
    notes.write_text("seen 70 beats\n" * 100)
    assert "notes.txt is " in refusal(notes)
    noise = tmp_path / "noise.mkv"
    noise.write_bytes(np.random.default_rng(0).bytes(5000))
    assert "is not a video that can be read" in refusal(noise)
    assert "no file or folder at" in refusal(tmp_path / "missing.mp4")
    assert "no file or folder at ''" in refusal("")
    bare = tmp_path / "bare"
    bare.mkdir()
    assert "needs pictures (png, jpg, bmp)" in refusal(bare)
    assert "but got NoneType" in refusal(None) or "got None" in refusal(None)
    assert "needs a path" in refusal(3.5)
    assert "needs a path" in refusal(b"bytes")


def test_container_without_a_frame_is_refused(tmp_path, clip):
    path = fast_start(clip(), tmp_path / "fast.mp4")
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"mdat") + 8])
    assert "holds no picture that can be decoded" in refusal(path)


def test_names_with_colon_percent_and_space_are_just_names(clip):
    for name in ("a:b.mp4", "50%d done.mp4", "http: no.mp4", "gesicht ä.mp4", "0.mp4"):
        assert len(read(clip(name, count=3))[0]) == 3


def test_sound_longer_than_the_pictures_is_no_damage(tmp_path, shades):
    import av

    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", 30)
        sound = out.add_stream("pcm_s16le", 8000, layout="mono")
        stream.width, stream.height, stream.pix_fmt = 64, 48, "bgr0"
        for k, image in enumerate(shades(30)):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts = k
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        samples = av.AudioFrame.from_ndarray(np.zeros((1, 24000), np.int16), "s16", "mono")
        samples.sample_rate = 8000
        out.mux([*sound.encode(samples), *sound.encode(None)])
    frames, source = read(path)
    assert len(frames) == 30
    assert source.warnings == ()


def test_change_of_size_is_told(tmp_path, shades):
    parts = []
    for rows in (48, 64):
        path = tmp_path / f"{rows}.ts"
        write_video(tmp_path / "a.mp4", shades(10, rows, 64), time=np.arange(10) / 10, gop=5)
        import av

        with av.open(str(tmp_path / "a.mp4")) as source, av.open(str(path), "w") as out:
            stream = out.add_stream_from_template(source.streams.video[0])
            for packet in source.demux(video=0):
                if packet.dts is not None:
                    shift = 0 if rows == 48 else 90_000
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    packet.stream = stream
                    out.mux(packet)
        parts.append(path.read_bytes())
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(parts))
    frames, source = read(joined)
    assert {frame.height for frame in frames} == {48, 64}
    assert any("picture size changes to 64×64" in warning for warning in source.warnings)


def test_gaps_in_a_recording_are_told(tmp_path, shades):
    time = np.r_[np.arange(20) / 20, 2 + np.arange(20) / 20]
    write_video(tmp_path / "a.mp4", shades(40), time=time)
    assert read(tmp_path / "a.mp4")[1].warnings == (
        "gaps longer than 0.5 s between frames: 1 (1.1 s in all)",
    )


def test_labels_in_another_encoding_do_no_harm(tmp_path, clip):
    path = clip("a.mkv", count=5, codec="ffv1")
    data = path.read_bytes()
    path.write_bytes(data.replace(b"Lavf", b"\xe4\xf6\xfcf"))
    assert len(read(path)[0]) == 5


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", "h264"),
        ("a.mkv", "h264"),
        ("a.webm", "vp9"),
        ("a.avi", "mpeg4"),
        ("b.mkv", "ffv1"),
    ],
)
def test_any_damage_gives_frames_in_order_or_one_line(clip, name, codec):
    path = clip(name, codec=codec, count=30)
    whole, rng = path.read_bytes(), np.random.default_rng(5)
    for trial in range(12):
        data = bytearray(whole)
        start, length = int(rng.integers(len(data))), int(rng.integers(1, len(data) // 5))
        data[start : start + length] = b"" if trial % 2 else rng.bytes(length)
        path.write_bytes(data)
        try:
            frames, source = read(path)
        except InputError as error:
            assert "\n" not in str(error)
            continue
        assert np.all(np.diff([frame.time for frame in frames]) > 0)
        assert len(frames) == source.frames <= 30
        assert all(frame.rgb((8, 8, 24, 24)).shape == (16, 16, 3) for frame in frames)
