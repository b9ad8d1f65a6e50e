"""Saturations by calibrations that are known, and every reason to withhold one."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camvitals.records import InputError, Reading, Trace, withheld
from camvitals.vitals.calibration import Baseline, Calibration, Line
from camvitals.vitals.oxygen import NAME, RATIO, look, saturation
from camvitals.vitals.oxygen_fit import Sample, calibrate

RATE, SECONDS = 30.0, 60.0
SPAN = (0.0, SECONDS)
LINE = Line(110.0, (-25.0,), 1.0, 1.2, 2.5, 0.99, 5.0, 1.0)
SINCE = replace(LINE, offset=0.0)
CALIBRATION = Calibration(
    camera="phone",
    site="finger",
    method="rg",
    alone=LINE,
    since=SINCE,
    spo2=(70.0, 100.0),
    ratios=((0.4, 1.6),),
    colours=((0.0, 1.0), (-1.0, 0.0)),
    subjects=5,
    recordings=10,
    windows=1000,
    left_out="subject",
)


def trace(spo2=95.0, *, level=(150.0, 90.0, 60.0), seconds=SECONDS, noise=0.02, gain=1.0):
    """A finger whose red over green is (110 − SpO2)/25, at 72 bpm."""
    time = np.arange(round(seconds * RATE)) / RATE
    ratio = gain * (110 - np.broadcast_to(spo2, time.shape)) / 25
    beat = np.sin(2 * np.pi * 1.2 * time)
    depth = 0.01 * np.stack([ratio, np.ones_like(time), 0.8 + 0 * time], axis=1)
    rng = np.random.default_rng(1)
    rgb = np.array(level) * (1 + depth * beat[:, None])
    rgb += noise * rng.standard_normal(rgb.shape)
    rgb = np.clip(rgb, 0, 255)[:, None].astype(np.float32)
    count = len(time)
    return Trace(rgb, np.full((count, 1), 1000), time, ("finger",), np.zeros((count, 4)))


def hearts(seconds=SECONDS):
    spans = [(s, s + 10.0) for s in np.arange(0.0, seconds - 9.9)]
    return tuple(Reading("heart_rate", 72.0, "bpm", 71.0, 73.0, 0.9, "auto", s) for s in spans)


HEART = Reading("heart_rate", 72.0, "bpm", 71.0, 73.0, 0.9, "auto", SPAN)


def read(given, oxygen=CALIBRATION, *, heart=HEART, pulses=None):
    return saturation(
        given,
        oxygen=oxygen,
        rate=RATE,
        heart=heart,
        pulses=hearts(given.time[-1]) if pulses is None else pulses,
    )


@pytest.mark.parametrize("spo2", [72.0, 85.0, 97.0])
def test_the_saturation_put_in_comes_out(spo2):
    whole, rolling = read(trace(spo2))
    assert whole.name == NAME and whole.value == pytest.approx(spo2, abs=0.3)
    assert whole.low <= spo2 <= whole.high <= 100
    assert whole.quality == pytest.approx(0.99)
    assert len(rolling) == 51 and all(abs(r.value - spo2) < 0.5 for r in rolling)


def test_a_course_is_followed():
    time = np.arange(round(SECONDS * RATE)) / RATE
    _, rolling = read(trace(np.interp(time, [0, 60], [98, 78])))
    middle = np.array([sum(r.span) / 2 for r in rolling])
    told = np.array([r.value for r in rolling])
    assert np.abs(told - np.interp(middle, [0, 60], [98, 78])).max() < 1.0


def test_a_baseline_takes_out_what_a_finger_adds():
    shifted = trace(95.0, gain=1.2)  # reads 92 without
    assert read(shifted)[0].value == pytest.approx(92.0, abs=0.3)
    told = read(shifted, CALIBRATION.known("95@0-30"))[0]
    assert told.value == pytest.approx(95.0, abs=0.2)


WHY = {
    "beyond the ratios": (trace(62.0), CALIBRATION, "ratio of colours is outside"),
    "beyond the saturations": (
        trace(75.0),
        replace(CALIBRATION, spo2=(80.0, 100.0)),
        "outside the 80–100 % that the calibration covers",
    ),
    "red at its limit": (trace(level=(254.9, 90, 60), noise=0), CALIBRATION, "red is at the cam"),
    "green black": (trace(level=(150, 1.0, 60)), CALIBRATION, "green is at the camera's limit"),
    "another camera": (trace(level=(60, 90, 60)), CALIBRATION, "outside what the calibration saw"),
    "noise": (trace(noise=8.0), CALIBRATION, "shows no clear pulse"),
    "too short": (trace(seconds=9.0), CALIBRATION, "needs 10 s in view"),
    "no baseline there": (trace(), CALIBRATION.known("98@50-55"), "the baseline of 50–55 s holds"),
    "a calibration that tells nothing": (
        trace(),
        replace(CALIBRATION, alone=replace(LINE, rmse=5.1)),
        "no better than a constant",
    ),
}


@pytest.mark.parametrize("case", WHY)
def test_it_is_withheld_with_the_reason(case):
    given, calibration, why = WHY[case]
    whole, rolling = read(given, calibration)
    assert whole.value is None and why in whole.why
    assert all(r.value is None for r in rolling)


def test_a_grey_picture_has_no_saturation():
    colour = trace()
    grey = replace(colour, rgb=np.repeat(colour.rgb[..., 1:2], 3, axis=2))
    assert "the picture is grey" in read(grey)[0].why


def test_without_a_pulse_there_is_none():
    none = withheld("heart_rate", "bpm", "nobody was seen", method="auto", span=SPAN)
    whole, rolling = read(trace(), heart=none, pulses=())
    assert "nobody was seen" in whole.why and rolling == ()


def test_windows_without_a_trusted_heart_rate_have_none():
    first = tuple(r for r in hearts() if r.span[1] <= 40)
    whole, rolling = read(trace(), pulses=first)
    assert whole.value == pytest.approx(95.0, abs=0.3)
    late = [r for r in rolling if r.span[1] > 41.5]
    assert late and all("no trusted pulse" in r.why for r in late)
    assert whole.quality < 0.99


def test_a_gap_is_no_window_and_those_beside_it_are():
    broken = trace()
    broken.rgb[600:660] = np.nan
    seen = look(broken, method="rg", rate=RATE, pulses=hearts())
    inside = (seen.start < 22) & (seen.stop > 20)
    assert not inside.any() and (seen.stop < 20.1).any() and (seen.start > 21.9).any()


def test_the_bare_ratio_is_named_what_it_is():
    whole, rolling = read(trace(95.0), "uncalibrated")
    assert whole.name == RATIO and "uncalibrated" in RATIO and whole.unit == "1"
    assert whole.value == pytest.approx(0.6, abs=0.01) and len(rolling) == 51


def sample(subject, *, offset=0.0, noise=0.0, windows=120, take="a", slope=-25.0):
    """Windows of a person whose saturation falls from 98 to 75."""
    rng = np.random.default_rng([len(subject), windows])
    spo2 = np.interp(np.arange(windows), [0, 30, windows - 1], [98, 98, 75])
    ratio = (spo2 - 110 - offset) / slope + noise * rng.standard_normal(windows)
    colours = np.column_stack([np.full(windows, 0.5), np.full(windows, -0.4)])
    return Sample(
        subject, f"{subject}/{take}", ratio[:, None], colours, spo2, 10.0 + np.arange(windows)
    )


def fitted(samples, **fields):
    return calibrate(samples, method="rg", **({"camera": "phone", "site": "finger"} | fields))


def test_a_line_put_in_is_found():
    found = fitted([sample(name) for name in ("ann", "bo", "cy")])
    assert (found.alone.offset, *found.alone.slopes) == pytest.approx((110, -25))
    assert found.alone.rmse < 1e-6 and found.alone.given == 1 and found.left_out == "subject"
    assert found.spo2 == (75, 98) and found.subjects == found.recordings == 3


def test_the_error_is_that_of_people_left_out():
    samples = [sample("ann"), sample("bo"), sample("cy", offset=6)]
    found = fitted(samples)
    seen = [np.abs(found.alone(one.ratios) - one.spo2).mean() for one in samples]
    assert found.alone.mae > 1.25 * np.mean(seen) > 2
    assert found.since.mae < 0.3  # the offset is each person's own, the slope is not


def test_one_person_is_judged_by_recordings():
    assert fitted([sample("ann"), sample("ann", take="b")]).left_out == "recording"


@pytest.mark.parametrize(
    ("samples", "why"),
    [
        ([sample("ann")], "needs 2 subjects or recordings"),
        ([sample("ann"), sample("bo", windows=20)], "needs 2 subjects or recordings"),
        (
            [replace(sample(n), spo2=np.full(120, 98.0)) for n in ("ann", "bo")],
            "span 2 points but they go from 98.0 to 98.0",
        ),
    ],
)
def test_too_little_makes_no_calibration(samples, why):
    with pytest.raises(InputError, match=why):
        fitted(samples)


def test_people_far_apart_are_not_judged_by_each_other():
    far = replace(sample("bo"), ratios=sample("bo").ratios + 9)
    with pytest.raises(InputError, match="ranges of the others"):
        fitted([sample("ann"), far])


@given(
    offset=st.floats(-200, 200),
    slopes=st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=3),
    name=st.text(max_size=20),
)
@settings(max_examples=30, deadline=None)
def test_a_file_gives_back_what_was_written(tmp_path_factory, offset, slopes, name):
    line = replace(LINE, offset=offset, slopes=tuple(slopes))
    found = replace(
        CALIBRATION,
        camera=name,
        method="multi",
        alone=line,
        since=None,
        ratios=((0.1, 1.0), (0.2, 2.0), (0.3, 3.0)),
    )
    path = tmp_path_factory.mktemp("cal") / "cal.json"
    path.write_text(found.text(), encoding="utf-8")
    assert Calibration.load(path) == found


def test_a_baseline_is_not_written(tmp_path):
    path = tmp_path / "cal.json"
    path.write_text(CALIBRATION.known("98@0-30").text(), encoding="utf-8")
    assert Calibration.load(path) == CALIBRATION
    assert CALIBRATION.known("98@0-30").fingerprint == CALIBRATION.fingerprint


def broken(**fields):
    return json.dumps(json.loads(CALIBRATION.text()) | fields)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no calibration in"),
        ("[]", "needs schema camvitals.oxygen/1 but has 'list'"),
        (broken(schema="camvitals.oxygen/9"), "needs schema"),
        (broken(method="infrared"), "no oxygen method"),
        (broken(method="multi"), "needs 3 ratios and slopes"),
        (broken(spo2=[100, 70]), "a range goes from"),
        (broken(camera=7), "not a whole calibration"),
        (broken(alone={}), "not a whole calibration"),
        (broken(strange=1), "not a whole calibration"),
        (broken(colours=[[0, 1]]), "not a whole calibration"),
    ],
)
def test_a_broken_file_is_refused(tmp_path, text, why):
    path = tmp_path / "cal.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=why):
        Calibration.load(path)


@pytest.mark.parametrize("text", ["98", "98@", "98@30-0", "20@0-30", "nan@0-30", "98@0-30-40"])
def test_a_baseline_that_is_none_is_refused(text):
    with pytest.raises(InputError, match="98@0-30"):
        Baseline.of(text)


def test_another_site_or_camera_is_refused():
    with pytest.raises(InputError, match="of roi 'finger' but got 'face'"):
        CALIBRATION.check(roi="face")
    with pytest.raises(InputError, match="of camera 'phone' but got 'webcam'"):
        CALIBRATION.check(camera="webcam")
    with pytest.raises(InputError, match="takes no baseline"):
        replace(CALIBRATION, since=None).known("98@0-30")
