"""Wrong, broken and absurd recordings: one clear line, or a withheld reading with its reason."""

import os
import shutil

import numpy as np
import pytest

from camvitals import InputError, Settings, measure, measure_people
from camvitals.data.synthetic.scenario import Scenario
from camvitals.video import write_images, write_video

COUNT = 90
GREY = np.full((COUNT, 96, 128, 3), 120, np.uint8)
CLOCK = np.arange(COUNT) / 15


@pytest.mark.parametrize(
    ("count", "rate", "told"),
    [
        (1, 30, "nobody was seen"),
        (2, 30, "nobody was seen"),
        (30, 30, "nobody was seen"),
    ],
)
def test_a_grey_file_however_short(count, rate, told, tmp_path, assert_silent):
    path = tmp_path / "grey.mp4"
    write_video(path, GREY[:count], time=np.arange(count) / rate)
    report = measure(path)
    assert_silent(report)
    assert report.source.frames == count
    assert told in report.reading("heart_rate").why


@pytest.mark.parametrize(
    ("part", "told"),
    [
        (slice(0, 1), "nobody was seen"),
        (slice(0, 30), "without a break but there were"),
        (slice(0, None, 10), "8 pictures a second but there were 3.0"),
    ],
)
def test_a_face_too_short_or_too_slow(part, told, face, assert_silent):
    report = measure(np.array(face.images[part]), time=face.time[part])
    assert_silent(report)
    assert told in report.reading("heart_rate").why


@pytest.mark.parametrize("roi", ["face", "frame", "skin", "finger"])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_flat_pictures(level, roi, assert_silent):
    assert_silent(measure(np.full_like(GREY, level), time=CLOCK, roi=roi))


def test_4k(face, tmp_path, assert_silent):
    """Few frames, so no rate, but every step must bear the size; the face is found in it."""
    few = slice(0, 90, 9)
    large = [np.kron(image, np.ones((9, 9, 1), np.uint8)) for image in face.images[few]]
    large = [np.pad(image, ((0, 0), (480, 480), (0, 0)), mode="edge") for image in large]
    write_video(tmp_path / "large.mp4", large, time=face.time[few], preset="ultrafast")
    report = measure(tmp_path / "large.mp4")
    assert (report.source.width, report.source.height) == (3840, 2160)
    assert_silent(report)
    x0, _, x1, _ = np.nanmean(report.trace.box, axis=0)
    assert 1500 < x0 < 1920 < x1 < 2400


def test_times_that_go_back_repeat_or_are_no_number(face, assert_right):
    time = np.array(face.time)
    time[50], time[120], time[200:203] = np.nan, time[118], time[199]
    report = measure(np.asarray(face.images), time=time)
    assert_right(report, face.truth.heart_rate)
    assert "5 of 420 frames came with a time that repeats" in " ".join(report.source.warnings)


@pytest.mark.parametrize("time", [CLOCK[::-1], np.zeros(COUNT)])
def test_times_that_never_advance(time, assert_silent):
    report = measure(GREY, time=time, roi="frame")
    assert_silent(report)
    assert "89 of 90 frames came with a time" in " ".join(report.source.warnings)


def test_times_that_leap_for_years():
    time = np.r_[CLOCK[:50], 1e9 + CLOCK[50:]]
    with pytest.raises(InputError, match="times of the pictures leap"):
        measure(GREY, time=time, roi="frame")


def test_a_break_every_few_seconds_is_too_short_for_a_rate(face, assert_silent):
    kept = face.time % 4 < 3
    report = measure(np.asarray(face.images[kept]), time=face.time[kept])
    assert_silent(report)
    assert "5 s in view without a break" in report.reading("heart_rate").why


