"""Weights and checkpoints: whole or not at all, never a pickle, and of the right model."""

import errno
import json
import os
import pickle
import resource

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from camvitals.records import InputError
from camvitals.train import checkpoint
from camvitals.train.checkpoint import (
    load_state,
    load_tensors,
    load_weights,
    save_state,
    save_tensors,
)


def network(width=3):
    torch.manual_seed(width)
    return nn.Sequential(nn.Linear(2, width), nn.BatchNorm1d(width), nn.Linear(width, 1))


def trained(steps, name="adamw"):
    kinds = {"adamw": torch.optim.AdamW, "adadelta": torch.optim.Adadelta, "sgd": torch.optim.SGD}
    module = network()
    optimiser = kinds[name](module.parameters(), lr=0.1)
    for step in range(steps):
        torch.manual_seed(step)
        optimiser.zero_grad()
        module(torch.randn(8, 2)).square().mean().backward()
        optimiser.step()
    return module, optimiser


@pytest.mark.parametrize("name", ["adamw", "adadelta", "sgd"])
def test_a_state_goes_on_bit_for_bit(tmp_path, name):
    module, optimiser = trained(3, name)
    save_state(tmp_path / "a.safetensors", module, optimiser, {"step": 3, "exact": 0.1 + 0.2})
    other, fresh = trained(0, name)
    facts = load_state(tmp_path / "a.safetensors", other, fresh)
    assert facts == {"step": 3, "exact": 0.1 + 0.2}
    for one, its in ((module, optimiser), (other, fresh)):
        torch.manual_seed(9)
        its.zero_grad()
        one(torch.randn(8, 2)).square().mean().backward()
        its.step()
    for left, right in zip(module.state_dict().values(), other.state_dict().values(), strict=True):
        assert torch.equal(left, right)


def test_tied_weights_are_saved(tmp_path):
    tensor = torch.arange(4.0)
    save_tensors(tmp_path / "a.safetensors", {"a": tensor, "b": tensor, "c": tensor[1:]}, {})
    found, _ = load_tensors(tmp_path / "a.safetensors")
    assert found["c"].tolist() == [1, 2, 3]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_full_disk_leaves_the_checkpoint_before(tmp_path, monkeypatch, number):
    path = tmp_path / "last.safetensors"
    save_tensors(path, {"a": torch.zeros(2)}, {"step": 1})
    before = path.read_bytes()

    def full(_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(checkpoint.os, "fsync", full)
    with pytest.raises(InputError, match=f"{os.strerror(number)}.*the checkpoint before is whole"):
        save_tensors(path, {"a": torch.ones(2)}, {"step": 2})
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.iterdir()] == ["last.safetensors"]


def test_a_file_that_the_system_cuts_off_leaves_the_one_before(tmp_path):
    path = tmp_path / "last.safetensors"
    save_tensors(path, {"a": torch.zeros(2)}, {"step": 1})
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(InputError, match=r"0\.4 MB were needed"):
            save_tensors(path, {"a": torch.ones(100_000)}, {"step": 2})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.iterdir()] == ["last.safetensors"]


class Bomb:
    """What a stranger's pickle may do."""

    def __reduce__(self):
        return os._exit, (3,)


@pytest.mark.parametrize("name", ["w.pt", "w.pth", "w.ckpt", "w.pkl", "w.bin", "w.safetensors"])
def test_pickled_weights_are_refused_unread(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(InputError, match="pickled weights, which can run anything"):
        load_weights(network(), path)


def test_what_torch_saves_is_refused_whatever_its_name(tmp_path):
    torch.save(network().state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(InputError, match="save_file and give that file"):
        load_weights(network(), tmp_path / "w.safetensors")


@pytest.mark.parametrize("count", range(40, 60))
def test_a_header_may_have_any_length(tmp_path, count):
    """Its length comes first, and may begin as a pickle does."""
    save_file({"a" * count: torch.zeros(2)}, tmp_path / "w.safetensors")
    assert len(load_tensors(tmp_path / "w.safetensors")[0]) == 1


def test_weights_of_another_tool_are_taken(tmp_path):
    save_file(network().state_dict(), tmp_path / "w.safetensors")
    module = network()
    with torch.no_grad():
        module[0].weight.zero_()
    load_weights(module, tmp_path / "w.safetensors")
    assert torch.equal(module[0].weight, network()[0].weight)


def test_weights_of_a_checkpoint_are_taken(tmp_path):
    module, optimiser = trained(2)
    save_state(tmp_path / "last.safetensors", module, optimiser, {})
    other = network()
    load_weights(other, tmp_path / "last.safetensors")
    assert torch.equal(other[0].weight, module[0].weight)


@pytest.mark.parametrize(
    ("saved", "said"),
    [
        (network(4), r"0.weight has shape \(4, 2\) but \(3, 2\) is needed"),
        (nn.Sequential(nn.Linear(2, 3)), "it lacks '1.bias' and 6 more names differ"),
    ],
)
def test_weights_of_another_model_are_told(tmp_path, saved, said):
    save_file(saved.state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(InputError, match=said):
        load_weights(network(), tmp_path / "w.safetensors")


@pytest.mark.parametrize(
    ("data", "said"), [(b"", "no whole .safetensors"), (b"\xff" * 50, "no whole .safetensors")]
)
def test_a_damaged_file_is_told(tmp_path, data, said):
    (tmp_path / "w.safetensors").write_bytes(data)
    with pytest.raises(InputError, match=said):
        load_weights(network(), tmp_path / "w.safetensors")


def test_a_file_cut_short_is_told(tmp_path):
    path = tmp_path / "w.safetensors"
    save_tensors(path, network().state_dict(), {})
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(InputError, match=r"no whole \.safetensors file"):
        load_tensors(path)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        load_weights(network(), tmp_path / "w.safetensors")


def test_a_card_of_other_weights_is_told(tmp_path):
    path = tmp_path / "w.safetensors"
    save_tensors(path, network().state_dict(), {})
    card = dict.fromkeys(("name", "version", "task", "colour", "training_data", "licence"), "")
    card |= {"operating_range": "", "source": "", "size": None, "scale": [0, 255], "rate": 30.0}
    card |= {"outputs": {}, "sha256": "0" * 64}
    (tmp_path / "w.safetensors.json").write_text(json.dumps(card))
    with pytest.raises(InputError, match="but its card says 000000000000"):
        load_weights(network(), path)
