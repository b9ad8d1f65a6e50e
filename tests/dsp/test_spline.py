import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camvitals.dsp.spline import spline
from camvitals.records import InputError


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6), count=st.integers(3, 200))
def test_equal_to_scipys_natural_spline(seed, count):
    from scipy.interpolate import CubicSpline

    rng = np.random.default_rng(seed)
    t, y = np.cumsum(rng.uniform(0.05, 3, count)), rng.standard_normal(count)
    at = np.linspace(t[0], t[-1], 500)
    assert np.allclose(spline(y, t, at), CubicSpline(t, y, bc_type="natural")(at), atol=1e-9)


def test_holds_the_ends_and_joins_two_points_by_a_line():
    got = spline(np.array([1.0, 3.0]), np.array([0.0, 2.0]), np.array([-1.0, 0.5, 9.0]))
    assert got == pytest.approx([1.0, 1.5, 3.0])


def test_one_point_is_no_curve():
    with pytest.raises(InputError, match="2 points"):
        spline(np.zeros(1), np.zeros(1), np.zeros(1))
