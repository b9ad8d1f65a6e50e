import dataclasses

import numpy as np
import pytest

from camvitals.records import Finding, Source
from camvitals.report.capture import LIMITS, bits_share, capture

SOURCE = Source("a.mp4", 640, 480, 1800, 1800, 60.0, 30.0, 0.0, "h264", "yuv420p", 2.0e6)


def found(trace, source=SOURCE) -> dict[str, Finding]:
    return {finding.name: finding for finding in capture(trace, source)}


def lit(trace, factor, *, regions=slice(None)):
    """The trace with the light of some regions multiplied by factor (T,) or (T, 3)."""
    rgb = np.array(trace.rgb, dtype=float)
    rgb[:, regions] *= np.reshape(factor, (len(trace.time), 1, -1))
    return dataclasses.replace(trace, rgb=rgb.astype(np.float32))


def without_background(trace):
    return dataclasses.replace(
        trace, rgb=trace.rgb[:, :-1], pixels=trace.pixels[:, :-1], names=trace.names[:-1]
    )


def test_a_good_recording_is_fine_in_all_respects(make_trace):
    findings = found(make_trace())
    assert set(findings) == set(LIMITS)
    assert [f.name for f in findings.values() if not f.fine or f.remedy] == []


def test_what_is_not_fine_comes_with_a_remedy(make_trace):
    source = dataclasses.replace(SOURCE, bit_rate=7.5e4, frames=240, duration=8.0)
    findings = found(make_trace(), source)
    bad = {f.name for f in findings.values() if not f.fine}
    assert bad == {"length", "complete", "compression"}
    assert all(findings[name].remedy.endswith(".") for name in bad)
    assert findings["compression"].value == pytest.approx(7.5e4 / (640 * 480 * 30))


@pytest.mark.parametrize(("codec", "fine"), [("h264", False), ("hevc", True), ("mjpeg", False)])
def test_compression_is_judged_by_the_codec(make_trace, codec, fine):
    source = dataclasses.replace(SOURCE, codec=codec, bit_rate=0.04 * 640 * 480 * 30)
    assert found(make_trace(), source)["compression"].fine is fine
    lossless = dataclasses.replace(source, codec="ffv1")
    assert "compression" not in found(make_trace(), lossless)


def test_the_share_of_bits_is_one_when_enough_or_unknown_and_falls_with_them():
    pixels = 640 * 480 * 30
    source = dataclasses.replace(SOURCE, codec="h264", bit_rate=0.1 * pixels)
    assert bits_share(source) == pytest.approx(1)
    assert bits_share(dataclasses.replace(source, bit_rate=0.01 * pixels)) == pytest.approx(0.1)
    assert bits_share(dataclasses.replace(source, bit_rate=5 * pixels)) == 1
    slower = dataclasses.replace(source, frames=1350, bit_rate=0.05 * pixels)  # 30, then 15
    assert bits_share(slower) == pytest.approx(0.5 * 1800 / 1350)
    assert bits_share(dataclasses.replace(source, bit_rate=None)) == 1
    assert bits_share(dataclasses.replace(source, codec="ffv1", bit_rate=1.0)) == 1
    assert bits_share(dataclasses.replace(source, codec="hevc", bit_rate=0.06 * pixels)) == 1


def test_dropped_and_uneven_frames_are_told_apart(make_trace):
    trace = make_trace()
    keep = np.arange(len(trace.time)) % 10 != 3
    dropped = dataclasses.replace(
        trace, **{k: getattr(trace, k)[keep] for k in ("rgb", "pixels", "time", "box")}
    )
    findings = found(dropped)
    assert findings["dropped_frames"].value == pytest.approx(10, abs=0.2)
    assert findings["frame_jitter"].value == pytest.approx(0, abs=0.1)
    shift = np.random.default_rng(0).uniform(-0.45, 0.45, len(trace.time)) / 30
    uneven = found(dataclasses.replace(trace, time=trace.time + shift))
    assert not uneven["frame_jitter"].fine and uneven["dropped_frames"].fine


def test_exposure_steps_are_seen_and_the_pulse_is_not(make_trace):
    trace = make_trace(pulse=0.01, bpm=50)
    assert found(trace)["exposure"].fine
    assert found(without_background(trace))["exposure"].fine
    step = np.where(trace.time > 30, 1.05, 1.0)
    for lit_trace in (lit(trace, step), without_background(lit(trace, step))):
        finding = found(lit_trace)["exposure"]
        assert not finding.fine and finding.value == pytest.approx(5, abs=0.7)


