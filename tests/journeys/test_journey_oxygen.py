"""A finger's saturation from a file to a number, and what takes it away: never a wrong number."""

import json

import numpy as np
import pytest

from camvitals import InputError, Source, measure
from camvitals.data.recording import Recording
from camvitals.evaluate.oxygen_calibration import sample_of
from camvitals.evaluate.seen import Seen
from camvitals.records import Trace, Wave
from camvitals.video import write_video
from camvitals.vitals.calibration import Calibration, Line

RATE, SECONDS, BPM, SPO2 = 30.0, 16.0, 72.0, 91.0
TIME = np.arange(round(RATE * SECONDS)) / RATE
LEVEL = (150.0, 90.0, 60.0)
LINE = Line(110.0, (-25.0,), 1.0, 1.2, 2.5, 0.99, 5.0, 1.0)


@pytest.fixture(scope="module")
def calibration(tmp_path_factory):
    """SpO2 = 110 − 25 · (red over green), of a phone that sees fingers as LEVEL."""
    made = Calibration(
        camera="phone",
        site="finger",
        method="rg",
        alone=LINE,
        since=LINE,
        spo2=(70.0, 100.0),
        ratios=((0.4, 1.6),),
        colours=((0.3, 0.7), (-0.6, -0.2)),
        subjects=5,
        recordings=10,
        windows=1000,
        left_out="subject",
    )
    path = tmp_path_factory.mktemp("calibration") / "phone.json"
    path.write_text(made.text())
    return path


def colours(level=LEVEL, *, depth=0.02):
    """(T, 3) mean colours of a finger at SPO2."""
    beat = np.sin(2 * np.pi * BPM / 60 * TIME)
    ratio = (110 - SPO2) / 25
    return np.array(level) * (1 + depth * np.array([ratio, 1.0, 0.8]) * beat[:, None])


def filmed(path, rgb):
    """A lossless file: whole codes, whose mean over many pixels has the digits of the colour."""
    rng = np.random.default_rng(0)
    shown = (np.floor(c + rng.random((72, 96, 3))) for c in rgb)
    write_video(path, (np.clip(s, 0, 255).astype(np.uint8) for s in shown), time=TIME, codec="ffv1")
    return path


def test_a_finger_is_read(tmp_path, calibration):
    report = measure(filmed(tmp_path / "a.mkv", colours()), roi="finger", oxygen=calibration)
    assert report.reading("heart_rate").value == pytest.approx(BPM, abs=2)
    found = report.reading("spo2")
    assert found.value == pytest.approx(SPO2, abs=1.5) and found.low < SPO2 < found.high


def withheld_of(path, calibration):
    """The reason why there is no saturation, and the report."""
    report = measure(path, roi="finger", oxygen=calibration)
    assert all(r.value is None for r in report.rolling if r.name == "spo2")
    found = report.reading("spo2")
    assert found.value is None
    return found.why, report


def test_one_channel(tmp_path, calibration):
    """A monochrome camera: the pulse is there, the colours are not."""
    import av

    path = tmp_path / "grey.mkv"
    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as file:
        stream = file.add_stream("ffv1", rate=round(RATE))
        stream.width, stream.height, stream.pix_fmt = 96, 72, "gray"
        for value in colours(depth=0.05)[:, 1]:
            plane = np.floor(value + rng.random((72, 96))).astype(np.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(plane, format="gray")))
        file.mux(stream.encode())
    why, report = withheld_of(path, calibration)
    assert "the picture is grey" in why
    assert report.reading("heart_rate").value == pytest.approx(BPM, abs=2)


def test_one_channel_as_an_array_is_no_picture(calibration):
    with pytest.raises(InputError, match=r"images needs shape .*×3 but"):
        measure(np.zeros((90, 72, 96), np.uint8), fps=RATE, roi="finger", oxygen=calibration)


@pytest.mark.parametrize("at", [0, 1])
def test_a_saturated_finger(tmp_path, calibration, at):
    """The flash is too bright, and one channel stands at its end."""
    rgb = colours()
    rgb[:, at] = 300
    why, _ = withheld_of(filmed(tmp_path / "bright.mkv", rgb), calibration)
    assert f"{('red', 'green')[at]} is at the camera's limit (255 of 255)" in why


def test_no_pulse(tmp_path, calibration):
    """A pressed finger, or a piece of meat, of the right colour."""
    why, report = withheld_of(filmed(tmp_path / "dead.mkv", colours(depth=0.0)), calibration)
    assert "there is no trusted pulse" in why
    assert report.reading("heart_rate").value is None


def test_a_calibration_of_another_camera(tmp_path, calibration):
    """Another balance of colours gives it away; another name is refused before anything is read."""
    path = filmed(tmp_path / "other.mkv", colours((60.0, 90.0, 120.0)))
    why, _ = withheld_of(path, calibration)
    assert "another camera, light or skin needs a calibration of its own" in why
    with pytest.raises(InputError, match="of camera 'phone' but got 'webcam'"):
        Calibration.load(calibration).check(camera="webcam")
    other = calibration.with_name("face.json")
    other.write_text(json.dumps(json.loads(calibration.read_text()) | {"site": "face"}))
    with pytest.raises(InputError, match="of roi 'face' but got 'finger'"):
        measure(path, roi="finger", oxygen=other)


def sampled(spo2):
    """What a calibration learns from a recording with this reference, one reading a second."""
    count = len(TIME)
    rgb, box = colours()[:, None].astype(np.float32), np.zeros((count, 4))
    trace = Trace(rgb, np.full((count, 1), 1000), TIME, ("finger",), box)
    reference = Wave(np.asarray(spo2, dtype=float), np.arange(float(len(spo2))), "spo2", "%")
    recording = Recording("own", "a", dict, colours=lambda: trace, roi="finger")
    seen = Seen(trace, Source("x"), 0.0, SECONDS)
    return sample_of(recording, seen, reference, method="rg")


def test_a_reference_with_gaps():
    """Windows that end in a gap are not learnt from, and no line is drawn across it."""
    spo2 = np.full(16, SPO2)
    whole, late = sampled(spo2), spo2.copy()
    late[11:] = np.nan
    gappy = sampled(late)
    assert len(whole.stop) > 4 and 0 < len(gappy.stop) < len(whole.stop)
    assert gappy.stop.max() <= 10.1 and np.isfinite(gappy.spo2).all()
    early = spo2.copy()
    early[3:13] = np.nan
    assert sampled(early).stop.min() > 13
    with pytest.raises(InputError, match="no usable window: the reference has no value there"):
        sampled(np.full(16, np.nan))
