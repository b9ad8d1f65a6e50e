import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camvitals.data.synthetic.camera import linear
from camvitals.data.synthetic.movement import movement
from camvitals.data.synthetic.optics import skin
from camvitals.data.synthetic.scenario import CLOCKS, LIGHTS, MOTIONS, SUBJECTS, Scenario, draw
from camvitals.data.synthetic.traces import GLOSS, REGIONS, kept_pulse, made_trace
from camvitals.data.synthetic.truth import Truth
from camvitals.dsp.clean import uniform
from camvitals.dsp.spectrum import HEART_BAND_HZ, peak, snr_db, spectrum
from camvitals.records import InputError

CLEAN = {"codec": "ffv1", "camera": "machine"}


def scenario(**fields) -> Scenario:
    return Scenario(**({"seed": 7, "duration": 30.0, "rate": 30.0} | fields))


def line(made: Scenario, region: str = "skin") -> tuple[float, float]:
    """Rate of the strongest line of green [bpm], and its strength at the true rate [dB]."""
    trace, truth = made_trace(made)
    values, _ = uniform(trace.region(region), trace.time, rate=30.0, gap=2.0)
    frequency, power = spectrum(values[:, 1], rate=30.0)
    low, high = HEART_BAND_HZ
    found = 60 * peak(frequency, power, low=low, high=high)[0]
    return found, snr_db(frequency, power, truth.heart_rate / 60)


@pytest.mark.parametrize("heart_rate", [48.0, 72.0, 93.4, 150.0])
def test_the_strongest_line_is_the_heart(heart_rate: float) -> None:
    found, snr = line(scenario(heart_rate=heart_rate, sdnn=10.0, **CLEAN))
    assert found == pytest.approx(heart_rate, abs=1.0)
    assert snr > 3


@pytest.mark.parametrize("clock", CLOCKS)
def test_the_line_stays_on_every_clock(clock: str) -> None:
    found, _ = line(scenario(clock=clock, sdnn=10.0, **CLEAN))
    assert found == pytest.approx(72, abs=1.0)


@pytest.mark.parametrize(
    "dead", [{"pulse": 0.0}] + [{"subject": name} for name in SUBJECTS if name != "face"]
)
def test_what_does_not_live_has_no_line(dead: dict) -> None:
    alive = line(scenario(sdnn=10.0, **CLEAN))[1]
    _, truth = made_trace(scenario(**dead))
    assert not truth.alive
    assert line(scenario(sdnn=10.0, **CLEAN, **dead))[1] < alive - 8


def test_the_background_has_no_line() -> None:
    made = scenario(sdnn=10.0, **CLEAN)
    assert line(made, "background")[1] < line(made)[1] - 8


@pytest.mark.parametrize("tone", [1, 3, 6])
def test_the_pulse_is_as_strong_as_the_skin_says(tone: int) -> None:
    made = scenario(tone=tone, sdnn=0.0, **CLEAN)
    trace, truth = made_trace(made)
    beat = truth.physiology.pulse_at(trace.time - 0.009)
    colour = linear(trace.region("skin"))
    change = np.diff(colour / colour.mean(axis=0), axis=0)  # free of the head's slow drift
    slope = change.T @ np.diff(beat) / np.sum(np.diff(beat) ** 2)
    look = skin(tone, "daylight", "machine")
    gloss = GLOSS[REGIONS.index("skin")] * look.specular
    expected = 0.82 * look.pulsatile(98.0) * look.base / (look.base + gloss)
    assert np.argmin(slope) == 1
    assert slope[:2] == pytest.approx(expected[:2], rel=0.2)  # each person's own ±12 %
    assert slope[2] == pytest.approx(expected[2], rel=0.35)  # blue is near the noise


def test_oxygen_moves_the_colour_of_the_pulse() -> None:
    ratios = []
    for spo2 in (75.0, 85.0, 98.0):
        trace, truth = made_trace(scenario(spo2=spo2, sdnn=0.0, **CLEAN))
        beat = truth.physiology.pulse_at(trace.time - 0.009)
        colour = linear(trace.region("skin"))
        change = (colour / colour.mean(axis=0) - 1).T @ (beat - beat.mean())
        ratios.append(change[0] / change[2])
    assert ratios[0] > ratios[1] > ratios[2]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_any_drawn_scenario_gives_a_sound_trace(seed: int) -> None:
    made = draw(seed, duration=6.0, rate=20.0)
    trace, truth = made_trace(made)
    again, _ = made_trace(made)
    assert trace.names == REGIONS
    assert np.array_equal(trace.rgb, again.rgb, equal_nan=True)
    seen = trace.pixels > 0
    assert np.array_equal(seen, np.isfinite(trace.rgb).all(axis=2))
    assert np.nanmin(trace.rgb) >= 0 and np.nanmax(trace.rgb) <= 255
    assert np.all(np.linalg.eigvalsh(trace.moments) > 0)
    assert np.array_equal(truth.frames, trace.time)
    assert np.isfinite(trace.points).all() and np.isfinite(trace.box).all()