@pytest.mark.parametrize(
    ("source", "clock", "told"),
    [
        (GREY, {"time": np.full(COUNT, np.nan)}, "gave no picture to measure: 90 of 90"),
        (GREY, {"time": CLOCK[:40]}, "time needs shape 90 but got 40"),
        (GREY, {}, "no times; pass time="),
        (GREY, {"fps": -30.0}, "fps needs a rate > 0 Hz"),
        (GREY, {"fps": 30.0, "time": CLOCK}, "time= or fps=, not both"),
        (GREY[:0], {"fps": 30.0}, "at least one picture"),
        (GREY[..., 0], {"fps": 30.0}, "shape n×n×n×3"),
        (GREY / 255, {"fps": 30.0}, "needs uint8"),
        (iter([]), {}, "gave no picture"),
        (None, {}, "needs a path"),
        (b"bytes", {}, "needs a path"),
        ("", {}, "no file or folder"),
    ],
)
def test_what_is_no_recording(source, clock, told):
    with pytest.raises(InputError, match=told) as refused:
        measure(source, **clock)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"method": "magic"}, "no method 'magic'; choose one of auto"),
        ({"roi": "foot"}, "no roi 'foot'; choose face"),
        ({"skin": "thick"}, "no skin mask 'thick'; choose otsu"),
        ({"method": "li", "roi": "frame"}, "li needs roi 'face'"),
        ({"method": "balakrishnan", "roi": "skin"}, "balakrishnan needs roi 'face'"),
        ({"method": "samc", "roi": "finger"}, "samc needs a face"),
    ],
)
def test_settings_that_cannot_be_are_refused_before_reading(settings, told):
    with pytest.raises(InputError, match=told):
        measure("missing.mp4", **settings)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
def test_a_file_cut_anywhere(share, suffix, tmp_path):
    """Unreadable, or measured with a warning that says how much there was."""
    path = tmp_path / f"cut{suffix}"
    write_video(path, GREY, time=CLOCK, codec="mjpeg")
    os.truncate(path, int(path.stat().st_size * share))
    try:
        report = measure(path)
    except InputError as error:
        assert path.name in str(error) and "\n" not in str(error)
    else:
        assert report.source.frames < COUNT and report.source.warnings


def test_bytes_that_went_bad(face_file, tmp_path, face, assert_honest):
    """A tenth of the file overwritten: damaged pictures are left out and counted, none is used."""
    path = tmp_path / "worn.mkv"
    write_video(path, face.images, time=face.time, crf=6, preset="ultrafast", gop=15)
    data = bytearray(path.read_bytes())
    rng = np.random.default_rng(0)
    for start in rng.integers(5000, len(data) - 3000, 40):
        data[start : start + 20] = rng.bytes(20)
    path.write_bytes(data)
    report = measure(path)
    assert report.source.frames < len(face.time)
    assert "damaged" in " ".join(report.source.warnings)
    assert_honest(report, face.truth.heart_rate)


def test_a_folder_that_lost_pictures(face, tmp_path, assert_honest):
    write_images(tmp_path / "clip", face.images[:300:2], time=face.time[:300:2])
    pictures = sorted((tmp_path / "clip" / "images").iterdir())
    pictures[40].write_bytes(b"")
    pictures[80].unlink()
    try:
        report = measure(tmp_path / "clip")
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert report.source.frames == 148
        assert_honest(report, face.truth.heart_rate)


def test_nothing_is_left_behind_by_a_refusal(tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(InputError):
        measure(tmp_path / "text.mp4")
    with pytest.raises(InputError):
        write_video(tmp_path / "new.mp4", GREY, time=CLOCK[::-1])
    assert [path.name for path in tmp_path.iterdir()] == ["text.mp4"]


def test_the_source_is_not_touched(face_file, tmp_path):
    path = tmp_path / "clip.mp4"
    shutil.copy(face_file, path)
    path.chmod(0o444)
    before = path.read_bytes(), path.stat().st_mtime_ns
    measure(path)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert list(tmp_path.iterdir()) == [path]


def test_the_progress_of_a_refused_callback_comes_through():
    """What the caller raises while it is told of progress is the caller's own to catch."""

    class Enough(Exception):
        pass

    def stop(count, expected):
        assert expected == COUNT
        if count == 10:
            raise Enough

    with pytest.raises(Enough):
        measure(GREY, time=CLOCK, progress=stop)


def test_more_people_than_can_be_followed_is_no_error(film):
    crowd = film(Scenario(seed=3, duration=2, rate=15, size=(640, 240), people=4))
    reports = measure_people(np.asarray(crowd.images), settings=Settings(), time=crowd.time)
    assert 1 <= len(reports) <= 4
    assert [report.person for report in reports] == list(range(1, len(reports) + 1))
