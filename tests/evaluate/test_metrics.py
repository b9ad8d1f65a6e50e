import numpy as np
import pytest

from camvitals.evaluate.metrics import agreement, bootstrap
from camvitals.records import InputError


def test_agreement_of_known_errors() -> None:
    found = agreement(np.array([71.0, 77.0, np.nan, 99.0]), np.array([70.0, 80.0, 60.0, 90.0]))
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


def test_bootstrap_draws_subjects_not_answers() -> None:
    subject = np.repeat([0, 1, 2, 3], 100)
    value = np.repeat([0.0, 1.0, 2.0, 3.0], 100)
    low, high = bootstrap(lambda index: float(value[index].mean()), subject)
    assert low < 0.9
    assert high > 2.1
