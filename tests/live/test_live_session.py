"""A session: what it plays, what it records, and what it does when the camera goes away."""

import os
import re
import threading
from time import monotonic
from types import SimpleNamespace

import numpy as np
import pytest

from camvitals import Frame, InputError, Source
from camvitals.live import session as module
from camvitals.live.session import Session, Watch
from camvitals.pipeline import Settings, measure, measure_people
from camvitals.video import write_video

RATE = 10.0
NO_WAIT = (0.0, 0.0, 0.0)


def picture(k, bpm=72.0):
    beat = 4 * np.sin(2 * np.pi * bpm / 60 * k / RATE)
    grain = np.random.default_rng(k).normal(0, 2, (24, 32, 1))
    return (np.array([180.0, 130, 105]) + beat * np.array([0.4, 1, 0.6]) + grain).astype(np.uint8)


def watch(**more):
    options = {"window": 30.0, "period": 2.0, "roi": "frame", "skin": "none"}
    return Watch(**{**options, **more})


class Camera:
    """A source that gives these pictures and then breaks off."""

    expected = None

    def __init__(self, numbers):
        self.numbers, self.closed = numbers, threading.Event()
        self.source = Source("camera", warnings=("the stream broke off after 2.0 s",))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __iter__(self):
        for k in self.numbers:
            if self.closed.is_set():
                return
            yield Frame.of_rgb(picture(k), 1000 + k / RATE)

    def close(self):
        self.closed.set()


@pytest.fixture
def cameras(monkeypatch):
    """cameras(a, b, …): what opening the camera gives, one after another."""

    def plug(*outcomes):
        left = iter(outcomes)

        def opened(source, *, fps):
            outcome = next(left)
            if isinstance(outcome, Exception):
                raise outcome
            return Camera(outcome)

        monkeypatch.setattr(module, "open_video", opened)

    return plug


@pytest.fixture(scope="module")
def wall(tmp_path_factory):
    """Twelve seconds of a wall that beats 72 times a minute."""
    path = tmp_path_factory.mktemp("live") / "wall.mkv"
    images = np.stack([picture(k) for k in range(120)])
    write_video(path, images, time=np.arange(120) / RATE, codec="ffv1")
    return path


def test_a_recording_measures_as_it_was_seen_live(wall, tmp_path):
    path = tmp_path / "a.traces"
    *_, (live,) = Session(str(wall), watch(), record=path, speed=1e6).reports()
    assert live.reading("heart_rate").value == pytest.approx(72, abs=2)
    (again,) = measure_people(path, settings=Settings())
    assert again.readings == live.readings and again.rolling == live.rolling
    assert np.array_equal(again.wave("pulse").values, live.wave("pulse").values, equal_nan=True)
    assert again.settings["roi"] == "frame" and again.source.frames == 120
    assert live.source.name == "wall.mkv"


def test_a_recording_keeps_what_the_window_forgot(wall, tmp_path):
    path = tmp_path / "a.traces"
    *_, (live,) = Session(str(wall), watch(window=6.0), record=path, speed=1e6).reports()
    (again,) = measure_people(path, settings=Settings())
    assert np.ptp(live.trace.time) < 6.2 and len(again.trace.time) == 120
    tail = again.trace.between(live.trace.time[0] - 1e-6, 99)
    assert np.array_equal(tail.rgb, live.trace.rgb)


def test_measure_takes_a_recording_like_a_video(wall, tmp_path):
    path = tmp_path / "a.traces"
    list(Session(str(wall), watch(), record=path, speed=1e6).reports())
    (again,) = measure_people(path, settings=Settings())
    report = measure(str(path))
    assert report.readings == again.readings and report.settings == again.settings
    assert report.settings["roi"] == "frame"
    with pytest.raises(InputError, match="has the times of its pictures; leave out fps and time"):
        measure(path, fps=30.0)
    with pytest.raises(InputError, match="looks at pictures, and recorded traces have none"):
        measure_people(path, settings=SimpleNamespace(enhance="better.onnx"))


