import numpy as np
import pytest

from camvitals.dsp.clean import bandpass
from camvitals.face.collect import Collector
from camvitals.face.track import Tracker
from camvitals.records import Frame, InputError

RATE = 20.0


def run(images, *, rate=RATE, start=0.0, collector=None, convert=Frame.of_rgb, **options):
    """Push pictures at this rate; the collector and its traces."""
    collector = collector or Collector(**options)
    for k, image in enumerate(images):
        collector.push(convert(image, start + k / rate))
    return collector, collector.traces()


def seen(trace, name="skin"):
    return np.isfinite(trace.region(name)[:, 0])


def line(values, rate, frequency):
    """Amplitude of a sine of this frequency in values, and the median amplitude around it."""
    x = (values - values.mean()) * np.hanning(len(values))
    spectrum = np.abs(np.fft.rfft(x, 16 * len(x))) * 4 / len(x)
    at = np.fft.rfftfreq(16 * len(x), 1 / rate)
    near = (np.abs(at - frequency) > 0.2) & (np.abs(at - frequency) < 0.6)
    return spectrum[np.argmin(np.abs(at - frequency))], np.median(spectrum[near])


@pytest.mark.parametrize("planes", ["rgb", "video"])
def test_a_change_of_light_is_in_every_region_as_large_as_it_is(portrait, as_video, planes):
    convert = Frame.of_rgb if planes == "rgb" else as_video
    still = portrait(160, 120, 110).astype(float)
    gain = 1 + 0.05 * np.sin(2 * np.pi * np.arange(40) / 13)
    images = [(still * 0.8 * g + 0.5).astype(np.uint8) for g in gain]
    _, traces = run(images, convert=convert)
    assert list(traces) == [0]
    trace = traces[0]
    assert trace.names == (
        *("forehead", "left_cheek", "right_cheek", "nose", "chin", "skin", "background"),
    )
    relative = trace.rgb / trace.rgb.mean(axis=0)
    expected = np.broadcast_to((gain / gain.mean())[:, None, None], relative.shape)
    np.testing.assert_allclose(relative, expected, atol=0.008)
    assert (trace.pixels > 20).all()


def test_skin_is_skin_and_background_is_background(portrait):
    image = portrait(160, 120, 110)
    _, traces = run([image] * 10)
    trace = traces[0]
    red, green, blue = trace.region("skin").mean(axis=0)
    assert red > green > blue and red > 150
    wall = image[20:60, 20:60].reshape(-1, 3).mean(axis=0)
    np.testing.assert_allclose(trace.region("background").mean(axis=0), wall, atol=25)
    x0, y0, x1, y1 = trace.box[5]
    assert 90 < y1 - y0 < 130 and abs((x0 + x1) / 2 - 160) < 12 and abs((y0 + y1) / 2 - 120) < 15


def test_motion_hardly_shows_in_the_trace(portrait):
    k = np.arange(60)
    x, y = 160 + 8 * np.sin(2 * np.pi * k / 37), 120 + 5 * np.cos(2 * np.pi * k / 23)
    moving = [portrait(a, b, 100) for a, b in zip(x, y, strict=True)]
    _, traces = run(moving)
    trace = traces[0]
    green = trace.region("skin")[:, 1]
    followed = np.array([np.mean(im[95:145, 140:180, 1]) for im in moving])  # a box that stays
    assert green.std() < 0.35
    assert green.std() < 0.1 * followed.std()
    middle = (trace.box[:, :2] + trace.box[:, 2:]) / 2
    np.testing.assert_allclose(middle - middle[0], np.c_[x - x[0], y - y[0]], atol=1.2)


