import numpy as np
import pytest

from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.traces import made_trace
from camvitals.dsp.clean import uniform
from camvitals.records import InputError, Trace
from camvitals.waves.auto import AUTO, MIXED, parts_of, pulse_wave, stretches
from camvitals.waves.evidence import RATES_BPM, weigh


@pytest.fixture(scope="module")
def trace() -> Trace:
    return made_trace(Scenario(seed=1, duration=20.0, rate=30.0, heart_rate=75.0))[0]


def hidden(trace: Trace, start: float, stop: float, regions: slice = slice(None)) -> Trace:
    rgb = trace.rgb.copy()
    rgb[(trace.time >= start) & (trace.time < stop), regions] = np.nan
    return Trace(rgb, trace.pixels, trace.time, trace.names, trace.box)


def test_every_method_runs_on_every_region_raw_and_cleaned(trace: Trace) -> None:
    (found,) = stretches(trace, method=AUTO, rate=30.0)
    skin_regions = len(trace.names) - 1
    assert found.values.shape == (len(trace.time), 2 * len(MIXED) * skin_regions)
    assert found.colour.shape == (len(trace.time), 6)


def test_a_gap_parts_two_stretches_and_stays_a_gap_in_the_wave(trace: Trace) -> None:
    found = stretches(hidden(trace, 9.0, 11.0), method=AUTO, rate=30.0)
    assert [round(len(c.time) / 30) for c in found] == [9, 9]
    evidence = [weigh(c) for c in found]
    rates = np.full(sum(len(e.centre) for e in evidence), 75.0)
    wave = pulse_wave(found, evidence, rates)
    inside = (wave.time > 9.1) & (wave.time < 10.9)
    assert np.isnan(wave.values[inside]).all()
    assert np.isfinite(wave.values[(wave.time < 8.8) | (wave.time > 11.2)]).all()


def test_a_region_that_is_hidden_for_a_while_is_left_out(trace: Trace) -> None:
    chin = trace.names.index("chin")
    (found,) = stretches(hidden(trace, 5.0, 6.0, slice(chin, chin + 1)), method=AUTO, rate=30.0)
    assert found.values.shape[1] == 2 * len(MIXED) * (len(trace.names) - 2)


def test_one_method_alone_is_one_candidate(trace: Trace) -> None:
    (found,) = stretches(trace, method="pos", rate=30.0)
    assert found.values.shape[1] == 1


def test_light_that_the_background_shares_is_cleaned_away(trace: Trace) -> None:
    light = 1 + 0.02 * np.sin(2 * np.pi * 110 / 60 * trace.time)
    lit = Trace(
        (trace.rgb * light[:, None, None]).astype(np.float32),
        trace.pixels,
        trace.time,
        trace.names,
        trace.box,
    )
    (found,) = stretches(lit, method=AUTO, rate=30.0)
    power = weigh(found).weights.mean(axis=0)
    lamp, heart = (int(np.argmin(np.abs(RATES_BPM - bpm))) for bpm in (110, 75))
    green, half = 2 * (len(trace.names) - 1), power.shape[1] // 2
    assert power[lamp, green] > 5 * power[heart, green]
    assert power[lamp, half + green] < 0.2 * power[heart, half + green]


def test_the_wave_keeps_the_rate(trace: Trace) -> None:
    found = stretches(trace, method=AUTO, rate=30.0)
    evidence = [weigh(c) for c in found]
    wave = pulse_wave(found, evidence, np.full(len(evidence[0].centre), 75.0))
    spectrum = np.abs(np.fft.rfft(wave.values * np.hanning(len(wave.values)), 1 << 14))
    assert 60 * spectrum.argmax() * 30 / (1 << 14) == pytest.approx(75, abs=1.5)


def test_too_slow_a_clock_is_refused(trace: Trace) -> None:
    with pytest.raises(InputError, match="8 pictures a second but got 5"):
        stretches(trace, method=AUTO, rate=5.0)


def test_parts_of_a_long_trace_are_pieces_of_its_whole_clock() -> None:
    rng = np.random.default_rng(3)
    time = np.cumsum(rng.uniform(0.02, 0.05, 6000))
    rgb = rng.uniform(50, 200, (len(time), 2, 3)).astype(np.float32)
    rgb[rng.random(len(time)) < 0.1] = np.nan  # bridged
    rgb[2500:2540] = np.nan  # a gap
    rgb[4000:4400, 1] = np.nan
    box = np.cumsum(rng.normal(0, 1, (len(time), 4)), axis=0)
    trace = Trace(rgb, np.ones((len(time), 2)), time, ("skin", "chin"), box)
    colour, clock = uniform(rgb, time, rate=30.0)
    parts = parts_of(trace, method=AUTO, rate=30.0)
    assert len(parts) == 4
    for part in parts:
        at = int(np.argmin(np.abs(clock - part.time[0])))
        here = slice(at, at + len(part.time))
        np.testing.assert_array_equal(part.time, clock[here])
        np.testing.assert_allclose(part.colour, colour[here], rtol=0, atol=1e-6)
        np.testing.assert_allclose(part.box, uniform(box, time, rate=30.0)[0][here], atol=1e-6)
