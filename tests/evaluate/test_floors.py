import numpy as np
import pytest

from camvitals.evaluate.floors import FLOORS, clock, constant_mean, floors, previous_window
from camvitals.records import InputError

REFERENCE = np.array([60.0, 62.0, 70.0, 74.0, 90.0])
SUBJECT = np.array(["a", "a", "b", "b", "c"])
START = np.array([0.0, 10.0, 0.0, 10.0, 0.0])


def test_mean_of_the_others():
    np.testing.assert_allclose(
        constant_mean(REFERENCE, SUBJECT), [78, 78, 212 / 3, 212 / 3, 266 / 4]
    )
    unknown = np.array([60.0, np.nan, 70.0, 74.0, 90.0])
    assert constant_mean(unknown, SUBJECT)[2] == 75
    assert np.isnan(constant_mean(REFERENCE, np.zeros(5))).all()


def test_window_before_in_any_order_of_rows():
    order = np.array([3, 0, 4, 2, 1])
    found = previous_window(REFERENCE[order], SUBJECT[order], START[order])
    expected = np.array([np.nan, 60, np.nan, 70, np.nan])
    np.testing.assert_array_equal(found, expected[order])


def test_clock_by_elapsed_time():
    found = clock(REFERENCE, SUBJECT, SUBJECT, START)
    np.testing.assert_allclose(found, [80, 74, 75, 62, 65])


def test_clock_by_fraction_joins_linearly():
    reference = np.array([100.0, 80.0, 100.0, 90.0, 80.0])
    take, start = np.array([1, 1, 2, 2, 2]), np.array([0.0, 8.0, 0.0, 10.0, 20.0])
    found = clock(reference, take, take, start, by="fraction")
    np.testing.assert_allclose(found, [100, 80, 100, 90, 80])
    elapsed = clock(reference, take, take, start)
    np.testing.assert_allclose(elapsed, [100, 92, 100, np.nan, np.nan])


def test_the_clock_does_not_hear_another_take_of_the_same_subject():
    subject, take = np.array(["a", "a", "b"]), np.array(["a/1", "a/2", "b/1"])
    found = clock(np.array([50.0, 60.0, 70.0]), take, subject, np.zeros(3))
    np.testing.assert_allclose(found, [70, 70, 55])


def test_all_floors_by_name():
    found = floors(REFERENCE, SUBJECT, SUBJECT, START)
    assert tuple(found) == FLOORS
    np.testing.assert_array_equal(found["clock_elapsed"], clock(REFERENCE, SUBJECT, SUBJECT, START))
    with pytest.raises(InputError, match="elapsed or by fraction"):
        clock(REFERENCE, SUBJECT, SUBJECT, START, by="phase")
