"""What has no pulse gets no heart rate: not one."""

import itertools

import numpy as np
import pytest

from camvitals import Settings, Source, measure, measure_trace
from camvitals.data.synthetic.scenario import LIGHTS, MOTIONS, Scenario, draw
from camvitals.data.synthetic.simulate import simulate
from camvitals.data.synthetic.traces import made_trace

DEAD = {
    "pulse removed": {"pulse": 0.0},
    "still picture": {"subject": "still-picture"},
    "painted face": {"subject": "painted-face"},
    "wall": {"subject": "wall"},
    "noise": {"subject": "noise"},
}
FIRST_SEED = 7_000_000
EVERY_KIND = list(itertools.islice(itertools.cycle(itertools.product(MOTIONS, LIGHTS)), 20))


@pytest.mark.parametrize("name", DEAD)
def test_twenty_traces_without_a_pulse(name, assert_silent):
    for k, (motion, light) in enumerate(EVERY_KIND):
        seed = FIRST_SEED + 100 * list(DEAD).index(name) + k
        scene = draw(seed, duration=15, rate=20, motion=motion, light=light, **DEAD[name])
        trace, truth = made_trace(scene)
        assert not truth.alive
        source = Source("made", 640, 480, len(trace.time), duration=15.0, rate=20.0)
        assert_silent(measure_trace(trace, source=source, settings=Settings()))


@pytest.mark.parametrize("name", DEAD)
def test_a_video_without_a_pulse(name, tmp_path, assert_silent):
    scene = Scenario(seed=21, duration=10, rate=15, size=(320, 240), crf=20, **DEAD[name])
    truth = simulate(tmp_path / "dead.mp4", scene)
    assert not truth.alive
    assert_silent(measure(tmp_path / "dead.mp4"))


@pytest.mark.parametrize("roi", ["frame", "skin", "finger"])
def test_no_pulse_in_any_region_of_a_skin_coloured_wall(roi, assert_silent):
    rng = np.random.default_rng(0)
    wall = np.array([196, 148, 122]) + rng.normal(0, 3, (240, 48, 64, 3))
    assert_silent(measure(wall.astype(np.uint8), fps=24, roi=roi))


@pytest.mark.slow
@pytest.mark.parametrize("name", DEAD)
@pytest.mark.parametrize("seed", range(20))
def test_a_hundred_videos_without_a_pulse(name, seed, tmp_path, assert_silent):
    motion, light = EVERY_KIND[seed]
    number = FIRST_SEED + 1000 * list(DEAD).index(name) + seed
    fixed = DEAD[name] | {"motion": motion, "light": light, "size": (320, 240)}
    simulate(tmp_path / "dead.mkv", draw(number, duration=20, rate=20, **fixed))
    assert_silent(measure(tmp_path / "dead.mkv"))
