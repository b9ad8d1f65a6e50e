"""Pruning of every network of the package, and the list of docs/pruning.md of what each can lose.

Networks are small here where their options allow it: what is tested are their layers and how they
are joined.
"""

import copy
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from camvitals.models import MODELS
from camvitals.models.architecture import TRACES, Architecture
from camvitals.records import InputError
from camvitals.train.checkpoint import load_state, save_state, weights_in
from camvitals.train.prune.layers import kernels
from camvitals.train.prune.masks import counted, kernels_of_any, masks_of, plain
from camvitals.train.prune.skips import skips_of
from camvitals.train.prune.start import prune, prune_like
from camvitals.train.prune.structured import parameters, reshape_like, shrink
from camvitals.train.prune.wanted import SPARSE, Prune

PAGE = Path(__file__).parents[2] / "docs" / "pruning.md"
FEW = {"first": 8, "growth": 4, "blocks": (2, 2, 2, 2)}
NARROW = {"width": 8, "blocks": 2}
SMALLER = {
    **dict.fromkeys((name for name in MODELS if name.startswith("densenet")), FEW),
    "stven": NARROW,
    "stven-rppgnet": {"enhancer_options": NARROW, "recovery_options": {"width": 8}},
    "rppgnet": {"width": 8},
    "enhancer-small": {"width": 16},
    "physformer": {"width": 32, "inner": 48, "layers": 3},
    "mobilenet-lstm": {"hidden": 32},
}
QUICK = ("tracenet", "regionpulse", "spo2-m2", "spo2-fc", "rppgnet", "densenet-recurrent")
EVERY = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in MODELS]
ROW = re.compile(r"^\| (`.*) \| (yes|no[^|]*) \| (yes|no[^|]*) \|$", re.MULTILINE)


@dataclass
class Built:
    """A network and two clips, the shortest and smallest that it takes."""

    it: Architecture
    module: nn.Module
    given: Tensor
    options: dict

    def another(self, seed: int) -> nn.Module:
        torch.manual_seed(seed)
        return self.it.build(**self.options)

    def loss(self, module: nn.Module) -> Tensor:
        return (self.it.wave(module(self.given), 2).float() - 1).square().mean()

    def step(self, module: nn.Module, optimiser: torch.optim.Optimizer, seed: int) -> None:
        torch.manual_seed(seed)  # of dropout
        module.train()
        optimiser.zero_grad()
        self.loss(module).backward()
        optimiser.step()

    def told(self, module: nn.Module) -> Tensor:
        with torch.no_grad():
            return self.it.wave(module.eval()(self.given), 2)


@pytest.fixture
def built(name) -> Built:
    it = MODELS[name]
    size = min(it.sizes or (it.size,))
    length = -(-it.shortest // it.step) * it.step
    regions = it.size[0] if it.size[0] > 1 else 5
    shape = (2, length, regions, 3) if it.takes == TRACES else (2, length, *size, 3)
    levels = np.random.default_rng(0).integers(0, 256, shape)
    options = {"size": size, **SMALLER.get(name, {})}
    torch.manual_seed(0)
    return Built(it, it.build(**options), it.prepare(torch.tensor(levels).float()), options)


def listed(column: int) -> dict[str, str]:
    """Name of a network -> what the page says of its skips (0) or channels (1)."""
    rows = ROW.findall(PAGE.read_text("utf-8"))
    return {name: row[1 + column] for row in rows for name in re.findall(r"`([^`]+)`", row[0])}


def test_the_page_lists_every_network_once():
    names = [
        n for row in ROW.findall(PAGE.read_text("utf-8")) for n in re.findall("`(.+?)`", row[0])
    ]
    assert sorted(names) == sorted(MODELS)


def adam(module):
    return torch.optim.AdamW(module.parameters(), lr=1e-3, weight_decay=0.1)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("method", SPARSE)
def test_masks_have_an_exact_budget_and_outlast_a_training_that_is_stopped(
    built, name, method, tmp_path
):
    module, wanted = built.module, Prune(method=method, factor=10)
    total = sum(kernel.weight.numel() for kernel in kernels(module).values())
    ways = {"run": lambda: module(built.given), "losses": [lambda: built.loss(module)]}
    if method == "n2nskip" and listed(0)[name] != "yes":
        with pytest.raises(InputError, match="n2nskip needs convolutions, each run once"):
            prune(module, wanted, **ways)
        return
    prune(module, wanted, **ways)
    assert counted(module).kept == round(total / 10)
    assert bool(skips_of(module)) == (method == "n2nskip")
    masks = {key: mask.clone() for key, mask in masks_of(module).items()}
    optimiser = adam(module)
    built.step(module, optimiser, seed=1)
    path = tmp_path / "last.safetensors"
    save_state(path, module, optimiser, {})
    built.step(module, optimiser, seed=2)

    again = built.another(seed=9)
    prune_like(again, wanted, weights_in(path), "it")
    other = adam(again)
    load_state(path, again, other)
    built.step(again, other, seed=2)
    state, found = module.state_dict(), again.state_dict()
    assert list(state) == list(found)
    assert [key for key in state if not torch.equal(state[key], found[key])] == []
    for kernel in kernels_of_any(again):
        assert torch.equal(masks_of(again)[kernel.name], masks[kernel.name])
        assert not kernel.weight[~masks[kernel.name]].any()
    assert torch.isfinite(built.told(again)).all()
    torch.testing.assert_close(built.told(plain(again)), built.told(again), rtol=1e-4, atol=1e-5)


def smaller(built: Built, factor: float, **more) -> float:
    def read(network, given):
        return built.it.wave(network(given), 2)

    return shrink(built.module, built.given, read, factor=factor, **more)


@pytest.mark.parametrize("name", EVERY)
def test_channels_go_or_are_refused_as_the_page_says(built, name):
    before, count = copy.deepcopy(built.module.state_dict()), parameters(built.module)
    form = built.told(built.module).shape
    if listed(1)[name] != "yes":
        refused = r"^its channels cannot be taken out \(.*\); prune it by snip or n2nskip$"
        with pytest.raises(InputError, match=refused) as error:
            smaller(built, 1.5)
        assert "\n" not in str(error.value)
        after = built.module.state_dict()
        assert all(torch.equal(before[key], after[key]) for key in before)
        assert parameters(built.module) == count
        return
    got = smaller(built, 4.0)
    assert got == count / parameters(built.module) >= 4
    wave = built.told(built.module)
    assert wave.shape == form
    again = built.another(seed=9)
    reshape_like(again, built.module.state_dict(), name)
    again.load_state_dict(built.module.state_dict())
    assert torch.equal(built.told(again), wave)
    built.step(again, adam(again), seed=1)
    assert torch.isfinite(built.told(again)).all()


@pytest.mark.parametrize("name", ["rppgnet"])
def test_channels_go_by_their_sensitivity_too(built, name):
    count = parameters(built.module)
    smaller(built, 4.0, scores="snip", loss=lambda: built.loss(built.module))
    assert parameters(built.module) <= count / 4
    by_sensitivity = built.told(built.module)
    built.module = built.another(seed=0)
    smaller(built, 4.0)
    assert not torch.equal(built.told(built.module), by_sensitivity)