def test_shaking_networks_leave_no_line_of_one_per_second(portrait, monkeypatch):
    """Detector and landmarks that jump by 3 % of the face at every key frame of a still face."""
    from camvitals.face.detect import Detector
    from camvitals.face.mesh import Mesh

    detect, mesh = Detector.__call__, Mesh.__call__
    shake = np.random.default_rng(3)
    calls = []

    def shaky_detect(self, frame, square, *, threshold):
        found = detect(self, frame, square, threshold=threshold)
        calls.append(frame.time)
        for one in found:
            off = np.tile(shake.normal(0, 2.5, 2), 2)
            object.__setattr__(one, "box", tuple(float(v) for v in np.asarray(one.box) + off))
        return found

    def shaky_mesh(self, frame, square):
        points, presence = mesh(self, frame, square)
        return points + (-1) ** len(calls) * 1.2 + shake.normal(0, 0.6, 2), presence

    monkeypatch.setattr(Detector, "__call__", shaky_detect)
    monkeypatch.setattr(Mesh, "__call__", shaky_mesh)
    still = portrait(160, 120, 90).astype(float)
    noise = np.random.default_rng(4)
    images = [
        np.clip(still + noise.normal(0, 1.5, (*still.shape[:2], 1)), 0, 255).astype(np.uint8)
        for _ in range(int(16 * RATE))
    ]
    _, traces = run(images)
    assert len(set(np.round(calls))) >= 8  # a key frame every two seconds at least
    for name in ("skin", "forehead", "left_cheek"):
        green = traces[0].region(name)[:, 1]
        height, floor = line(green, RATE, 1.0)
        assert height < 3 * floor + 0.01, name
        assert bandpass(green, rate=RATE, low=0.7, high=3.0).std() < 0.08, name


def test_two_people_have_a_trace_each(portrait):
    images = []
    for k in range(30):
        left = portrait(80, 120, 90, size=(240, 160), gain=1 + 0.03 * np.sin(k))
        right = portrait(80, 115, 80, size=(240, 160), gain=0.7)
        images.append(np.hstack([left, right]))
    collector, traces = run(images)
    assert len(traces) == 2
    left, right = sorted(traces.values(), key=lambda t: t.box[-1, 0])
    assert left.box[-1, 2] < 160 < right.box[-1, 0]
    assert left.region("skin")[:, 1].std() > 5 * right.region("skin")[:, 1].std()
    assert {face.track for face in collector.faces} == set(traces)


def test_at_most_so_many_people(portrait):
    pair = np.hstack([portrait(80, 120, 90, size=(240, 160))] * 2)
    _, traces = run([pair] * 15, max_people=1)
    assert len(traces) == 1


def test_a_face_that_leaves_is_a_gap_and_keeps_its_number_when_back(portrait):
    with_face, without = portrait(160, 120, 100), portrait(160, 120, 100)[:, ::-1].copy()
    without[:] = without[5, 5]
    images = [with_face] * 40 + [without] * 40 + [with_face] * 40
    _, traces = run(images)
    assert list(traces) == [0]
    there = seen(traces[0])
    assert there[:38].sum() >= 20 and not there[40:80].any() and there[95:].all()
    assert np.isnan(traces[0].box[60]).all()
    assert (traces[0].pixels[~there] == 0).all()


def test_samples_since_the_last_sight_are_withdrawn(portrait):
    """The face dims into the dark: what was followed since the last key frame is not believed."""
    face = portrait(160, 120, 100).astype(float)
    fade = np.r_[np.ones(60), np.linspace(1, 0.02, 25), np.full(40, 0.02)]
    _, traces = run([(face * g).astype(np.uint8) for g in fade])
    there = seen(traces[0])
    assert there[:20].all() and not there[85:].any()
    assert np.nanmin(traces[0].region("skin")[:, 1]) > 12


def test_another_scene_with_the_face_elsewhere_is_followed_at_once(portrait):
    one, other = portrait(90, 110, 90), portrait(235, 130, 90)
    _, traces = run([one] * 30 + [other] * 30)
    x = {number: trace.box[-1, 0] for number, trace in traces.items() if seen(trace)[-1]}
    assert len(x) == 1 and next(iter(x.values())) > 170
    assert sum(seen(trace)[-25:].sum() for trace in traces.values()) >= 25
    for trace in traces.values():
        place = trace.box[:, 0]
        step = np.abs(np.diff(place[np.isfinite(place)]))
        assert np.all((step < 8) | (step > 100))  # never somewhere between


