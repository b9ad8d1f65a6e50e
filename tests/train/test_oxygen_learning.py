"""Lines and networks that learn saturation: from planted colours, and from made people."""

from functools import partial

import numpy as np
import pytest
import torch

from camvitals.data.corpora import corpus
from camvitals.data.synthetic.layouts import LAYOUTS, write_corpus
from camvitals.data.synthetic.scenario import Scenario
from camvitals.records import InputError
from camvitals.train.oxygen.instances import (
    Instance,
    Training,
    built,
    estimates,
    lowest,
    prepared,
    train_instance,
)
from camvitals.train.oxygen.linear import (
    Lines,
    Plan,
    Way,
    fit_line,
    inputs,
    look,
    nested,
    plans,
    trailing,
)
from camvitals.train.oxygen.windows import Take, cut, read_takes, relative_to_start
from camvitals.train.trial import Pruned

RATE = 30.0
WAY = Way(from_start=True, calibrated=True, until=15.0)


def planted(subject, hand="left", *, seconds=120, seed=0, offset=0.0) -> Take:
    """Red darkens by 1 % a point of saturation, from a level of one's own; the reference is off."""
    rng = np.random.default_rng([seed, ord(subject)])
    clock = np.arange(seconds * RATE) / RATE
    bottom = rng.uniform(40, 80)
    spo2 = np.interp(clock, [0, 20, bottom, 119], [98, 98, rng.uniform(75, 85), 95])
    beat = np.sin(2 * np.pi * rng.uniform(1.0, 1.4) * clock)
    level = rng.uniform(40, 80, 3)
    depth = np.array([0.01, 0.02, 0.015])
    rgb = level * (1 + depth * beat[:, None]) + 0.01 * rng.standard_normal((len(clock), 3))
    rgb[:, 0] *= np.exp((spo2 - 98) / 100)
    time = np.arange(float(seconds))
    shown = np.interp(time, clock, spo2) + offset
    return Take(f"{subject}/{hand}", subject, hand, rgb, RATE, time, shown)


@pytest.fixture(scope="module")
def seen():
    return [look(planted(name), stride=1.0) for name in "abcd"]


def error_of(seen, tested):
    pairs = [(seen[k], v) for one in tested for k, v in one.estimates.items()]
    later = [np.abs(v - one.spo2)[one.end >= WAY.until] for one, v in pairs]
    return float(np.concatenate(later).mean())


def test_a_line_through_levels_reads_the_planted_saturation(seen):
    choices = plans([("levels",)], smooth=(1.0,), lags=(0.0, -5.0), penalties=(1e-4, 1.0))
    tested = nested(seen, choices, WAY)
    assert [one.subject for one in tested] == list("abcd")
    assert {one.plan.penalty for one in tested} == {1e-4}
    assert error_of(seen, tested) < 2.0  # the mean of ten seconds is late
    assert error_of(seen, nested(seen, plans([("pulse",)]), WAY)) > 3.0


def test_the_tested_subject_is_never_looked_at(seen):
    """Another reference of the last subject changes nothing that is said of it."""
    choices = plans([("levels",), ("ratios", "levels")], smooth=(1.0,), penalties=(1e-3, 0.1))
    way = Way(from_start=True, until=15.0)
    changed = [*seen[:3], look(planted("d", offset=-20.0), stride=1.0)]
    ours, theirs = (nested(one, choices, way)[3] for one in (seen, changed))
    np.testing.assert_array_equal(ours.estimates[3], theirs.estimates[3])
    assert ours.plan == theirs.plan and ours.inner == theirs.inner


def test_one_point_takes_an_offset_out(seen):
    """Told the first seconds of a reference that is 6 points off, the line is off by 6 points."""
    plan = Plan(("levels",), 1.0, 0.0, 1e-3)
    off = [*seen[:3], look(planted("d", offset=-6.0), stride=1.0)]
    told = [Lines(one, plan, WAY) for one in (seen, off)]
    pair = [lines.estimate(lines.fit([0, 1, 2]), 3) for lines in told]
    np.testing.assert_allclose(pair[0] - pair[1], 6, atol=1e-6)


def test_hands_can_be_kept_apart():
    both = [look(planted(n, hand), stride=2.0) for n in "abc" for hand in ("left", "right")]
    tested = nested(both, plans([("levels",)], smooth=(2.0,)), WAY, hands=("left", "right"))
    assert [list(one.estimates) for one in tested] == [[1], [3], [5]]


def test_features_and_their_bad_names(seen):
    plan = Plan(("ratios", "levels", "pulse"), 1.0, 0.0, 0.1)
    assert inputs(seen[0], plan, Way()).shape == (len(seen[0].end), 6)
    moved = inputs(seen[0], plan, WAY)
    np.testing.assert_allclose(moved[seen[0].end < WAY.until].mean(axis=0), 0, atol=1e-12)
    with pytest.raises(InputError, match="features"):
        inputs(seen[0], Plan(("smell",), 1.0, 0.0, 0.1), WAY)
    with pytest.raises(InputError, match="3 subjects"):
        nested(seen[:2], plans([("levels",)]), WAY)


