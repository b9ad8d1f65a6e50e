"""Recipes of system A: as published, one step, from weights of others, with frozen blocks."""

import dataclasses
from functools import partial

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from camvitals.data.corpora import CORPORA
from camvitals.data.prepare import prepare
from camvitals.data.prepared import PrepareSettings
from camvitals.data.synthetic import scene
from camvitals.data.synthetic.camera import time_stamps
from camvitals.data.synthetic.layouts import LAYOUTS, write_corpus
from camvitals.data.synthetic.layouts.layout import Person
from camvitals.data.synthetic.scenario import Scenario
from camvitals.models import MODELS
from camvitals.records import InputError
from camvitals.train.labelled import LabelClips
from camvitals.train.loop import Machine, fit
from camvitals.train.recipe import Recipe, load_recipe

RECIPES = f"{__file__.rsplit('/tests/', 1)[0]}/recipes/ecg_video.py"
SMALL = PrepareSettings(size=32, traces=False, roi="finger")
# What stands in each of these corpora: of PhysDrive and MCD-rPPG only the pulse has known times
FED = {
    "ecg-video": "ecg",
    "mahnob-hci": "ecg",
    "amigos": "ecg",
    "ecg-fitness": "ecg",
    "physdrive": "pulse",
    "mcd-rppg": "pulse",
}


def flat(scenario):
    rng = np.random.default_rng(scenario.seed)
    for time in time_stamps(scenario):
        level = rng.integers(60, 200)
        yield np.full((scenario.size[1], scenario.size[0], 3), level, np.uint8), float(time)


def cache_of(name, folder, *, seconds):
    people = [
        Scenario(seed=k, duration=seconds, rate=LAYOUTS[name].rate, size=(32, 32), heart_rate=bpm)
        for k, bpm in ((1, 64), (2, 93))
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scene, "frames", flat)
        write_corpus(folder / "corpus", LAYOUTS[name], people)
    takes = CORPORA[name].read(folder / "corpus")
    for _, outcome in prepare(takes, folder / "cache", settings=SMALL, jobs=1):
        assert not isinstance(outcome, InputError), outcome
    bodies = {n: partial(LAYOUTS[name].take, Person(n + 1, one)) for n, one in enumerate(people)}
    return folder / "cache", bodies


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return cache_of("ecg-video", tmp_path_factory.mktemp("a"), seconds=4)[0]


@pytest.mark.parametrize("name", FED)
def test_corpora_with_a_heart_feed_the_labels(name, tmp_path):
    """Twelve pictures a second of whatever rate there was, ones where the beats are."""
    folder, bodies = cache_of(name, tmp_path, seconds=5)
    corpus = LabelClips(folder=str(folder), reference=FED[name], scheme="peaks", held_out=0)
    clip = published("i3d").clip
    source = corpus.open(clip, seed=0, held_out=False)
    clips = [source.sample(k) for k in range(source.count)]
    assert len(clips) >= 2 * 4
    for one in clips:
        assert one.images.shape == (12, 32, 32, 3) and set(one.target) <= {0.0, 1.0}
    share = np.mean([one.target for one in clips])
    beats = np.mean(
        [
            np.sum((b.r_peaks > 0) & (b.r_peaks < 5))
            for make in bodies.values()
            for b in [make(k).body for k in range(min(2, LAYOUTS[name].takes))]
        ]
    )
    assert share == pytest.approx(beats / 5 / 12, rel=0.25)


def published(name: str) -> Recipe:
    return load_recipe(f"{RECIPES}:{name}")


@pytest.mark.parametrize("name", ["pair", "lstm", "i3d"])
def test_recipes_are_as_published(name):
    it = published(name)
    assert (it.epochs, it.clip.length, it.clip.rate) == (50, 12, 12.0)
    assert (it.optimiser.name, it.optimiser.step) == ("adam", 1e-4)
    assert (it.schedule.name, it.schedule.final) == ("cosine", 0.01)
    assert it.batch == (8 if name == "i3d" else 32) and it.augmentation == ()
    assert [term.name for term in it.loss] == ["mse"]
    assert MODELS[it.model.name].size == (224, 224) and MODELS[it.model.name].takes == "signed"
    for scheme in ("average", "maximum", "closest", "peaks"):
        changed = it.with_settings({"corpus.scheme": scheme, "loss.0.name": "mae"})
        assert changed.corpus.scheme == scheme
    assert it.with_settings({"corpus.split": "window"}).corpus.held_out == 0.3


def short(it: Recipe, cache, **model) -> Recipe:
    made = it.with_settings({"corpus.folder": str(cache), "evaluation.count": 2})
    made = dataclasses.replace(made, epochs=1, steps=1, batch=2)
    return dataclasses.replace(made, model=dataclasses.replace(made.model, **model))


def trained(it: Recipe, folder):
    found = fit(it, folder, machine=Machine(workers=0, threads=1))
    assert np.isfinite(found.best)
    return load_file(folder / "best.safetensors")


def others(name: str, path, **options):
    """A file of weights such as others publish, with a classifier of their own."""
    torch.manual_seed(5)
    state = MODELS[name].build(size=(32, 32), **options).state_dict()
    heads = ("head.", "recurrent.")
    save_file({k: t for k, t in state.items() if not k.startswith(heads)}, path)
    return state


def test_i3d_begins_from_weights_of_others_and_leaves_the_first_blocks(cache, tmp_path):
    theirs = others("i3d", tmp_path / "theirs.safetensors")
    it = published("i3d_frozen")
    assert it.model.trunk == "public" and it.model.frozen[0] == "conv_1a."
    found = trained(short(it, cache, trunk=str(tmp_path / "theirs.safetensors")), tmp_path / "run")
    same = {name for name, tensor in theirs.items() if torch.equal(tensor, found[name])}
    kept = {name for name in theirs if name.startswith(it.model.frozen)}
    assert kept <= same and len(kept) > 50
    assert "mixed_4b.one.conv.weight" not in same and "head.weight" not in same


@pytest.mark.parametrize("name", ["pair", "lstm"])
def test_mobilenet_begins_from_weights_of_others(name, cache, tmp_path):
    it = published(name)
    theirs = others(it.model.name, tmp_path / "theirs.safetensors")
    chosen = {"trunk": str(tmp_path / "theirs.safetensors"), "frozen": ("trunk.",)}
    found = trained(short(it, cache, **chosen), tmp_path / "run")
    trunk = [key for key in theirs if key.startswith("trunk.")]
    assert all(torch.equal(theirs[key], found[key]) for key in trunk)
    assert not torch.equal(theirs["head.weight"], found["head.weight"])


def test_a_block_that_is_not_there_is_told_with_those_that_are(cache, tmp_path):
    it = short(published("i3d"), cache, frozen=("conv_9z.",))
    with pytest.raises(InputError, match=r"'conv_9z\.'.* begin with conv_1a, conv_2b, conv_2c"):
        fit(it, tmp_path / "run", machine=Machine(workers=0, threads=1))


def test_weights_that_are_not_there_are_told(cache, tmp_path):
    it = short(published("i3d"), cache, trunk=str(tmp_path / "none.pth"))
    with pytest.raises(InputError, match=r"no weights in .*none\.pth"):
        fit(it, tmp_path / "run", machine=Machine(workers=0, threads=1))
