import numpy as np
import pytest

from camvitals.data.synthetic.physiology import simulate_physiology
from camvitals.data.synthetic.scenario import Scenario
from camvitals.evaluate.waveform import match_beats
from camvitals.records import InputError, Wave
from camvitals.vitals.ecg_clean import clean_ecg, find_mains, quality_between, read_ecg


def body(seed=0, **fields):
    asked = {"duration": 60.0, "rate": 30.0, "ecg": "own", "sdnn": 20.0} | fields
    return simulate_physiology(Scenario(seed=seed, **asked))


def wave(person, added=0.0):
    return Wave(person.ecg + added, person.time, "ecg", "mV")


def hum(person, hertz, size=0.4, phase=0.7):
    return size * np.sin(2 * np.pi * hertz * person.time + phase)


def beats_of(person):
    inside = (person.r_peaks > person.time[0]) & (person.r_peaks < person.time[-1])
    return person.r_peaks[inside]


@pytest.mark.parametrize("hertz", [49.9, 50.0, 60.15])
def test_hum_is_found_and_goes_and_the_ecg_stays(hertz):
    person = body()
    plain, none = clean_ecg(wave(person))
    cleaned, found = clean_ecg(wave(person, hum(person, hertz)))
    assert none is None
    assert found == pytest.approx(hertz, abs=0.02)
    left = cleaned.values - plain.values
    assert np.std(left) < 0.02 * 0.4 / np.sqrt(2)
    assert np.abs(left).max() < 0.02  # nor does it ring at the ends


def test_overtones_of_the_hum_go_with_it_and_wideband_noise_is_no_hum():
    person = body()
    plain, _ = clean_ecg(wave(person))
    both = hum(person, 50.0) + hum(person, 100.0, 0.2)
    cleaned, _ = clean_ecg(wave(person, both))
    assert np.std(cleaned.values - plain.values) < 0.01
    for seed in range(20):
        noise = np.random.default_rng(seed).standard_normal(len(person.time))
        assert find_mains(person.ecg + 0.3 * noise, rate=250.0) is None


def test_a_named_hum_is_taken_out_unseen_and_none_is_left_alone():
    person = body()
    weak = hum(person, 50.0, 1e-4)
    named, found = clean_ecg(wave(person, weak), mains=50.0)
    kept, none = clean_ecg(wave(person, hum(person, 50.0)), mains=None)
    assert found == pytest.approx(50, abs=0.5) and none is None
    assert np.std(named.values - clean_ecg(wave(person))[0].values) < 0.003
    assert np.std(kept.values - named.values) > 0.2
    for wrong in (45000.0, "60", 0.05):
        with pytest.raises(InputError, match="mains needs a frequency of 40–70 Hz"):
            clean_ecg(wave(person), mains=wrong)


def test_the_baseline_goes_and_st_stays():
    person = body(breath_rate=15.0)
    drift = 2 * np.sin(2 * np.pi * 0.05 * person.time) + 5
    cleaned, _ = clean_ecg(wave(person, drift))
    plain, _ = clean_ecg(wave(person))
    assert np.abs(cleaned.values - plain.values)[500:-500].max() < 0.01
    beats = beats_of(person)[3:-3]
    offsets = np.arange(-0.06, 0.3, 0.01)
    before, after = (
        np.interp(beats[:, None] + offsets, person.time, values).mean(axis=0)
        for values in (person.ecg, cleaned.values)
    )
    assert np.abs((before - before[0]) - (after - after[0])).max() < 0.06  # of R's 1 mV


def test_it_reads_beats_rate_and_quality():
    person = body(seed=4, heart_rate=83.0)
    found = read_ecg(wave(person, hum(person, 60.0)))
    match = match_beats(found.beats.time, beats_of(person), within=0.05, latest=0)
    assert match.f1 > 0.985
    reading = found.heart_rate
    assert reading.low <= 83.0 <= reading.high and reading.value == pytest.approx(83.0, abs=0.3)
    assert found.quality > 0.97 and found.mains == pytest.approx(60, abs=0.02)
    assert len(found.rolling) == 53  # 62 s
    assert all(r.value is not None and r.span[1] - r.span[0] == 10 for r in found.rolling)


def test_what_was_not_seen_counts_against_the_quality():
    person = body()
    gap = (person.time > 20) & (person.time < 40)
    values = np.where(gap, np.nan, person.ecg)
    found = read_ecg(Wave(values, person.time, "ecg", "mV"))
    assert np.isnan(found.wave.values[gap][5:-5]).all()
    assert found.quality == pytest.approx(42 / 62, abs=0.04)
    assert found.quality_between(22, 38) == 0 and found.quality_between(42, 58) > 0.9
    assert found.heart_rate.value is None and "can be relied on" in found.heart_rate.why
    assert next(r for r in found.rolling if r.span[0] > 25).value is None


def test_one_false_beat_among_unsure_ones_does_not_move_the_rate():
    person = body(heart_rate=75.0, sdnn=5.0)
    thump = 0.7 * np.exp(-0.5 * ((person.time - 30.33) / 0.03) ** 2)
    found = read_ecg(wave(person, thump))
    assert found.heart_rate.value == pytest.approx(75, abs=0.5)


@pytest.mark.parametrize(("rhythm", "ectopic"), [("fibrillation", 0.0), ("sinus", 0.15)])
def test_beats_that_come_out_of_turn_are_counted(rhythm, ectopic):
    for seed in range(4):
        person = body(seed, rhythm=rhythm, ectopic=ectopic, heart_rate=85.0, sdnn=15.0)
        found = read_ecg(wave(person))
        assert found.heart_rate.value == pytest.approx(85.0, abs=1.5)


def test_quality_is_the_share_of_right_beats_and_the_interval_holds_the_rate():
    stated, right, held = [], [], []
    for seed in range(14):
        rng = np.random.default_rng(seed)
        person = body(seed, heart_rate=60.0 + 6 * seed)
        noise = float(np.exp(rng.uniform(np.log(0.03), np.log(1.0))))
        found = read_ecg(wave(person, noise * rng.standard_normal(len(person.time))))
        true = beats_of(person)
        match = match_beats(found.beats.time, true, within=0.05, latest=0)
        stated.append(found.quality)
        right.append(len(match.pairs) / max(len(true), len(found.beats.time)))
        if found.heart_rate.value is not None:
            inside = found.heart_rate.low <= person.heart_rate <= found.heart_rate.high
            held.append(inside)
    assert min(right) < 0.7 < max(right)
    assert np.corrcoef(stated, right)[0, 1] > 0.9
    assert abs(np.mean(stated) - np.mean(right)) < 0.06
    assert len(held) >= 8 and np.mean(held) >= 0.8


def test_nothing_and_too_slow():
    time = np.arange(5000) / 250
    for values in (np.zeros(5000), np.full(5000, np.nan)):
        found = read_ecg(Wave(values, time, "ecg", "mV"))
        assert found.quality == 0 and found.heart_rate.value is None
        assert "3 sure beat intervals" in found.heart_rate.why
    with pytest.raises(InputError, match="40 samples a second"):
        read_ecg(Wave(np.zeros(300), np.arange(300) / 30, "ecg", "mV"))
    assert quality_between(read_ecg(Wave(np.zeros(5000), time, "ecg")).beats, 0, 5) == 0
