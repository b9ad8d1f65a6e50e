"""The benchmark of pruning: its clips, how a pulse is read by it, its page; rPPGNet's recipe."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from camvitals.train.cards import trained
from camvitals.train.clips import Clip, MadeClips, Sample
from camvitals.train.loop import Machine, fit
from camvitals.train.objective import architecture_of, objective_of
from camvitals.train.prune.masks import counted
from camvitals.train.recipe import load_recipe
from camvitals.train.ship import ship
from camvitals.train.stream import batch_of
from camvitals.waves.learned import learned

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def parts():
    """benchmarks/pruning.py and its parts, which import each other by their bare names."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import pruning
        import pruning_clips
        import pruning_networks
        import pruning_page
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))
    return {
        "main": pruning,
        "clips": pruning_clips,
        "networks": pruning_networks,
        "page": pruning_page,
    }


@pytest.fixture(scope="module")
def recipe():
    return load_recipe(f"{ROOT / 'recipes' / 'pruned.py'}:rppgnet_made")


def test_a_part_of_a_clip_moves_with_the_number_and_stays_in_step(parts):
    ramp = np.arange(150.0)
    whole = Sample(ramp[:, None, None, None], ramp / 15, ramp, 70.0, "a")
    found = [parts["clips"].part_of(whole, 64, seed=0, index=n) for n in (3, 603, 3)]
    for one in found:
        assert len(one.images) == len(one.time) == 64
        np.testing.assert_array_equal(one.images.ravel(), one.target)
        np.testing.assert_allclose(one.time * 15, one.target)
    assert found[0].target[0] == found[2].target[0] != found[1].target[0]
    assert parts["clips"].part_of(whole, 150, seed=0, index=3) is whole


def test_clips_are_made_once_for_all_trainings(parts, tmp_path, monkeypatch):
    stream = parts["clips"].Clips
    monkeypatch.setattr(stream, "sample", stream.sample)  # put back at the end
    short = Clip(32, 10.0)
    clips = stream(MadeClips(size=16).open(short, seed=0, held_out=False), short, 0)
    parts["clips"].Kept(tmp_path).install()
    first, again = clips.sample(5), clips.sample(5 + parts["clips"].MADE)
    assert first.key == again.key
    assert first.images.shape == again.images.shape == (32, 16, 16, 3)
    assert first.time[0] != again.time[0]
    assert [path.name for path in tmp_path.iterdir()] == ["5.npz"]
    other = stream(MadeClips(size=16).open(short, seed=0, held_out=False), short, 1).sample(5)
    assert other.key == first.key


def test_windows_are_joined_to_the_pulse_that_each_of_them_is(parts):
    """A network that gives its input back gives it back whole, whatever the seams."""
    networks, clips = parts["networks"], parts["clips"]
    subject = replace(
        networks.SUBJECTS["rppgnet"],
        architecture=replace(
            networks.SUBJECTS["rppgnet"].architecture, wave=lambda x, n: x.mean((1, 3, 4))
        ),
    )
    time = np.arange(round(clips.LONG_S * subject.rate)) / subject.rate
    pulses = np.stack([np.sin(2 * np.pi * f * time) for f in (1.0, 1.7)])
    seen = np.broadcast_to(128 + 4 * pulses[..., None, None, None], (2, len(time), 16, 16, 3))
    found = subject.waves(torch.nn.Identity(), np.ascontiguousarray(seen, dtype=np.float32))
    for wave, pulse in zip(found, pulses, strict=True):
        assert parts["main"].likeness(wave[5:-5], pulse[5:-5]) > 0.99
    assert parts["main"].rate_of(found[1], subject.rate) == pytest.approx(102, abs=1)


def test_every_training_differs_in_pruning_and_seed_alone(parts):
    recipes = parts["networks"].SUBJECTS["rppgnet"].recipes(Path())
    assert len({one.name for one in recipes}) == len(recipes) == len({r.hash for r in recipes})
    dense = recipes[0]
    for one in recipes:
        assert replace(one, name="dense", seed=0, prune=dense.prune) == dense
        assert one.name.startswith("dense" if one.prune.method == "none" else one.prune.method)
    exported = parts["networks"].SUBJECTS["rppgnet"].exported
    assert set(exported) <= {one.name for one in recipes}


