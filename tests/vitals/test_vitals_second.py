"""Two looks at one heart: who is told, who is not, and when they deny each other."""

from dataclasses import replace

import numpy as np
import pytest

from camvitals.records import Reading, Trace, Wave, withheld
from camvitals.vitals.beats import no_beats
from camvitals.vitals.second import MARK, enhanced_of, looked_twice, of_both, of_windows

SPAN = (0.0, 10.0)
NONE = withheld("heart_rate", "bpm", "nothing to see", method="auto", span=SPAN)


def told(value, span=SPAN, wide=3.0):
    return Reading("heart_rate", value, "bpm", value - wide, value + wide, 0.9, "auto", span)


def test_the_colours_as_recorded_come_first():
    assert of_both(told(70.0), told(71.0)) == told(70.0)
    assert of_both(told(70.0), NONE) == told(70.0)
    assert of_both(NONE, NONE) == NONE


def test_enhanced_colours_are_told_where_those_recorded_are_not():
    found = of_both(NONE, told(71.0))
    assert (found.value, found.method) == (71.0, f"auto, {MARK}")


def test_two_that_do_not_meet_deny_each_other():
    found = of_both(told(70.0), told(90.0))
    assert found.value is None
    assert "as recorded say 70 bpm and enhanced ones 90" in found.why
    assert of_both(told(70.0), told(76.0)).value == 70.0  # their intervals touch


def test_windows_are_paired_by_their_spans():
    first = (told(70.0, (0, 10)), replace(NONE, span=(1, 11)))
    second = (told(71.0, (1.0000001, 11)), told(72.0, (2, 12)))
    found = of_windows(first, second)
    assert [(r.span[0], r.value) for r in found] == [(0, 70.0), (pytest.approx(1), 71.0), (2, 72.0)]
    assert [r.method.endswith(MARK) for r in found] == [False, True, True]


def test_pulse_and_beats_are_of_the_colours_that_were_told():
    time = np.arange(300) / 30
    waves = [Wave(np.sin(time + k), time, "pulse") for k in range(2)]
    beats = [replace(no_beats(SPAN), span=(0.0, 10.0 + k)) for k in range(2)]
    looks = {
        value: (NONE if value is None else told(value), (), waves[k], beats[k])
        for k, value in enumerate((None, 71.0))
    }
    heart, _, wave, found = looked_twice(looks[None], looks[71.0])
    assert (heart.value, wave.unit, found) == (71.0, f"1, {MARK}", beats[1])
    assert wave.values is waves[1].values
    heart, _, wave, found = looked_twice(looks[71.0], looks[None])
    assert (heart.value, wave, found) == (71.0, waves[1], beats[1])
    heart, _, wave, found = looked_twice(looks[None], looks[None])
    assert (heart.value, wave, len(found.time)) == (None, waves[0], 0)


def test_a_trace_without_enhanced_colours_is_itself():
    rgb = np.full((4, 1, 3), 90, np.float32)
    trace = Trace(rgb, np.ones((4, 1), int), np.arange(4) / 30, ("skin",), np.zeros((4, 4)))
    assert enhanced_of(trace) is trace
    better = enhanced_of(replace(trace, enhanced=rgb + 1))
    assert better.enhanced is None and (better.rgb == 91).all()
    assert replace(trace, enhanced=rgb + 1).between(0.0, 0.06).enhanced.shape == (2, 1, 3)
