from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camvitals.data.synthetic.scenario import (
    CLOCKS,
    LIGHTS,
    MOTIONS,
    SUBJECTS,
    Scenario,
    draw,
)
from camvitals.records import InputError

BASE = {"seed": 1, "duration": 30.0, "rate": 30.0}


def test_rate_and_duration_have_no_default() -> None:
    with pytest.raises(TypeError, match="rate"):
        Scenario(seed=1, duration=10.0)
    with pytest.raises(TypeError, match="duration"):
        Scenario(seed=1, rate=30.0)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**40))
def test_any_drawn_scenario_survives_json(seed: int) -> None:
    scenario = draw(seed, duration=20.0, rate=25.0)
    assert Scenario.from_json(scenario.to_json()) == scenario


def test_courses_survive_json() -> None:
    scenario = Scenario(
        **BASE, heart_rate_course=((0.0, 60.0), (30.0, 90.0)), spo2_course=((0, 99), (20, 85))
    )
    assert Scenario.from_json(scenario.to_json()) == scenario
    assert scenario.heart_rate_at(15.0) == pytest.approx(75.0)
    assert scenario.spo2_at(np.array([10.0])) == pytest.approx([92.0])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"heart_rate": 20.0}, "heart_rate needs 30 to 220 bpm"),
        ({"heart_rate": float("nan")}, "heart_rate needs"),
        ({"rate": 0.0}, "rate needs 1 to 1000 Hz"),
        ({"tone": 7}, "tone needs 1 to 6"),
        ({"tone": 2.5}, "tone needs a whole number"),
        ({"motion": "dance"}, "motion needs one of still, sway"),
        ({"codec": "theora"}, "codec needs one of"),
        ({"mains": 55}, "50 or 60"),
        ({"size": (641, 480)}, "two even numbers"),
        ({"size": 640}, "two even numbers"),
        ({"sdnn": 180.0, "heart_rate": 150.0}, "at most a fifth"),
        ({"heart_rate": 200.0, "heart_rate_slope": 60.0, "duration": 120.0}, "must stay in"),
        ({"heart_rate_course": ((5.0, 60.0), (1.0, 70.0))}, "increasing times"),
        ({"heart_rate_course": (5.0, 60.0)}, "pairs"),
        ({"spo2_course": ((0.0, 20.0),)}, "spo2_course needs 60 to 100"),
        ({"codec": "mjpeg", "crf": 20}, "use bit_rate"),
        ({"crf": 20, "bit_rate": 100_000}, "not both"),
        ({"bit_rate": 0}, "bit/s > 0"),
        ({"seed": -1}, "seed needs"),
        ({"people": 0}, "people needs"),
    ],
)
def test_wrong_values_are_told_in_one_line(wrong: dict, said: str) -> None:
    with pytest.raises(InputError, match=said) as error:
        Scenario(**(BASE | wrong))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"seed": 1}', '{"seed":1,"duration":1,"rate":9,"x":1}']
)
def test_wrong_json_is_told_in_one_line(text: str) -> None:
    with pytest.raises(InputError, match="a scenario needs") as error:
        Scenario.from_json(text)
    assert "\n" not in str(error.value)


def test_successive_draws_are_stratified() -> None:
    drawn = [draw(seed, duration=30.0, rate=30.0) for seed in range(1000, 1120)]
    tones = Counter(scenario.tone for scenario in drawn)
    assert set(tones) == set(range(1, 7))
    assert max(tones.values()) - min(tones.values()) <= 4
    assert {scenario.motion for scenario in drawn} == set(MOTIONS)
    assert {scenario.light for scenario in drawn} == set(LIGHTS)
    rates = [scenario.heart_rate for scenario in drawn]
    assert np.median(rates) == pytest.approx(80, abs=3)
    share = np.mean([60 <= rate <= 100 for rate in rates])
    assert share == pytest.approx(0.5, abs=0.05)


def test_fixed_fields_are_kept_and_fit_together() -> None:
    for codec in ("ffv1", "mjpeg", "h264"):
        scenario = draw(3, duration=5.0, rate=30.0, codec=codec, motion="still", tone=6)
        assert (scenario.codec, scenario.motion, scenario.tone) == (codec, "still", 6)
    assert draw(3, duration=5.0, rate=30.0, bit_rate=75_000).crf is None


def test_people_differ_but_share_the_room() -> None:
    scenario = Scenario(**BASE, people=3, light="lamp")
    first, second, third = (scenario.person(k) for k in range(3))
    assert first.heart_rate == scenario.heart_rate
    assert len({first.seed, second.seed, third.seed}) == 3
    assert abs(second.heart_rate - first.heart_rate) >= 9
    assert second.light == "lamp"
    assert scenario.person(1) == second
    with pytest.raises(InputError, match="person needs 0–2"):
        scenario.person(3)


def test_only_a_face_with_a_pulse_lives() -> None:
    alive = [s for s in SUBJECTS if Scenario(**BASE, subject=s).alive]
    assert alive == ["face"]
    assert not Scenario(**BASE, pulse=0.0).alive
    assert len(CLOCKS) == 5