def test_a_hunting_exposure_is_seen(make_trace):
    trace = make_trace()
    hunting = 1 + 0.03 * np.sin(2 * np.pi * 0.3 * trace.time)
    assert not found(lit(trace, hunting))["exposure"].fine


def test_shade_on_the_face_alone_is_not_the_exposure(make_trace):
    trace = make_trace()
    step = np.where(trace.time > 30, 1.05, 1.0)
    assert found(lit(trace, step, regions=slice(0, 4)))["exposure"].fine


@pytest.mark.parametrize(
    ("rate", "lamp_hz", "harmful"),
    [(24.0, 100.0, True), (29.5, 120.0, True), (30.0, 100.0, False), (25.0, 100.0, False)],
)
def test_flicker_counts_where_the_frame_rate_folds_it_into_the_heart_band(
    make_trace, rate, lamp_hz, harmful
):
    trace = make_trace(rate=rate)
    flicker = 1 + 0.005 * np.sin(2 * np.pi * (lamp_hz + 0.07) * trace.time)
    for lit_trace in (lit(trace, flicker), without_background(lit(trace, flicker))):
        finding = found(lit_trace)["mains_flicker"]
        assert finding.fine is not harmful
        assert finding.value == pytest.approx(0.5 if harmful else 0.0, abs=0.08)


def test_times_in_whole_milliseconds_do_not_hide_flicker(make_trace):
    trace = make_trace(rate=24.0)
    flicker = lit(trace, 1 + 0.005 * np.sin(2 * np.pi * 100 * trace.time))
    findings = found(dataclasses.replace(flicker, time=np.round(trace.time, 3)))
    assert findings["frame_rate"].value == pytest.approx(24, abs=0.01)
    assert findings["mains_flicker"].value == pytest.approx(0.5, abs=0.05)


def test_a_background_that_is_never_seen_is_no_background(make_trace):
    trace = make_trace(rate=24.0)
    flicker = lit(trace, 1 + 0.005 * np.sin(2 * np.pi * 100 * trace.time))
    rgb = np.array(flicker.rgb)
    rgb[:, -1] = np.nan
    findings = found(dataclasses.replace(flicker, rgb=rgb))
    assert not findings["mains_flicker"].fine and findings["exposure"].fine


def test_a_pulse_where_flicker_would_be_is_not_flicker(make_trace):
    trace = make_trace(rate=29.6, bpm=60 * 1.6)  # 120 Hz folds to 1.6 Hz
    assert found(trace)["mains_flicker"].value == 0
    assert found(without_background(trace))["mains_flicker"].value == 0


def test_motion_is_measured_in_widths_of_the_face(make_trace):
    trace = make_trace()
    sway = 14 * np.sin(2 * np.pi * 1.0 * trace.time)  # 10 % of a width of 140 px
    box = trace.box + np.stack([sway, 0 * sway, sway, 0 * sway], axis=1)
    findings = found(dataclasses.replace(trace, box=box))
    assert findings["motion"].value == pytest.approx(10 / np.sqrt(2), rel=0.1)
    assert not findings["motion"].fine and not findings["moving_share"].fine


def test_dark_bright_small_and_hidden_faces_are_named(make_trace):
    trace = make_trace()
    length = len(trace.time)
    assert not found(lit(trace, np.full(length, 0.2)))["brightness"].fine
    assert not found(lit(trace, np.full(length, 1.4)))["saturation"].fine
    assert not found(dataclasses.replace(trace, box=trace.box / 2))["face_size"].fine
    rgb = np.array(trace.rgb)
    rgb[: length // 4] = np.nan
    hidden = found(dataclasses.replace(trace, rgb=rgb))["face_seen"]
    assert hidden.value == pytest.approx(75) and not hidden.fine


@pytest.mark.parametrize("length", [0, 1, 2, 400])
def test_nothing_seen_is_no_error(make_empty_trace, length):
    findings = found(make_empty_trace(length), Source("x"))
    assert findings["face_seen"].value == 0 and not findings["face_seen"].fine
    assert "brightness" not in findings and "exposure" not in findings


def test_gaps_do_not_hide_or_make_a_finding(make_trace):
    trace = make_trace()
    rgb = np.array(trace.rgb)
    rgb[300:420] = np.nan
    box = np.array(trace.box)
    box[300:420] = np.nan
    findings = found(dataclasses.replace(trace, rgb=rgb, box=box))
    assert {f.name for f in findings.values() if not f.fine} == set()  # 93 % seen
