import numpy as np
import pytest

from camvitals.evaluate.metrics import (
    METRICS,
    Metric,
    agreement,
    bootstrap,
    by_subject,
    metric,
    replicates,
    scores,
    standard_error,
)
from camvitals.records import InputError

ESTIMATE = np.array([71.0, 77.0, np.nan, 99.0])
REFERENCE = np.array([70.0, 80.0, 60.0, 90.0])


def drawn(count=300, subjects=12, seed=3):
    rng = np.random.default_rng(seed)
    reference = rng.normal(75, 12, count)
    estimate = np.where(rng.random(count) < 0.1, np.nan, reference + rng.normal(1, 5, count))
    return estimate, reference, rng.integers(subjects, size=count)


def test_agreement_of_known_errors() -> None:
    found = agreement(ESTIMATE, REFERENCE)
    assert found.mae == pytest.approx((1 + 3 + 9) / 3)
    assert found.rmse == pytest.approx(np.sqrt((1 + 9 + 81) / 3))
    assert found.within == pytest.approx(2 / 3)
    assert found.coverage == pytest.approx(3 / 4)
    assert found.r == pytest.approx(np.corrcoef([71, 77, 99], [70, 80, 90])[0, 1])


def test_nothing_answered_has_no_error_to_show() -> None:
    found = agreement(np.array([np.nan, np.nan]), np.array([70.0, 80.0]))
    assert np.isnan(found.mae)
    assert found.coverage == 0


def test_a_missing_reference_is_refused() -> None:
    with pytest.raises(InputError, match="finite reference"):
        agreement(np.array([70.0]), np.array([np.nan]))


SXX, SYY = 1304 / 3, 200.0  # squares of 71, 77, 99 about 247/3 and of 70, 80, 90 about 80
BY_HAND = {
    "mae": 13 / 3,
    "rmse": np.sqrt(91 / 3),
    "rmse_percent": 100 * np.sqrt((1 / 70**2 + 9 / 80**2 + 81 / 90**2) / 3),
    "mape": 100 * (1 / 70 + 3 / 80 + 9 / 90) / 3,
    "pearson_r": 280 / np.sqrt(SXX * SYY),
    "ccc": 2 * 280 / (SXX + SYY + 3 * (7 / 3) ** 2),
    "within_3": 2 / 3,
    "within_5": 2 / 3,
    "below_5": 2 / 3,
    "within_10": 1.0,
    "mean_error": 7 / 3,
    "sd_error": np.sqrt((91 - 49 / 3) / 2),
    "me_rate": 100 * (1 / 70 + 3 / 80 + 9 / 90) / 3,
    "arms": np.sqrt(91 / 3),
    "coverage": 3 / 4,
}


def test_every_metric_has_a_case_by_hand() -> None:
    assert set(BY_HAND) == set(METRICS)


@pytest.mark.parametrize("name", METRICS)
def test_metrics_of_known_errors(name) -> None:
    found = METRICS[name].function(ESTIMATE, REFERENCE)
    assert found == pytest.approx(BY_HAND[name], rel=1e-12)


def test_below_5_is_strictly_below():
    errors = np.array([4.999, 5.0, -5.0, -4.0])
    assert METRICS["below_5"].function(70 + errors, np.full(4, 70.0)) == 0.5
    assert METRICS["within_5"].function(70 + errors, np.full(4, 70.0)) == 1.0


def test_a_row_without_reference_counts_for_nothing() -> None:
    for one in METRICS.values():
        longer = one.function(np.r_[ESTIMATE, 50.0], np.r_[REFERENCE, np.nan])
        assert longer == pytest.approx(one.function(ESTIMATE, REFERENCE), rel=1e-12)


def test_correlation_needs_three_answers_and_spread() -> None:
    flat, rising = np.full(5, 70.0), np.arange(5.0)
    for name in ("pearson_r", "ccc"):
        assert np.isnan(METRICS[name].function(rising[:2], rising[:2]))
        assert np.isnan(METRICS[name].function(flat, rising))
        assert METRICS[name].function(rising, rising) == pytest.approx(1.0)


def test_correlation_keeps_its_digits_far_from_zero() -> None:
    x, y, _ = drawn()
    given = np.isfinite(x)
    expected = np.corrcoef(x[given], y[given])[0, 1]
    assert METRICS["pearson_r"].function(x + 1e6, y + 1e6) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", METRICS)
def test_drawing_sums_equals_drawing_rows(name) -> None:
    x, y, subject = drawn()
    plain = Metric(METRICS[name].function, "", False, "")
    fast = replicates(METRICS[name], x, y, subject, draws=40, seed=5)
    slow = replicates(plain, x, y, subject, draws=40, seed=5)
    np.testing.assert_allclose(fast, slow, rtol=1e-9)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    subject = np.repeat(np.arange(40), 5)
    held = []
    for trial in range(600):
        error = np.repeat(rng.normal(0, 2, 40), 5) + rng.normal(0, 1, 200)
        found = scores(
            error,
            np.zeros(200),
            subject,
            metrics={"m": METRICS["mean_error"]},
            draws=200,
            seed=trial,
        )["m"]
        held.append(found.low <= 0 <= found.high)
    assert 0.90 < np.mean(held) < 0.97
    assert (found.count, found.subjects) == (200, 40)


def test_answers_of_one_subject_do_not_narrow_the_interval() -> None:
    error, subject = np.array([0.0, 1.0, 2.0, 3.0]), np.arange(4)
    once = scores(error, np.zeros(4), subject)["mae"]
    often = scores(np.repeat(error, 50), np.zeros(200), np.repeat(subject, 50))["mae"]
    assert (often.low, often.high) == pytest.approx((once.low, once.high))


def test_bootstrap_draws_subjects_not_answers() -> None:
    subject = np.repeat([0, 1, 2, 3], 100)
    value = np.repeat([0.0, 1.0, 2.0, 3.0], 100)
    low, high = bootstrap(lambda index: float(value[index].mean()), subject)
    assert low < 0.9
    assert high > 2.1


def test_each_subject_alone() -> None:
    x, y, subject = drawn()
    names, values = by_subject(METRICS["rmse"], x, y, subject)
    for name, value in zip(names, values, strict=True):
        error = (x - y)[subject == name]
        assert value == pytest.approx(np.sqrt(np.nanmean(error**2)))


def test_standard_errors_of_the_toolbox() -> None:
    x, y = np.array([71.0, 77.0, 99.0, 60.0]), np.array([70.0, 80.0, 90.0, 66.0])
    assert standard_error("mae", x, y) == pytest.approx(np.std([1, 3, 9, 6]) / 2)
    assert standard_error("rmse", x, y) == pytest.approx(np.sqrt(np.std([1, 9, 81, 36]) / 2))
    r = np.corrcoef(x, y)[0, 1]
    assert standard_error("pearson_r", x, y) == pytest.approx(np.sqrt((1 - r**2) / 2))


def test_unknown_metric_names_those_there_are() -> None:
    with pytest.raises(InputError, match="no metric 'mea'; choose one of mae, rmse"):
        metric("mea")
