"""An ECG beside the pulse by `measure --method ecg-pulse`: marked, at its rate, or withheld."""

import json

import numpy as np
import pytest

from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.traces import made_trace
from camvitals.pipeline import Settings, measure_trace, pulse_of
from camvitals.records import InputError, Source
from camvitals.report.json_file import read_json
from camvitals.report.write import write
from camvitals.vitals.ecg import r_peaks
from camvitals.waves.ecg import MARK, drawers

ECG = "ecg-pulse"


def measured(scenario, method=ECG):
    trace, truth = made_trace(scenario)
    return measure_trace(trace, source=Source("a.mp4"), settings=Settings(method)), truth


def test_it_comes_with_the_package():
    assert ECG in drawers()
    with pytest.raises(InputError, match=rf"no method 'ecg-none'; choose one of .*{ECG}"):
        Settings("ecg-none")


@pytest.mark.parametrize("bpm", [52, 72, 95, 130])
@pytest.mark.parametrize("rate", [15.0, 30.0])
def test_its_rate_is_that_of_the_pulse(bpm, rate):
    scenario = Scenario(seed=40 + bpm, duration=25, rate=rate, heart_rate=bpm, sdnn=25, ecg="own")
    report, truth = measured(scenario)
    plain, _ = measured(scenario, "auto")
    heart, told = report.reading("heart_rate"), report.reading("ecg_heart_rate")
    assert heart == plain.reading("heart_rate")
    assert report.wave("pulse").values == pytest.approx(plain.wave("pulse").values, nan_ok=True)
    assert abs(told.value - heart.value) <= 2 and told.method == ECG
    ecg = report.wave("ecg")
    assert MARK in ecg.unit and np.median(np.diff(ecg.time)) == pytest.approx(1 / 250)
    found = r_peaks(ecg).time
    true = truth.beats[(truth.beats > 1) & (truth.beats < 24)]
    apart = np.abs(found[:, None] - true).min(axis=0)
    assert (apart < 0.083).mean() > 0.9


def test_waves_p_and_t_stand_about_the_beats():
    report, _ = measured(Scenario(seed=1, duration=25, rate=30, heart_rate=65, ecg="own"))
    ecg = report.wave("ecg")
    at = r_peaks(ecg).time[2:-2]

    def highest(first, last):
        around = at[:, None] + np.linspace(first, last, 40)
        return float(np.median(np.interp(around, ecg.time, ecg.values).max(axis=1)))

    assert highest(-0.02, 0.02) > 0.6
    level = float(np.median(np.interp(at - 0.07, ecg.time, ecg.values)))
    assert highest(-0.25, -0.1) - level > 0.04
    assert highest(0.2, 0.45) - level > 0.1


@pytest.mark.parametrize("subject", ["wall", "painted-face"])
def test_where_there_is_no_pulse_there_is_no_ecg(subject):
    report, _ = measured(Scenario(seed=5, duration=20, rate=30, subject=subject))
    told = report.reading("ecg_heart_rate")
    assert told.value is None and "heart rate itself is withheld" in told.why
    assert np.isnan(report.wave("ecg").values).all()


def test_every_form_of_the_report_says_what_it_is(tmp_path):
    report, _ = measured(Scenario(seed=2, duration=20, rate=30, ecg="own"))
    page = write(tmp_path / "a.html", [report]).read_text(encoding="utf-8")
    assert page.count(MARK) >= 3 and "ECG" in page
    path = write(tmp_path / "a.json", [report])
    (wave,) = [w for w in json.loads(path.read_text())["reports"][0]["waves"] if w["name"] == "ecg"]
    assert MARK in wave["unit"]
    (again,) = read_json(path)
    np.testing.assert_allclose(again.wave("ecg").values, report.wave("ecg").values, rtol=1e-6)
    assert report.versions[ECG] and report.settings["method"] == ECG


def test_the_pulse_alone_is_that_of_auto():
    trace, _ = made_trace(Scenario(seed=2, duration=12, rate=30))
    one, other = (pulse_of(trace, settings=Settings(name)) for name in (ECG, "auto"))
    np.testing.assert_array_equal(one.values, other.values)
