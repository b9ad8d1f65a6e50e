"""Wave scores against their definitions, written as loops."""

import numpy as np
import pytest
from scipy import signal

from camvitals.dsp.spectrum import snr_db, spectrum
from camvitals.evaluate.waveform import (
    SNRS,
    beat_mae_ms,
    macc,
    match_beats,
    snr,
)
from camvitals.records import InputError, Wave

RATE = 30.0
TIME = np.arange(600) / RATE


def pulses(count=6, noise=0.5, seed=0, time=TIME):
    rng = np.random.default_rng(seed)
    rate_bpm = rng.uniform(50, 150, count)
    phase = 2 * np.pi * rate_bpm[:, None] / 60 * time
    x = np.cos(phase) + 0.4 * np.cos(2 * phase + 1)
    return rate_bpm, x + noise * rng.standard_normal(x.shape)


def toolbox(x, bpm):
    length = 1 << (len(x) - 1).bit_length()
    f, p = signal.periodogram(x, fs=RATE, nfft=length, detrend=False)
    one, two, deviation = bpm / 60, bpm / 30, 6 / 60
    first = (f >= one - deviation) & (f <= one + deviation)
    second = (f >= two - deviation) & (f <= two + deviation)
    rest = (f >= 0.6) & (f <= 3.3) & ~first & ~second
    return 10 * np.log10((p[first].sum() + p[second].sum()) / p[rest].sum())


def dehaan(x, bpm):
    f = np.arange(0, 6, 0.5 / 60)
    shaped = x * signal.windows.hamming(len(x))
    p = np.abs(np.exp(-2j * np.pi * f[:, None] * np.arange(len(x)) / RATE) @ shaped) ** 2
    one = np.abs(f - bpm / 60) <= 0.1 + 1e-9
    wanted = one | (np.abs(f - bpm / 30) <= 0.2 + 1e-9)
    rest = (f >= 0.5) & (f <= 4 + 1e-9) & ~wanted
    return 10 * np.log10(p[wanted].sum() / p[rest].sum())


def heartratenet(x, bpm):
    frequency, power = spectrum(x, rate=RATE)
    return snr_db(frequency, power, bpm / 60, half_width=0.1, band=(0.7, 4.0))


def contrast(x, bpm):
    p = np.abs(np.fft.fft(x * signal.windows.hann(len(x)))) ** 2
    total = 0.0
    for multiple, half_bpm in ((1, 5), (2, 10)):
        half = round(half_bpm / 60 / RATE * len(x))
        centre = round(multiple * bpm / 60 * len(x) / RATE)
        total += 2 * p[centre - half : centre + half].sum()
    return 10 * np.log10(total / (p.sum() - total))


ORACLES = {
    "snr_toolbox": toolbox,
    "snr_dehaan": dehaan,
    "snr_heartratenet": heartratenet,
    "snr_contrast": contrast,
}


def test_every_ratio_has_its_definition_here():
    assert set(ORACLES) == set(SNRS)


@pytest.mark.parametrize("name", SNRS)
def test_many_windows_equal_the_definition(name):
    rate_bpm, x = pulses()
    found = snr(x, rate_bpm, rate=RATE, definition=name)
    expected = [ORACLES[name](*pair) for pair in zip(x, np.round(rate_bpm, 12), strict=True)]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_dehaan_of_a_wave_longer_than_its_bins():
    rate_bpm, x = pulses(count=2, time=np.arange(round(130 * RATE)) / RATE)
    expected = [dehaan(*pair) for pair in zip(x, rate_bpm, strict=True)]
    np.testing.assert_allclose(
        snr(x, rate_bpm, rate=RATE, definition="snr_dehaan"), expected, atol=1e-6
    )


@pytest.mark.parametrize("name", SNRS)
def test_ratio_falls_with_ten_times_the_noise_power(name):
    rate_bpm, clean = pulses(count=40, noise=0)
    noise = np.random.default_rng(5).standard_normal(clean.shape)
    quiet, loud = (
        snr(clean + size * noise, rate_bpm, rate=RATE, definition=name).mean()
        for size in (0.3, 0.3 * np.sqrt(10))
    )
    assert 5 < quiet - loud < 11  # below 10 where the window leaks


@pytest.mark.parametrize("name", SNRS)
def test_no_ratio_without_a_reference_or_with_a_gap(name):
    rate_bpm, x = pulses()
    rate_bpm[1], x[3, 9] = np.nan, np.nan
    found = snr(x, rate_bpm, rate=RATE, definition=name)
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(found)), [1, 3])


def test_unknown_ratio_names_those_there_are():
    with pytest.raises(InputError, match="no ratio 'snr'; choose one of snr_toolbox, "):
        snr(np.zeros((1, 300)), np.array([70.0]), rate=RATE, definition="snr")


@pytest.mark.parametrize("count", [200, 201])
def test_macc_equals_its_definition(count):
    _, x = pulses(count=3, time=TIME[:count])
    _, y = pulses(count=3, seed=1, time=TIME[:count])
    expected = [
        max(abs(np.corrcoef(a, np.roll(b, lag))[0, 1]) for lag in range(count - 1))
        for a, b in zip(x, y, strict=True)
    ]
    np.testing.assert_allclose(macc(x, y), expected, atol=1e-12)
    assert np.isnan(macc(x[0], np.ones(count)))[0]


def test_matched_beats_by_hand():
    true = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    found = np.array([1.10, 2.12, 3.10, 3.50, 5.06, 6.10])  # 0.1 late, one false, one lost
    matched = match_beats(found, true)
    assert matched.delay == pytest.approx(0.1)
    np.testing.assert_array_equal(matched.pairs, [[0, 0], [1, 1], [2, 2], [4, 4], [5, 5]])
    np.testing.assert_allclose(matched.time_error, [0, 0.02, 0, -0.04, 0], atol=1e-12)
    np.testing.assert_allclose(matched.interval_error, [0.02, -0.02, 0.04], atol=1e-12)
    assert (matched.precision, matched.recall) == (5 / 6, 5 / 6)
    assert matched.f1 == pytest.approx(5 / 6)


def test_beats_paired_as_they_are_when_no_delay_is_believed():
    true = np.arange(1.0, 9.0)
    assert match_beats(true + 0.2, true, within=0.15).f1 == 1
    assert match_beats(true + 0.2, true, within=0.15, latest=0).f1 == 0


def test_no_beats_match_nothing():
    matched = match_beats(np.zeros(0), np.arange(4.0))
    assert (matched.f1, len(matched.pairs)) == (0, 0)


def uneven_pulse(late=0.0, seed=0):
    rng = np.random.default_rng(seed)
    beat = np.cumsum(np.r_[0.4, rng.normal(0.85, 0.05, 40)])
    fine = np.arange(0, 30, 1 / RATE)
    phase = np.interp(fine - late, beat, np.arange(len(beat)))
    return Wave(np.exp(2 * np.cos(2 * np.pi * phase)), fine, "pulse")


def test_a_late_copy_has_the_same_beats():
    late, true = uneven_pulse(late=0.2), uneven_pulse()
    assert beat_mae_ms(late, true) < 4
    assert beat_mae_ms(uneven_pulse(seed=9), true) > 20


def test_a_wave_too_slow_for_beats_has_no_error():
    true = uneven_pulse()
    assert np.isnan(beat_mae_ms(Wave(true.values[::5], true.time[::5], "pulse"), true))
