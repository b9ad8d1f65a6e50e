"""Uneven times of the pictures: what they may add to intervals of beats, and what is told then."""

from dataclasses import replace

import numpy as np
import pytest

from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.traces import made_trace
from camvitals.pipeline import Settings, measure_trace
from camvitals.records import Reading, Source
from camvitals.vitals.beats import Beats
from camvitals.vitals.variability import variability
from camvitals.vitals.variability_clock import clock_errors

BEATS = np.arange(2.0, 58.0, 0.83)
EVEN = np.arange(0.0, 60.0, 1 / 30)


def rms_ms(time: np.ndarray) -> float:
    """What the times may add to the intervals between beats."""
    return 1e3 * float(np.sqrt((np.diff(clock_errors(time, BEATS)) ** 2).mean()))


def late(time: np.ndarray, *, seed: int, delay: float) -> np.ndarray:
    """Three of ten pictures told too late by an exponential delay [s], none before another."""
    rng = np.random.default_rng(seed)
    told = np.sort(time + delay * rng.exponential(size=len(time)) * (rng.random(len(time)) < 0.3))
    return told + 1e-5 * np.arange(len(time))


def sdnn_of(scenario: Scenario, *, delay: float) -> Reading:
    trace, _ = made_trace(scenario)
    uneven = replace(trace, time=late(trace.time, seed=scenario.seed, delay=delay))
    report = measure_trace(uneven, source=Source("made"), settings=Settings())
    return report.reading("hrv_sdnn")


@pytest.mark.parametrize("clock", ["steady", "ntsc", "halved", "dropped"])
@pytest.mark.parametrize("rate", [15.0, 30.0])
def test_even_pictures_err_by_nothing_whatever_their_rate_and_holes(
    clock: str, rate: float
) -> None:
    trace, _ = made_trace(Scenario(seed=3, duration=60.0, rate=rate, clock=clock))
    assert rms_ms(np.asarray(trace.time)) < 0.01


def test_a_rate_that_changes_and_times_in_whole_milliseconds_are_no_errors() -> None:
    changing = np.r_[np.arange(0, 30, 1 / 30), np.arange(30, 60, 1 / 20)]
    assert rms_ms(changing) < 0.01
    assert rms_ms(np.round(EVEN, 3)) < 0.1


@pytest.mark.parametrize("jitter", [0.001, 0.002, 0.004])
def test_independent_errors_average_out_over_a_beat(jitter: float) -> None:
    rng = np.random.default_rng(0)
    found = [rms_ms(EVEN + jitter * rng.standard_normal(len(EVEN))) for _ in range(8)]
    weight = np.hanning(20)[1:-1]  # 0.6 s of pictures
    expected = 1e3 * jitter * np.sqrt(2 * (weight**2).sum()) / weight.sum()
    assert np.mean(found) == pytest.approx(expected, rel=0.2)


def test_a_picture_that_is_late_for_good_moves_the_beats_after_it() -> None:
    lagging = EVEN + 0.012 * (EVEN > 30)
    off = np.diff(clock_errors(lagging, BEATS))
    assert off[np.abs(BEATS[1:] - 30) < 1].max() > 0.008


def test_it_widens_the_interval_downwards_and_leaves_the_value() -> None:
    rng = np.random.default_rng(2)
    beats = np.cumsum(0.83 + 0.04 * rng.standard_normal(66)) + 1.0
    zero = np.zeros(len(beats))
    known = Beats(beats, zero + 1, zero.astype(int), zero, 0, (0.0, 60.0))
    uneven = late(EVEN, seed=1, delay=0.008)
    exact, even, doubted = (
        {r.name: r for r in variability(known, pictures=p)} for p in (None, EVEN, uneven)
    )
    assert exact == even
    for name in ("hrv_sdnn", "hrv_rmssd", "hrv_sd1"):
        sure, unsure = exact[name], doubted[name]
        assert unsure.value == sure.value
        assert unsure.high == sure.high
        assert unsure.low < sure.low
        assert unsure.quality < sure.quality


@pytest.mark.parametrize("seed", [100, 103])
def test_a_heart_as_even_as_a_clock_is_not_told_a_variability_by_late_times(seed: int) -> None:
    heart_rate = 60.0 + 5 * (seed - 100)
    still = Scenario(seed=seed, duration=45.0, rate=20.0, heart_rate=heart_rate, sdnn=0.0)
    found = sdnn_of(still, delay=0.02)
    assert found.value is None
    assert "uneven times of the pictures move a beat by ±" in found.why


def test_a_heart_that_varies_is_told_by_times_that_are_a_little_late() -> None:
    person = Scenario(seed=100, duration=45.0, rate=30.0, heart_rate=66.0, sdnn=50.0)
    sure, found = (sdnn_of(person, delay=delay) for delay in (0.0, 0.004))
    assert found.value == pytest.approx(sure.value, rel=0.1)
    assert found.low < sure.low
