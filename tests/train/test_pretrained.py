"""Weights to begin from: files of the public code, fetched ones, and what is said without them."""

import dataclasses
import hashlib

import pytest
import torch
from safetensors.torch import save_file

from camvitals.models import MODELS
from camvitals.records import InputError
from camvitals.train import pretrained as where
from camvitals.train.pretrained import PUBLIC, begin_from, pretrained

SMALL = {"first": 8, "growth": 4, "blocks": (2, 1)}


def trunk(**options):
    torch.manual_seed(3)
    module = MODELS["densenet"].build(size=(32, 32), **options)
    return {
        k: torch.randn_like(t) if t.is_floating_point() else t
        for k, t in module.features.state_dict().items()
    }


@pytest.fixture
def public_file(tmp_path):
    """As torchvision writes it: old names of layers, a classifier of a thousand classes."""
    old = {
        f"features.{key}".replace("norm1", "norm.1").replace("conv2", "conv.2"): t
        for key, t in trunk(**SMALL).items()
    }
    path = tmp_path / "public.pth"
    torch.save(old | {"classifier.weight": torch.zeros(1000, 5)}, path)
    return path


def test_of_the_public_code_without_its_classifier(public_file):
    found = pretrained("densenet", public_file, options=SMALL)
    assert set(found) == {f"features.{key}" for key in trunk(**SMALL)}
    module = MODELS["densenet"].build(size=(32, 32), **SMALL)
    anew = begin_from(module, found)
    assert anew and all(key.startswith("head.") for key in anew)
    assert torch.equal(module.features.conv0.weight, trunk(**SMALL)["conv0.weight"])


def test_of_our_own_names(tmp_path):
    own = {f"features.{key}": t for key, t in trunk(**SMALL).items()}
    save_file(own, tmp_path / "own.safetensors")
    assert set(pretrained("densenet", tmp_path / "own.safetensors", options=SMALL)) == set(own)


def test_another_network_is_refused(public_file):
    with pytest.raises(InputError, match="holds no weights for densenet: missing"):
        pretrained("densenet", public_file)
    with pytest.raises(InputError, match="no published weights are known for 'physnet'"):
        pretrained("physnet", public_file)


def test_begin_from_names_what_has_no_place(public_file):
    found = pretrained("densenet", public_file, options=SMALL)
    with pytest.raises(InputError, match="this network has no features"):
        begin_from(MODELS["tracenet-tiny"].build(size=(1, 1)), found)


def test_without_a_network_one_message_says_what_to_do(tmp_path, monkeypatch):
    def no_network(url, timeout):
        raise where.urllib.error.URLError("no route")

    monkeypatch.setattr(where.urllib.request, "urlopen", no_network)
    with pytest.raises(
        InputError, match=r"densenet161-8d451a50\.pth cannot be fetched \(no route\); get that file"
    ):
        pretrained("densenet", folder=tmp_path)
    assert not list(tmp_path.iterdir())


def test_fetched_once_and_checked(public_file, tmp_path, monkeypatch):
    digest = hashlib.sha256(public_file.read_bytes()).hexdigest()
    told = dataclasses.replace(PUBLIC["densenet"], url=public_file.as_uri(), digest=digest[:8])
    monkeypatch.setitem(PUBLIC, "densenet", told)
    first = pretrained("densenet", options=SMALL, folder=tmp_path / "kept")
    public_file.unlink()
    again = pretrained("densenet", options=SMALL, folder=tmp_path / "kept")
    assert all(torch.equal(first[key], again[key]) for key in first)


def test_a_file_that_is_not_the_published_one_is_not_kept(public_file, tmp_path, monkeypatch):
    told = dataclasses.replace(PUBLIC["densenet"], url=public_file.as_uri())
    monkeypatch.setitem(PUBLIC, "densenet", told)
    with pytest.raises(InputError, match="another file than was published"):
        pretrained("densenet", options=SMALL, folder=tmp_path / "kept")
    assert not list((tmp_path / "kept").iterdir())


@pytest.mark.parametrize("model", ["mobilenet-pair", "mobilenet-lstm"])
@pytest.mark.parametrize("classes", [True, False])
def test_mobilenet_of_timm(tmp_path, model, classes):
    """timm's names: 13 blocks in five stages, a stem, a classifier."""
    module = MODELS[model].build(size=(32, 32), classes=classes)
    theirs = {"conv_stem.weight": torch.randn(32, 3, 3, 3)} | _norm("bn1", 32)
    taken = 32
    for stage, (count, given) in enumerate([(1, 64), (2, 128), (2, 256), (6, 512), (2, 1024)]):
        for at in range(count):
            block = f"blocks.{stage}.{at}"
            theirs |= {f"{block}.conv_dw.weight": torch.randn(taken, 1, 3, 3)}
            theirs |= {f"{block}.conv_pw.weight": torch.randn(given, taken, 1, 1)}
            theirs |= _norm(f"{block}.bn1", taken) | _norm(f"{block}.bn2", given)
            taken = given
    theirs |= {"classifier.weight": torch.randn(1000, 1024), "classifier.bias": torch.randn(1000)}
    save_file(theirs, tmp_path / "m.safetensors")
    anew = begin_from(
        module, pretrained(model, tmp_path / "m.safetensors", options={"classes": classes})
    )
    assert not [key for key in anew if key.startswith("trunk.")]
    assert torch.equal(module.trunk.features[14][3].weight, theirs["blocks.4.0.conv_pw.weight"])


def _norm(name, width):
    parts = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{part}": torch.rand(width) for part in parts}


def test_i3d_of_kinetics_without_its_classes(tmp_path):
    module = MODELS["i3d"].build(size=(32, 32))
    ours = {k: t for k, t in module.state_dict().items() if not k.startswith("head.")}
    save_file(
        {k: t.clone() for k, t in ours.items()} | {"head.weight": torch.zeros(400, 1024, 1, 1, 1)},
        tmp_path / "i.safetensors",
    )
    anew = begin_from(module, pretrained("i3d", tmp_path / "i.safetensors"))
    assert anew == ["head.weight", "head.bias"]