def figures(networks, people=8):
    """Errors and likeness by which every network is better than the one before by 1 and 0.1."""
    return {
        name: {
            level: {"error": [20.0 - n] * people, "late": [9.0] * people, "r": [n / 10] * people}
            for level in ("as is", "face-16", "face-8", "crf-36")
        }
        for n, name in enumerate(networks)
    }


def test_the_page_compares_with_the_dense_network_of_the_same_seed(parts):
    page = parts["page"]
    names = ("untrained", "dense", "dense-second", "snip-10", "n2nskip-10", "n2nskip-10-second")
    told = figures(names)
    likeness = page._apart(told, "r", 2).splitlines()
    assert [line.split(" | ")[0].strip("| ") for line in likeness[2:]] == [
        *("untrained", "dense", "dense-second", "snip-10", "n2nskip-10", "n2nskip-10-second")
    ]
    rows = {line.split(" | ")[0].strip("| "): line.split(" | ")[1] for line in likeness}
    assert rows["n2nskip-10"] == "0.40 (0.30 [0.30–0.30])"
    assert rows["n2nskip-10-second"] == "0.50 (0.30 [0.30–0.30])"
    assert rows["dense-second"] == "0.20 [0.20–0.20]"
    gains = page._gains(told).splitlines()
    assert len(gains) == 3  # SNIP was not trained from the second seed, nor another by random
    assert gains[2].startswith("| 10× | 0.10 [0.10–0.10] | 0.10 [0.10–0.10] | – |")


def test_both_pages_are_made_of_what_was_measured(parts):
    """Every figure of the pages is that of the files beside them."""
    for subject in parts["networks"].SUBJECTS.values():
        told = (subject.results / "README.md").read_text("utf-8")
        accuracy = json.loads((subject.results / "accuracy.json").read_text("utf-8"))
        for table in ("ACCURACY", "LIKENESS"):
            key, digits = {"ACCURACY": ("error", 1), "LIKENESS": ("r", 2)}[table]
            made = parts["page"]._of if table == "ACCURACY" else parts["page"]._apart
            assert made(accuracy, key, digits) in told
        assert "<!--" not in told


@pytest.fixture(scope="module")
def pruned_run(recipe, tmp_path_factory):
    """Folder and recipe of one step of the recipe, narrow and short, by N2NSkip."""
    small = {"epochs": 1, "steps": 1, "batch": 2, "clip.length": 16, "model.options.width": 4}
    one = recipe.with_settings(small | {"prune.method": "n2nskip", "prune.factor": 10})
    folder = tmp_path_factory.mktemp("pruned") / "run"
    fit(one, folder, machine=Machine(workers=0, threads=1))
    return folder, one


def test_the_recipe_of_rppgnet_can_be_pruned(pruned_run):
    folder, one = pruned_run
    module, _ = trained(folder, own_code=True)
    dense = architecture_of(one).build(size=(16, 16), **one.model.options)
    assert counted(module).kept == round(counted(dense).kernels / 10)


@pytest.mark.slow
def test_rppgnet_by_its_recipe_is_a_method_for_films(pruned_run):
    folder, _ = pruned_run
    ship(folder, folder / "small.onnx", people=0, own_code=True)
    network = learned(str(folder / "small.onnx"))
    assert (network.rate, network.length, network.card.size) == (10.0, 16, (16, 16))


def test_the_losses_of_the_recipe_are_those_of_its_heads(recipe):
    clip = Clip(16, recipe.clip.rate)
    source = MadeClips(size=16).open(clip, seed=0, held_out=False)
    batch = batch_of([source.sample(n) for n in (0, 1)], rate=clip.rate)
    it = architecture_of(recipe)
    module = it.build(size=(16, 16), width=4, **{"changes": True, "own_first_part": True})
    told = objective_of(recipe)(module, it, batch, recipe)
    assert set(told) == {term.name for term in recipe.loss}
    assert sum(term.weight for term in recipe.loss if term.name != "frequency") == 3.5
    assert all(loss.shape == (2,) for loss in told.values())
