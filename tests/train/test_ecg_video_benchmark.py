"""The benchmark of system A: what a cut leaves, its controls, and that a run goes on."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def bench():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        patch.setitem(sys.modules, "ecg_video", None)
        spec = importlib.util.spec_from_file_location("ecg_video", FOLDER / "ecg_video.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules["ecg_video"] = module
        spec.loader.exec_module(module)
        yield module


def test_a_cut_leaves_whole_tables(bench):
    """First everything as published, and of that people apart first, then the repaired ones."""
    found = bench.cases(bench.SMALL)
    assert len({case.name for case in found}) == len(found)
    first = found[:36]
    assert not any(case.repaired for case in first)
    assert {case.split for case in first[:24]} == {"participant"}
    assert len({(case.model, case.scheme, case.loss) for case in first[:24]}) == 24
    assert found[36:] == bench.longer(bench.SMALL)


def test_recipes_are_the_published_ones_but_for_their_size(bench, tmp_path):
    case = bench.Case("i3d", "peaks", "mae", "window", 7)
    made = bench.recipe_of(case, tmp_path, bench.SMALL)
    told = made.differences(bench.published("i3d", scheme="peaks", loss="mae", split="window"))
    moved = {line.split()[0] for line in told}
    assert moved == {"corpus.folder", "evaluation.count", "steps"}
    assert (made.epochs, made.steps, made.optimiser.step) == (1, 7, 1e-4)


@pytest.mark.parametrize("model", ["mobilenet-pair", "mobilenet-lstm", "i3d"])
def test_a_repaired_network_sees_only_what_changes(bench, tmp_path, model):
    """Another picture that stands still behind it moves nothing."""
    case = bench.Case(model, "peaks", "mse", "participant", 7, repaired=True)
    recipe = bench.recipe_of(case, tmp_path, bench.SMALL)
    architecture = bench.architecture_of(recipe)
    module = architecture.build(size=(32, 32), **recipe.model.options).eval()
    images = 100 + 20 * torch.rand(2, 12 + architecture.extra, 32, 32, 3)
    behind = torch.rand(1, 1, 32, 32, 3) * 50
    with torch.no_grad():
        one, other = (
            module(bench.prepared(x, takes=architecture.takes, layout=architecture.layout))
            for x in (images, images + behind)
        )
    torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-3)
    assert one.std() > 0


def test_the_linear_control_finds_a_line(bench):
    controls = sys.modules["ecg_video_controls"]
    rng = np.random.default_rng(3)
    x, weights = rng.standard_normal((4000, 6)), rng.standard_normal((6, 3))
    y = x @ weights + 2.0 + 0.1 * rng.standard_normal((4000, 3))
    asked = rng.standard_normal((10, 6))
    found = controls.ridge(x, y, asked, size=10.0)
    np.testing.assert_allclose(found, asked @ weights + 2.0, atol=0.1)
    people = np.repeat(np.arange(8), 500)
    assert controls.chosen_ridge(x, y, people) == min(controls.RIDGES)
    assert controls.chosen_ridge(x, rng.permutation(y), people) > 500


def test_what_was_predicted_comes_back(bench, tmp_path):
    found = {"ecg-video/P01/rest": np.array([1.0, np.nan]), "ecg-video/P02/later": np.zeros(3)}
    bench.keep(tmp_path, found)
    again = bench.kept(tmp_path)
    assert again.keys() == found.keys()
    assert all(np.array_equal(found[key], again[key], equal_nan=True) for key in found)
    assert [path.name for path in tmp_path.iterdir()] == [bench.KEPT]


def test_only_what_is_whole_is_in_the_table(bench, tmp_path):
    size = bench.SMALL
    for case in bench.cases(size)[:7]:  # two schemes, and one network of the third
        (tmp_path / case.name).mkdir()
        bench.keep(tmp_path / case.name, {"a/b": np.zeros(2)})
    found = {
        scheme: bench.whole(tmp_path, size, "participant", "mse", scheme)
        for scheme in bench.SCHEMES
    }
    assert found == {"average": False, "maximum": False, "closest": True, "peaks": True}
    assert not bench.whole(tmp_path, size, "participant", "mae", "peaks")
