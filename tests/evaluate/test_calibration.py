import numpy as np
import pytest

from camvitals.evaluate.calibration import interval_calibration, reliability, risk_coverage
from camvitals.records import InputError


def test_risk_of_the_best_answers_first():
    found = risk_coverage(np.array([1.0, -4.0, np.nan, 0.0]), np.array([0.8, 0.3, 0.9, 0.9]))
    np.testing.assert_allclose(found.coverage, [0.25, 0.5, 0.75])
    np.testing.assert_allclose(found.risk, [0, 0.5, 5 / 3])
    assert found.area == pytest.approx((0 + 0.5 + 5 / 3) / 3)
    assert found.area == found.best
    assert found.worst == pytest.approx((4 + 2.5 + 5 / 3) / 3)
    assert found.at(0.5) == 0.5
    assert np.isnan(found.at(1.0))  # one question was not answered


def test_equal_quality_orders_nothing():
    error, rng = np.arange(200.0), np.random.default_rng(0)
    for order in (error, rng.permutation(error)):
        np.testing.assert_allclose(risk_coverage(order, np.ones(200)).risk, error.mean())


def test_intervals_of_a_normal_distribution_are_calibrated_at_every_level():
    rng = np.random.default_rng(1)
    estimate = rng.normal(70, 10, 20000)
    true = estimate + rng.normal(0, 2, 20000)
    half = 1.959964 * 2
    found = interval_calibration(estimate, estimate - half, estimate + half, true)
    assert found.observed == pytest.approx(0.95, abs=0.006)
    np.testing.assert_allclose(found.at_levels, found.levels, atol=0.012)
    assert found.width == pytest.approx(2 * half)
    narrow = interval_calibration(estimate, estimate - 1, estimate + 1, true)
    wide = interval_calibration(estimate, estimate - 9, estimate + 9, true)
    assert narrow.observed < 0.5 < wide.observed
    assert found.score < min(narrow.score, wide.score)  # the proper score prefers honest width


def test_rows_without_an_interval_are_left_out():
    nan = np.nan
    found = interval_calibration(
        np.array([1.0, nan, 3.0, 5.0]),
        np.array([0.0, nan, 2.0, 4.0]),
        np.array([2.0, nan, 4.0, 6.0]),
        np.array([1.5, 2.0, 9.0, nan]),
    )
    assert (found.count, found.observed, found.width) == (2, 0.5, 2.0)
    assert found.score == pytest.approx((2 + 2 + 2 / 0.05 * 5) / 2)


def test_reliability_by_hand():
    quality = np.array([0.95, 0.95, 0.95, 0.95, 0.15, 0.15])
    right = np.array([True, True, True, False, False, True])
    found = reliability(quality, right)
    assert found.ece == pytest.approx((4 * 0.20 + 2 * 0.35) / 6)
    assert found.largest == pytest.approx(0.35)
    assert found.brier == pytest.approx((3 * 0.05**2 + 0.95**2 + 0.15**2 + 0.85**2) / 6)
    assert found.floor == pytest.approx(4 / 6 * 2 / 6)
    assert found.count[9] == 4
    assert np.isnan(found.accuracy[5])


def test_honest_quality_has_no_calibration_error():
    quality = np.random.default_rng(2).random(50000)
    right = np.random.default_rng(3).random(50000) < quality
    assert reliability(quality, right).ece < 0.01
    assert reliability(quality**3, right).ece > 0.1


def test_quality_out_of_range_is_refused():
    with pytest.raises(InputError, match="qualities from 0 to 1"):
        reliability(np.array([0.5, np.nan]), np.array([True, False]))
