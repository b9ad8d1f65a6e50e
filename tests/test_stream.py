"""Monitor: when it reports, what it does with unruly clocks and pictures, what it refuses."""

import math

import numpy as np
import pytest

from camvitals import Frame, InputError, Monitor, Source, Trace
from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.traces import made_trace
from camvitals.pipeline import Settings, measure_trace
from camvitals.stream import TraceMonitor

RATE = 10.0
PERSON, _ = made_trace(Scenario(seed=5, duration=120, rate=RATE, heart_rate=75))
SKIN = PERSON.region("skin").astype(float)
SEEN = {"rgb", "pixels", "time", "box"}


def picture(k):
    """A wall the colour of the k-th sample of a face, dithered to keep what 8 bits would lose."""
    grain = np.random.default_rng(0).random((40, 40, 3))
    return (SKIN[k] + grain).astype(np.uint8)


def pushed(monitor, order):
    """Push the pictures of these numbers at their times; (number, report) of those that came."""
    reports = [(k, monitor.push(picture(k), k / RATE)) for k in order]
    return [(k, report) for k, report in reports if report is not None]


def watch(**more):
    return Monitor(**{"window": 10.0, "period": 2.0, "roi": "frame", **more})


def test_reports_come_at_the_chosen_period_and_speak_of_the_window():
    monitor = watch(period=4.0)
    came = pushed(monitor, range(300))
    ends = [report.trace.time[-1] for _, report in came]
    assert np.diff(ends) == pytest.approx(np.full(len(ends) - 1, 4.0))
    assert ends[0] == pytest.approx(4.0)
    last = came[-1][1]
    assert last.trace.time[-1] - last.trace.time[0] == pytest.approx(10.0)
    assert last.source.duration == pytest.approx(10.1)
    assert last.source.rate == pytest.approx(RATE)
    assert last is monitor.report


def test_the_first_reports_say_that_it_is_too_early():
    (_, first), *_ = pushed(watch(), range(40))
    assert "in view without a break" in first.reading("heart_rate").why


def test_late_repeated_and_lost_pictures_change_nothing_but_the_count():
    order, unruly = range(200), []
    for k in order:
        unruly += [k, k - 20, k, k] if k in (50, 90, 130) else [k]
    neat, messy = watch(), watch()
    pushed(neat, order)
    pushed(messy, unruly)
    messy.push(picture(0), math.nan)
    messy.push(picture(0), math.inf)
    one, other = neat.now(), messy.now()
    assert one.readings == other.readings
    assert one.source.warnings == ()
    assert "11 pictures" in other.source.warnings[0]
    assert other.source.frames == 200


def test_out_of_order_pictures_leave_the_rest_in_order():
    shuffled = np.arange(200).reshape(-1, 2)[:, ::-1].ravel()  # 1 0 3 2 …
    monitor = watch()
    pushed(monitor, shuffled)
    trace = monitor.now().trace
    assert np.all(np.diff(trace.time) > 0)
    assert trace.rgb[-1, 0] == pytest.approx(SKIN[199], abs=0.5)


def test_a_clock_set_back_starts_anew():
    monitor = watch()
    pushed(monitor, range(300))
    assert pushed(monitor, range(100))
    trace = monitor.now().trace
    assert trace.time[-1] == pytest.approx(9.9)
    assert trace.time[0] >= 0


def test_one_wild_time_ahead_does_not_stop_the_reports():
    monitor = watch()
    pushed(monitor, range(150))
    monitor.push(picture(0), 1e9)
    assert pushed(monitor, range(150, 300))


def test_a_pause_is_a_gap():
    monitor = watch(window=15.0)
    pushed(monitor, [*range(60), *range(100, 150)])
    report = monitor.now()
    pulse = report.wave("pulse")
    assert np.isnan(pulse.values[(pulse.time > 6.2) & (pulse.time < 9.8)]).all()


def test_a_picture_overwritten_by_the_camera_was_already_seen():
    """Cameras hand out one buffer again and again."""
    own, shared = watch(), watch()
    buffer = np.zeros((40, 40, 3), np.uint8)
    for k in range(150):
        own.push(picture(k), k / RATE)
        buffer[:] = picture(k)
        shared.push(buffer, k / RATE)
        buffer[:] = 0
    assert own.now().readings == shared.now().readings


def test_a_face_in_a_buffer_that_is_overwritten(face):
    own, shared = Monitor(), Monitor()
    buffer = np.zeros_like(face.images[0])
    for image, time in zip(face.images[:120:2], face.time[:120:2], strict=True):
        own.push(np.array(image), float(time))
        buffer[:] = image
        shared.push(buffer, float(time))
        buffer[:] = 0
    one, other = own.now(), shared.now()
    assert np.isfinite(one.trace.box).all(axis=1).mean() > 0.9
    assert np.array_equal(one.trace.rgb, other.trace.rgb, equal_nan=True)


def test_frames_and_pictures_are_the_same():
    frames, pictures = watch(), watch()
    for k in range(120):
        frames.push(Frame.of_rgb(picture(k), k / RATE))
        pictures.push(picture(k), k / RATE)
    assert frames.now().readings == pictures.now().readings
    later = watch()
    later.push(Frame.of_rgb(picture(0), 0.0), 7.5)
    assert later.now().trace.time[-1] == 7.5


def test_faces_are_there_to_be_drawn(face):
    monitor = Monitor()
    for image, time in zip(face.images[:30], face.time[:30], strict=True):
        monitor.push(np.array(image), float(time))
    (found,) = monitor.faces
    x0, y0, x1, y1 = found.box
    assert 0 < x0 < 160 < x1 < 320 and 0 < y0 < 120 < y1 < 240
    assert watch().faces == ()


