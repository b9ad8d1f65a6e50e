"""What training writes is a pulse method as it is, for every network that gives a pulse."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from camvitals.card import ModelCard
from camvitals.data.prepare import prepare
from camvitals.data.prepared import PrepareSettings
from camvitals.data.recording import Recording
from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.traces import REGIONS, made_trace
from camvitals.models import MODELS
from camvitals.records import Wave
from camvitals.train.cached import CacheClips
from camvitals.train.cards import save_carded
from camvitals.train.clips import Clip, MadeClips, MadeTraces
from camvitals.train.recipe import Evaluation, Model, Recipe, Term
from camvitals.train.ship import ship
from camvitals.waves.learned import learned
from camvitals.waves.run import wave_of

RATE = 16.0
PULSES = [name for name, it in MODELS.items() if it.gives in ("pulse", "derivative")]
FIT = [n for n in PULSES if MODELS[n].takes == "traces" or len({*MODELS[n].size}) == 1]
LATE = {"regionpulse": 30}  # samples by which the pulse comes after the colours
QUICK = (
    "heartratenet-compact",
    "efficientphys",
    "physnet",
    "factorizephys",
    "tracenet-tiny",
)


def recipe_for(name):
    """The smallest clips that the network takes and that last for two seconds."""
    it, late = MODELS[name], LATE.get(name, 0)
    least = max(it.shortest, round(2 * RATE) + 2 * late)
    length = -(-least // it.step) * it.step
    if it.takes == "traces":
        corpus = MadeTraces(regions=REGIONS[: it.size[0]] if it.size[0] > 1 else REGIONS[:-1])
    else:
        corpus = MadeClips(size=min(it.sizes or (it.size,))[0])
    return Recipe(
        name=name,
        model=Model(name=name, delay=late),
        corpus=corpus,
        clip=Clip(length, RATE),
        loss=(Term(name="negative_pearson"),),
        evaluation=Evaluation(count=0),
        steps=1,
    )


def trained(recipe, folder):
    """The folder of a training that has learnt nothing yet."""
    it, corpus = MODELS[recipe.model.name], recipe.corpus
    pictures = isinstance(corpus, MadeClips)
    size = (corpus.size, corpus.size) if pictures else (len(corpus.named_regions), 3)
    torch.manual_seed(3)
    module = it.build(size=size)
    folder.mkdir()
    recipe.save(folder / "recipe.json")
    path = folder / "best.safetensors"
    save_carded(path, module.state_dict(), recipe, it, size=size, metrics={"mae": 9.0})
    return folder


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in FIT],
)
def test_an_exported_training_is_a_method(name, tmp_path):
    recipe = recipe_for(name)
    path = tmp_path / "out.onnx"
    ship(trained(recipe, tmp_path / "run"), path, people=0)
    method = learned(str(path))
    assert (method.rate, method.card.version) == (RATE, recipe.hash[:12])
    if method.needs == "regions":
        trace, _ = made_trace(Scenario(seed=2, duration=12, rate=25))
        values = wave_of(trace, method=str(path), rate=25.0).values
        assert np.isfinite(values).mean() > 0.5
        return
    taker = method.taker(None)()
    assert taker.size == recipe.corpus.size
    rng = np.random.default_rng(0)
    for at in range(recipe.clip.length + 5):
        image = rng.integers(0, 256, (taker.size, taker.size, 3)).astype(np.uint8)
        taker.take(image, at / RATE)
    values = taker.pulse(np.arange(recipe.clip.length) / RATE)
    assert np.isfinite(values).mean() > 0.5


def test_only_networks_of_squares_and_colours_are_methods():
    """Crops of faces are square, in caches as in use, so that nothing could train the others."""
    assert set(PULSES) - set(FIT) == {"hrcnn"}


def colours():
    return made_trace(Scenario(seed=5, duration=12, rate=30))[0]


def pulse():
    time = np.arange(12 * 64) / 64
    return {"pulse": Wave(np.sin(7 * time), time, "pulse")}


def recipe_of(folder, *corpora, **more):
    """Of a cache with two people of each of these corpora."""
    people = [
        Recording(name, f"person {k}", pulse, colours=colours, split="train")
        for name in corpora
        for k in range(2)
    ]
    settings = PrepareSettings(crops=False)
    assert len(list(prepare(people, folder, settings=settings, jobs=1))) == len(people)
    corpus = CacheClips(folder=str(folder), content="traces", held_out=0.0, **more)
    return replace(recipe_for("tracenet-tiny"), corpus=corpus)


@pytest.mark.parametrize(
    ("corpora", "chosen", "data", "licence"),
    [
        (("pure",), (), "PURE (2 people)", "research, on request"),
        (
            ("mcd-rppg", "own"),
            (),
            "MCD-rPPG (2 people); own (2 people)",
            "MCD-rPPG: CC BY 4.0; own: not said",
        ),
        (("mcd-rppg", "pure"), ("mcd-rppg",), "MCD-rPPG (2 people)", "CC BY 4.0"),
    ],
)
def test_the_card_says_whose_recordings_they_were(tmp_path, corpora, chosen, data, licence):
    recipe = recipe_of(tmp_path / "cache", *corpora, corpora=chosen)
    folder = trained(recipe, tmp_path / "run")
    card = ModelCard.load(folder / "best.safetensors.json")
    assert (card.training_data, card.licence) == (data, licence)


def test_the_card_names_the_regions_that_the_cache_had(tmp_path):
    recipe = recipe_of(tmp_path / "cache", "made")
    names = tuple(name for name in colours().names if name != "background")
    folder = trained(recipe, tmp_path / "run")
    assert ModelCard.load(folder / "best.safetensors.json").regions == names
    ship(folder, tmp_path / "out.onnx", people=0)
    assert learned(str(tmp_path / "out.onnx")).card.regions == names
