"""R peaks of real electrocardiograms against beats that people annotated, within 50 ms."""

import numpy as np
import pytest

from camvitals.records import Wave
from camvitals.vitals.ecg import r_peaks

pytestmark = pytest.mark.real
BEATS = list("NLRBAaJSVrFejnE/fQ?")  # annotations that are beats


def score(found, true, within=0.05):
    """F1 of found beats, each paired with at most one true one, and the errors [s] of the pairs."""
    apart = np.abs(found[:, None] - true)
    there, back = apart.argmin(axis=1), apart.argmin(axis=0)
    pair = (back[there] == np.arange(len(found))) & (apart.min(axis=1) <= within)
    return 2 * pair.sum() / (len(found) + len(true)), (found - true[there])[pair]


def wave(values, rate):
    return Wave(np.asarray(values, dtype=float), np.arange(len(values)) / rate, "ecg", "mV")


@pytest.mark.parametrize(("lead", "sign", "every"), [(0, 1, 1), (0, -1, 1), (1, 1, 1), (0, 1, 6)])
def test_half_an_hour_of_holter(real_data, lead, sign, every):
    wfdb = pytest.importorskip("wfdb")
    record = wfdb.rdrecord(str(real_data / "reference/wfdb/100"))
    marks = wfdb.rdann(str(real_data / "reference/wfdb/100"), "atr")
    true = marks.sample[np.isin(marks.symbol, BEATS)] / record.fs
    values = sign * record.p_signal[::every, lead]
    f1, errors = score(r_peaks(wave(values, record.fs / every)).time, true)
    assert len(true) == 2273
    assert f1 > 0.999  # 1.0000, 1.0000, 0.9993, 1.0000
    assert errors.std() < 0.0025


@pytest.mark.parametrize(
    ("name", "least"), [("118e24", 0.995), ("118e12", 0.94), ("118e06", 0.72), ("118e00", 0.55)]
)
def test_noise_of_a_moving_electrode(real_data, name, least):
    """24, 12, 6 and 0 dB: found 1.000, 0.950, 0.745, 0.577, and what is doubtful is said to be."""
    folder = real_data / "reference/heartpy"
    values = np.loadtxt(folder / f"{name}.csv", delimiter=",")
    true = np.loadtxt(folder / f"{name}_ann.csv", delimiter=",").ravel() / 360
    found = r_peaks(wave(values, 360))
    assert score(found.time, true)[0] > least
    right = np.abs(found.time[:, None] - true).min(axis=1) <= 0.05
    assert right[found.quality > 0.9].mean() > 0.8
    assert abs(found.quality.mean() - right.mean()) < 0.25


def test_a_minute_beside_a_contact_pulse(real_data):
    from scipy.io import loadmat

    record = loadmat(real_data / "reference/iphys/ECGData.mat")["ECG"][0, 0]
    rate = float(record["fs"].squeeze())
    f1, errors = score(
        r_peaks(wave(record["data"].ravel(), rate)).time, record["peaks"].ravel() / rate
    )
    assert f1 == 1
    assert len(errors) == 68 and errors.std() < 0.002


def test_all_leads_of_one_person_tell_the_same_rate(real_data):
    wfdb = pytest.importorskip("wfdb")
    record = wfdb.rdrecord(str(real_data / "reference/wfdb/s0010_re"))
    counts = [len(r_peaks(wave(lead, record.fs)).time) for lead in record.p_signal.T]
    assert np.ptp(np.sort(counts)[1:-1]) <= 1
