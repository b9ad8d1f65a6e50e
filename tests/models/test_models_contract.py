"""What every network promises: its size, its shapes, one clip at a time, weights that come back."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from camvitals import models
from camvitals.dsp.frames import prepared
from camvitals.models import MODELS, model
from camvitals.models.architecture import GIVES, TRACES, Architecture
from camvitals.records import InputError

SEEING = [name for name, it in MODELS.items() if it.takes != TRACES]
BY_WORDS = [name for name in SEEING if MODELS[name].transform is None]


def sizes(it: Architecture):
    return it.sizes or (it.size,)


def least(it: Architecture) -> int:
    """The shortest clip that is allowed."""
    return -(-it.shortest // it.step) * it.step


def shapes(it: Architecture):
    """Every size with the usual length, and the usual size with the two shortest lengths."""
    return [(size, it.length) for size in sizes(it)] + [
        (it.size, least(it) + more * it.step) for more in (0, 1)
    ]


def shape_of(it: Architecture, size, length: int):
    """Of one clip: pictures, or colours of its regions, five where any number goes."""
    regions = it.size[0] if it.size[0] > 1 else 5
    return (length, regions, 3) if it.takes == TRACES else (length, *size, 3)


def made(it: Architecture, n: int, *, seed: int = 0):
    """Clips of the smallest size and the shortest length, every value at its own level."""
    rng = np.random.default_rng(seed)
    levels = rng.integers(0, 256, (n, *shape_of(it, min(sizes(it)), least(it))))
    return torch.tensor(levels.astype(np.uint8))


def tensors(output):
    """Every tensor in what a module returns."""
    if isinstance(output, torch.Tensor):
        return [output]
    return [tensor for part in output for tensor in tensors(part)]


@dataclass
class Built:
    it: Architecture
    module: nn.Module

    def outputs(self, images):
        with torch.no_grad():
            return tensors(self.module(self.it.prepare(images)))


@pytest.fixture(scope="module", params=MODELS)
def built(request) -> Built:
    torch.manual_seed(0)
    it = MODELS[request.param]
    return Built(it, it.build(size=min(sizes(it))).eval())


def all_architectures() -> dict[str, Architecture]:
    """Every Architecture that a file of the package names."""
    import importlib
    import pkgutil

    files = [
        importlib.import_module(f"{models.__name__}.{f.name}")
        for f in pkgutil.iter_modules(models.__path__)
    ]
    return {
        f"{file.__name__}.{name}": value
        for file in files
        for name, value in vars(file).items()
        if isinstance(value, Architecture)
    }


def test_every_architecture_has_a_name():
    listed = list(MODELS.values())
    assert [name for name, it in all_architectures().items() if it not in listed] == []


@pytest.mark.parametrize("name", MODELS)
def test_it_says_what_it_is(name):
    it = MODELS[name]
    assert it.gives in GIVES
    assert it.size in sizes(it)
    assert it.fits(size=it.size, length=it.length)
    assert not it.fits(size=it.size, length=it.shortest - 1)
    assert not it.fits(size=(7, 5), length=it.length)
    assert any(year in it.source for year in ("20", "TAO"))


@pytest.mark.parametrize("name", MODELS)
def test_it_has_as_many_parameters_as_it_says(name):
    with torch.device("meta"):
        module = MODELS[name].build(size=MODELS[name].size)
    assert sum(p.numel() for p in module.parameters()) == MODELS[name].parameters


@pytest.mark.parametrize("name", MODELS)
def test_shapes_at_every_size_and_other_lengths(name):
    """On the meta device, which knows shapes and computes nothing."""
    it = MODELS[name]
    for size, length in shapes(it):
        assert it.fits(size=size, length=length)
        with torch.device("meta"):
            module = it.build(size=size).eval()
            output = module(it.prepare(torch.empty(2, *shape_of(it, size, length))))
        columns = {"rate": 1, "spo2": 1}.get(it.gives, length)
        if it.gives != "images":
            assert it.wave(output, 2).shape == (2, columns)


@pytest.mark.parametrize("name", SEEING)
def test_a_size_it_cannot_take_is_refused(name):
    with pytest.raises(InputError, match=r"px|size"), torch.device("meta"):
        MODELS[name].build(size=(7, 5))


@pytest.mark.parametrize("name", BY_WORDS)
def test_run_time_prepares_the_same_without_torch(name):
    it = MODELS[name]
    clips = made(it, 2)
    ours = it.prepare(clips)
    theirs = [
        prepared(clip, takes=it.takes, layout=it.layout, extra=it.extra) for clip in clips.numpy()
    ]
    np.testing.assert_allclose(ours.numpy(), np.stack(theirs), rtol=1e-5, atol=1e-5)


def test_a_clip_does_not_depend_on_its_neighbours(built):
    clips = made(built.it, 2)
    alone = torch.cat([it[None] for it in clips[:1]])
    for together, single in zip(built.outputs(clips), built.outputs(alone), strict=True):
        assert together.shape[0] == 2 * single.shape[0]
        torch.testing.assert_close(together[: len(single)], single, rtol=1e-4, atol=1e-5)


def test_the_same_clip_gives_the_same_output(built):
    clips = made(built.it, 1)
    first, again = built.outputs(clips), built.outputs(clips)
    other = built.outputs(made(built.it, 1, seed=1))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.allclose(first[0], other[0], rtol=1e-6, atol=0)


def test_the_wave_is_finite_and_not_flat(built):
    clips = made(built.it, 2)
    with torch.no_grad():
        wave = built.it.wave(built.module(built.it.prepare(clips)), len(clips))
    assert torch.isfinite(wave).all()
    assert wave.std() > 0


def test_a_still_clip_gives_finite_numbers(built):
    clips = torch.full_like(made(built.it, 1), 128)
    assert all(torch.isfinite(tensor).all() for tensor in built.outputs(clips))


def test_weights_come_back_from_a_file(built, tmp_path):
    save_file(built.module.state_dict(), tmp_path / "weights.safetensors")
    torch.manual_seed(1)
    fresh = built.it.build(size=min(sizes(built.it))).eval()
    fresh.load_state_dict(load_file(tmp_path / "weights.safetensors"))
    clips = made(built.it, 1)
    pairs = zip(built.outputs(clips), Built(built.it, fresh).outputs(clips), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_gradients_reach_every_parameter(built):
    module = built.module.train()
    output = module(built.it.prepare(made(built.it, 2)))
    sum(tensor.square().sum() for tensor in tensors(output) if tensor.requires_grad).backward()
    unmoved = {
        name
        for name, p in module.named_parameters()
        if p.grad is None or not torch.isfinite(p.grad).all() or not p.grad.any()
    }
    module.zero_grad()
    module.eval()
    assert unmoved == built.it.idle


def test_an_unknown_name_is_refused():
    with pytest.raises(InputError, match="physnet"):
        model("fysnet")
    assert model("physnet") is MODELS["physnet"]
