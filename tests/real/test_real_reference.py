"""Which spans of real sensors are believed, and whether those that are tell the annotated rate."""

import numpy as np
import pytest

from camvitals.data.corpora import CORPORA
from camvitals.evaluate.doctor import checkup
from camvitals.evaluate.reference import Reference
from camvitals.records import Wave

pytestmark = pytest.mark.real


def wave(values, rate, name):
    return Wave(np.asarray(values, dtype=float), np.arange(len(values)) / rate, name)


def judged(reference, true, seconds, window=10.0):
    """Error [bpm] and whether it is believed, of windows inside the annotated beats [s]."""
    rows = []
    for start in np.arange(0, seconds - window, window):
        if start < true[0] or start + window > true[-1]:
            continue
        counted = np.interp([start, start + window], true, np.arange(len(true)))
        rate = 60 * np.diff(counted)[0] / window
        said = reference.rate_between(start, start + window)
        rows.append((abs(said - rate), reference.usable(start, start + window)[0]))
    error, believed = np.array(rows).T
    return error, believed.astype(bool)


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [("118e24", 1.0, 0.1), ("118e12", 0.4, 0.1), ("118e06", 0.3, 2.0), ("118e00", 0.3, 2.0)],
)
def test_noisy_spans_are_left_out(real_data, name, least, most):
    folder = real_data / "reference/heartpy"
    values = np.loadtxt(folder / f"{name}.csv", delimiter=",")
    true = np.loadtxt(folder / f"{name}_ann.csv", delimiter=",").ravel() / 360
    reference = Reference.of_waves({"ecg": wave(values, 360, "ecg")})
    error, believed = judged(reference, true, len(values) / 360)
    assert believed.mean() >= least
    assert error[believed].max() < most
    left_out = error[~believed]
    assert len(left_out) == 0 or np.mean(~(left_out < 2)) > 0.8


def test_ecg_and_blood_pressure_of_one_heart(real_data):
    wfdb = pytest.importorskip("wfdb")
    record = wfdb.rdrecord(str(real_data / "reference/wfdb/03700181"))
    pressure = record.p_signal[:, record.sig_name.index("ABP")]
    waves = {
        "ecg": wave(record.p_signal[:, 0], record.fs, "ecg"),
        "blood_pressure": wave(pressure, record.fs, "blood_pressure"),
    }
    reference = Reference.of_waves(waves)
    spans = [(a, a + 10.0) for a in range(5, 590, 10)]
    assert np.mean([reference.usable(*span)[0] for span in spans]) > 0.95


def test_a_bed_of_intensive_care(real_data):
    table = np.genfromtxt(
        real_data / "reference/bidmc/bidmc_01_Signals.csv", delimiter=",", names=True
    )
    names = {"ecg": "II", "pulse": "PLETH", "breath": "RESP"}
    reference = Reference.of_waves({k: wave(table[v], 125, k) for k, v in names.items()})
    assert reference.usable(5, 475) == (True, "")
    assert reference.rate_between(5, 475) == pytest.approx(91.5, abs=0.5)
    assert reference.breath_between(5, 475) == pytest.approx(20.6, abs=1.0)


def test_labels_of_42_people_are_believed(real_data):
    archive = np.load(real_data / "predictions/deepphys_pure_to_ubfc.npz", allow_pickle=False)
    believed = []
    for key in archive:
        if key.startswith("labels/"):
            pulse = wave(np.cumsum(archive[key].astype(float)), 30.0, "pulse")
            reference = Reference.of_waves({"pulse": pulse})
            starts = range(0, int(pulse.time[-1]) - 10, 10)
            believed += [reference.usable(a, a + 10)[0] for a in starts]
    assert len(believed) > 200
    assert np.mean(believed) > 0.97


def test_phones_and_chest_straps_are_offset_by_seconds(real_data):
    takes = CORPORA["finger-hrv"].read(real_data / "finger-hrv")
    found = [checkup(take) for take in takes]
    late = [one.lag.seconds for one in found if one.lag.seconds is not None]
    assert len(late) >= 5
    assert all(0.5 < seconds < 3.5 for seconds in late)
    assert {one.recording: one.lag.seconds for one in found}["subject_11"] is None  # it moved


def test_a_trace_beside_its_own_pulse_is_fine(real_data):
    (take,) = CORPORA["face-trace"].read(real_data / "face-trace")
    found = checkup(take)
    assert found.fine
    assert found.lag.seconds == pytest.approx(0.0, abs=0.06)  # told: -0.017, likeness 0.84
