from dataclasses import replace

import numpy as np
import pytest

from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.traces import made_trace
from camvitals.records import Trace
from camvitals.vitals.beats import beats as beats_of
from camvitals.vitals.beats import no_beats
from camvitals.vitals.heart import (
    by_beats,
    expected_rate,
    heart_rates,
    held_against,
    unrest,
    windows_of,
)
from camvitals.vitals.posterior import heart_model
from camvitals.vitals.quality import RIGHT_BPM, THRESHOLD, interval, log_odds, trust
from camvitals.waves.auto import AUTO, pulse_wave, stretches
from camvitals.waves.evidence import weigh


def readings(scenario: Scenario):
    trace, truth = made_trace(scenario)
    found = stretches(trace, method=AUTO, rate=30.0)
    evidence = [weigh(c) for c in found]
    windows = windows_of(evidence, heart_model())
    beats = beats_of(pulse_wave(found, evidence, windows.rate), rate_hz=expected_rate(windows) / 60)
    windows = by_beats(windows, beats)
    return (*heart_rates(windows, beats, method=AUTO, span=(0.0, scenario.duration)), truth)


@pytest.mark.parametrize("bpm", [48, 72, 110, 165])
def test_a_clear_pulse_is_read_with_an_interval_that_holds(bpm: float) -> None:
    whole, rolling, truth = readings(
        Scenario(seed=int(bpm), duration=20.0, rate=30.0, heart_rate=bpm, sdnn=10.0)
    )
    assert whole.value == pytest.approx(truth.heart_rate, abs=1.5)
    assert whole.low <= truth.heart_rate <= whole.high
    assert whole.quality > 0.9
    assert len(rolling) == 11


def test_a_rate_that_rises_is_followed() -> None:
    course = ((0.0, 70.0), (40.0, 100.0))
    whole, rolling, truth = readings(
        Scenario(seed=3, duration=40.0, rate=30.0, heart_rate_course=course, sdnn=10.0)
    )
    for reading in rolling:
        if reading.value is not None:
            assert reading.value == pytest.approx(truth.rate_between(*reading.span), abs=4)
    assert sum(r.value is not None for r in rolling) > 0.8 * len(rolling)
    assert whole.value == pytest.approx(truth.heart_rate, abs=2)


@pytest.mark.parametrize("subject", ["still-picture", "painted-face", "wall", "noise"])
def test_what_has_no_pulse_has_no_rate(subject: str) -> None:
    whole, rolling, _ = readings(Scenario(seed=4, duration=20.0, rate=30.0, subject=subject))
    assert whole.value is None
    assert "pulse" in whole.why
    assert all(r.value is None for r in rolling)


def test_without_windows_the_reason_is_the_one_given() -> None:
    empty = windows_of([], heart_model())
    whole, rolling = heart_rates(
        empty, no_beats((0.0, 1.0)), method=AUTO, span=(0.0, 1.0), missing="too short to tell"
    )
    assert whole.value is None
    assert whole.why == "too short to tell"
    assert rolling == ()


def test_quality_is_calibrated_on_fresh_people() -> None:
    """Of the windows with quality about q, about the share q is right: seeds of no other use."""
    quality, right = [], []
    for seed in range(7_000_000, 7_000_060):
        from camvitals.data.synthetic.scenario import draw

        _, rolling, truth = readings(draw(seed, duration=20.0, rate=30.0))
        for reading in rolling[::5]:
            if reading.value is not None:
                quality.append(reading.quality)
                right.append(abs(reading.value - truth.rate_between(*reading.span)) <= RIGHT_BPM)
    assert len(right) > 60
    assert min(quality) >= THRESHOLD
    assert np.mean(right) == pytest.approx(np.mean(quality), abs=0.08)


def test_trust_and_interval_by_hand() -> None:
    assert trust(np.array([0.0]), [0.0, 1.0]) == 0.5
    assert trust(np.array([2.0]), [0.0, 1.0]) == pytest.approx(1 / (1 + np.exp(-2)))
    assert interval(72.0, 1.0, [0.5, 2.0]) == (69.5, 74.5)
    assert log_odds(0.5) == 0
    assert np.isfinite(log_odds(np.array([0.0, 1.0]))).all()


def test_a_rate_that_sure_evidence_contradicts_is_withheld() -> None:
    trace, _ = made_trace(Scenario(seed=5, duration=20.0, rate=30.0, heart_rate=54.0, sdnn=10.0))
    windows = windows_of(
        [weigh(c) for c in stretches(trace, method=AUTO, rate=30.0)], heart_model()
    )
    double = replace(windows, rate=2 * windows.rate)
    denied = held_against(double, windows)
    assert denied.denied.all()
    whole, rolling = heart_rates(denied, no_beats((0.0, 20.0)), method="net", span=(0.0, 20.0))
    assert whole.value is None
    assert "another rate" in whole.why
    assert all(reading.value is None for reading in rolling)
    assert not held_against(windows, windows).denied.any()
    assert not held_against(double, replace(windows, mass=0.5 * windows.mass)).denied.any()