@pytest.mark.parametrize("kind", ["black", "noise", "wall", "dark"])
def test_no_face_no_trace(portrait, kind):
    rng = np.random.default_rng(0)
    images = {
        "black": lambda: np.zeros((240, 320, 3), dtype=np.uint8),
        "noise": lambda: rng.integers(0, 255, (240, 320, 3), dtype=np.uint8),
        "wall": lambda: (130 + rng.normal(0, 3, (240, 320, 3))).astype(np.uint8),
        "dark": lambda: (portrait(160, 120, 110) * 0.05).astype(np.uint8),
    }
    _, traces = run([images[kind]() for _ in range(15)])
    assert traces == {}


def test_a_small_face_in_a_large_picture_is_found(portrait):
    image = portrait(900, 300, 48, size=(720, 1280))
    _, traces = run([image] * 30, rate=10)
    assert len(traces) == 1
    box = traces[0].box[-1]
    assert abs((box[0] + box[2]) / 2 - 900) < 8 and 35 < box[3] - box[1] < 60


def test_a_face_half_out_of_the_picture_is_no_crash(portrait):
    images = [portrait(160 + 6 * k, 120, 110) for k in range(40)]
    _, traces = run(images)
    there = seen(traces[0])
    assert there[:10].all() and not there[-3:].any()


def test_keep_bounds_what_is_kept(portrait):
    image = portrait(60, 50, 60, size=(100, 120))
    collector, traces = run([image] * 900, rate=60, keep=2.0)
    assert traces[0].time[0] == pytest.approx(900 / 60 - 2, abs=0.05)
    assert len(collector._people[0].record) <= 512


def test_grid_moments_and_points_go_along(portrait):
    k = np.arange(40)
    images = [portrait(160, 120 + 4 * np.sin(k_ / 4), 110) for k_ in k]
    _, traces = run(images, grid=(3, 3), moments=True, points=True)
    trace = traces[0]
    assert trace.names[7:] == tuple(f"grid_0{n}" for n in range(9))
    middle = trace.region("grid_04")
    assert np.isfinite(middle).all() and np.abs(middle - trace.region("skin")).max() < 60
    # moments: at least the square of the mean, by the spread of the skin
    mean = trace.region("skin").astype(float)
    excess = trace.moments - mean[:, :, None] * mean[:, None, :]
    assert np.linalg.eigvalsh(excess).min() > -1e-2 * mean.max() ** 2 / 100
    assert 50 < np.trace(excess, axis1=1, axis2=2).mean() < 6000
    points = trace.points
    alive = np.isfinite(points[1:-1, :, 0]).all(axis=0)
    assert alive.sum() >= 15
    y = points[1:-1][:, alive, 1]
    np.testing.assert_allclose(
        y - y[0],
        np.repeat((4 * np.sin(k / 4))[1:-1, None], alive.sum(), 1) - 4 * np.sin(0.25),
        atol=0.5,
    )


def test_boxes_alone_give_regions_too(portrait):
    collector = Collector()
    collector._tracker = Tracker(landmarks=False)
    _, traces = run([portrait(160, 120, 110)] * 12, collector=collector)
    assert np.isfinite(traces[0].region("forehead")).all()
    assert traces[0].region("skin")[-1, 0] > traces[0].region("skin")[-1, 2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"roi": "hand"}, "no roi 'hand'; choose face, frame, skin, finger"),
        ({"skin": "hsv"}, "no skin mask 'hsv'; choose otsu, chroma, none"),
        ({"grid": (0, 3)}, "grid needs 1 to 400 cells but got 0 × 3"),
        ({"roi": "finger", "grid": (2, 2)}, "takes no grid="),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(InputError, match=message):
        Collector(**options)


def test_time_must_increase(portrait):
    collector, _ = run([portrait(160, 120, 110)] * 2)
    with pytest.raises(InputError, match="increasing time"):
        collector.push(Frame.of_rgb(portrait(160, 120, 110), 0.01))
