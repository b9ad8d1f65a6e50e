"""From a training to files that measure, through the command line."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from carried_recipe import leaky
from tiny_recipe import tiny as tiny_recipe

from camvitals import cli
from camvitals.card import ModelCard
from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.traces import made_trace
from camvitals.records import InputError
from camvitals.train.loop import Machine, fit
from camvitals.train.recipe import Model
from camvitals.train.ship import ship
from camvitals.waves.learned import learned
from camvitals.waves.run import wave_of


@pytest.fixture(scope="module")
def training(tmp_path_factory):
    """A training of some steps, far from any use."""
    folder = tmp_path_factory.mktemp("training")
    recipe = replace(tiny_recipe(), model=Model(name="tracenet-tiny"))
    fit(recipe, folder, machine=Machine(workers=0))
    return folder, recipe


def call(monkeypatch, capsys, *words):
    monkeypatch.setattr(sys, "argv", ["camvitals", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    told = capsys.readouterr()
    return ended.value.code, told.out, told.err


def test_from_training_to_a_method(training, tmp_path, monkeypatch, capsys):
    folder, recipe = training
    path = tmp_path / "tiny.onnx"
    words = ("export", folder, "--out", path, "--variants", "int8", "--people", 2)
    code, out, err = call(monkeypatch, capsys, *words)
    assert code == 0, err
    assert "differs from torch by random" in out
    assert "| onnx | int8 | cpu |" in out
    names = {"tiny.onnx", "tiny.json", "tiny.golden.npz", "tiny.receipts.json", "tiny.receipts.md"}
    assert {p.name for p in tmp_path.iterdir()} == names | {"tiny-int8.onnx", "tiny-int8.json"}
    assert len(json.loads((tmp_path / "tiny.receipts.json").read_text())) == 3
    card = ModelCard.load(tmp_path / "tiny.json")
    assert (card.rate, card.length) == (recipe.clip.rate, recipe.clip.length)
    assert "made people" in card.training_data
    trace, _ = made_trace(Scenario(seed=2, duration=20, rate=25))
    wave = wave_of(trace, method=str(path), rate=25.0)
    assert np.isfinite(wave.values).mean() > 0.9


def test_what_cannot_be_shipped(training, tmp_path, monkeypatch, capsys):
    folder, _ = training
    with pytest.raises(InputError, match="tracenet-tiny carries no state"):
        ship(folder, tmp_path / "tiny.onnx", stream=True)
    code, _, err = call(monkeypatch, capsys, "export", tmp_path / "none")
    assert (code, "has no recipe.json" in err) == (2, True)
    with pytest.raises(InputError, match="no device 'abacus'"):
        ship(folder, tmp_path / "tiny.onnx", devices=("abacus",))


def test_weights_on_the_command_line(training, tmp_path, monkeypatch, capsys):
    folder, _ = training
    source, out = folder / "best.safetensors", tmp_path / "w.safetensors"
    words = ("weights", "import", source, "--model", "tracenet-tiny", "--out", out)
    code, told, err = call(monkeypatch, capsys, *words)
    assert (code, err) == (0, "")
    assert told.endswith("tensors of tracenet-tiny\n")
    assert Path(f"{out}.json").is_file()
    code, _, err = call(monkeypatch, capsys, *words, "--option", "width=16")
    assert (code, "of another shape" in err) == (2, True)


def test_a_network_that_carries_state(tmp_path):
    recipe = leaky()
    fit(recipe, tmp_path / "run", machine=Machine(workers=0))
    shipped = ship(
        tmp_path / "run", tmp_path / "leaky.onnx", stream=True, warm_up=0.5, people=2, own_code=True
    )
    card = shipped.exported.card
    assert (dict(card.state), card.warm_up, card.length) == ({"sum_after": "sum"}, 0.5, None)
    assert [one.form for one in shipped.receipts] == ["torch", "onnx"]
    assert shipped.receipts[1].same == pytest.approx(1, abs=1e-4)
    found = learned(str(tmp_path / "leaky.onnx"))
    assert found.minimum == pytest.approx(2.5)
    with pytest.raises(InputError, match="warm_up needs seconds >= 0"):
        ship(tmp_path / "run", tmp_path / "x.onnx", stream=True, warm_up=-1, own_code=True)
    with pytest.raises(InputError, match="names Python of its own"):
        ship(tmp_path / "run", tmp_path / "x.onnx")
