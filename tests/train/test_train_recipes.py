"""The recipes that come with the package fit together."""

from pathlib import Path

import pytest

from camvitals.train.recipe import Recipe, load_recipe

FILE = Path(__file__).parents[2] / "recipes" / "made_people.py"


@pytest.mark.parametrize("name", ["traces", "varied_traces", "pictures"])
def test_a_recipe_of_made_people_takes_a_step(name, tmp_path):
    from camvitals.train.loop import Machine, fit

    recipe = load_recipe(f"{FILE}:{name}")
    assert Recipe.from_json(recipe.to_json()) == recipe
    small = {"epochs": 1, "steps": 1, "batch": 2, "evaluation.count": 1, "evaluation.window": 12}
    result = fit(recipe.with_settings(small), tmp_path, machine=Machine(workers=0))
    assert result.step == 1
    assert result.best is not None
    assert result.clips_per_second > 0


def test_the_page_shows_a_recipe_that_loads():
    page = (FILE.parents[1] / "docs" / "training.md").read_text("utf-8")
    block = page.split("```python\n")[1].split("```")[0]
    found: dict = {}
    exec(compile(block, "training.md", "exec"), found)
    assert isinstance(found["traces"](), Recipe)
