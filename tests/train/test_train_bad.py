"""What goes wrong is told in one line, and what was there before is still there."""

import errno
import os
import pickle
from dataclasses import replace

import numpy as np
import pytest
from tiny_recipe import tiny as tiny_recipe

from camvitals.data.prepare import prepare
from camvitals.data.prepared import PrepareSettings
from camvitals.data.recording import Recording
from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.traces import made_trace
from camvitals.records import InputError, Wave
from camvitals.train import checkpoint
from camvitals.train.cached import CacheClips
from camvitals.train.cards import trained
from camvitals.train.loop import Machine, fit
from camvitals.train.recipe import Model
from camvitals.train.ship import ship
from camvitals.train.variants import variant
from camvitals.waves.learned import learned

ALONE = Machine(workers=0)


@pytest.fixture(scope="module")
def training(tmp_path_factory):
    """A finished training of a network that can be exported."""
    folder = tmp_path_factory.mktemp("training")
    recipe = tiny_recipe().with_settings({"epochs": 1, "evaluation.count": 0})
    fit(replace(recipe, model=Model(name="tracenet-tiny")), folder, machine=ALONE)
    return folder


@pytest.fixture
def copy(training, tmp_path):
    """The same training, to be damaged."""
    folder = tmp_path / "copy"
    folder.mkdir()
    for file in training.iterdir():
        if file.is_file():
            (folder / file.name).write_bytes(file.read_bytes())
    return folder


def told(call, *given, **options):
    """The one line that is said."""
    with pytest.raises(InputError) as raised:
        call(*given, **options)
    said = str(raised.value)
    assert "\n" not in said
    assert len(said) < 500
    return said


def colours():
    return made_trace(Scenario(seed=5, duration=12, rate=15))[0]


def oxygen():
    return {"spo2": Wave(np.full(12, 97.0), np.arange(12.0), "spo2", "%")}


def prepared(folder):
    """A cache of colours with oxygen saturation alone."""
    people = [Recording("made", f"person {k}", oxygen, colours=colours) for k in range(2)]
    list(prepare(people, folder, settings=PrepareSettings(crops=False), jobs=1))
    return folder


def raw(folder):
    (folder / "Subject_001" / "images").mkdir(parents=True)
    return folder


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder: folder / "none", "there is no folder at"),
        (raw, "holds no cache; make one with `camvitals data prepare`"),
        (prepared, "has a pulse; they have spo2: change corpus.reference or take another corpus"),
    ],
)
def test_the_wrong_corpus_is_told_before_the_work(tmp_path, tiny, make, said):
    corpus = CacheClips(folder=str(make(tmp_path / "corpus")), content="traces")
    recipe = replace(tiny, corpus=corpus)
    assert said in told(fit, recipe, tmp_path / "out", machine=ALONE)
    assert not (tmp_path / "out" / "last.safetensors").exists()
    fit(tiny.with_settings({"evaluation.count": 0, "epochs": 1}), tmp_path / "out", machine=ALONE)


def test_pictures_are_not_colours(tmp_path, tiny):
    corpus = CacheClips(folder=str(prepared(tmp_path / "cache")), reference="spo2")
    said = told(fit, replace(tiny, corpus=corpus), tmp_path / "out", machine=ALONE)
    assert "holds no crops; prepare the corpus with them, or change corpus.content" in said


def cut(path, share=0.5):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_checkpoint_cut_short_is_told_and_left(copy, share):
    path = copy / "last.safetensors"
    recipe = replace(tiny_recipe(), model=Model(name="tracenet-tiny"))
    more = recipe.with_settings({"epochs": 2, "evaluation.count": 0})
    cut(path, share)
    before = path.read_bytes()
    assert "is no whole .safetensors file" in told(fit, more, copy, machine=ALONE)
    assert path.read_bytes() == before


def test_weights_of_a_stranger_are_refused_wherever_they_are_given(copy, tmp_path, tiny):
    class Bomb:
        def __reduce__(self):
            return os._exit, (3,)

    path = tmp_path / "weights.pth"
    path.write_bytes(pickle.dumps(Bomb()))
    start = replace(tiny, model=replace(tiny.model, weights=str(path)))
    said = told(fit, start, tmp_path / "out", machine=ALONE)
    assert "pickled weights, which can run anything when they are read" in said
    (copy / "best.safetensors").write_bytes(path.read_bytes())
    assert "pickled weights" in told(trained, copy)
    assert "pickled weights" in told(ship, copy, tmp_path / "out.onnx", people=0)


def test_damaged_weights_are_not_exported(copy, tmp_path):
    cut(copy / "best.safetensors")
    assert "is no whole .safetensors file" in told(ship, copy, tmp_path / "out.onnx")
    assert not (tmp_path / "out.onnx").exists()


def test_the_card_of_another_training_is_refused(copy, tmp_path):
    card = copy / "best.safetensors.json"
    card.write_text(card.read_text().replace('"sha256": "', '"sha256": "0'))
    assert "but its card says 0" in told(ship, copy, tmp_path / "out.onnx")
    card.write_text("{}")
    assert "is not a model card: lacks" in told(ship, copy, tmp_path / "out.onnx")
    card.unlink()
    assert "no model card in" in told(ship, copy, tmp_path / "out.onnx")


@pytest.fixture(scope="module")
def exported(training, tmp_path_factory):
    """Its ONNX file."""
    path = tmp_path_factory.mktemp("exported") / "out.onnx"
    ship(training, path, people=0)
    return path


def test_a_network_cut_short_is_told(exported, tmp_path):
    path = tmp_path / "out.onnx"
    path.write_bytes(exported.read_bytes())
    path.with_suffix(".json").write_bytes(exported.with_suffix(".json").read_bytes())
    cut(path)
    assert "but its card says" in told(learned, str(path))
    assert "but its card says" in told(variant, path, "int8")
    assert not (tmp_path / "out-int8.onnx").exists()


def full_from(number, monkeypatch):
    """The disk is full when so many files have been written out."""
    count, real = [0], os.fsync

    def full(handle):
        count[0] += 1
        if count[0] > number:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    monkeypatch.setattr(checkpoint.os, "fsync", full)


def test_a_full_disk_leaves_the_export_before(exported, training, monkeypatch):
    before = {file.name: file.read_bytes() for file in exported.parent.iterdir()}
    full_from(1, monkeypatch)
    assert "No space left on device" in told(ship, training, exported, people=0)
    monkeypatch.undo()
    full_from(1, monkeypatch)
    assert "No space left on device" in told(variant, exported, "int8")
    monkeypatch.undo()
    assert {file.name: file.read_bytes() for file in exported.parent.iterdir()} == before
    learned(str(exported))


@pytest.mark.parametrize("number", range(9))
def test_a_full_disk_never_parts_weights_and_card(tmp_path, tiny, monkeypatch, number):
    recipe = tiny.with_settings(
        {"epochs": 2, "steps": 1, "evaluation.count": 0, "save_every": None}
    )
    full_from(number, monkeypatch)
    said = told(fit, recipe, tmp_path, machine=ALONE)
    assert "No space left on device; " in said
    assert not list(tmp_path.glob(".*.part"))
    monkeypatch.undo()
    if (tmp_path / "best.safetensors").exists():
        trained(tmp_path, own_code=True)
    fit(recipe, tmp_path, machine=ALONE)
    trained(tmp_path, own_code=True)
