"""The drawn ECG beside real electrocardiograms. They are read where they are, and never fitted to.

A minute of finger pulse and ECG (iPhys), five and a half minutes of an alarm on a ward with
PLETH and lead II (PhysioNet 2015, a103l), and twelve seconds of a face whose camera pulse another
system told, with contact pulse and ECG at the rate of the pictures (post, clip 1).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from camvitals.dsp.clean import bandpass, rate_of, uniform
from camvitals.dsp.peaks import upsample
from camvitals.evaluate.ecg import ecg_scores
from camvitals.evaluate.waveform import match_beats
from camvitals.records import Array, Wave
from camvitals.vitals.ecg import r_peaks
from camvitals.waves.ecg import drawn, ecg_network

NETWORK = "ecg-pulse"
BAND_HZ = (0.65, 4.0)  # of a pulse in use
FINE_HZ = 250.0


@dataclass(frozen=True, slots=True)
class Pair:
    """A real pulse and the ECG beside it, on one clock."""

    name: str
    pulse: Wave
    ecg: Wave


def pairs(folder: Path) -> Iterator[Pair]:
    """Those that are there."""
    iphys, wfdb = folder / "reference/iphys", folder / "reference/wfdb/a103l.hea"
    post = folder / "post/sample_vitals_1.csv"
    if iphys.is_dir():
        yield _iphys(iphys)
    if wfdb.is_file():
        yield _ward(wfdb.with_suffix(""))
    if post.is_file():
        yield from _clip(post)


def pulse_of(values: Array, time: Array) -> Wave:
    """A pulse in the band that is used, more blood up."""
    banded = bandpass(values, rate=rate_of(time), low=BAND_HZ[0], high=BAND_HZ[1])
    return Wave(banded, time, "pulse")


def _iphys(folder: Path) -> Pair:
    from scipy.io import loadmat

    waves = []
    for name in ("PPG", "ECG"):
        record = loadmat(folder / f"{name}Data.mat")[name][0, 0]
        values = record["data"].ravel().astype(float)
        waves.append((values, np.arange(len(values)) / float(record["fs"].squeeze())))
    return Pair("finger, 60 s (iPhys)", pulse_of(*waves[0]), Wave(*waves[1], "ecg"))


def _ward(path: Path) -> Pair:
    import wfdb

    record = wfdb.rdrecord(str(path))
    columns = [record.sig_name.index(name) for name in ("PLETH", "II")]
    pleth, ecg = (np.nan_to_num(record.p_signal[:, k]) for k in columns)
    time = np.arange(len(ecg)) / record.fs
    return Pair("ward, 330 s (a103l)", pulse_of(pleth, time), Wave(ecg, time, "ecg"))


def _clip(path: Path) -> Iterator[Pair]:
    """Camera and contact pulse of one clip; its ECG is brought to 250 Hz between its samples."""
    told = json.loads(path.with_name("sample_video_1.json").read_text(encoding="utf-8"))
    columns = np.genfromtxt(path, delimiter=",", names=True)
    rate = float(told["fps"])
    time = np.arange(len(columns)) / rate
    factor = int(np.ceil(FINE_HZ / rate))
    fine = upsample(columns["ecg"], factor=factor)
    ecg = Wave(fine, np.arange(len(fine)) / (rate * factor), "ecg")
    camera = np.array(told["waveforms"]["ppg_waveform"]["data"], dtype=float)
    yield Pair("face, camera pulse, 12 s (post, clip 1)", pulse_of(camera, time), ecg)
    yield Pair("the same, contact pulse", pulse_of(columns["ppg"], time), ecg)


def scored(pair: Pair) -> dict[str, Any]:
    """Beats and likeness, as they are, and with the person's own delay taken off."""
    found = drawn(pair.pulse, ecg_network(NETWORK))
    true = r_peaks(pair.ecg).time
    first, last = found.wave.time[0], found.wave.time[-1]
    true = true[(true > first + 0.3) & (true < last - 0.3)]
    said = found.beats[(found.beats > first + 0.1) & (found.beats < last - 0.1)]
    match = match_beats(said, true, within=0.15, latest=0.3)
    even, time = uniform(pair.ecg.values, pair.ecg.time, rate=FINE_HZ)
    slow = bandpass(even, rate=FINE_HZ, low=0.5, high=100.0)
    ecg = Wave(slow, time, "ecg")
    shifted = Wave(found.wave.values, found.wave.time - match.delay, "ecg")
    plain, own = (
        ecg_scores(one, ecg, rate=FINE_HZ, window=10.0, kind="trace", beats=true)
        for one in (found.wave, shifted)
    )
    f1 = {
        f"{name}_{round(1e3 * within)}": match_beats(at, true, within=within, latest=0).f1
        for name, at in (("f1", said), ("f1_own", said - match.delay))
        for within in (0.05, 0.083)
    }
    return {
        "recording": pair.name,
        "beats": len(true),
        **f1,
        "f1_floor": plain["f1_floor"],
        "late_ms": 1e3 * match.delay,
        "interval_mae_ms": 1e3 * float(np.abs(match.interval_error).mean()),
        "heart_rate": 60 / float(np.median(np.diff(true))),
        "heart_rate_drawn": 60 / float(np.median(np.diff(said))),
        "r": plain["r"],
        "r_own": own["r"],
    }


def rows(folder: Path) -> list[dict[str, Any]]:
    """One for each recording that is there."""
    return [scored(pair) for pair in pairs(folder)]
