"""Recursive least squares from its sums is the recursion, as long as nothing grows too large."""

import numpy as np
import pytest

from camvitals.dsp import adaptive
from camvitals.dsp.adaptive import history, rls

RNG = np.random.default_rng(0)
WISHES = {"forgetting": 0.99, "start": 100.0}


def signals(count: int) -> tuple[np.ndarray, np.ndarray]:
    reference = np.cumsum(RNG.standard_normal((count, 3)), axis=0)
    reference /= reference.std(axis=0)
    return 0.5 * reference + RNG.standard_normal((count, 3)), reference


def test_sums_are_the_recursion() -> None:
    desired, reference = signals(900)
    past = history(reference, 3)
    sums = adaptive._at_once(desired, past, **WISHES)
    assert sums is not None
    one_by_one = adaptive._one_by_one(desired, past, **WISHES)
    assert sums == pytest.approx(one_by_one, abs=1e-7)
    assert rls(desired, reference) == pytest.approx(one_by_one, abs=1e-7)


def test_a_reference_that_stands_still_is_left_to_the_recursion() -> None:
    desired, reference = signals(1500)
    reference[300:] = 0.0
    past = history(reference, 3)
    assert adaptive._at_once(desired, past, **WISHES) is None
    found = rls(desired, reference)
    assert np.isfinite(found).all()
    assert found[400:] == pytest.approx(desired[400:])


def test_a_long_signal_is_left_to_the_recursion(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the sums lose digits here")

    monkeypatch.setattr(adaptive, "_at_once", refuse)
    desired, reference = signals(2500)
    assert np.isfinite(rls(desired, reference)).all()
