"""The recipes of the published sizes run, and their loss falls: all numbers, a tiny clip."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from camvitals.train.clips import Clip
from camvitals.train.enhance.join import join_weights
from camvitals.train.enhance.make import Pairs, make_person
from camvitals.train.loop import Machine, fit

RECIPES = Path(__file__).parents[2] / "recipes" / "enhancement.py"
RATE = 30.0
ALONE = Machine(workers=0, threads=1)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def recipes():
    spec = importlib.util.spec_from_file_location("enhancement_recipes", RECIPES)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("pairs")
    pairs = Pairs(size=16, rate=RATE, length=24, levels=("face-8",))
    make_person(place, 6_000_001, kind="patch", pairs=pairs)
    return place


def tiny(recipe, folder, **more):
    """The same network and losses; only the clip, the batch and the number of steps are less."""
    small = {
        "corpus.folder": str(folder),
        "corpus.held_out": 0.0,
        "clip.length": 24,
        "evaluation.count": 0,
        "epochs": 1,
        "steps": 8,
        "batch": 1,
        "precision": "32-true",
    }
    return recipe.with_settings(small | more)


def losses_in(folder):
    table = np.genfromtxt(folder / "steps.csv", delimiter=",", names=True)
    return table["loss"]


def test_the_loss_of_the_large_recipes_falls(recipes, folder, tmp_path):
    levels = {"corpus.levels": ("face-8",)}
    stages = {
        "enhancer": tiny(recipes.large_enhancer(), folder, **levels),
        "recovery": tiny(recipes.large_recovery(), folder),
    }
    for name, recipe in stages.items():
        assert recipe.clip == Clip(24, RATE)
        fit(recipe, tmp_path / name, machine=ALONE)
        found = losses_in(tmp_path / name)
        assert found[-2:].mean() < found[:2].mean(), name
    start = tmp_path / "start.safetensors"
    join_weights(tmp_path / "enhancer", tmp_path / "recovery", start)
    for made in (recipes.large_joint(), recipes.large_joint_both()):
        gently = {"model.weights": str(start), "optimiser.step": 1e-5, "steps": 6}
        fit(tiny(made, folder, **gently | levels), tmp_path / made.name, machine=ALONE)
        found = losses_in(tmp_path / made.name)
        assert found[-1] < found[0], made.name