def swaying(*, shade: float, pulse: float) -> tuple[Trace, float]:
    """A head that sways 64 times a minute, its blood-red shade by the square of its place."""
    scenario = Scenario(
        seed=6, duration=20.0, rate=30.0, heart_rate=80.0, sdnn=10.0, pulse=pulse,
        motion="sway", sway_hz=1.06, sway_px=25.0,
    )  # fmt: skip
    trace, truth = made_trace(scenario)
    place = trace.box[:, 0] / np.ptp(trace.box[:, 0])
    blush = 1 + shade * np.outer(place - place.mean(), [0.33, 0.77, 0.53]) ** 2
    rgb = trace.rgb.copy()
    rgb[:, :-1] *= blush[:, None]
    return replace(trace, rgb=rgb), truth.heart_rate


def test_shade_at_twice_the_rate_of_a_sway_is_motion() -> None:
    trace, _ = swaying(shade=0.5, pulse=0.0)
    none, span = no_beats((0.0, 20.0)), (0.0, 20.0)
    evidence = [weigh(candidates) for candidates in stretches(trace, method=AUTO, rate=30.0)]
    windows = windows_of(evidence, heart_model())
    assert windows.rate == pytest.approx(127, abs=3)
    assert windows.moved.all()
    whole, _ = heart_rates(windows, none, method=AUTO, span=span)
    assert "head moves" in whole.why
    learned = replace(windows, moved=np.zeros(len(windows.rate), bool))
    assert held_against(learned, windows).moved.all()
    blind = [replace(one, explained=np.zeros_like(one.explained)) for one in evidence]
    believed, _ = heart_rates(windows_of(blind, heart_model()), none, method=AUTO, span=span)
    assert believed.value == pytest.approx(127, abs=3)


def test_a_pulse_beside_a_sway_is_no_motion() -> None:
    trace, rate = swaying(shade=0.0, pulse=1.0)
    evidence = [weigh(candidates) for candidates in stretches(trace, method=AUTO, rate=30.0)]
    windows = windows_of(evidence, heart_model())
    assert windows.rate == pytest.approx(rate, abs=3)
    assert not windows.moved.any()


def test_a_rate_that_goes_to_and_fro_is_trusted_less_and_has_a_wider_interval() -> None:
    trace, _ = made_trace(Scenario(seed=5, duration=20.0, rate=30.0, heart_rate=72.0, sdnn=10.0))
    calm = windows_of([weigh(c) for c in stretches(trace, method=AUTO, rate=30.0)], heart_model())
    ramp = np.linspace(0, 20, len(calm.rate))
    zigzag = 4 * (-1.0) ** np.arange(len(calm.rate))
    assert unrest(replace(calm, rate=calm.rate + ramp)) == pytest.approx(unrest(calm), abs=1e-6)
    assert unrest(replace(calm, rate=calm.rate + zigzag)) == pytest.approx(4, abs=1)
    none = no_beats((0.0, 20.0))
    steady, _ = heart_rates(calm, none, method=AUTO, span=(0.0, 20.0))
    restless, _ = heart_rates(
        replace(calm, rate=calm.rate + zigzag), none, method=AUTO, span=(0.0, 20.0)
    )
    assert restless.quality < steady.quality
    assert restless.high - restless.low > 1.5 * (steady.high - steady.low)


def test_the_odds_of_a_rate_fall_with_the_bits_of_the_film() -> None:
    trace, _ = made_trace(Scenario(seed=5, duration=20.0, rate=30.0, heart_rate=72.0, sdnn=10.0))
    calm = windows_of([weigh(c) for c in stretches(trace, method=AUTO, rate=30.0)], heart_model())
    none, span = no_beats((0.0, 20.0)), (0.0, 20.0)
    sharp, _ = heart_rates(calm, none, method=AUTO, span=span)
    half, _ = heart_rates(calm, none, method=AUTO, span=span, coded=0.5)
    odds = [whole.quality / (1 - whole.quality) for whole in (sharp, half)]
    assert odds[1] == pytest.approx(odds[0] / 2)
    none_left, rolling = heart_rates(calm, none, method=AUTO, span=span, coded=1e-4)
    assert none_left.value is None
    assert "compression" in none_left.why
    assert all(reading.value is None for reading in rolling)
