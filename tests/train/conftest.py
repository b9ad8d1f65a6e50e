"""Training in tests: one thread a process, so that tests beside each other do not wait."""

from pathlib import Path

import pytest
import torch

RECIPES = Path(__file__).with_name("tiny_recipe.py")


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny():
    """The recipe `tiny`: six steps of a network with 737 numbers."""
    from camvitals.train.recipe import load_recipe

    return load_recipe(f"{RECIPES}:tiny")
