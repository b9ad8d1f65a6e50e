"""Cleaned electrocardiograms of people: beats against annotations, leads against each other."""

import numpy as np
import pytest

from camvitals.evaluate.waveform import match_beats
from camvitals.records import Wave
from camvitals.vitals.beats import beats
from camvitals.vitals.ecg_clean import read_ecg

pytestmark = pytest.mark.real
BEATS = list("NLRBAaJSVrFejnE/fQ?")  # annotations that are beats
CLOSE_S = 0.05


def wave(values, rate):
    return Wave(np.asarray(values, dtype=float), np.arange(len(values)) / rate, "ecg", "mV")


def f1(found, true, latest=0.0):
    return match_beats(found.beats.time, true, within=CLOSE_S, latest=latest).f1


@pytest.mark.parametrize("lead", [0, 1])
def test_half_an_hour_of_holter_with_hum(real_data, lead):
    wfdb = pytest.importorskip("wfdb")
    record = wfdb.rdrecord(str(real_data / "reference/wfdb/100"))
    marks = wfdb.rdann(str(real_data / "reference/wfdb/100"), "atr")
    true = marks.sample[np.isin(marks.symbol, BEATS)] / record.fs
    found = read_ecg(wave(record.p_signal[:, lead], record.fs))
    assert f1(found, true) >= 0.995  # 1.0000 and 0.9993
    assert found.mains == pytest.approx(60, abs=0.1)  # recorded in Boston
    rate = 60 * (len(true) - 1) / (true[-1] - true[0])
    assert found.heart_rate.value == pytest.approx(rate, abs=0.1)
    assert found.quality > 0.99
    answered = np.mean([r.value is not None for r in found.rolling])
    assert answered > 0.99


def test_a_minute_beside_a_contact_pulse(real_data):
    from scipy.io import loadmat

    record = loadmat(real_data / "reference/iphys/ECGData.mat")["ECG"][0, 0]
    rate = float(record["fs"].squeeze())
    true = record["peaks"].ravel() / rate
    found = read_ecg(wave(record["data"].ravel(), rate))
    assert len(true) == 68 and f1(found, true) == 1
    assert found.heart_rate.low <= 60 * 67 / (true[-1] - true[0]) <= found.heart_rate.high


@pytest.mark.parametrize(
    ("name", "least"), [("118e24", 0.995), ("118e12", 0.94), ("118e06", 0.72), ("118e00", 0.55)]
)
def test_a_moving_electrode_shows_in_the_quality(real_data, name, least):
    """24, 12, 6 and 0 dB: F1 1.000, 0.950, 0.745, 0.577; quality 1.00, 0.92, 0.74, 0.69."""
    folder = real_data / "reference/heartpy"
    values = np.loadtxt(folder / f"{name}.csv", delimiter=",")
    true = np.loadtxt(folder / f"{name}_ann.csv", delimiter=",").ravel() / 360
    found = read_ecg(wave(values, 360))
    match = match_beats(found.beats.time, true, within=CLOSE_S, latest=0)
    assert match.f1 > least
    assert abs(found.quality - match.precision) < 0.25
    rate = 60 * (len(true) - 1) / (true[-1] - true[0])
    answered = np.mean([r.value is not None for r in found.rolling])
    if name == "118e24":
        assert found.heart_rate.value == pytest.approx(rate, abs=0.3)
    else:
        assert found.heart_rate.value is None and answered < 0.6


def test_leads_without_annotations_agree(real_data):
    """No beats are annotated here: F1 of each lead against the one of highest quality."""
    wfdb = pytest.importorskip("wfdb")
    record = wfdb.rdrecord(str(real_data / "reference/wfdb/s0010_re"))
    found = [read_ecg(wave(lead, record.fs)) for lead in record.p_signal.T]
    best = max(found, key=lambda one: one.quality)
    agreement = [f1(one, best.beats.time, latest=0.12) for one in found]  # R here is S there
    assert np.mean(np.array(agreement) > 0.995) >= 0.8 and min(agreement) > 0.95
    assert {one.mains is None or abs(one.mains - 50) < 0.1 for one in found} == {True}  # Berlin
    rates = [one.heart_rate.value for one in found]
    assert np.ptp(rates) < 0.5
    alarm = wfdb.rdrecord(str(real_data / "reference/wfdb/a103l"))
    two = [read_ecg(wave(alarm.p_signal[:, k], alarm.fs)) for k in (0, 1)]
    assert f1(two[0], two[1].beats.time, latest=0.06) > 0.95


def test_an_ecg_without_annotations_beats_as_the_pressure_does(real_data):
    wfdb = pytest.importorskip("wfdb")
    record = wfdb.rdrecord(str(real_data / "reference/wfdb/03700181"))
    found = read_ecg(wave(record.p_signal[:, 0], record.fs))
    pressure = beats(wave(record.p_signal[:, 1], record.fs)).time
    match = match_beats(pressure, found.beats.time, within=0.1, latest=0.4)
    assert match.f1 > 0.97
    rate = 60 * (len(pressure) - 1) / (pressure[-1] - pressure[0])
    assert found.heart_rate.value == pytest.approx(rate, abs=1)
