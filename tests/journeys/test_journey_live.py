"""A live picture for a long time: the same answer as `measure`, in bounded memory."""

import gc
import tracemalloc

import numpy as np
import pytest

from camvitals import Monitor, measure
from camvitals.video import open_video

RATE = 15.0


def skin_frames(bpm, *, seconds, rate=RATE):
    """(image, time): a wall of skin whose colour beats, in noise that hides the steps of 8 bits."""
    rng = np.random.default_rng(1)
    grain = rng.normal(0, 2, (24, 32, 32, 1))
    colour, pulse = np.array([180.0, 130.0, 105.0]), np.array([0.4, 1.0, 0.6])
    for k in range(round(seconds * rate)):
        beat = 1.2 * np.sin(2 * np.pi * bpm / 60 * k / rate)
        picture = colour + pulse * beat + grain[k % len(grain)]
        yield (picture + 0.5).astype(np.uint8), k / rate


def push_for(monitor, seconds, *, bpm=72.0, start=0.0):
    """Push so many seconds; the reports that came."""
    reports = [monitor.push(image, start + t) for image, t in skin_frames(bpm, seconds=seconds)]
    return [report for report in reports if report is not None]


def same_readings(one, other):
    assert [r.name for r in one.readings] == [r.name for r in other.readings]
    for a, b in zip(one.readings, other.readings, strict=True):
        assert (a.value is None) == (b.value is None), (a.why, b.why)
        if a.value is not None:
            assert a.value == pytest.approx(b.value, abs=1e-6)
            assert (a.low, a.high) == pytest.approx((b.low, b.high), abs=1e-6)
        assert a.quality == pytest.approx(b.quality, abs=1e-6)
        assert a.span == pytest.approx(b.span)


def test_the_same_answer_as_measure_over_the_same_file(face_file):
    monitor = Monitor(window=20.0, period=5.0)
    with open_video(face_file) as video:
        for frame in video:
            monitor.push(frame)
    live, filed = monitor.now(), measure(face_file)
    assert filed.reading("heart_rate").value is not None
    same_readings(live, filed)
    assert np.array_equal(live.wave("pulse").values, filed.wave("pulse").values, equal_nan=True)
    assert live.beats == pytest.approx(filed.beats)
    assert [f.name for f in live.capture if f.name != "compression"] == [
        f.name for f in filed.capture if f.name not in ("compression", "complete")
    ]


def test_a_report_on_the_way_is_that_of_the_window_when_it_was_due():
    """Made in steps while pictures arrive, it is what `measure` says of the last 16 s."""
    monitor = Monitor(window=16.0, period=4.0, roi="frame", skin="none")
    reports = push_for(monitor, 30)
    assert reports[-1].reading("heart_rate").value == pytest.approx(72, abs=2)
    pictures = list(skin_frames(72, seconds=30))
    for report in reports:
        last = report.trace.time[-1]
        inside = [(i, t) for i, t in pictures if last - 16 - 1e-6 <= t <= last + 1e-6]
        again = measure(
            np.stack([i for i, _ in inside]),
            time=np.array([t for _, t in inside]),
            roi="frame",
            skin="none",
        )
        same_readings(report, again)


def test_a_face_over_a_window_that_slides(face):
    """With the face followed from before the window on, the rate is the same within 1 bpm."""
    monitor = Monitor(window=10.0, period=1.0)
    for image, time in zip(face.images, face.time, strict=True):
        monitor.push(np.array(image), float(time))
    live = monitor.now()
    inside = face.time >= face.time[-1] - 10
    again = measure(np.asarray(face.images[inside]), time=face.time[inside])
    assert live.trace.time[0] == pytest.approx(again.trace.time[0])
    rates = [report.reading("heart_rate").value for report in (live, again)]
    assert None not in rates
    assert rates[0] == pytest.approx(rates[1], abs=1.0)


def test_the_rate_follows_the_heart():
    monitor = Monitor(window=20.0, period=2.0, roi="frame")
    slow = push_for(monitor, 30, bpm=60)
    fast = push_for(monitor, 40, bpm=95, start=30.0)
    assert slow[-1].reading("heart_rate").value == pytest.approx(60, abs=2)
    assert fast[-1].reading("heart_rate").value == pytest.approx(95, abs=2)


def held_after(monitor, seconds, start):
    push_for(monitor, seconds, start=start)
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def assert_flat(monitor, *, warm_up, more):
    tracemalloc.start()
    try:
        held = [held_after(monitor, warm_up, 0.0), held_after(monitor, more, warm_up)]
    finally:
        tracemalloc.stop()
    assert held[1] - held[0] < 60_000, held


def test_four_minutes_in_flat_memory():
    assert_flat(Monitor(window=8.0, period=10.0, roi="frame"), warm_up=60.0, more=180.0)


@pytest.mark.slow
def test_an_hour_in_flat_memory():
    assert_flat(Monitor(window=30.0, period=5.0, roi="frame"), warm_up=300.0, more=3600.0)


@pytest.mark.slow
def test_an_hour_of_a_face_in_flat_memory(face):
    """The same 14 s of a face, forth and back, over and over."""
    monitor = Monitor(window=30.0, period=10.0)
    images = np.concatenate([face.images[::2], face.images[::-2]])
    held, values = [], []
    tracemalloc.start()
    try:
        for k in range(3600 * 15):
            report = monitor.push(images[k % len(images)], k / 15)
            values += [report.reading("heart_rate").value] if report else []
            if k in (300 * 15, 3600 * 15 - 1):
                gc.collect()
                held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert held[1] - held[0] < 200_000, held
    right = [v is not None and abs(v - face.truth.heart_rate) < 5 for v in values[5:]]
    assert np.mean(right) > 0.8
