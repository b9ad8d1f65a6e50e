import numpy as np
import pytest

from camvitals.records import InputError, Wave
from camvitals.vitals.beats import Beats, beats


def paired(found, true):
    """Errors [s] of each true beat's nearest found one, the constant part taken off."""
    off = found[np.abs(found[:, None] - true).argmin(axis=0)] - true
    return off - np.median(off)


@pytest.mark.parametrize("bpm", [45, 72, 110, 165])
@pytest.mark.parametrize("rate", [15.0, 29.97, 250.0])
def test_every_beat_is_found_between_samples(made_pulse, bpm, rate):
    wave, true = made_pulse(rate=rate, bpm=bpm, sdnn_ms=2000 / bpm, snr_db=20)
    found = beats(wave)
    inside = true[(true > 1) & (true < 58.5)]
    assert abs(len(found.time) - len(true)) <= 2
    assert paired(found.time, inside).std() < 0.006  # a sample of 15 Hz is 67 ms
    assert found.missing == 0
    assert found.quality.mean() > 0.85


def test_noise_in_gives_jitter_out_and_says_so(made_pulse):
    for snr_db in (15, 5):
        wave, true = made_pulse(rate=30.0, snr_db=snr_db)
        found = beats(wave)
        spread = paired(found.time, true[1:-2]).std()
        stated = np.sqrt(np.mean(found.jitter**2))
        assert 0.5 * spread < stated < 1.5 * spread


def test_upside_down_and_scaled_waves_give_the_same_intervals(made_pulse):
    wave, _ = made_pulse(rate=30.0)
    other = Wave(-7 * wave.values + 100, wave.time, "pulse")
    assert np.allclose(beats(wave).time, beats(other).time, atol=1e-6)


def test_no_interval_across_a_gap(made_pulse):
    wave, true = made_pulse(rate=30.0)
    values = wave.values.copy()
    values[(wave.time > 25) & (wave.time < 29)] = np.nan
    found = beats(Wave(values, wave.time, "pulse"))
    _, interval, _ = found.intervals()
    assert len(np.unique(found.run)) == 2
    assert not np.any((found.time > 25) & (found.time < 29))
    assert interval.max() < 1.2 * np.diff(true).max()


def test_a_beat_that_never_came_breaks_the_series(made_pulse):
    wave, true = made_pulse(rate=100.0, sdnn_ms=5)
    flat = np.interp(wave.time, wave.time, wave.values)
    lost = (wave.time > true[30] - 0.1) & (wave.time < true[31] - 0.1)
    flat[lost] = np.linspace(flat[lost][0], flat[lost][-1], lost.sum())
    found = beats(Wave(flat, wave.time, "pulse"), rate_hz=70 / 60)
    _, interval, quality = found.intervals()
    near = np.abs(found.time - true[30] - 0.1) < 0.1
    assert found.missing == 1 or found.quality[near].max() < 0.5
    assert interval[quality > 0.5].max() < 1.3


def test_quality_is_a_probability(made_pulse):
    right, said = [], []
    for seed, snr_db in enumerate(np.repeat([-12, -8, -4, 0, 4, 8], 3)):
        wave, true = made_pulse(rate=30.0, snr_db=float(snr_db), seed=seed)
        found = beats(wave)
        nearest = np.abs(found.time[:, None] - true - 0.09)
        right.append(nearest.min(axis=1) < 0.05)
        said.append(found.quality)
    right, said = np.concatenate(right), np.concatenate(said)
    assert right[said > 0.8].mean() > 0.85
    assert right[said < 0.4].mean() < 0.5
    assert abs(right.mean() - said.mean()) < 0.12


def test_noise_alone_has_no_good_beats():
    time = np.arange(1800) / 30
    found = beats(Wave(np.random.default_rng(0).standard_normal(1800), time, "pulse"))
    assert found.quality.mean() < 0.5


def test_the_expected_rate_decides_between_a_rate_and_its_double():
    time = np.arange(1200) / 30
    x = np.cos(2 * np.pi * 1.0 * time) + 1.2 * np.cos(2 * np.pi * 2.0 * time + 0.4)
    assert len(beats(Wave(x, time, "pulse"), rate_hz=1.0).time) == pytest.approx(40, abs=1)
    assert len(beats(Wave(x, time, "pulse"), rate_hz=2.0).time) == pytest.approx(80, abs=2)


def test_too_short_is_empty_and_too_slow_is_refused():
    time = np.arange(60) / 30
    assert len(beats(Wave(np.sin(8 * time), time, "pulse")).time) == 0
    nothing = beats(Wave(np.full(300, np.nan), np.arange(300) / 30, "pulse"))
    assert len(nothing.time) == 0 and nothing.span == (0.0, pytest.approx(299 / 30))
    assert len(beats(Wave(np.zeros(300), np.arange(300) / 30, "pulse")).intervals()[1]) == 0
    with pytest.raises(InputError, match="8 samples a second"):
        beats(Wave(np.zeros(20), np.arange(20) / 5, "pulse"))


def test_beats_must_increase():
    with pytest.raises(InputError, match="must increase"):
        Beats(np.array([1.0, 0.5]), np.ones(2), np.zeros(2, int), np.zeros(2), 0, (0.0, 2.0))
