"""results/transfer: every recipe has its row in both protocols, beside floors, with intervals."""

import csv
import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results" / "transfer"
BOTH = ("people", "videos-random")


@pytest.fixture(scope="module")
def table():
    with (RESULTS / "table.csv").open() as file:
        return {(row["protocol"], row["model"]): row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def recipes():
    spec = importlib.util.spec_from_file_location(
        "heart_rate_by_transfer", ROOT / "recipes" / "heart_rate_by_transfer.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return [n for n, f in vars(module).items() if getattr(f, "__module__", "") == spec.name]


@pytest.mark.parametrize("protocol", BOTH)
def test_every_recipe_has_its_row(table, recipes, protocol):
    """What sees many pictures is asked about people it has not seen, at the least."""
    wanted = {*recipes, "mean"} - ({"recurrent", "attention"} if protocol != "people" else set())
    wanted |= {"own"} if protocol != "people" else {"auto"}
    assert {model for place, model in table if place == protocol} >= wanted


def test_intervals_hold_their_means(table):
    for row in table.values():
        low, value, high = (float(row[k]) for k in ("mean_low", "mean_rmse_bpm", "mean_high"))
        assert low <= value <= high


@pytest.mark.parametrize("protocol", BOTH)
def test_rows_are_those_of_the_participants(table, protocol):
    with (RESULTS / f"{protocol}.csv").open() as file:
        rows = list(csv.DictReader(file))
    for model in ("mean", "published", "repaired"):
        values = [float(row[model]) for row in rows]
        said = table[protocol, model]
        assert np.mean(values) == pytest.approx(float(said["mean_rmse_bpm"]), abs=1e-3)
        assert np.median(values) == pytest.approx(float(said["median_rmse_bpm"]), abs=1e-3)


def test_the_page_shows_what_is_there():
    page = (RESULTS / "README.md").read_text("utf-8")
    shown = re.findall(r"\]\((\w[\w-]*\.svg)\)", page)
    assert {path.name for path in RESULTS.glob("*.svg")} == set(shown)