def test_a_trailing_mean_looks_back_only():
    values = np.arange(6.0)[:, None]
    np.testing.assert_allclose(trailing(values, 3)[:, 0], [0, 0.5, 1, 2, 3, 4])


def test_a_line_is_that_of_least_squares():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((50, 2))
    y = 3 + x @ [2.0, -1.0]
    line = fit_line(x, np.r_[y[:-1], np.nan], penalty=0.0)
    np.testing.assert_allclose(line(x), y, atol=1e-6)


@pytest.fixture(scope="module")
def made_windows(tmp_path_factory):
    """Three made people whose saturation falls and recovers, as their corpus lays them out."""
    folder = tmp_path_factory.mktemp("oxygen") / "made"
    fall = ((0.0, 98.0), (10.0, 98.0), (35.0, 70.0), (60.0, 97.0))
    scenarios = [
        Scenario(seed=seed, duration=60.0, rate=30.0, sdnn=10.0, spo2_course=fall)
        for seed in (3, 5, 8)
    ]
    write_corpus(folder, LAYOUTS["oximetry"], scenarios)
    takes = read_takes(corpus("oximetry").read(folder), rate=RATE)
    return cut(relative_to_start(takes, until=5.0), length=10.0, stride=0.5)


def test_a_network_beats_the_constant_on_the_other_hand_of_made_people(made_windows):
    training = Training(
        name="spo2-ding", options={"filters": 16}, epochs=24, patience=8, draws=320, step=3e-3
    )
    x, spo2 = prepared(made_windows, training), torch.tensor(made_windows.spo2).float()
    left = np.flatnonzero(made_windows.hand == "left")
    right = np.flatnonzero(made_windows.hand == "right")
    found = train_instance(x, spo2, (left[::2], left[1::2]), training, seed=0)
    told = estimates(found.module, x[right]).numpy()
    truth = made_windows.spo2[right]
    constant = np.abs(truth - made_windows.spo2[left].mean()).mean()
    assert np.abs(told - truth).mean() < 0.7 * constant


def test_an_instance_is_the_same_again_and_another_with_another_seed(made_windows):
    training = Training(name="spo2-fc", options={"filters": 4}, epochs=2, draws=64)
    few = made_windows.at(np.arange(0, len(made_windows), 5))
    x, spo2 = prepared(few, training), torch.tensor(few.spo2).float()
    rows = (np.arange(20), np.arange(20, 30))
    before = torch.random.get_rng_state()
    a, b, c = (train_instance(x, spo2, rows, training, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(before, torch.random.get_rng_state())
    first, second, third = (estimates(one.module, x) for one in (a, b, c))
    assert torch.equal(first, second) and not torch.equal(first, third)
    rmse = (first[20:30] - spo2[20:30]).square().mean().sqrt()
    assert a.rmse == pytest.approx(float(rmse), rel=1e-5)
    with pytest.raises(InputError, match="to learn from"):
        train_instance(x, spo2, (rows[0], rows[0][:0]), training, seed=0)


def test_an_instance_tells_each_epoch_and_can_be_stopped_at_any(made_windows):
    training = Training(name="spo2-fc", options={"filters": 4}, epochs=6, draws=64)
    few = made_windows.at(np.arange(0, len(made_windows), 5))
    x, spo2 = prepared(few, training), torch.tensor(few.spo2).float()
    rows, told = (np.arange(20), np.arange(20, 30)), []

    def tell(epoch, rmse, stop=7):
        told.append((epoch, rmse))
        if epoch == stop:
            raise Pruned

    found = train_instance(x, spo2, rows, training, seed=0, tell=tell)
    assert [epoch for epoch, _ in told] == [1, 2, 3, 4, 5, 6]
    assert min(rmse for _, rmse in told) == found.rmse
    told.clear()
    with pytest.raises(Pruned):
        train_instance(x, spo2, rows, training, seed=0, tell=partial(tell, stop=2))
    assert len(told) == 2


def test_the_lowest_validation_error_is_tested():
    """The source says the highest, a slip."""
    module = built(Training(name="spo2-fc", options={"filters": 2}))
    three = [Instance(module, rmse, 0, seed) for seed, rmse in enumerate((3.0, 1.0, 2.0))]
    assert lowest(three).seed == 1
    with pytest.raises(InputError, match="no instance"):
        lowest([])


def test_the_level_can_be_hidden(made_windows):
    few = made_windows.at(np.arange(3))
    for name, streams in (("spo2-m1", slice(None)), ("spo2-ding", slice(3, 6))):
        shown = prepared(few, Training(name=name, pulse_only=True))
        assert shown[:, streams].mean(-1).abs().max() < 0.3
        assert shown.abs().max() < 20 < few.colours.min()
    assert not prepared(few, Training(name="spo2-ding", pulse_only=True))[:, [0, 8]].any()


def test_a_network_of_something_else_is_refused():
    with pytest.raises(InputError, match="spo2"):
        built(Training(name="tracenet-tiny"))
