"""Searches that take no time: values by a formula, and what can go wrong on the way."""

import math
import os
import signal
from dataclasses import replace
from pathlib import Path

from tiny_recipe import tiny

from camvitals.train.search import Search
from camvitals.train.space import Range

GRID = {"optimiser.step": (1e-4, 1e-3, 1e-2, 1e-1), "model.options.width": (4, 8, 16)}


def quiet():
    """The recipe that is varied: nothing of it is run but its numbers."""
    return replace(tiny(), epochs=16)


def bowl(recipe, *, fold, tell):
    """Lowest at a step of 1e-3 and a width of 8; falls from above over the epochs."""
    noted("run", recipe, fold)
    far = abs(math.log10(recipe.optimiser.step) + 3) + abs(recipe.model.options["width"] - 8) / 8
    value = far + 0.01 * fold
    for epoch in range(1, recipe.epochs + 1):
        tell(epoch, value + 1 / epoch)
    return value


def noted(word, recipe, fold):
    """A line in the file that the environment names."""
    path = os.environ.get("NOTES")
    if path:
        width = recipe.model.options["width"]
        with Path(path).open("a") as file:
            file.write(f"{word} {recipe.optimiser.step:g} {width} {fold}\n")


def holed(recipe, *, fold, tell):
    """No number at one step, an error at another."""
    if recipe.optimiser.step == 1e-4:
        return float("nan")
    if recipe.optimiser.step == 1e-1:
        raise ZeroDivisionError("no step that long")
    return bowl(recipe, fold=fold, tell=tell)


def deadly(recipe, *, fold, tell):
    """Kills the search, or its own process, where the environment says so."""
    here = f"{recipe.optimiser.step:g} {recipe.model.options['width']}"
    if os.environ.get("KILLED_SEARCH") == here and fold == 1:
        noted("killed", recipe, fold)
        os.kill(os.getppid(), signal.SIGKILL)
        signal.pause()
    if os.environ.get("KILLED_TRIAL") == here:
        os.kill(os.getpid(), signal.SIGKILL)
    value = bowl(recipe, fold=fold, tell=tell)
    noted("done", recipe, fold)
    return value


def grid():
    return Search(recipe=quiet(), space=GRID, work=f"{__file__}:bowl", prune="none")


def kills():
    """Two by two trials of two folds."""
    space = {"optimiser.step": (1e-3, 1e-2), "model.options.width": (4, 8)}
    return Search(recipe=quiet(), space=space, folds=2, work=f"{__file__}:deadly", prune="none")


def ranges():
    space = {
        "optimiser.step": Range(1e-5, 1e-1, log=True),
        "model.options.width": Range(2, 32),
    }
    return Search(recipe=quiet(), space=space, work=f"{__file__}:bowl", sampler="random", trials=12)
