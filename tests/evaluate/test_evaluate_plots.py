"""Plots show the numbers that they are named after."""

import re

import numpy as np
import pytest

from camvitals.evaluate.example import example
from camvitals.evaluate.limits import limits_of_agreement
from camvitals.evaluate.plots import PLOTS
from camvitals.evaluate.ranks import groups, ranks
from camvitals.evaluate.statistics import compare
from camvitals.evaluate.view import View
from camvitals.records import InputError
from camvitals.report.plots import drawn


@pytest.fixture(scope="module")
def view() -> View:
    return View.of(example(subjects=8, windows=6), "heart_rate")


def test_limits_of_agreement_by_hand():
    # Two subjects, (1, 3) and (5, 7, 9). Mean 5; within: (2 + 8) / 3; between: the mean squares
    # (2 × 9 + 3 × 4 = 30) / 1, less within, over (25 − 13) / (1 × 5) = 2.4.
    found = limits_of_agreement(np.array([1.0, 3, 5, 7, 9, np.nan]), np.array(list("aabbbb")))
    within, between = 10 / 3, (30 - 10 / 3) / 2.4
    reach = 1.96 * np.sqrt(within + between)
    assert found.bias == pytest.approx(5)
    assert found.within == pytest.approx(np.sqrt(within))
    assert found.between == pytest.approx(np.sqrt(between))
    assert (found.low, found.high) == pytest.approx((5 - reach, 5 + reach))
    assert (found.count, found.subjects) == (5, 2)


def test_limits_hold_95_percent_of_new_differences():
    rng = np.random.default_rng(1)
    subject = np.repeat(np.arange(4000), 5)
    shift = rng.normal(0, 3, 4000)[subject]
    found = limits_of_agreement(1 + shift + rng.normal(0, 2, 20_000), subject, draws=200)
    new = 1 + rng.normal(0, 3, 100_000) + rng.normal(0, 2, 100_000)
    assert np.mean((new > found.low) & (new < found.high)) == pytest.approx(0.95, abs=0.01)
    assert found.low_interval[0] < found.low < found.low_interval[1]


def test_one_subject_has_limits_without_interval():
    found = limits_of_agreement(np.array([1.0, 2, 3]), np.array(["a"] * 3))
    assert found.within == pytest.approx(1)
    assert found.between == 0
    assert np.isnan(found.low_interval).all()
    with pytest.raises(InputError, match="2 answers"):
        limits_of_agreement(np.array([1.0, np.nan]), np.array(["a", "a"]))


@pytest.mark.parametrize("wide", [True, False])
def test_critical_difference_diagram_stands_on_mean_ranks(wide):
    error = np.random.default_rng(0).random((12, 4)) + np.array([0, 0.1, 0.9, 1.0])
    found = compare(error, ["a", "b", "c", "d"])
    figure = ranks(found, wide)
    assert figure is not None
    lines = {line.get_label(): line.get_xdata()[0] for line in figure.axes[0].get_lines()}
    assert {name: lines[name] for name in found.methods} == pytest.approx(
        dict(zip(found.methods, found.ranks.tolist(), strict=True))
    )


def test_bars_join_what_does_not_differ():
    assert groups(np.array([1.0, 1.5, 3.0, 3.2]), 0.6) == [(1.0, 1.5), (3.0, 3.2)]
    assert groups(np.array([1.0, 2.0, 3.0]), 1.0) == [(1.0, 2.0), (2.0, 3.0)]
    assert groups(np.array([1.0, 2.0, 3.0]), 5.0) == [(1.0, 3.0)]
    assert groups(np.array([1.0, 3.0]), 1.0) == []


def test_every_plot_is_drawn_themed_and_always_the_same(view):
    first, second = drawn(PLOTS, view, key="k"), drawn(PLOTS, view, key="k")
    assert [name for name, *_ in first] == list(PLOTS)
    for (name, plot, *images), (*_, wide, narrow) in zip(first, second, strict=True):
        assert images == [wide, narrow], name
        for image in images:
            assert "var(--" in image
            assert "#0100" not in image
            assert not re.search(r"20\d\d-\d\d", image)
            assert plot.say(view).split()[0] in image


def test_ids_differ_between_drawings(view):
    found = drawn(PLOTS, view, key="k")
    images = [image for _, _, *both in found for image in both]
    ids = [one for image in images for one in set(re.findall(r' id="(.*?)"', image))]
    assert len(ids) == len(set(ids))


def test_nothing_is_drawn_of_nothing():
    result = example(subjects=1, windows=3, methods=("pos",))
    none = {**result.columns, "estimate": np.full(len(result), np.nan)}
    empty = View.of(type(result)(result.protocol, none), "heart_rate")
    assert [plot.draw(empty, True) for name, plot in PLOTS.items() if name != "strata"] == [
        None
    ] * 4
