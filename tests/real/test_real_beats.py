"""Beats of real pulses against annotated peaks, ECG beats and contact pulses."""

import json

import numpy as np
import pytest

from camvitals.dsp.clean import bandpass
from camvitals.records import Wave
from camvitals.vitals.beats import beats

pytestmark = pytest.mark.real


def matched(found, true, *, within):
    """Errors [s] of found beats that pair with a true one, after the constant delay, and F1."""
    nearest = true[np.abs(found[:, None] - true).argmin(axis=1)]
    delay = np.median((found - nearest)[np.abs(found - nearest) < 0.3])
    distance = np.abs(found[:, None] - delay - true)
    there, back = distance.argmin(axis=1), distance.argmin(axis=0)
    pair = (back[there] == np.arange(len(found))) & (distance.min(axis=1) < within)
    errors = (found - delay - true[there])[pair]
    return errors, 2 * pair.sum() / (len(found) + len(true))


@pytest.mark.parametrize("every", [1, 8])
def test_annotated_contact_pulse(real_data, every):
    from scipy.io import loadmat

    record = loadmat(real_data / "reference/iphys/PPGData.mat")["PPG"][0, 0]
    rate = float(record["fs"].squeeze())
    x, true = record["data"].ravel().astype(float), record["peaks"].ravel() / rate
    time = np.arange(len(x)) / rate
    found = beats(Wave(x[::every], time[::every], "pulse"))
    errors, f1 = matched(found.time, true, within=0.05)
    assert f1 > 0.98  # 67 of 68; the first is cut by the start
    assert errors.std() < 0.006  # annotations are peaks, on whole samples of 4 ms


def test_pulse_of_an_arrhythmia_alarm_against_its_ecg(real_data):
    wfdb = pytest.importorskip("wfdb")
    from wfdb.processing import xqrs_detect

    record = wfdb.rdrecord(str(real_data / "reference/wfdb/a103l"))
    pleth = record.p_signal[:, record.sig_name.index("PLETH")]
    ecg = xqrs_detect(record.p_signal[:, 0], fs=record.fs, verbose=False) / record.fs
    found = beats(Wave(pleth[::8], np.arange(len(pleth))[::8] / record.fs, "pulse"))
    errors, f1 = matched(found.time, ecg, within=0.15)
    assert f1 > 0.94
    assert np.median(np.abs(errors)) < 0.02


@pytest.mark.parametrize("clip", [1, 2, 3])
def test_camera_pulses_of_another_system(real_data, clip):
    record = json.loads((real_data / f"post/sample_video_{clip}.json").read_text())
    wave = record["waveforms"]["ppg_waveform"]
    time = np.arange(record["n"]) / record["fps"]
    values = np.where(np.array(wave["confidence"]) > 0.3, wave["data"], np.nan)
    found = beats(Wave(values, time, "pulse"))
    theirs = np.array(wave["peak_indices"]) / record["fps"]
    inside = theirs[(theirs >= found.time[0] - 0.3) & (theirs <= found.time[-1] + 0.3)]
    _, f1 = matched(found.time, inside, within=0.15)
    assert f1 > 0.95
    assert found.quality.mean() > 0.8


def test_predicted_pulses_of_42_people(real_data):
    archive = np.load(real_data / "predictions/deepphys_pure_to_ubfc.npz", allow_pickle=False)
    people = sorted(k.split("/")[1] for k in archive if k.startswith("predictions/"))
    scores, rates, good = [], [], []
    for person in people:
        found = []
        for kind in ("predictions", "labels"):
            x = np.cumsum(archive[f"{kind}/{person}"].astype(float))
            x = bandpass(x, rate=30.0, low=0.6, high=4.0)
            found.append(beats(Wave(x, np.arange(len(x)) / 30.0, "pulse")))
        mine, label = found
        trusted = mine.time[mine.quality > 0.5]
        _, f1 = matched(mine.time, label.time, within=0.1)
        kept, _ = matched(trusted, label.time, within=0.1)
        scores.append(f1)
        good.append((len(kept), len(trusted), len(label.time)))
        rates.append([60 / np.median(b.intervals()[1]) for b in found])
    assert len(people) == 42
    assert np.median(scores) > 0.96
    assert np.median(np.abs(np.diff(rates, axis=1))) < 1.0
    right, claimed, there = np.sum(good, axis=0)
    assert right / claimed > 0.95  # what is called good is good, also where the pulse is not
    assert claimed / there > 0.85
