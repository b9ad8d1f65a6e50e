"""One person in many kinds of file: the heart rate put in comes out, whatever the container."""

import os

import numpy as np
import pytest

from camvitals import measure
from camvitals.data.synthetic.scenario import Scenario
from camvitals.video import open_video, write_images, write_video

NTSC = 30000 / 1001
FAST = {"crf": 6, "preset": "ultrafast"}
CODINGS = {
    "h264.mp4": {"crf": 10},
    "ten-bit.mkv": {"codec": "hevc", "pixel_format": "yuv420p10le", **FAST},
    "vp9.webm": {"codec": "vp9", "crf": 8, "preset": "8"},
    "mjpeg.avi": {"codec": "mjpeg", "bit_rate": 12e6},
    "full-range.mp4": {"full_range": True, "colour_space": "bt709", **FAST},
}


@pytest.mark.parametrize("name", CODINGS)
def test_coding(name, face, tmp_path, assert_right):
    every = slice(None, None, 2 if name.startswith("vp9") else 1)  # its encoder takes its time
    write_video(tmp_path / name, face.images[every], time=face.time[every], **CODINGS[name])
    report = measure(tmp_path / name)
    assert_right(report, face.truth.heart_rate)
    source = report.source
    assert source.frames == len(face.time[every])
    assert source.pixel_format == CODINGS[name].get("pixel_format", source.pixel_format)


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_rotated_file_is_set_upright(turn, face, tmp_path, assert_right):
    lying = np.rot90(face.images, -turn // 90, axes=(1, 2))
    write_video(tmp_path / "phone.mp4", lying, time=face.time, **FAST, rotation=turn)
    with open_video(tmp_path / "phone.mp4") as video:
        shown = next(iter(video)).rgb()
    assert np.abs(shown.astype(float) - face.images[0]).mean() < 4
    report = measure(tmp_path / "phone.mp4")
    assert (report.source.width, report.source.height) == (320, 240)
    assert_right(report, face.truth.heart_rate)


def test_a_portrait_picture(face, tmp_path, assert_right):
    tall = face.images[:, :, 80:240]
    write_video(tmp_path / "portrait.mp4", tall, time=face.time, **FAST)
    assert_right(measure(tmp_path / "portrait.mp4"), face.truth.heart_rate)


def test_29_97_is_neither_29_nor_30(face, tmp_path, assert_right):
    time = np.arange(len(face.time)) / NTSC
    write_video(tmp_path / "ntsc.mp4", face.images, time=time, **FAST)
    report = measure(tmp_path / "ntsc.mp4")
    assert report.source.rate == pytest.approx(NTSC, abs=0.002)
    assert_right(report, face.truth.heart_rate * NTSC / 30)


def test_a_clock_that_is_off_by_a_quarter_moves_the_rate_by_a_quarter(face, tmp_path, assert_right):
    """The times of the file count, and the caller's own before them."""
    write_video(tmp_path / "slow.mp4", face.images, time=face.time * 1.25, **FAST)
    rate = face.truth.heart_rate
    assert_right(measure(tmp_path / "slow.mp4"), rate / 1.25)
    assert_right(measure(tmp_path / "slow.mp4", fps=30), rate)
    assert_right(measure(tmp_path / "slow.mp4", time=face.time), rate)


def test_dropped_frames(face, tmp_path, assert_right):
    kept = np.random.default_rng(5).random(len(face.time)) > 0.2
    write_video(tmp_path / "dropped.mp4", face.images[kept], time=face.time[kept], **FAST)
    report = measure(tmp_path / "dropped.mp4")
    assert_right(report, face.truth.heart_rate)
    finding = next(f for f in report.capture if f.name == "dropped_frames")
    assert not finding.fine


def test_half_the_frame_rate_from_the_middle_on(face, tmp_path, assert_right):
    half = len(face.time) // 2
    kept = np.r_[np.arange(half), np.arange(half, len(face.time), 2)]
    write_video(tmp_path / "vfr.mp4", face.images[kept], time=face.time[kept], **FAST)
    assert_right(measure(tmp_path / "vfr.mp4"), face.truth.heart_rate)


def test_jittered_times(film, tmp_path, assert_right):
    scene = Scenario(
        seed=2, duration=12, rate=20, size=(320, 240), heart_rate=66, sdnn=15, clock="jitter"
    )
    shaky = film(scene)
    write_video(tmp_path / "jitter.mp4", shaky.images, time=shaky.time, **FAST)
    report = measure(tmp_path / "jitter.mp4")
    assert_right(report, shaky.truth.heart_rate)
    assert report.source.jitter == pytest.approx(np.diff(shaky.time).std(), rel=0.05)


def test_a_truncated_file_says_how_much_could_be_read(face, tmp_path, assert_honest):
    path = tmp_path / "cut.mkv"
    write_video(path, face.images, time=face.time, **FAST)
    os.truncate(path, int(path.stat().st_size * 0.7))
    report = measure(path)
    frames, end = report.source.frames, report.source.duration
    assert 0.6 * len(face.time) < frames < 0.8 * len(face.time)
    assert_honest(report, face.truth.rate_between(0, end))
    told = " ".join(report.source.warnings)
    assert f"ends after {end:.1f} of 14.0 s" in told and f"{frames}" in told


def test_a_folder_of_pictures_with_their_times(face, tmp_path, assert_right):
    write_images(tmp_path / "clip", face.images[::2], time=1.6e9 + face.time[::2])
    report = measure(tmp_path / "clip")
    assert report.source.rate == pytest.approx(15, abs=0.01)
    assert_right(report, face.truth.heart_rate)


def test_an_array_in_memory(face, assert_right):
    report = measure(np.asarray(face.images), time=face.time)
    assert_right(report, face.truth.heart_rate)


def test_a_whole_report_of_a_still_person(face, face_file):
    """Every part is there and about the same span; the truth is within the interval."""
    report = measure(face_file)
    heart = report.reading("heart_rate")
    assert heart.low <= face.truth.heart_rate <= heart.high
    assert 0 <= heart.span[0] < heart.span[1] <= 14
    assert report.wave("pulse").time[-1] == pytest.approx(14, abs=0.2)
    true = face.truth.physiology.pulse_at(report.wave("pulse").time)
    found = report.wave("pulse").values
    assert np.corrcoef(true[30:-30], found[30:-30])[0, 1] > 0.6
    assert len(report.beats) == pytest.approx(14 * face.truth.heart_rate / 60, abs=2.5)
    assert {f.name for f in report.capture} >= {"complete", "frame_rate", "face_seen"}
    assert report.settings["method"] == "auto" and report.versions["camvitals"]
