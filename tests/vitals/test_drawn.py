"""Where an ECG that a network gives is shown, and the rate that is read off it."""

import numpy as np
import pytest

from camvitals.records import Reading, Wave, withheld
from camvitals.vitals.drawn import shown
from camvitals.waves.ecg import MARK, UNIT, Drawn


def heart(bpm=72.0, span=(0.0, 30.0)):
    return Reading("heart_rate", bpm, "bpm", bpm - 1, bpm + 1, 0.9, "auto", span)


def ecg(bpm=72.0, seconds=30.0, rate=250.0):
    time = np.arange(round(seconds * rate)) / rate
    beats = np.arange(0.4, seconds, 60 / bpm)
    away = time[:, None] - beats
    values = np.exp(-0.5 * (away / 0.012) ** 2) + 0.25 * np.exp(-0.5 * ((away - 0.25) / 0.04) ** 2)
    return Drawn(Wave(values.sum(axis=1), time, "ecg", UNIT), beats, np.ones(len(beats)))


def test_the_rate_is_that_of_the_trace():
    wave, reading = shown(ecg(71.0), heart(72.0), [heart()], method="ecg-x")
    assert reading.value == pytest.approx(71.0, abs=0.1)
    assert reading.low <= 71.0 and reading.high == 73.0
    assert (reading.method, reading.quality) == ("ecg-x", 0.9)
    assert np.isfinite(wave.values).all() and MARK in wave.unit


def test_only_trusted_windows_are_shown():
    rolling = [heart(span=(k, k + 10.0)) for k in (0.0, 1.0, 2.0)]
    rolling += [
        withheld("heart_rate", "bpm", "no", method="auto", span=(k, k + 10.0)) for k in (3.0, 18.0)
    ]
    wave, reading = shown(ecg(), heart(), rolling, method="ecg-x")
    assert np.isfinite(wave.values[wave.time <= 12]).all()
    assert np.isnan(wave.values[wave.time > 12.01]).all()
    assert reading.value == pytest.approx(72, abs=0.2)


def test_a_hole_is_no_interval():
    rolling = [heart(span=(0.0, 10.0)), heart(span=(20.0, 30.0))]
    _, reading = shown(ecg(), heart(), rolling, method="ecg-x")
    assert reading.value == pytest.approx(72, abs=0.2)


@pytest.mark.parametrize(
    ("drawn", "pulse", "why"),
    [
        (ecg(78.0), heart(72.0), "beats 78 times a minute but the pulse 72"),
        (ecg(72.0, seconds=2.0), heart(), "too few beats"),
        (ecg(), withheld("heart_rate", "bpm", "dark", method="auto", span=(0, 30)), "is withheld"),
    ],
)
def test_what_cannot_be_trusted_is_withheld_with_the_trace(drawn, pulse, why):
    wave, reading = shown(drawn, pulse, [], method="ecg-x")
    assert reading.value is None and why in reading.why
    assert np.isnan(wave.values).all() and len(wave.time) == len(drawn.wave.time)


def test_a_slow_trace_is_counted_by_its_rises():
    fast = ecg(seconds=30)
    slow = Wave(fast.wave.values[::20], fast.wave.time[::20], "ecg", MARK)
    none = np.zeros(0)
    _, reading = shown(Drawn(slow, none, none), heart(), [heart()], method="a.onnx")
    assert reading.value == pytest.approx(72, abs=1.0)
