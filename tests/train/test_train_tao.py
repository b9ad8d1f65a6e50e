"""A specification of TAO trains: what it says is done, what cannot be is told."""

import numpy as np
import pytest
from typer.testing import CliRunner

from camvitals.data.tao import TaoSpec
from camvitals.records import InputError
from camvitals.train.tao import is_spec, recipe_of

SPEC = """
model_config {{ input_size: {size} conv_dropout_rate: 0.1 fully_connected_dropout_rate: 0.3 }}
train_config {{
  random_seed: 7 num_epoch: 1 checkpoint_n_epoch: 1 batch_size: 60 log_every_n_secs: 20
  loss {{ loss_function_name: "MSE" }}
  optimizer {{ rho: 0.9 epsilon: 1e-6 learning_rate_schedule {{ learning_rate: 0.5 }} }}
}}
evaluation_config {{ evaluation_window: 3 low_freq_cutoff: 0.67 high_freq_cutoff: 4 fps: 10 }}
dataset_config {{ tfrecords_directory_path: "{folder}" }}
"""
SMALL = {"duration": 6.5, "rate": 10.0, "size": (96, 72), "light": "daylight", "motion": "still"}


@pytest.fixture(scope="module")
def subjects(tmp_path_factory):
    from camvitals.data.synthetic.corpus import simulate_corpus

    folder = tmp_path_factory.mktemp("tao") / "subjects"
    simulate_corpus(folder, subjects=3, seed=9_300_000, **SMALL)
    return folder


@pytest.fixture(scope="module")
def cache(subjects):
    from camvitals.data.corpora import corpus
    from camvitals.data.prepare import prepare
    from camvitals.data.prepared import PrepareSettings

    out = subjects.with_name("cache")
    takes = corpus("heartratenet").read(subjects)
    found = dict(prepare(takes, out, settings=PrepareSettings(size=36), jobs=1))
    assert not [one for one in found.values() if isinstance(one, InputError)]
    return out


def run(*words):
    from camvitals.cli import app

    return CliRunner().invoke(app, ["train", *map(str, words)])


def written(tmp_path, *, folder, size=36):
    path = tmp_path / "card.txt"
    path.write_text(SPEC.format(size=size, folder=folder))
    return path


def test_every_setting_that_trains_is_in_the_recipe():
    recipe = recipe_of(TaoSpec.parse(SPEC.format(size=36, folder="somewhere")), name="card")
    assert recipe.model.options["conv_dropout"] == 0.1
    assert recipe.model.options["dense_dropout"] == 0.3
    assert (recipe.optimiser.name, recipe.optimiser.step) == ("adadelta", 0.5)
    assert recipe.optimiser.options == {"rho": 0.9, "eps": 1e-6}
    assert (recipe.seed, recipe.epochs, recipe.corpus.folder) == (7, 1, "somewhere")
    assert (recipe.clip.length, recipe.clip.rate, recipe.evaluation.window) == (30, 10.0, 3.0)
    assert recipe.batch == 2  # 60 pictures
    assert [term.name for term in recipe.loss] == ["mse"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("num_epoch: 2", "no fps"),
        ("fps: 30\nlow_freq_cutoff: 0.8", "low_freq_cutoff"),
        ("fps: 30\npretrained_model: model.tlt", "encrypted"),
    ],
)
def test_what_cannot_be_done_is_told(text, told):
    with pytest.raises(InputError, match=told):
        recipe_of(TaoSpec.parse(text), name="card")


@pytest.mark.parametrize(("name", "spec"), [("a.txt", True), ("a.yaml", True), ("a.json", False)])
def test_a_specification_is_known_by_its_name(name, spec):
    assert is_spec(name) is spec
    assert not is_spec(f"{name}.py:recipe")


def test_a_specification_trains_from_the_command_line(cache, tmp_path):
    from camvitals.train.cards import trained

    path = written(tmp_path, folder=cache)
    done = run(path, "--out", tmp_path / "run", "--workers", 0, "--threads", 1)
    assert done.exit_code == 0, done.output
    assert "log_every_n_secs mean nothing here" in " ".join(done.output.split())
    module, recipe = trained(tmp_path / "run")
    assert recipe.name == "card"
    assert sum(p.numel() for p in module.parameters()) == 532_899
    assert np.isfinite([float(p.detach().abs().sum()) for p in module.parameters()]).all()


def test_data_that_does_not_fit_is_told_with_the_command_that_makes_it(cache, subjects, tmp_path):
    cases = {
        subjects: (36, "holds subjects"),
        cache: (72, "36 px"),
        tmp_path / "nowhere": (36, "there is no"),
    }
    for folder, (size, told) in cases.items():
        done = run(written(tmp_path, folder=folder, size=size), "--out", tmp_path / "run")
        said = " ".join(str(done.exception or done.output).split())
        assert done.exit_code != 0
        assert told in said
        assert f"camvitals data prepare heartratenet DIR --out CACHE --size {size}" in said
    assert not (tmp_path / "run").exists()


def test_an_unknown_setting_is_refused_by_name(tmp_path):
    path = tmp_path / "odd.txt"
    path.write_text("fps: 30\nnum_epochs: 2\n")
    done = run(path)
    assert done.exit_code != 0
    assert "num_epochs" in str(done.exception or done.output)
