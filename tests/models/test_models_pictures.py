"""DenseNet-161 and MobileNet: as in the libraries that weights come from, and what may learn."""

import warnings

import pytest
import torch

from camvitals.models import MODELS
from camvitals.models.densenet import DenseNetRate
from camvitals.models.mobilenet import MobileNet, MobileNetPair

TINY = {"first": 8, "growth": 4, "blocks": (1, 2)}


@pytest.fixture(scope="module")
def dense():
    torch.manual_seed(0)
    return DenseNetRate().eval()


def count(module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_trunk_and_head_have_the_published_size(dense):
    assert count(dense.features) == 26_472_000
    assert count(dense.head) == 36_433
    with torch.device("meta"):
        pictures = torch.empty(1, 3, 127, 127)
        assert DenseNetRate().features(pictures).shape == (1, 2208, 4, 4)


def test_the_trunk_is_that_of_another_library(dense):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from monai.networks.nets import DenseNet

    other = DenseNet(2, 3, 1, init_features=96, growth_rate=48, block_config=(6, 12, 36, 24))
    ours = dense.features.state_dict()
    theirs = {name: name.replace(".layers.", ".") for name in other.features.state_dict()}
    assert sorted(theirs.values()) == sorted(ours)
    other.features.load_state_dict({a: ours[b] for a, b in theirs.items()})
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(dense.features(x), other.features.eval()(x))


def test_old_and_new_public_names_find_their_place(dense):
    keys = MODELS["densenet"].keys
    ours = "features.denseblock3.denselayer36.norm2.running_mean"
    assert ours in dense.state_dict()
    assert keys("features.denseblock3.denselayer36.norm.2.running_mean") == ours == keys(ours)
    assert keys("features.transition1.norm.weight") == "features.transition1.norm.weight"
    assert keys("classifier.bias") is None


@pytest.mark.parametrize("drift", [False, True])
def test_a_frozen_trunk_drifts_only_when_asked(drift):
    torch.manual_seed(0)
    module = DenseNetRate(frozen=True, drift=drift, **TINY).train()
    before = module.features.norm0.running_mean.clone()
    module(torch.randn(2, 3, 3, 32, 32)).sum().backward()
    assert torch.equal(module.features.norm0.running_mean, before) != drift
    learning = {n.split(".")[0] for n, p in module.named_parameters() if p.grad is not None}
    assert learning == {"head"}


def test_mobilenet_has_the_published_size():
    with torch.device("meta"):
        assert count(MobileNet(classes=False)) == 3_206_976
        assert count(MobileNet()) == 4_231_976


def test_a_pair_is_this_frame_and_the_next():
    torch.manual_seed(0)
    module = MobileNetPair(classes=False).eval()
    x = torch.rand(1, 5, 3, 32, 32) * 2 - 1
    other = x.clone()
    other[:, 2] = -x[:, 2]
    with torch.no_grad():
        moved = (module(x) - module(other)).abs()[0] > 1e-6
    assert moved.tolist() == [False, True, True, False]