def test_another_seed_is_another_trace() -> None:
    one, other = (made_trace(scenario(seed=seed))[0] for seed in (1, 2))
    assert not np.allclose(one.rgb, other.rgb, atol=0.5)


def test_each_motion_moves_what_it_should() -> None:
    time = np.arange(0, 60, 1 / 30)
    moved = {name: movement(scenario(duration=60.0, motion=name), time) for name in MOTIONS}
    assert np.abs(moved["still"].x).max() < 4 and np.all(moved["still"].mouth == 0)
    assert 7 < np.abs(moved["sway"].x).max() < 13
    frequency, power = spectrum(moved["sway"].x, rate=30.0)
    assert peak(frequency, power, low=0.05, high=2.0)[0] == pytest.approx(0.25, abs=0.04)
    assert 0.1 < np.abs(moved["turn"].yaw).max() < 0.5
    assert moved["talk"].mouth.max() > 0.3 and np.mean(moved["talk"].mouth < 0.01) > 0.1
    assert moved["expression"].smile.max() > 0.4
    frozen = movement(scenario(motion="sway", subject="still-picture"), time)
    assert np.all(frozen.x == 0)


def test_talking_reaches_the_heart_band_and_the_chin_first() -> None:
    made = scenario(motion="talk", motion_scale=1.5, pulse=0.0, **CLEAN)
    trace, _ = made_trace(made)
    quiet, _ = made_trace(dataclasses.replace(made, motion="still"))

    def in_band(of, region: str) -> float:
        frequency, power = spectrum(of.region(region)[:, 1], rate=30.0)
        return float(power[(frequency > 0.7) & (frequency < 4)].sum())

    assert in_band(trace, "chin") > 5 * in_band(quiet, "chin")
    assert in_band(trace, "chin") > 3 * in_band(trace, "forehead")


@pytest.mark.parametrize("light", LIGHTS)
def test_every_light_gives_a_picture_that_is_not_burnt(light: str) -> None:
    for tone in (1, 6):
        trace, _ = made_trace(scenario(light=light, tone=tone))
        assert 25 < np.nanmean(trace.region("skin")) < 230


def test_the_codec_takes_its_toll() -> None:
    kept = [kept_pulse(scenario(crf=crf)) for crf in (10, 18, 23, 28, 40)]
    assert np.all(np.diff(kept) < 0) and kept[0] > 0.9 and kept[-1] < 0.05
    assert kept_pulse(scenario(bit_rate=75_000)) < kept_pulse(scenario(bit_rate=3_000_000))
    assert kept_pulse(scenario(codec="ffv1")) == kept_pulse(scenario(codec="mjpeg")) == 1
    assert line(scenario(crf=12, sdnn=10.0))[1] > line(scenario(crf=33, sdnn=10.0))[1] + 3


def test_a_truth_comes_back_from_its_files(tmp_path: Path) -> None:
    made = scenario(ectopic=0.1, spo2_course=((0.0, 98.0), (30.0, 88.0)))
    _, truth = made_trace(made)
    assert truth.save(tmp_path / "one.mp4") == tmp_path / "one.truth.json"
    assert {p.name for p in tmp_path.iterdir()} == {"one.truth.json", "one.truth.csv"}
    for name in ("one.mp4", "one.truth.json", "one.truth.csv"):
        back = Truth.load(tmp_path / name)
        assert back.scenario == made
        assert back.heart_rate == pytest.approx(truth.heart_rate, abs=1e-3)
        assert back.rate_between(5, 15) == pytest.approx(truth.rate_between(5, 15), abs=1e-2)
        assert (back.sdnn, back.rmssd) == pytest.approx((truth.sdnn, truth.rmssd), abs=0.02)
        assert back.spo2 == pytest.approx(93, abs=0.01)
        assert np.array_equal(back.physiology.ectopic, truth.physiology.ectopic)
        assert np.allclose(back.physiology.time, truth.physiology.time)
        assert np.allclose(back.physiology.pulse, truth.physiology.pulse, atol=1e-4)


def test_a_missing_or_broken_truth_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a truth needs gone\.truth\.json"):
        Truth.load(tmp_path / "gone.mp4")
    (tmp_path / "bad.truth.json").write_text("{}", encoding="utf-8")
    (tmp_path / "bad.truth.csv").write_text("time\n0\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"a truth needs bad\.truth\.json") as error:
        Truth.load(tmp_path / "bad.mp4")
    assert "\n" not in str(error.value)
