"""Error participant by participant: means and medians that can be checked by hand."""

import numpy as np
import pytest

from camvitals.evaluate.participants import BARS, by_participant
from camvitals.records import InputError

PERSON = np.repeat(["A", "B", "C"], 4)
TRUE = np.array([60, 62, 64, 66, 70, 72, 74, 76, 80, 82, 84, 86.0])


def test_mean_and_median_are_over_participants():
    error = np.repeat([1.0, 2.0, 9.0], 4)
    found = by_participant("x", TRUE + error, TRUE, PERSON)
    np.testing.assert_allclose(found.rmse, [1, 2, 9])
    assert (found.mean, found.median) == pytest.approx((4, 2))
    assert found.mean_interval == pytest.approx((1, 9), abs=1.5)
    assert found.median_interval == pytest.approx((1, 9))
    assert found.within_r == pytest.approx(1)
    assert found.coverage == 1


def test_the_own_mean_of_each_knows_nothing_within():
    own = np.repeat([63.0, 73.0, 83.0], 4)
    found = by_participant("own", own, TRUE, PERSON)
    assert np.isnan(found.within_r)
    assert found.r2 > 0.9  # and yet looks good where people are mixed


def test_what_is_withheld_is_left_out_and_counted():
    estimate = TRUE.copy()
    estimate[:6] = np.nan
    found = by_participant("x", estimate, TRUE, PERSON)
    assert list(found.names) == ["B", "C"]
    assert found.coverage == 0.5
    with pytest.raises(InputError, match="answered nothing"):
        by_participant("x", np.full(12, np.nan), TRUE, PERSON)


def test_medians_of_draws_are_medians():
    from camvitals.evaluate.participants import _medians

    values = np.array([5.0, 1.0, 3.0, 8.0])
    counts = np.array([[1, 1, 1, 1], [4, 0, 0, 0], [0, 2, 2, 0], [0, 3, 1, 0]])
    np.testing.assert_allclose(_medians(values, counts), [4, 5, 2, 1])


@pytest.mark.parametrize("wide", [True, False])
def test_bars_and_words(wide):
    found = [by_participant(n, TRUE + e, TRUE, PERSON) for n, e in (("one", 1.0), ("two", 2.0))]
    figure = BARS.draw(found, wide)
    heights = [patch.get_height() for patch in figure.axes[0].patches]
    np.testing.assert_allclose(heights, [1, 1, 1] + [2, 2, 2] * wide)
    assert BARS.say(found).startswith("one: mean 1.00, median 1.00 bpm over 3 participants; two")
    assert BARS.draw([], wide) is None
