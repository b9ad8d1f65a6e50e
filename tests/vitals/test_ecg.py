import warnings

import numpy as np
import pytest

from camvitals.data.synthetic.physiology import simulate_physiology
from camvitals.data.synthetic.scenario import Scenario
from camvitals.records import InputError, Wave
from camvitals.vitals.ecg import r_peaks
from camvitals.vitals.variability import variability


def body(seed=0, **fields):
    return simulate_physiology(Scenario(seed=seed, rate=30.0, **({"duration": 60.0} | fields)))


def wave(person, *, noise=0.0, every=1):
    rng = np.random.default_rng(1)
    values = person.ecg + noise * rng.standard_normal(len(person.ecg))
    return Wave(values[::every], person.time[::every], "ecg", "mV")


def beats_of(person, start=-0.95, stop=60.95):
    stop = min(stop, person.time[-1] - 0.05)
    return person.r_peaks[(person.r_peaks > start) & (person.r_peaks < stop)]


def f1(found, true, within=0.05):
    apart = np.abs(found[:, None] - true)
    there, back = apart.argmin(axis=1), apart.argmin(axis=0)
    pairs = (back[there] == np.arange(len(found))) & (apart.min(axis=1) < within)
    return 2 * pairs.sum() / (len(found) + len(true))


def errors(found, true):
    return found[np.abs(found[:, None] - true).argmin(axis=0)] - true


@pytest.mark.parametrize("every", [1, 4])
@pytest.mark.parametrize("bpm", [42, 75, 120, 180])
def test_every_beat_is_found_between_samples(bpm, every):
    person = body(heart_rate=bpm, sdnn=min(40, 2000 / bpm))
    found = r_peaks(wave(person, every=every))
    true = beats_of(person)
    inside = found.time[(found.time > -0.95) & (found.time < 60.95)]
    assert f1(inside, true) == 1
    assert np.abs(errors(inside, true)).max() < 0.001  # a sample is 4 or 16 ms
    assert found.missing == 0 and len(np.unique(found.run)) == 1
    assert found.quality.min() > 0.7


def test_the_way_up_does_not_matter_nor_the_unit():
    person = body()
    upright = r_peaks(wave(person))
    other = r_peaks(Wave(-300 * person.ecg + 8000, person.time, "ecg", "count"))
    assert np.allclose(upright.time, other.time, atol=1e-6)
    assert np.allclose(upright.quality, other.quality, atol=1e-6)


def test_premature_beats_are_beats():
    person = body(heart_rate=80, ectopic=0.1, duration=90)
    found = r_peaks(wave(person, noise=0.02))
    assert person.ectopic.sum() >= 8
    assert f1(found.time, beats_of(person, stop=91)) > 0.99


def test_noise_costs_beats_slowly_and_shows_in_their_quality():
    right, said = [], []
    for noise in (0.1, 0.3, 0.6, 1.0):
        person = body(seed=int(10 * noise))
        found = r_peaks(wave(person, noise=noise))
        if noise == 0.1:
            assert f1(found.time, beats_of(person)) > 0.99
        right.append(np.abs(found.time[:, None] - person.r_peaks).min(axis=1) < 0.05)
        said.append(found.quality)
    right, said = np.concatenate(right), np.concatenate(said)
    assert right.mean() < 0.95
    assert right[said > 0.9].mean() > 0.95
    assert right[said < 0.5].mean() < 0.6
    assert abs(right.mean() - said.mean()) < 0.12


def test_stated_jitter_is_that_of_the_beats():
    person = body()
    found = r_peaks(wave(person, noise=0.1))
    spread = errors(found.time, beats_of(person)[1:-1]).std()
    assert 0.5 * spread < np.sqrt(np.mean(found.jitter**2)) < 2 * spread


def test_a_large_t_wave_is_no_beat():
    person = body(heart_rate=60)
    after = person.time[:, None] - person.r_peaks - 0.3
    tall = person.ecg + 1.2 * np.exp(-0.5 * (after / 0.04) ** 2).sum(axis=1)
    found = r_peaks(Wave(tall, person.time, "ecg", "mV"))
    assert f1(found.time, beats_of(person)) > 0.98


def test_weak_beats_are_searched_for():
    person = body(sdnn=10)
    weak = np.zeros(len(person.time), dtype=bool)
    for beat in beats_of(person)[10:60:10]:
        weak |= np.abs(person.time - beat) < 0.1
    found = r_peaks(Wave(np.where(weak, 0.45, 1) * person.ecg, person.time, "ecg", "mV"))
    assert f1(found.time, beats_of(person)) > 0.99


def test_one_thump_does_not_deafen_it():
    person = body()
    thump = 60 * np.exp(-0.5 * ((person.time - 20) / 0.02) ** 2)
    found = r_peaks(Wave(person.ecg + thump, person.time, "ecg", "mV"))
    after = beats_of(person, 26)
    assert f1(found.time[found.time > 25.9], after) > 0.98


def test_a_beat_left_out_and_a_gap_break_the_series():
    person = body(sdnn=10)
    lost = np.abs(person.time - beats_of(person)[30]) < 0.35
    found = r_peaks(Wave(np.where(lost, 0.0, person.ecg), person.time, "ecg", "mV"))
    assert found.missing == 1
    gap = (person.time > 25) & (person.time < 29)
    parted = r_peaks(Wave(np.where(gap, np.nan, person.ecg), person.time, "ecg", "mV"))
    _, interval, _ = parted.intervals()
    assert len(np.unique(parted.run)) == 2
    assert interval.max() < 1.2 * np.diff(person.r_peaks).max()


def test_variability_is_had_of_an_ecg_as_of_a_pulse():
    person = body(duration=120, sdnn=45)
    readings = {r.name: r for r in variability(r_peaks(wave(person)))}
    assert readings["hrv_sdnn"].value == pytest.approx(person.sdnn, rel=0.05)


def test_it_agrees_with_neurokit():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import neurokit2

        person = body(heart_rate=88, ectopic=0.03)
        clean = neurokit2.ecg_clean(person.ecg, sampling_rate=250)
        theirs = neurokit2.ecg_peaks(clean, sampling_rate=250)[1]["ECG_R_Peaks"]
    found = r_peaks(wave(person))
    assert f1(found.time, person.time[theirs], within=0.02) > 0.98


def test_nothing_is_made_of_nothing():
    time = np.arange(5000) / 250
    assert len(r_peaks(Wave(np.zeros(5000), time, "ecg", "mV")).time) == 0
    assert len(r_peaks(Wave(np.full(5000, np.nan), time, "ecg", "mV")).time) == 0
    assert len(r_peaks(Wave(np.sin(9 * time[:200]), time[:200], "ecg", "mV")).time) == 0
    noise = np.random.default_rng(0).standard_normal(5000)
    assert r_peaks(Wave(noise, time, "ecg", "mV")).quality.mean() < 0.5
    with pytest.raises(InputError, match="40 samples a second"):
        r_peaks(Wave(np.zeros(90), np.arange(90) / 30, "ecg", "mV"))
