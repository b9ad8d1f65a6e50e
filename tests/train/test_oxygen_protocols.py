"""Protocols of oxygen saturation: who is learnt from, chosen by and tested; windows and labels."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from camvitals.data.corpora import corpus
from camvitals.data.synthetic.layouts import LAYOUTS, write_corpus
from camvitals.data.synthetic.scenario import Scenario
from camvitals.records import InputError
from camvitals.train.oxygen.instances import (
    Training,
    estimates,
    lowest,
    prepared,
    train_instance,
)
from camvitals.train.oxygen.splits import (
    cycles,
    leave_one_subject_out,
    other_hand,
    oversampled,
    own_blocks,
    participant_specific,
)
from camvitals.train.oxygen.windows import (
    Take,
    cut,
    fitted_lag,
    read_takes,
    relative_to_start,
    shuffled,
)

RATE = 10.0


def made(subject="a", hand="left", *, seconds=180, lag=0.0, seed=0) -> Take:
    """Three falls and recoveries of 60 s each; the red level follows, `lag` s before the reference.

    The saturation is 98 % at 0, 60, 120 and 180 s, and 80 % half way between.
    """
    rng = np.random.default_rng(seed)
    clock = np.arange(seconds * RATE) / RATE
    colours = 50 + 0.01 * rng.standard_normal((len(clock), 3))
    colours[:, 0] += 0.5 * course(clock + lag)
    time = np.arange(float(seconds))
    return Take(f"{subject}/{hand}", subject, hand, colours, RATE, time, course(time))


def course(time):
    return 89 + 9 * np.cos(2 * np.pi * time / 60)


def people(count=4):
    return [made(name, hand) for name in "abcdef"[:count] for hand in ("left", "right")]


def overlap(windows, rows, others) -> bool:
    """Whether a window of one set shares a sample with one of the other."""
    for k in range(len(windows.takes)):
        a, b = (one[windows.take[one] == k] for one in (rows, others))
        first, last = np.maximum.outer(windows.start[a], windows.start[b]), None
        last = np.minimum.outer(windows.end[a], windows.end[b])
        if (first <= last).any():
            return True
    return False


def test_a_label_is_the_reference_at_the_end_or_the_centre():
    for label, back in (("end", 0.0), ("centre", 4.95)):
        windows = cut([made()], length=10.0, stride=1.0, label=label)
        np.testing.assert_allclose(windows.spo2, course(windows.end - back), atol=0.03)
        assert windows.colours.shape[1:] == (100, 3)
    late = cut([made()], length=10.0, stride=1.0, lag=7.0)
    np.testing.assert_allclose(late.spo2, course(late.end + 7), atol=0.03)
    assert late.end.max() <= 179 - 7  # none beyond the reference
    with pytest.raises(InputError, match="label"):
        cut([made()], length=10.0, stride=1.0, label="start")


def test_the_lag_is_found():
    takes = [made(lag=8.0, seed=k) for k in range(2)]
    # the mean of ten seconds is five seconds late itself
    assert fitted_lag(takes, lags=range(-10, 21)) == pytest.approx(3, abs=1)


def test_cycles_are_the_falls_of_the_reference():
    found = cycles(made())
    assert len(found) == 3
    np.testing.assert_allclose([edge for pair in found for edge in pair][1:-1:2], [60, 120], atol=2)
    assert found[0][0] == 0 and found[-1][1] == 179
    flat = made()
    still = Take("a", "a", "left", flat.colours, RATE, flat.time, np.full(180, 97.0))
    with pytest.raises(InputError, match="cycle"):
        cycles(still)


def test_no_window_is_labelled_in_a_gap_of_the_reference():
    """Lines across a gap of 20 s would say what nobody measured."""
    whole = made()
    known = (whole.time < 70) | (whole.time >= 90)
    gappy = replace(whole, time=whole.time[known], spo2=whole.spo2[known])
    windows, all_of_them = (cut([t], length=10.0, stride=1.0) for t in (gappy, whole))
    inside = (all_of_them.end > 69) & (all_of_them.end < 90)
    np.testing.assert_array_equal(windows.end, all_of_them.end[~inside])
    np.testing.assert_array_equal(windows.spo2, all_of_them.spo2[~inside])
    with pytest.raises(InputError, match=r"a/left has a gap of 21 s"):
        cycles(gappy)


def test_a_participant_is_learnt_chosen_and_tested_apart():
    windows = cut(people(2), length=10.0, stride=0.2)
    split = participant_specific(windows, first=0, second=1)
    (_, one), (_, two), _ = cycles(windows.takes[0])
    assert not overlap(windows, split.train, split.validation)
    assert set(windows.take[split.train]) == set(windows.take[split.validation]) == {0}
    assert set(windows.take[split.test]) == {1}
    assert windows.end[split.train].max() < two <= windows.start[split.validation].min()
    straddling = (windows.start[split.train] < one) & (windows.end[split.train] >= one)
    assert not straddling.any() and len(split.train) > 400
    for second in (0, 2):  # itself; another person
        with pytest.raises(InputError, match="one person"):
            participant_specific(windows, first=0, second=second)
    short = cut([made(seconds=110), made(hand="right")], length=10.0, stride=1.0)
    with pytest.raises(InputError, match="3 cycles"):
        participant_specific(short, first=0, second=1)


def test_the_whole_protocol_of_the_source():
    """Two recordings of a person, several instances, oversampling; the lowest RMSE is tested."""
    windows = cut([made(seed=1), made(hand="right", seed=2)], length=10.0, stride=0.5)
    split = participant_specific(windows, first=0, second=1)
    options = {"filters": 16, "length": 100}
    training = Training(
        name="spo2-fc", options=options, epochs=12, patience=4, draws=320, step=3e-3
    )
    x, spo2 = prepared(windows, training), torch.tensor(windows.spo2).float()
    rows = (split.train, split.validation)
    instances = [train_instance(x, spo2, rows, training, seed=seed) for seed in range(3)]
    assert len({one.rmse for one in instances}) == 3
    told = estimates(lowest(instances).module, x[split.test]).numpy()
    truth = windows.spo2[split.test]
    constant = np.abs(truth - windows.spo2[split.train].mean()).mean()
    assert np.abs(told - truth).mean() < 0.3 * constant


def test_nobody_is_learnt_from_and_tested():
    windows = cut(people(), length=10.0, stride=2.0)
    splits = list(leave_one_subject_out(windows))
    assert [split.name for split in splits] == list("abcd")
    for split in splits:
        who = [set(windows.subject[r]) for r in (split.train, split.validation, split.test)]
        assert who[2] == {split.name}
        assert not (who[0] & who[1] or who[0] & who[2] or who[1] & who[2])
        assert sum(map(len, who)) == 4
    with pytest.raises(InputError, match="3 subjects"):
        next(leave_one_subject_out(cut(people(2), length=10.0, stride=2.0)))


def test_one_hand_is_learnt_the_other_tested():
    windows = cut(people(), length=10.0, stride=2.0)
    for split in other_hand(windows, learn="left", test="right"):
        learnt = np.concatenate([split.train, split.validation])
        assert set(windows.hand[learnt]) == {"left"}
        assert set(windows.hand[split.test]) == {"right"}
        assert set(windows.subject[split.test]) == {split.name}


def test_blocks_of_ones_own_do_not_touch():
    windows = cut(people(1), length=4.0, stride=0.5)
    for split in own_blocks(windows, block=20.0, gap=5.0):
        sets = (split.train, split.validation, split.test)
        assert all(len(rows) for rows in sets)
        for k, rows in enumerate(sets):
            for others in sets[k + 1 :]:
                apart = np.abs(np.subtract.outer(windows.start[rows], windows.end[others]))
                assert not overlap(windows, rows, others)
                assert apart.min() > 5 - 1e-9 or windows.take[rows[0]] != windows.take[others[0]]


def test_oversampling_makes_every_two_percent_alike():
    spo2 = np.r_[np.full(900, 98.5), np.full(90, 91.0), np.full(10, 80.3)]
    drawn = spo2[oversampled(spo2, np.random.default_rng(0), count=3000)]
    shares = [(drawn == value).mean() for value in (98.5, 91.0, 80.3)]
    np.testing.assert_allclose(shares, 1 / 3, atol=0.03)
    first, other = (oversampled(spo2, np.random.default_rng(seed)) for seed in (1, 2))
    assert len(first) == 1000 and not np.array_equal(first, other)
    with pytest.raises(InputError, match="label"):
        oversampled(np.array([90.0, np.nan]), np.random.default_rng(0))


def test_colours_over_their_start_know_no_reference():
    take = made()
    (moved,) = relative_to_start([take], until=5.0)
    np.testing.assert_allclose(moved.colours[: round(5 * RATE)].mean(axis=0), 100)
    brighter = Take("a", "a", "l", 3 * take.colours, RATE, take.time, take.spo2 - 5)
    np.testing.assert_allclose(relative_to_start([brighter], until=5.0)[0].colours, moved.colours)


def test_a_shuffled_reference_keeps_its_values_and_loses_its_place():
    take = made(seconds=179)
    mixed = shuffled(take, block=60.0, rng=np.random.default_rng(3))
    np.testing.assert_array_equal(np.sort(mixed.spo2), np.sort(take.spo2))
    np.testing.assert_array_equal(mixed.colours, take.colours)
    other = shuffled(made(), block=7.0, rng=np.random.default_rng(3))
    assert abs(np.corrcoef(other.spo2, made().spo2)[0, 1]) < 0.7


def test_takes_are_read_from_the_layout_of_the_corpus(tmp_path):
    fall = ((0.0, 98.0), (10.0, 80.0), (20.0, 97.0))
    person = Scenario(seed=3, duration=20.0, rate=30.0, spo2_course=fall)
    write_corpus(tmp_path / "made", LAYOUTS["oximetry"], [person])
    takes = read_takes(corpus("oximetry").read(tmp_path / "made"), rate=30.0)
    assert [take.hand for take in takes] == ["left", "right"]
    for take in takes:
        assert take.colours.shape == (600, 3) and take.seconds == pytest.approx(19.97, abs=0.04)
        np.testing.assert_allclose(take.spo2_at(np.array([0.0, 5.0, 10.0])), [98, 89, 80], atol=0.2)
        assert np.isnan(take.spo2_at(np.array([-1.0, 25.0]))).all()
