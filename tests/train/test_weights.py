"""Weights of others: tensors in, never code; what does not fit is named."""

import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from camvitals.card import ModelCard
from camvitals.models import MODELS
from camvitals.records import InputError
from camvitals.train.checkpoint import load_weights
from camvitals.train.weights import import_weights, read_tensors, save_imported

TINY = MODELS["tracenet-tiny"]


def built():
    return TINY.build(size=TINY.size)


def weights():
    torch.manual_seed(5)
    return {name: torch.randn_like(tensor) for name, tensor in built().state_dict().items()}


def same(module, tensors):
    return all(torch.equal(tensors[name], found) for name, found in module.state_dict().items())


@pytest.mark.parametrize("wrapper", ["", "state_dict", "model_state_dict"])
@pytest.mark.parametrize("prefix", ["", "module.", "module._orig_mod."])
def test_state_dicts_however_they_are_wrapped(tmp_path, wrapper, prefix):
    tensors = weights()
    named = {prefix + name: tensor for name, tensor in tensors.items()}
    torch.save({wrapper: named, "epoch": 3} if wrapper else named, tmp_path / "w.pth")
    assert same(import_weights(tmp_path / "w.pth", TINY, built()), tensors)


def test_safetensors(tmp_path):
    tensors = weights()
    save_file(tensors, tmp_path / "w.safetensors")
    assert same(import_weights(tmp_path / "w.safetensors", TINY, built()), tensors)


def test_what_does_not_fit_is_named_and_the_module_stays(tmp_path):
    tensors = weights()
    del tensors["enter.weight"]
    tensors["extra.weight"] = torch.zeros(3)
    tensors["head.bias"] = torch.zeros(7)
    save_file(tensors, tmp_path / "w.safetensors")
    module = built()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    with pytest.raises(InputError) as told:
        import_weights(tmp_path / "w.safetensors", TINY, module)
    wanted = (
        "missing: enter.weight; unexpected: extra.weight; of another shape: head.bias (7, not 1)"
    )
    assert wanted in str(told.value)
    assert same(module, before)


class Nasty:
    def __reduce__(self):
        return (Path.touch, (Path("RAN"),))


@pytest.mark.parametrize("name", ["w.pth", "w.ckpt", "w.bin"])
def test_code_is_never_run(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": weights(), "more": Nasty()}, name)
    with pytest.raises(InputError, match="would run code when it is read"):
        read_tensors(name)
    Path(name).write_bytes(pickle.dumps(Nasty()))
    with pytest.raises(InputError, match=r"would run code|no whole file"):
        read_tensors(name)
    assert not Path("RAN").exists()


def test_files_that_are_no_weights(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_tensors(tmp_path / "none.pth")
    (tmp_path / "w.h5").write_bytes(b"x")
    with pytest.raises(InputError, match=r"ends with \.h5"):
        read_tensors(tmp_path / "w.h5")
    for name in ("w.pth", "w.safetensors"):
        (tmp_path / name).write_bytes(b"not a file of weights")
        with pytest.raises(InputError, match="no whole"):
            read_tensors(tmp_path / name)
    torch.save(weights(), tmp_path / "cut.pth")
    whole = (tmp_path / "cut.pth").read_bytes()
    (tmp_path / "cut.pth").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="no whole file"):
        read_tensors(tmp_path / "cut.pth")
    torch.save({"epoch": 3}, tmp_path / "w.pth")
    with pytest.raises(InputError, match="holds epoch, which are no tensors"):
        read_tensors(tmp_path / "w.pth")
    torch.save([1, 2], tmp_path / "w.pth")
    with pytest.raises(InputError, match="holds list and no state dict"):
        read_tensors(tmp_path / "w.pth")


def test_imported_weights_have_a_card_and_can_be_trained_from(tmp_path):
    tensors = weights()
    torch.save(tensors, tmp_path / "w.pth")
    out = tmp_path / "ours.safetensors"
    facts = {"licence": "MIT", "training_data": "PURE", "rate": 30.0}
    count = save_imported(
        tmp_path / "w.pth", "tracenet-tiny", out, size=None, options={}, facts=facts
    )
    assert count == len(tensors)
    card = ModelCard.load(out.with_name("ours.safetensors.json"))
    card.verify(out.read_bytes(), str(out))
    assert (card.licence, card.training_data, card.rate) == ("MIT", "PURE", 30.0)
    module = built()
    load_weights(module, out)
    assert same(module, tensors)
    with pytest.raises(InputError, match="cannot be built so"):
        save_imported(
            tmp_path / "w.pth", "tracenet-tiny", out, size=None, options={"deep": 1}, facts=facts
        )


def test_names_of_the_public_code_are_translated(tmp_path):
    public = {"old.weight": torch.ones(2, 2), "unused": torch.ones(1)}
    names = {"old.weight": "weight", "unused": None}
    torch.save({f"module.{name}": tensor for name, tensor in public.items()}, tmp_path / "w.pth")
    module = torch.nn.Linear(2, 2, bias=False)
    architecture = replace(TINY, keys=names.get)
    assert same(
        import_weights(tmp_path / "w.pth", architecture, module), {"weight": torch.ones(2, 2)}
    )
    with pytest.raises(InputError, match=r"missing: weight; unexpected: old\.weight, unused"):
        import_weights(tmp_path / "w.pth", architecture, module, public=False)
