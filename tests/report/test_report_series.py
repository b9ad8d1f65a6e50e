import numpy as np
import pytest

from camvitals.report import series


def test_thinning_keeps_every_extreme_and_the_gap():
    time = np.arange(10_000) / 30
    values = np.sin(time)
    values[1234], values[7000] = 9.0, -9.0
    values[3000:4000] = np.nan
    thin_time, thin = series.thinned(time, values, most=500)
    assert len(thin) <= 502 and np.nanmax(thin) == 9 and np.nanmin(thin) == -9
    assert np.all(np.diff(thin_time) >= 0)
    inside = (thin_time > time[3050]) & (thin_time < time[3950])
    assert inside.sum() > 10 and np.isnan(thin[inside]).all()
    np.testing.assert_array_equal(np.interp(thin_time, time, time), thin_time)


def test_few_samples_are_left_alone():
    values = np.array([1.0, np.nan, 3.0])
    _, same = series.thinned(np.arange(3.0), values, most=3)
    np.testing.assert_array_equal(same, values)


def test_bands_hold_lowest_median_and_highest():
    values = np.r_[np.arange(9.0), np.nan, np.nan, np.nan, 5.0]
    time, low, middle, high = series.banded(np.arange(13.0), values, most=5)
    np.testing.assert_array_equal(time, [1, 4, 7, 10, 12])
    np.testing.assert_array_equal(low, [0, 3, 6, np.nan, 5])
    np.testing.assert_array_equal(middle, [1, 4, 7, np.nan, 5])
    np.testing.assert_array_equal(high, [2, 5, 8, np.nan, 5])


def test_median_of_seen_agrees_with_numpy():
    values = np.random.default_rng(0).standard_normal((40, 7))
    values[values > 0.8] = np.nan
    np.testing.assert_allclose(series.median_seen(values), np.nanmedian(values, axis=1))


def test_pooling_withheld_windows_keeps_them_withheld(make_report):
    arrays = series.rolling_arrays(make_report().rolling)
    assert np.isnan(arrays["value"]).sum() == 7
    few = series.pooled(arrays, most=17)
    assert len(few["time"]) <= 17 and np.isnan(few["value"]).sum() >= 1
    assert series.pooled(arrays, most=100) is arrays


def test_spectra_peak_at_the_pulse_and_green_is_strongest(make_trace):
    frequency, power = series.channel_spectra(make_trace(bpm=66))
    inside = (frequency > 0.65) & (frequency < 4)
    at = frequency[inside][np.argmax(power[inside], axis=0)]
    np.testing.assert_allclose(60 * at, 66, atol=0.5)
    assert np.argmax(power[inside].max(axis=0)) == 1


def test_gaps_do_not_move_the_spectrum(make_report):
    frequency, power = series.wave_spectrum(make_report().wave("pulse"))
    assert 60 * frequency[np.argmax(power[:, 0])] == pytest.approx(72, abs=1)


def test_intervals_over_missing_beats_are_left_out():
    beats = np.r_[np.arange(10) * 0.8, 9.0 + np.arange(10) * 0.8, 16.3]
    time, interval = series.beat_intervals(beats)
    np.testing.assert_allclose(interval[:9], 800)
    assert np.isnan(interval[9]) and np.isnan(interval[-1]) and len(time) == 20
    assert len(series.beat_intervals(beats[:1])[0]) == 0


def test_poincare_widths_follow_their_definition():
    interval = 800 + 40 * np.random.default_rng(1).standard_normal(4000)
    interval[100] = np.nan
    this, following, sd1, sd2 = series.poincare(interval)
    assert len(this) == len(following) == 3997
    assert sd1 == pytest.approx(40, rel=0.05) and sd2 == pytest.approx(40, rel=0.05)
    slow = 800 + np.cumsum(np.random.default_rng(2).standard_normal(4000))
    _, _, sd1, sd2 = series.poincare(slow)
    assert sd1 == pytest.approx(1 / np.sqrt(2), rel=0.05) and sd2 > 10 * sd1


def test_the_excerpt_is_where_quality_is_highest(make_report):
    report = make_report(seconds=60)
    start = series.best_start(report, report.wave("pulse"), length=10)
    assert not 15 < start + 5 < 32
    assert series.best_start(report, report.wave("pulse"), length=100) == 0
