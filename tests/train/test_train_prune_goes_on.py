"""A pruned training that was stopped: what goes on is what would have been."""

from pathlib import Path

import pytest
import torch

from camvitals.train.cards import trained
from camvitals.train.checkpoint import load_tensors
from camvitals.train.loop import Machine, fit
from camvitals.train.objective import architecture_of
from camvitals.train.prune.layers import kernels
from camvitals.train.prune.masks import counted
from camvitals.train.prune.skips import PART, skips_of
from camvitals.train.recipe import load_recipe
from camvitals.train.run import Run

TINY = Path(__file__).with_name("tiny_recipe.py")
ALONE = Machine(workers=0)


class Killed(Exception):
    """What a training does not expect."""


@pytest.mark.parametrize("method", ["snip", "n2nskip"])
def test_a_pruned_training_that_was_stopped_goes_on_bit_for_bit(tmp_path, monkeypatch, method):
    """Stopped in the sixth step, one after a checkpoint, skips and all."""
    recipe = load_recipe(f"{TINY}:deep").with_settings(
        {"prune.method": method, "prune.factor": "4", "optimiser.weight_decay": "0.01"}
    )
    fit(recipe, tmp_path / "whole", machine=ALONE)
    update = Run.update

    def until_the_sixth(run):
        if run.at.step == 5:
            raise Killed
        update(run)

    with monkeypatch.context() as patch:
        patch.setattr(Run, "update", until_the_sixth)
        with pytest.raises(Killed):
            fit(recipe, tmp_path / "stopped", machine=ALONE)
    begun, facts = load_tensors(tmp_path / "stopped" / "last.safetensors")
    assert facts["standing"]["step"] == 4
    fit(recipe, tmp_path / "stopped", machine=ALONE)
    for name in ("last.safetensors", "best.safetensors"):
        pair = [(tmp_path / run / name).read_bytes() for run in ("whole", "stopped")]
        assert pair[0] == pair[1], name
    module, _ = trained(tmp_path / "stopped", own_code=True)
    assert counted(module).kept == round(sum(k.weight.numel() for k in dense_of(recipe)) / 4)
    after, _ = load_tensors(tmp_path / "stopped" / "last.safetensors")
    moved = {name for name in after if not torch.equal(after[name], begun[name])}
    assert not any(name.endswith("mask") for name in moved)
    assert bool(skips_of(module)) == (method == "n2nskip")
    skipping = [n for n in after if f"{PART}.convs" in n and n.endswith("original")]
    assert all(any(name in one for one in moved) for name in skipping)


def dense_of(recipe):
    """Kernels of the network that a recipe begins with."""
    return kernels(architecture_of(recipe).build(size=(6, 3))).values()
