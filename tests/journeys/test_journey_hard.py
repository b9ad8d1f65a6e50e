"""Recordings that defeat plain methods: right, or withheld with the reason; never wrong."""

import numpy as np
import pytest

from camvitals import measure
from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.simulate import simulate

SWAY = {"heart_rate": 93, "motion": "sway", "sway_px": 8, "pulse": 0.4, "crf": 23}
QUICK = {"duration": 12, "rate": 20, "size": (320, 240), "sdnn": 15}
SCENES = {
    "fast heart": {"heart_rate": 150},
    "slow heart": {"heart_rate": 46},
    "dark skin": {"tone": 6, "heart_rate": 88},
    "dim": {"light": "dim", "heart_rate": 70},
    "lamp": {"light": "lamp", "heart_rate": 64},
    "changing light": {"light": "changing", "heart_rate": 81},
    "talk": {"motion": "talk", "heart_rate": 74},
    "turn": {"motion": "turn", "heart_rate": 85},
    "sway at the heart's rate": {"motion": "sway", "sway_hz": 1.3, "heart_rate": 61},
}


def test_a_swaying_weak_compressed_face(tmp_path, assert_honest):
    scene = Scenario(seed=4, duration=15, rate=30, **SWAY)
    truth = simulate(tmp_path / "hard.mp4", scene)
    report = measure(tmp_path / "hard.mp4")
    assert report.source.bit_rate < 1.5e6
    assert np.isfinite(report.trace.box).all(axis=1).mean() > 0.95
    assert_honest(report, truth.heart_rate)
    assert report.reading("hrv_sdnn").value is None


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_more_swaying_weak_compressed_faces(seed, tmp_path, assert_honest):
    truth = simulate(tmp_path / "hard.mp4", Scenario(seed=seed, duration=30, rate=30, **SWAY))
    assert_honest(measure(tmp_path / "hard.mp4"), truth.heart_rate)


def test_30_then_15_frames_a_second(tmp_path, assert_honest):
    scene = Scenario(
        seed=6, duration=15, rate=30, size=(320, 240), clock="halved", heart_rate=72, crf=16
    )
    truth = simulate(tmp_path / "vfr.mp4", scene)
    report = measure(tmp_path / "vfr.mp4")
    assert len(truth.frames) == report.source.frames == 338
    assert_honest(report, truth.heart_rate)


def test_a_simulated_file_cut_short(tmp_path, assert_honest):
    scene = Scenario(seed=7, duration=14, rate=20, size=(320, 240), heart_rate=68)
    truth = simulate(tmp_path / "cut.mkv", scene, keep=0.6)
    report = measure(tmp_path / "cut.mkv")
    readable = report.source.duration
    assert 6 < readable < 11
    assert_honest(report, truth.rate_between(0, readable))
    assert f"ends after {readable:.1f} of 14.0 s" in " ".join(report.source.warnings)


@pytest.mark.parametrize("name", SCENES)
def test_scene(name, film, assert_honest):
    made = film(Scenario(seed=11, **QUICK, **SCENES[name]))
    assert_honest(measure(np.asarray(made.images), time=made.time), made.truth.heart_rate)


def test_most_of_these_scenes_are_measured_all_the_same(film):
    """Withholding everything would be honest and useless."""
    given = 0
    for scene in SCENES.values():
        made = film(Scenario(seed=11, **QUICK, **scene))
        report = measure(np.asarray(made.images), time=made.time)
        given += report.reading("heart_rate").value is not None
    assert given > len(SCENES) / 2