def test_a_picture_of_another_size_is_taken_on():
    monitor = watch()
    pushed(monitor, range(60))
    for k in range(60, 120):
        monitor.push(np.repeat(picture(k), 2, axis=0), k / RATE)
    report = monitor.now()
    assert (report.source.width, report.source.height) == (40, 80)


def test_nobody_before_the_first_picture():
    report = Monitor().now()
    assert "nobody was seen" in report.reading("heart_rate").why


def test_several_people_at_once(film):
    pair = film(
        Scenario(seed=1, duration=14, rate=20, size=(480, 240), people=2, heart_rate=62, sdnn=15)
    )
    monitor, people = Monitor(period=1.0), []
    for image, time in zip(pair.images[:160], pair.time[:160], strict=True):
        people = monitor.push_people(np.array(image), float(time)) or people
    assert [report.person for report in people] == [1, 2]


def test_the_pieces_are_those_of_measure_trace():
    monitor = watch(skin="none")
    pushed(monitor, range(150))
    live = monitor.now()
    parts = {name: getattr(live.trace, name) for name in SEEN}
    again = measure_trace(
        Trace(names=live.trace.names, **parts),
        source=Source("again", rate=RATE),
        settings=Settings(roi="frame", skin="none"),
    )
    assert again.readings == live.readings


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"window": 1.0}, "window >= 5 s"),
        ({"window": math.nan}, "window >= 5 s"),
        ({"window": math.inf}, "window >= 5 s"),
        ({"period": 0.0}, "period > 0 s"),
        ({"period": -1.0}, "period > 0 s"),
        ({"period": math.inf}, "period > 0 s"),
        ({"method": "magic"}, "no method 'magic'"),
        ({"roi": "foot"}, "no roi 'foot'"),
        ({"skin": "thick"}, "no skin mask 'thick'"),
    ],
)
def test_absurd_options_are_refused_at_once(options, told):
    with pytest.raises(InputError, match=told):
        Monitor(**options)


@pytest.mark.parametrize(
    ("image", "time", "told"),
    [
        (np.zeros((8, 8, 3), np.uint8), None, "needs the time of the picture"),
        (np.zeros((8, 8), np.uint8), 0.0, "image needs shape"),
        (np.zeros((8, 8, 4), np.uint8), 0.0, "image needs shape"),
        (np.zeros((8, 8, 3)), 0.0, "needs uint8"),
        (np.zeros((0, 8, 3), np.uint8), 0.0, "needs pixels"),
        ("picture.png", 0.0, "numpy array"),
    ],
)
def test_what_is_no_picture_is_refused(image, time, told):
    with pytest.raises(InputError, match=told):
        watch().push(image, time)


def coloured(monitor, order, **more):
    """Push the colours of the made person; the reports that came."""
    at = [PERSON.names.index(name) for name in monitor.regions]
    pushes = [monitor.push_colours(PERSON.rgb[k, at], k / RATE, **more) for k in order]
    return [people[0] for people in pushes if people]


def test_colours_alone_give_the_report_of_their_trace():
    monitor = TraceMonitor(PERSON.names, window=20.0)
    came = coloured(monitor, range(300))
    report = monitor.now()
    again = measure_trace(report.trace, source=report.source, settings=Settings())
    assert again.readings == report.readings
    assert report.reading("heart_rate").value == pytest.approx(75, abs=3)
    assert len(came) > 5
    assert report.trace.time[-1] - report.trace.time[0] == pytest.approx(20.0)


def test_time_between_pictures_is_time_for_the_report():
    eager, patient = (TraceMonitor(["skin"], window=10.0, period=1.0) for _ in range(2))
    first = {}
    for name, monitor in (("eager", eager), ("patient", patient)):
        for k in range(200):
            people = monitor.push_colours(PERSON.region("skin")[k][None], k / RATE)
            while name == "eager" and monitor.busy:
                people = monitor.advance()
            if people and k > 100:
                first.setdefault(name, (k, people[0].trace.time[-1] - k / RATE))
    assert first["eager"][1] == pytest.approx(0)
    assert first["patient"][1] < -0.5
    assert not eager.busy


def test_what_is_not_seen_is_a_gap_and_late_colours_are_counted():
    monitor = TraceMonitor(["skin", "background"], window=10.0)
    unseen = np.array([[np.nan, 1, 1], [5, 5, 5]])
    for time in (0.0, 0.1, 0.1, 0.2):
        monitor.push_colours(unseen if time else unseen + 9, time, box=(0, 0, 10, 10))
    report = monitor.now()
    assert np.isnan(report.trace.rgb[:, 0]).all()
    assert report.trace.pixels.tolist() == [[0, 1]] * 3
    assert "1 pictures" in report.source.warnings[0]


@pytest.mark.parametrize(
    ("regions", "method", "told"),
    [
        (["skin", "hat"], "auto", "regions need names"),
        (["skin", "skin"], "auto", "regions need names"),
        (["background"], "auto", "one of skin at least"),
        ([], "auto", "one of skin at least"),
        (["skin"], "ssr", "needs pictures"),
    ],
)
def test_colours_that_are_not_enough_are_refused(regions, method, told):
    with pytest.raises(InputError, match=told):
        TraceMonitor(regions, method=method)


def test_colours_out_of_range_are_refused():
    monitor = TraceMonitor(["skin"])
    for wrong, told in ((np.zeros(3), "rgb needs shape"), (np.full((1, 3), 300.0), "0–255")):
        with pytest.raises(InputError, match=told):
            monitor.push_colours(wrong, 0.0)
    with pytest.raises(InputError, match="takes no pictures"):
        monitor.push(picture(0), 0.0)
