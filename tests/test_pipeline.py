"""From a trace to a report: who is reported, what is said when there is too little, methods."""

import subprocess
import sys
from dataclasses import replace
from importlib.metadata import version

import numpy as np
import pytest

import camvitals
from camvitals import InputError, Settings, Source, Trace, measure, measure_trace
from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.traces import made_trace
from camvitals.pipeline import reports_of
from camvitals.waves.run import METHODS
from camvitals.waves.view import unmeasurable

RATE = 25.0
SOURCE = Source("made", 640, 480, 750, duration=30.0, rate=RATE)
KEPT = ("rgb", "pixels", "time", "box", "moments", "points")


def person(seed=1, **more):
    scene = {"seed": seed, "duration": 30, "rate": RATE, "heart_rate": 72, "sdnn": 15} | more
    return made_trace(Scenario(**scene))


def part(trace, keep):
    return Trace(names=trace.names, **{name: getattr(trace, name)[keep] for name in KEPT})


def unseen(trace, away):
    """The same person, out of sight at these samples."""
    hidden = {name: getattr(trace, name).copy() for name in ("rgb", "box")}
    for array in hidden.values():
        array[away] = np.nan
    return replace(trace, **hidden)


def report_of(trace, **settings):
    return measure_trace(trace, source=SOURCE, settings=Settings(**settings))


@pytest.mark.parametrize("bpm", [48, 72, 110, 150])
def test_the_rate_put_in_comes_out(bpm):
    trace, truth = person(heart_rate=bpm)
    heart = report_of(trace).reading("heart_rate")
    assert heart.value == pytest.approx(truth.heart_rate, abs=2)
    assert heart.low <= truth.heart_rate <= heart.high
    assert heart.quality > 0.7


def test_beats_and_pulse_are_those_of_the_heart():
    trace, truth = person(duration=60)
    report = report_of(trace)
    inside = truth.beats[(truth.beats > 1) & (truth.beats < 59)]
    found = report.beats[(report.beats > 1) & (report.beats < 59)]
    nearest = np.abs(found[:, None] - inside[None]).min(axis=1)
    assert len(found) == pytest.approx(len(inside), abs=2)
    assert np.std(found - inside[np.abs(found[:, None] - inside[None]).argmin(axis=1)]) < 0.06
    assert nearest.max() < 0.5


def test_breathing_is_read_from_a_minute():
    trace, truth = person(seed=4, duration=60, breath_rate=14)
    breath = report_of(trace).reading("respiration_rate")
    assert breath.value is None or breath.value == pytest.approx(truth.breath_rate, abs=2)
    assert breath.value is not None or breath.why


def test_a_rising_rate_is_followed_window_by_window():
    trace, truth = person(duration=60, heart_rate=80, heart_rate_slope=30)
    given = [r for r in report_of(trace).rolling if r.value is not None]
    assert len(given) > 20
    errors = [r.value - truth.rate_between(*r.span) for r in given]
    assert np.median(np.abs(errors)) < 1.5
    assert given[-1].value - given[0].value > 10


@pytest.mark.parametrize("name", METHODS)
def test_every_method_alone_is_right_or_withheld(name):
    scene = {"camera": "machine", "codec": "ffv1", "duration": 20}
    trace, truth = person(seed=2, **scene)
    if METHODS[name].needs == "grid":
        trace = as_grid(trace)
    heart = report_of(trace, method=name).reading("heart_rate")
    assert heart.method == name
    assert heart.value is None or heart.value == pytest.approx(truth.heart_rate, abs=4)


def as_grid(trace):
    """A 2 × 3 grid of the regions of the face, beside them."""
    names = tuple(f"grid_0{r}_0{c}" for r in range(2) for c in range(3))
    extra = trace.rgb[:, :6]
    return replace(
        trace,
        names=(*trace.names, *names),
        rgb=np.concatenate([trace.rgb, extra], axis=1),
        pixels=np.concatenate([trace.pixels, trace.pixels[:, :6]], axis=1),
    )


def test_the_usual_methods_alone_do_read_a_still_face():
    trace, truth = person(seed=2, camera="machine", codec="ffv1", duration=20)
    for name in ("green", "chrom", "pos", "omit", "pbv", "lgi"):
        heart = report_of(trace, method=name).reading("heart_rate")
        assert heart.value == pytest.approx(truth.heart_rate, abs=2), name


def test_out_of_sight_nothing_is_made_up():
    trace, truth = person(duration=40)
    report = report_of(unseen(trace, (trace.time > 15) & (trace.time < 25)))
    pulse = report.wave("pulse")
    gone = (pulse.time > 15.1) & (pulse.time < 24.9)
    assert np.isnan(pulse.values[gone]).all() and np.isfinite(pulse.values[~gone]).mean() > 0.95
    assert not ((report.beats > 15.1) & (report.beats < 24.9)).any()
    assert all(r.span[1] < 16 or r.span[0] > 24 for r in report.rolling)
    assert report.reading("heart_rate").value == pytest.approx(truth.heart_rate, abs=3)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda t: unseen(t, slice(None)), "nobody was seen"),
        (lambda t: part(t, slice(None, None, 5)), "8 pictures a second but there were 5.0"),
        (lambda t: part(t, slice(0, 100)), "5 s in view without a break but there were 4.0 s"),
        (lambda t: part(t, slice(0, 1)), "pictures a second"),
        (lambda t: unseen(t, t.time % 4 > 3), "without a break but there were 3"),
        (lambda t: part(t, t.time % 4 < 3), "without a break but there were 3"),
    ],
)
def test_too_little_is_said_in_a_sentence(spoil, told):
    trace = spoil(person()[0])
    assert told in unmeasurable(trace)
    report = report_of(trace)
    of_heart = [r for r in report.readings if r.name != "respiration_rate"]
    assert all(reading.value is None and reading.why for reading in of_heart)
    assert report.rolling == ()
    assert told in report.reading("heart_rate").why


