from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from camvitals.data.recording import Recording
from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.traces import made_trace
from camvitals.evaluate.doctor import (
    across,
    check_recordings,
    checkup,
    lags_to_note,
    to_train,
)
from camvitals.evaluate.offset import reference_lag
from camvitals.evaluate.reference import Reference
from camvitals.records import InputError, Wave
from camvitals.video import open_video

RATE = 20.0


def scenario(seed=0, duration=40.0, **fields):
    fields = {"heart_rate": 70.0, "sdnn": 45.0} | fields
    return Scenario(seed=seed, duration=duration, rate=RATE, **fields)


def reference(made, late, name, spoil):
    body = made_trace(made)[1].physiology
    inside = (body.time >= 0) & (body.time <= made.duration)
    time, values = body.time[inside][::2] + late, getattr(body, name)[inside][::2]
    return {name: spoil(Wave(values, time, name, "mV" if name == "ecg" else "1"))}


def same(wave):
    return wave


def colours(made):
    return made_trace(made)[0]


def take(made=None, *, late=0.0, name="pulse", spoil=same, **fields):
    made = made or scenario()
    given = {"corpus": "made", "subject": f"s{made.seed}"} | fields
    look = {} if "pictures" in given else {"colours": partial(colours, made)}
    return Recording(references=partial(reference, made, late, name, spoil), **look, **given)


def names(found):
    return [finding.name for finding in found.findings]


@pytest.mark.parametrize("late", [-0.8, 0.0, 0.07, 1.3])
@pytest.mark.parametrize("seed", [0, 1])
def test_an_inserted_lag_is_found_within_a_frame(late, seed):
    found = checkup(take(scenario(seed, duration=60.0), late=late))
    assert found.lag.why == ""
    assert found.lag.seconds == pytest.approx(late, abs=1 / RATE)
    assert ("lag" in names(found)) == (abs(late) > 0.2)


def test_the_lag_of_an_ecg_holds_the_transit_time():
    found = checkup(take(scenario(duration=90.0), name="ecg", late=0.0))
    assert -0.3 < found.lag.seconds < -0.1
    assert found.fine
    late = checkup(take(scenario(duration=90.0), name="ecg", late=0.6))
    assert late.lag.seconds == pytest.approx(found.lag.seconds + 0.6, abs=1 / RATE)
    assert names(late) == ["lag"]
    everyone = frozenset(["s0"])
    assert lags_to_note([found], everyone) == {}
    assert lags_to_note([late], everyone) == {"s0": late.lag.seconds}


@pytest.mark.parametrize("fields", [{"subject": "noise"}, {"pulse": 0.0}, {"duration": 8.0}])
def test_a_lag_that_cannot_be_measured_is_not_told(fields):
    trace = colours(scenario(**fields))
    truth = Reference.of_waves(reference(scenario(), 0.0, "pulse", same))
    found = reference_lag(trace, truth)
    assert found.seconds is None and found.why


def test_beats_like_clockwork_leave_the_lag_open():
    steady = scenario(duration=30.0, sdnn=0.0)
    found = checkup(take(steady, late=0.3))
    assert found.lag.seconds is None
    assert found.lag.why == "another beat fits as well"


def flat(wave):
    values = np.where(wave.time > 10, wave.values[0], wave.values)
    return Wave(values, wave.time, wave.name)


def clipped(wave):
    return Wave(np.clip(wave.values, 0.2, 0.5), wave.time, wave.name)


def short(wave):
    keep = wave.time < 30
    return Wave(wave.values[keep], wave.time[keep], wave.name)


def stretched(wave):
    return Wave(wave.values, 1.2 * wave.time, wave.name)


def leaping(wave):
    return Wave(wave.values, wave.time + 5.0 * (wave.time > 20), wave.name)


def elsewhere(wave):
    return Wave(wave.values, wave.time + 1000, wave.name)


def broken(wave):
    raise InputError("line 3 of ground_truth.txt has no numbers; copy it again")


