"""The enhancer that is kept with its figures: runs here, keeps its budget, and is what it says."""

import csv
from pathlib import Path

import numpy as np
import pytest

from camvitals.face.enhance import MODELS as SHIPPED
from camvitals.models import MODELS
from camvitals.runtime import check_golden, load
from camvitals.train.checkpoint import load_weights
from camvitals.train.enhance.quality import QUALITIES
from camvitals.train.recipe import Recipe

FOLDER = Path(__file__).parents[2] / "results" / "enhancement"
FILE = SHIPPED / "enhancer-small-64.onnx"


@pytest.fixture(scope="module")
def kept():
    return load(FILE)


def test_it_runs_here_as_it_did(kept):
    check_golden(kept, FILE.with_suffix(".golden.npz"))
    assert kept.card.gives == "images" and kept.card.size == (64, 64) and kept.card.rate == 30


def test_it_keeps_its_budget():
    module = MODELS["enhancer-small"].build(size=(64, 64))
    load_weights(module, FOLDER / "enhancer-small-64.safetensors")
    assert sum(p.numel() for p in module.parameters()) <= 1_000_000
    with (FOLDER / "speed.csv").open() as file:
        rows = {int(float(row["threads"])): row for row in csv.DictReader(file)}
    assert float(rows[2]["cpu_ms_per_frame"]) < 1000 / 30


def test_it_was_taught_by_both():
    recipe = Recipe.from_json((FOLDER / "enhancer-small-64.recipe.json").read_text())
    assert {"reconstruction", "distil", "recovery"} < {term.name for term in recipe.loss}


def test_all_is_small_enough_to_keep():
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 10e6
    assert FILE.stat().st_size < 1.5e6


def test_a_still_grey_clip_stays_nearly_grey(kept):
    grey = np.full((1, 32, 64, 64, 3), 128, np.float32)
    out = kept({"frames": grey})["images"]
    assert np.abs(out - 128).mean() < 12


def test_the_page_says_what_the_table_says():
    page = (FOLDER / "README.md").read_text("utf-8")
    with (FOLDER / "test.csv").open() as file:
        rows = list(csv.DictReader(file))
    for level in QUALITIES:
        found = [
            float(row["r"])
            for row in rows
            if row["level"] == level and row["when"] == "after" and row["alive"] == "1"
        ]
        line = next(one for one in page.splitlines() if one.startswith(f"| {level} |"))
        said = line.split("|")[5].split()[0].replace("−", "-")
        assert float(said) == pytest.approx(np.mean(found), abs=0.006)