def test_five_seconds_are_enough_to_try():
    trace, _ = person()
    assert unmeasurable(part(trace, slice(0, 125))) == ""
    assert unmeasurable(part(trace, slice(0, 123))) != ""


def test_the_first_report_is_of_whoever_is_seen_most():
    near, truth = person(1, heart_rate=66)
    far, other = person(2, heart_rate=88, size=(320, 240))
    reports = reports_of({4: far, 9: near}, SOURCE, settings=Settings())
    assert [report.person for report in reports] == [1, 2]
    rates = [report.reading("heart_rate").value for report in reports]
    assert rates == pytest.approx([truth.heart_rate, other.heart_rate], abs=2)


def test_who_stays_briefly_is_reported_only_when_alone():
    whole, _ = person(1)
    brief = part(person(2)[0], slice(0, 40))
    assert len(reports_of({0: whole, 1: brief}, SOURCE, settings=Settings())) == 1
    (only,) = reports_of({1: brief}, SOURCE, settings=Settings())
    assert "without a break but there were 1.6 s" in only.reading("heart_rate").why


def test_nobody_is_one_report_that_says_so():
    (report,) = reports_of({}, SOURCE, settings=Settings())
    assert "nobody was seen" in report.reading("heart_rate").why
    assert report.person == 1 and report.source is SOURCE


def test_without_a_heart_rate_there_is_nothing_that_rests_on_it():
    report = report_of(made_trace(Scenario(seed=1, duration=70, rate=15, subject="wall"))[0])
    assert report.reading("heart_rate").value is None
    assert all(r.value is None for r in report.readings if r.name.startswith("hrv_"))
    assert len(report.beats) == 0


def test_the_clock_of_a_trace_may_start_anywhere():
    """A camera counts from its start, a phone from 1970."""
    trace, _ = person()
    here = report_of(trace).reading("heart_rate")
    there = report_of(replace(trace, time=trace.time + 1.7e9)).reading("heart_rate")
    assert there.value == pytest.approx(here.value, abs=0.3)
    assert there.span == pytest.approx((here.span[0] + 1.7e9, here.span[1] + 1.7e9), abs=0.1)


def test_the_same_trace_gives_the_same_report():
    trace, _ = person()
    assert report_of(trace).readings == report_of(trace).readings


def test_progress_counts_the_frames(face):
    told = []
    measure(
        np.asarray(face.images[:20]),
        time=face.time[:20],
        progress=lambda *counted: told.append(counted),
    )
    assert told == [(k, 20) for k in range(1, 21)]


def test_a_report_names_what_made_it():
    report = report_of(person()[0], method="chrom", roi="skin", skin="chroma")
    assert report.settings == {"method": "chrom", "roi": "skin", "skin": "chroma"}
    assert {"camvitals", "numpy", "python"} <= set(report.versions)
    assert all(report.versions.values())


def test_versions_are_those_of_the_installed_packages():
    told = dict(camvitals.pipeline.versions())
    assert told.pop("python").startswith(f"{sys.version_info[0]}.{sys.version_info[1]}.")
    assert set(told) == {"camvitals", "numpy", "av", "onnxruntime"}
    assert told == {name: version(name) for name in told}


def test_a_leap_of_years_is_refused():
    trace, _ = person()
    leap = replace(trace, time=np.where(trace.time < 15, trace.time, trace.time + 1e8))
    with pytest.raises(InputError, match=r"leap from 15\.0 to"):
        report_of(leap)


def test_unknown_names_are_refused_with_those_there_are():
    with pytest.raises(InputError, match="choose one of auto, green"):
        Settings(method="magic")
    with pytest.raises(AttributeError, match="no attribute 'magic'"):
        _ = camvitals.magic


@pytest.mark.parametrize("name", camvitals.__all__)
def test_every_public_name_is_there(name):
    assert getattr(camvitals, name).__doc__
    assert name in dir(camvitals)


def loaded_after(code):
    ask = f"{code}\nimport sys\nprint(*sys.modules)"
    ended = subprocess.run([sys.executable, "-c", ask], capture_output=True, check=True, text=True)
    return set(ended.stdout.split())


def test_importing_loads_nothing_heavy():
    assert not loaded_after("import camvitals") & {"av", "onnxruntime", "scipy", "matplotlib"}


def test_measuring_loads_no_scipy_signal_and_no_plots(face_file):
    loaded = loaded_after(f"import camvitals; camvitals.measure({str(face_file)!r})")
    assert "onnxruntime" in loaded
    assert not loaded & {"scipy.signal", "matplotlib", "torch", "importlib.metadata"}