@pytest.mark.parametrize(
    ("spoil", "name", "told"),
    [
        (flat, "reference unsound", "the pulse is flat"),
        (clipped, "reference unsound", "the pulse is clipped"),
        (short, "reference short", "at the end"),
        (stretched, "reference long", "clocks may be wrong"),
        (leaping, "reference clock jumps", "pulse has 1 gaps"),
        (elsewhere, "no overlap", "share no time"),
        (broken, "reference unreadable", "copy it again"),
    ],
)
def test_faults_are_named_with_what_to_do(spoil, name, told):
    found = checkup(take(spoil=spoil))
    assert name in names(found)
    assert any(told in finding.remedy for finding in found.findings)
    assert not any(finding.fine for finding in found.findings)


def test_a_good_take_is_fine():
    found = checkup(take())
    assert found.fine and found.lag.of == "pulse"


def test_missing_files_are_named():
    found = checkup(take(files=(Path("nowhere/vid.avi"),)))
    assert names(found) == ["missing file"]
    assert "nowhere/vid.avi" in found.findings[0].remedy


def grey(times):
    return open_video([(np.full((32, 32, 3), 90, np.uint8), float(t)) for t in times])


def no_video():
    raise InputError("vid.avi is empty (0 bytes); copy it again")


@pytest.mark.parametrize(
    ("times", "told"),
    [
        (np.r_[np.arange(50), 40, 50:100] / 20, "repeats, goes back"),
        (np.r_[np.arange(50), np.arange(120, 170)] / 20, "gaps longer than 0.5 s"),
    ],
)
def test_clocks_of_pictures(times, told):
    found = checkup(take(pictures=partial(grey, times)))
    assert {"video warning", "nobody seen"} <= set(names(found))
    assert any(told in finding.remedy for finding in found.findings)


def test_one_that_fails_does_not_stop_the_rest():
    takes = [take(), take(scenario(1), pictures=no_video), take(scenario(2), spoil=fault)]
    found = check_recordings(takes, jobs=1)
    assert [one.recording for one in found] == ["s0", "s1", "s2"]
    assert found[0].fine
    assert names(found[1]) == ["video unreadable"]
    assert names(found[2]) == ["not checked"]


def fault(wave):
    raise RuntimeError("a bug")


def test_processes_give_the_same():
    takes = [take(scenario(seed, duration=20.0)) for seed in range(2)]
    alone, together = check_recordings(takes, jobs=1), check_recordings(takes, jobs=2)
    assert [one.findings for one in alone] == [one.findings for one in together]


def test_takes_side_by_side():
    one = replace(checkup(take(scenario(duration=15.0))), findings=())
    copy = replace(one, recording="s9", subject="s9", digest=one.digest)
    other = replace(one, split="test", digest="other", recording="s0/2")
    train = replace(one, split="train", digest="another", recording="s0/1")
    assert [names(c) for c in across([one, copy])] == 2 * [["copied reference"]]
    assert [names(c) for c in across([train, other])] == 2 * [["subject in two splits"]]
    assert [names(c) for c in across([one, one])] == [[], ["duplicate name"]]


def test_only_training_takes_are_noted():
    split = [take(subject=f"p{k}", split=s) for k, s in enumerate(["train", "val", "test"])]
    assert to_train(split) == {"p0"}
    with pytest.raises(InputError, match="set aside"):
        to_train(split, ["p2"])
    with pytest.raises(InputError, match="names p7 but the corpus has p0, p1, p2"):
        to_train(split, ["p7"])
    unsplit = [take(subject=f"p{k}") for k in range(3)]
    with pytest.raises(InputError, match="--train SUBJECT"):
        to_train(unsplit)
    assert to_train(unsplit, ["p1"]) == {"p1"}
    both = [take(subject="p0", task=s, split=s) for s in ("train", "test")]
    with pytest.raises(InputError, match="needs to know"):
        to_train(both)  # what is known of a person in both would leak


def test_no_lag_of_another_take_is_noted():
    found = [checkup(take(scenario(seed, duration=60.0), late=0.5)) for seed in (0, 1)]
    noted = lags_to_note(found, frozenset(["s1"]))
    assert noted == {"s1": pytest.approx(0.5, abs=1 / RATE)}
