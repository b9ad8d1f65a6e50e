"""Breathing from contact pulses with a capnograph or an impedance belt beside them."""

import numpy as np
import pytest

from camvitals.dsp.clean import bandpass
from camvitals.dsp.peaks import peaks
from camvitals.records import Wave
from camvitals.vitals.beats import beats
from camvitals.vitals.breath import respiration

pytestmark = pytest.mark.real


def bidmc(data):
    table = np.genfromtxt(
        data / "reference/bidmc/bidmc_01_Signals.csv", delimiter=",", skip_header=1
    )
    return table[:, 0], table[:, 2], table[:, 1], 125.0, 4


def capnobase(data):
    pulse = np.loadtxt(data / "reference/capnobase/ppg_sample.csv")
    breath = np.loadtxt(data / "reference/capnobase/co2_sample.csv")
    return np.arange(len(pulse)) / 300.0, pulse, breath, 300.0, 10


def breaths_a_minute(breath, rate):
    """Reference: breaths counted on the belt or capnograph."""
    smooth = bandpass(breath, rate=rate, low=0.07, high=0.8)
    at = peaks(smooth, distance=1.2 * rate, prominence=0.5 * smooth.std())
    return 60 * rate / np.diff(at).mean()


def measured(time, pulse, every):
    """Reading from a pulse as a camera method leaves it, and the raw brightness beside."""
    rate = (len(time) - 1) / (time[-1] - time[0])
    clean = bandpass(pulse, rate=rate, low=0.65, high=4.0)
    wave = Wave(clean[::every], time[::every], "pulse")
    colour = Wave(pulse[::every], time[::every], "colour")
    return respiration(wave, beats(wave), colour=colour)


@pytest.mark.parametrize(("load", "published"), [(bidmc, 20.6), (capnobase, 19.4)])
def test_whole_recording(real_data, load, published):
    time, pulse, breath, rate, every = load(real_data)
    reading, _ = measured(time, pulse, every)
    true = breaths_a_minute(breath, rate)
    assert abs(true - published) < 1.0
    assert reading.value == pytest.approx(true, abs=0.6)
    assert reading.low <= true <= reading.high


@pytest.mark.parametrize(("load", "least"), [(bidmc, 9), (capnobase, 14)])
def test_half_minutes(real_data, load, least):
    time, pulse, breath, rate, every = load(real_data)
    off, covered = [], []
    for start in np.arange(time[0], time[-1] - 29, 30):
        part = (time >= start) & (time < start + 30)
        reading, _ = measured(time[part], pulse[part], every)
        if reading.value is not None:
            true = breaths_a_minute(breath[part], rate)
            off.append(abs(reading.value - true))
            covered.append(reading.low <= true <= reading.high)
    assert len(off) >= least  # of 16
    assert np.mean(off) < 0.7 and max(off) < 2.0
    assert np.mean(covered) > 0.8


def test_breath_wave_follows_the_capnograph(real_data):
    time, pulse, breath, rate, every = capnobase(real_data)
    _, wave = measured(time, pulse, every)
    smooth = bandpass(breath, rate=rate, low=0.1, high=0.6)
    reference = np.interp(wave.time, time, smooth)
    seen = np.isfinite(wave.values)
    shifts = [
        np.corrcoef(np.roll(wave.values[seen], s), reference[seen])[0, 1] for s in range(-8, 9)
    ]
    assert np.max(np.abs(shifts)) > 0.6  # either way up, up to 2 s apart
