"""benchmarks/mahnob: who sits before the camera, baselines with their papers' details, the page."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import mahnob
import mahnob_made as made
import mahnob_page as page
import mahnob_variants as variants

from camvitals.evaluate.example import example
from camvitals.records import InputError
from camvitals.waves.rectify import li

RATE = 60.0
TIME = np.arange(1800) / RATE
SKIN, WALL = np.array([180.0, 120.0, 100.0]), np.array([90.0, 95.0, 100.0])


def sequence(
    subject: str, *, bpm: float, jolt: float = 0.0, swing: float = 0.0
) -> variants.Material:
    """A face and a wall under one lamp that may swing at 2 Hz; a second may be disturbed."""
    rng = np.random.default_rng(int(bpm))
    lamp = 1 + swing * np.sin(2 * np.pi * 2.0 * TIME)
    pulse = 0.004 * np.sin(2 * np.pi * bpm / 60 * TIME)
    pulse = pulse + jolt * ((TIME > 10) & (TIME < 11)) * rng.normal(0, 1, len(TIME))
    face = SKIN * ((1 - pulse) * lamp)[:, None] + rng.normal(0, 0.02, (1800, 3))
    wall = WALL * lamp[:, None] + rng.normal(0, 0.02, (1800, 3))
    cells = face[:, None] + rng.normal(0, 0.05, (1800, 6, 3))
    return variants.Material(subject, np.stack([face, wall], axis=1), cells, RATE)


def test_everybody_sits_still_once_and_is_disturbed_once():
    cast = made.cast()
    assert len({sitter.scenario.seed for sitter in cast}) == len(cast) == 12
    assert min(sitter.scenario.seed for sitter in cast) >= 9_800_000
    for sitter in cast:
        calm, other = (sitter.take(index).scenario for index in (0, 1))
        assert (calm.motion, calm.light) == ("still", "daylight")
        assert (calm.tone, calm.rate) == (other.tone, 61.0)
        assert calm.seed != other.seed
        condition = made.condition_of(sitter, str(130 * (sitter.number - 1) + 4))
        assert condition == ("light" if other.light != "daylight" else "motion")
        assert made.condition_of(sitter, str(130 * (sitter.number - 1) + 2)) == "steady"


def test_both_conditions_have_every_tone():
    tones = {"light": set(), "motion": set()}
    for sitter in made.cast():
        field = "light" if sitter.disturbed.light != "daylight" else "motion"
        tones[field].add(sitter.scenario.tone)
    assert tones == {"light": set(range(1, 7)), "motion": set(range(1, 7))}


def test_traces_hold_the_same_kind_of_people_with_a_grid():
    takes = made.traces()
    assert len({take.subject for take in takes}) == made.MANY
    assert sorted({take.attributes["condition"] for take in takes}) == ["light", "motion", "steady"]
    trace = takes[0].colours()
    grid = [name for name in trace.names if name.startswith("grid_")]
    assert len(grid) == 5
    np.testing.assert_array_equal(trace.region(grid[0]), trace.region("forehead"))


def test_a_longer_run_is_long_enough_for_the_protocol():
    assert variants.PROTOCOL.span is not None
    assert variants.PROTOCOL.span[1] < made.SECONDS


@pytest.mark.parametrize("name", variants.VARIANTS)
def test_every_variant_of_li_reads_an_easy_pulse(name):
    material = [sequence("P01", bpm=72.0), sequence("P02", bpm=84.0)]
    found = variants._li(material, variants.VARIANTS[name])
    assert found == pytest.approx([72, 84], abs=2.0)


def test_with_their_means_kept_the_taps_lag_behind_a_lamp():
    material = [sequence("P01", bpm=72.0, swing=0.02)]
    assert variants._li(material, variants.Li()) == pytest.approx([72], abs=2.0)
    assert variants._li(material, variants.Li(means=True)) == pytest.approx([120], abs=2.0)


def test_without_details_li_is_that_of_the_package():
    one = sequence("P01", bpm=66.0, jolt=0.05)
    wave = li(one.pair[:, 0], one.pair[:, 1], rate=RATE)
    own = variants._li([one], variants.Li())
    assert own == pytest.approx(variants._rate(one, wave, trend=300.0), abs=1e-9)


def test_the_threshold_of_others_does_not_know_this_recording(monkeypatch):
    seen = {}

    def remember(one, left, how, threshold):
        seen.setdefault(how.drop, []).append(threshold)
        return 0.0

    monkeypatch.setattr(variants, "_read", remember)
    for jolt in (0.0, 0.5):
        pair = [sequence("P01", bpm=72.0, jolt=jolt), sequence("P02", bpm=84.0)]
        variants._li(pair, variants.Li(drop="others"))
        variants._li(pair, variants.Li(drop="all"))
    assert seen["others"][0] == seen["others"][2]  # of P01, calm and jolted
    assert seen["others"][1] < seen["others"][3]
    assert seen["all"][0] < seen["all"][2]


def test_the_vote_and_the_other_window_read_it_too():
    one = sequence("P01", bpm=78.0)
    assert variants._voted(one) == pytest.approx(78, abs=2.5)
    assert variants._at_once(one) == pytest.approx(78, abs=2.0)


def test_networks_have_names_in_the_tables():
    names = mahnob.called("li, ours: all=runs/both.onnx,auto,plain.onnx")
    assert names == {
        "li": "li",
        "runs/both.onnx": "ours: all",
        "auto": "auto",
        "plain.onnx": "plain.onnx",
    }
    found = example(subjects=2, windows=1, protocol="li2014")
    first = found.columns["method"][0]
    after = mahnob.renamed(found, {first: "ours"})
    assert set(after.columns["method"]) == set(found.columns["method"]) - {first} | {"ours"}
    with pytest.raises(InputError, match="rename one"):
        mahnob.called("li,li=x.onnx")


def test_the_page_has_the_columns_for_every_condition(tmp_path):
    found = example(subjects=12, windows=1, protocol="li2014")
    words = np.array(["steady", "light", "motion"], dtype=object)
    condition = words[np.arange(len(found)) % 3]
    result = replace(found, columns=dict(found.columns) | {page.CONDITION: condition})
    out = tmp_path / "out"
    page.write(result, result, many=result, figure=None, out=out, made=True, draws=20)
    text = (out / "README.md").read_text("utf-8")
    for head in ("### Steady", "### Light", "### Motion", "below 5 bpm, %", "not comparable"):
        assert head in text
    assert all((out / name).is_file() for name in ("sequences.csv", "many.csv"))
