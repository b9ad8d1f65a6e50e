"""Lamps seen too slowly: where they are seen, what is taken out, and what is left alone."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from camvitals.data.synthetic.camera import gamma, linear
from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.traces import made_trace
from camvitals.data.synthetic.variety import of_one_region
from camvitals.pipeline import Settings, heart_steps
from camvitals.records import Reading, Source, Trace
from camvitals.steps import finish
from camvitals.waves.lamps import Lamp, folded, without_lamps

SEEDS = range(9_830_000, 9_830_008)
FAST = {"duration": 30.0, "rate": 61.0, "size": (780, 580), "codec": "h264", "crf": 23}
# A phone reads row after row, so a lamp is seen elsewhere in its cycle in every region.
LAMP: dict[str, Any] = FAST | {"mains": 60, "light": "lamp", "camera": "phone"}


def heart_of(trace: Trace) -> Reading:
    return finish(heart_steps(trace, source=Source("made"), settings=Settings()))[0]


@pytest.mark.parametrize(
    ("line", "rate", "seen"),
    [
        *((120, 61, 2), (120, 30, 0), (120, 29.97, 0.12), (120, 29.5, 2), (120, 120, 0)),
        *((100, 24, 4), (100, 24.5, 2), (100, 25, 0), (100, 30, 10), (100, 33, 1)),
    ],
)
def test_a_line_is_seen_folded(line: float, rate: float, seen: float) -> None:
    assert folded(line, rate) == pytest.approx(seen)


@pytest.mark.parametrize("rate", [15.0, 20.0, 25.0, 30.0, 50.0, 60.0])
@pytest.mark.parametrize("mains", [50, 60])
def test_rates_that_fold_no_lamp_into_the_band_are_left_alone(rate: float, mains: int) -> None:
    scenario = Scenario(seed=3, duration=12.0, rate=rate, light="lamp", mains=mains)
    for clock in ("steady", "ntsc", "jitter", "dropped"):
        trace, _ = made_trace(replace(scenario, clock=clock))
        same, lamps = without_lamps(trace)
        assert same is trace
        assert lamps == ()


@pytest.mark.parametrize("clock", ["steady", "jitter", "dropped"])
def test_a_lamp_is_found_and_nine_tenths_of_it_or_more_taken_out(clock: str) -> None:
    calm = Scenario(seed=4, heart_rate=70.0, clock=clock, **LAMP | {"light": "daylight"})
    time = made_trace(calm)[0].time
    trace, _ = made_trace(replace(calm, light="lamp"))
    clean, (lamp, *_) = without_lamps(trace)
    assert (lamp.mains, lamp.seen) == (60.0, pytest.approx(2.0, abs=0.05))
    assert lamp.line == pytest.approx(120.0, abs=0.05)
    assert lamp.rate == pytest.approx(61, rel=0.001)
    turns = np.exp(-2j * np.pi * 120 * time) * np.hanning(len(time))
    for region in range(len(trace.names)):
        levels = [np.log(x.rgb[:, region, 1]) for x in (trace, clean)]
        before, after = (abs(turns @ (level - level.mean())) for level in levels)
        assert after < 0.1 * before


def test_a_lamp_whose_mains_wander_is_followed() -> None:
    trace, _ = made_trace(Scenario(seed=4, heart_rate=70.0, camera="machine", **FAST))
    turned = 120.06 * trace.time + 0.4 * np.sin(2 * np.pi * trace.time / 40)
    gain = 1 + 0.02 * np.sin(2 * np.pi * turned + np.arange(len(trace.names))[:, None]).T
    lit = replace(trace, rgb=gamma(linear(trace.rgb) * gain[..., None]).astype(np.float32))
    clean, lamps = without_lamps(lit)
    assert lamps
    off = (np.log(clean.rgb) - np.log(trace.rgb))[61:-61].std()
    assert off < 0.1 * (np.log(lit.rgb) - np.log(trace.rgb))[61:-61].std()


def test_no_rate_is_told_wrongly_under_lamps_at_61_pictures_a_second() -> None:
    told = []
    for seed in SEEDS:
        heart_rate = 52.0 + 6 * (seed - SEEDS[0])
        trace, truth = made_trace(Scenario(seed=seed, heart_rate=heart_rate, **LAMP))
        found = heart_of(trace).value
        if found is not None:
            told.append(found - truth.rate_between(0.0, 30.0))
    assert len(told) >= 6
    assert np.abs(told).max() < 5


@pytest.mark.parametrize("regions", ["all", "one"])
def test_a_heart_that_beats_at_the_rate_of_a_lamp_is_told_by_day(regions: str) -> None:
    scenario = Scenario(seed=9_830_020, heart_rate=120.0, sdnn=10.0, **FAST)
    trace, _ = made_trace(scenario)
    trace = of_one_region(trace) if regions == "one" else trace
    assert without_lamps(trace) == (trace, ())
    assert heart_of(trace).value == pytest.approx(120, abs=2)


def test_what_may_be_left_of_a_heart_under_a_lamp_is_withheld_with_the_lamp_for_a_reason() -> None:
    scenario = Scenario(seed=5, heart_rate=60.0, sdnn=8.0, **LAMP | {"rate": 33.0, "mains": 50})
    trace, truth = made_trace(scenario)
    found = heart_of(trace)
    if found.value is None:
        assert "at 60 bpm: lamps on 50 Hz mains seen 33 times a second" in found.why
    else:
        assert found.value == pytest.approx(truth.rate_between(0.0, 30.0), abs=5)


def test_a_lamp_hides_the_rate_beside_it_and_its_double_where_it_took_more_of_blood() -> None:
    lamp = Lamp(60.0, 120.0, 1.0, 17.0, 0.01, (0.0, 30.0), blood=2e-3, beside=1e-3, doubled=1e-3)
    assert [lamp.hides(rate) for rate in (60, 75, 90, 120)] == [True, True, False, True]
    assert not replace(lamp, beside=3e-3).hides(60)
    assert not replace(lamp, doubled=3e-3).hides(120)
    assert not replace(lamp, whole=False).hides(60)


def test_blood_stays_where_the_lamp_is_weak() -> None:
    trace, _ = made_trace(Scenario(seed=6, heart_rate=120.0, sdnn=5.0, **FAST))
    gain = 1 + 5e-4 * np.sin(2 * np.pi * 120 * trace.time)
    rgb = gamma(linear(trace.rgb) * gain[:, None, None]).astype(np.float32)
    clean, lamps = without_lamps(replace(trace, rgb=rgb))
    assert lamps
    assert not any(lamp.whole for lamp in lamps)
    assert heart_of(clean).value == pytest.approx(120, abs=2)