def test_a_face_recorded_measures_as_it_was_seen_live(face_file, tmp_path):
    path = tmp_path / "a.traces"
    session = Session(str(face_file), Watch(period=60.0), record=path, speed=1e6)
    ((live,),) = session.reports()
    (again,) = measure_people(path, settings=Settings())
    assert live.reading("heart_rate").value is not None
    assert again.readings == live.readings


def test_a_method_that_wants_pictures_is_refused(wall, tmp_path):
    path = tmp_path / "a.traces"
    list(Session(str(wall), watch(), record=path, duration=6, speed=1e6).reports())
    with pytest.raises(InputError, match="ssr needs moments, which were not recorded"):
        measure_people(path, settings=Settings("ssr"))


def test_a_film_is_played_at_its_own_pace(wall):
    begun = monotonic()
    session = Session(str(wall), watch(), duration=0.8)
    list(session.reports())
    assert monotonic() - begun >= 0.7
    assert session.offset == pytest.approx(begun, abs=60) and not session.live


def test_a_lost_camera_is_found_again_and_the_clock_goes_on(cameras):
    cameras(range(60), InputError("there is no camera"), range(90, 160), *[InputError("gone")] * 3)
    session = Session("0", watch(), waits=NO_WAIT)
    reports, troubles = [], set()
    for (report,) in session.reports():
        reports.append(report)
        troubles.add(session.trouble)
    assert reports[-1].trace.time[-1] > 1015
    assert troubles == {"", "camera was lost (gone); try 3 of 3"}  # the latter at the end alone
    assert re.fullmatch(r"camera was lost after .* did not come back \(gone\); .*", session.lost)
    assert "started" in reports[0].settings


def test_a_camera_that_never_gave_a_picture_is_told(cameras):
    cameras((), *[InputError("busy")] * 3)
    session = Session("0", watch(), waits=NO_WAIT)
    assert list(session.reports()) == []
    assert session.lost == "camera gave no picture (busy); check it and start again"


def test_a_camera_that_is_not_there_is_told_at_once(cameras):
    cameras(InputError("there is no camera at /dev/video0"))
    with pytest.raises(InputError, match="no camera at"):
        Session("0", watch())


def test_it_ends_when_told_also_while_it_looks_for_the_camera(cameras):
    cameras(range(30))
    session = Session("0", watch(), waits=(600.0,))
    threading.Timer(0.2, session.stop).start()
    reports = list(session.reports())
    assert reports[-1][0].trace.time[-1] == pytest.approx(1002.9)


def test_it_ends_when_told_in_the_middle_of_a_film(wall):
    session = Session(str(wall), watch(), speed=0.01)
    threading.Timer(0.3, session.stop).start()
    list(session.reports())
    assert session.watch.report.source.frames < 60


def test_a_full_disk_ends_the_recording_and_nothing_else(wall, tmp_path, monkeypatch):
    path, count = tmp_path / "a.traces", iter(range(99))
    truly = os.fsync

    def filling(handle):
        if next(count) > 2:
            raise OSError(28, "No space left on device")
        truly(handle)

    monkeypatch.setattr(os, "fsync", filling)
    session = Session(str(wall), watch(), record=path, speed=1e6)
    *_, (last,) = session.reports()
    assert last.trace.time[-1] == pytest.approx(11.9)
    assert "No space left on device" in session.failed
    (again,) = measure_people(path, settings=Settings())
    assert 0 < again.source.frames < 120


def test_the_rate_is_that_of_the_last_seconds_and_silence_is_noticed(cameras, monkeypatch):
    cameras(range(60))
    session = Session("0", watch(), waits=())
    list(session.reports())
    assert session.rate == pytest.approx(RATE, rel=0.01)
    assert session.silent == 0.0
    later = monotonic() + 7
    monkeypatch.setattr(module, "monotonic", lambda: later)
    assert session.rate == 0.0 and session.silent == pytest.approx(7, abs=2)


@pytest.mark.parametrize("duration", [0.0, -1.0, float("nan")])
def test_no_time_at_all_is_refused(duration, wall):
    with pytest.raises(InputError, match="--duration needs seconds > 0"):
        Session(str(wall), watch(), duration=duration)
