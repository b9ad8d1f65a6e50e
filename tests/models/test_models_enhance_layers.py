"""STVEN and rPPGNet layer by layer as published; the small enhancer; both as one network."""

import pytest
import torch
from torch import nn

from camvitals.models import MODELS, model
from camvitals.models.enhanced import ENHANCED, Enhanced
from camvitals.models.rppgnet import RPPGNet
from camvitals.models.small_enhancer import GAIN, SmallEnhancer, _to_depth, _to_space
from camvitals.models.stven import STVEN
from camvitals.records import InputError

# kernel, stride, padding, output of 64 frames of 128×128, norm and activation after it
STVEN_LAYERS = [
    ("Conv3d", (3, 7, 7), (1, 1, 1), (1, 3, 3), (64, 64, 128, 128)),
    ("Conv3d", (3, 4, 4), (1, 2, 2), (1, 1, 1), (128, 64, 64, 64)),
    ("Conv3d", (4, 4, 4), (2, 2, 2), (1, 1, 1), (512, 32, 32, 32)),
    ("ConvTranspose3d", (4, 4, 4), (2, 2, 2), (1, 1, 1), (128, 64, 64, 64)),
    ("ConvTranspose3d", (1, 4, 4), (1, 2, 2), (0, 1, 1), (64, 64, 128, 128)),
    ("Conv3d", (1, 7, 7), (1, 1, 1), (0, 3, 3), (3, 64, 128, 128)),
]


def outputs_of(module, x):
    """Name -> shape (without the batch) that each part gave, on the meta device."""
    shapes = {}

    def keep(name):
        def hook(_module, _given, out):
            if isinstance(out, torch.Tensor):
                shapes[name] = tuple(out.shape[1:])

        return hook

    for name, part in module.named_modules():
        part.register_forward_hook(keep(name))
    module(x)
    return shapes


def test_stven_is_the_published_table():
    with torch.device("meta"):
        module = STVEN()
        shapes = outputs_of(module, torch.empty(1, 3, 64, 128, 128))
    convs = [
        (name, part)
        for name, part in module.named_modules()
        if isinstance(part, nn.Conv3d | nn.ConvTranspose3d) and "middle" not in name
    ]
    found = [
        (type(p).__name__, p.kernel_size, p.stride, p.padding, shapes[name]) for name, p in convs
    ]
    assert found == STVEN_LAYERS
    assert all(part.bias is None for _, part in convs)
    assert convs[0][1].in_channels == 3 + 5
    for part in (module.down, module.up):
        assert [type(x) for x in part][1::3] == [nn.InstanceNorm3d] * (len(part) // 3)
        assert [type(x) for x in part][2::3] == [nn.ReLU] * (len(part) // 3)
    norms = [x for x in module.modules() if isinstance(x, nn.InstanceNorm3d)]
    assert all(x.affine and x.track_running_stats for x in norms) and len(norms) == 5
    assert shapes["middle"] == (512, 32, 32, 32) and len(module.middle) == 4
    kinds = [type(x).__name__ for x in module.middle[0].children()]
    assert kinds == ["Conv3d", "BatchNorm3d", "ReLU", "Conv3d"]  # and nothing between blocks


def test_rppgnet_is_the_published_table():
    with torch.device("meta"):
        module = RPPGNet()
        out = module(torch.empty(1, 3, 64, 128, 128))
        shapes = outputs_of(module, torch.empty(1, 3, 64, 128, 128))
    assert shapes["stem"] == (16, 64, 128, 128)
    assert shapes["to_shallow"] == out.shallow.shape[1:] == (32, 64, 64, 64)
    assert shapes["to_deep"] == out.deep.shape[1:] == (64, 64, 32, 32)
    assert shapes["to_deepest"] == (64, 64, 16, 16)
    assert out.skin.shape == (1, 64, 64, 64)
    assert {out.pulse.shape, out.auxiliary.shape, out.part1.shape} == {(1, 64)}
    counts = [
        sum(isinstance(x, nn.BatchNorm3d) for x in part.modules())
        for part in (module.stem, module.to_shallow, module.to_deep, module.to_deepest)
    ]
    assert counts == [1, 4, 4, 6]  # one in each convolution in two parts, one behind it
    kinds = [type(x).__name__ for x in module.skin_main]
    assert kinds == ["Conv3d", "BatchNorm3d", "ReLU"] * 2
    assert [x.kernel_size for x in module.skin_main if isinstance(x, nn.Conv3d)] == [(1, 3, 3)] * 2


def test_what_the_pulse_of_the_whole_is_read_from():
    """The attended mean of the deepest features; the skin map of 64×64 halved twice."""
    torch.manual_seed(0)
    module = RPPGNet().eval()
    kept = {}
    module.to_deepest.register_forward_hook(lambda _m, _g, out: kept.update(deepest=out))
    with torch.no_grad():
        out = module(torch.rand(1, 3, 6, 32, 32))
        skin = nn.functional.avg_pool2d(nn.functional.avg_pool2d(out.skin, 2), 2)
        features = kept["deepest"]
        liking = features.mean(1).sigmoid() + features.max(1).values.sigmoid() + skin
        weight = liking.flatten(2).softmax(-1).reshape(liking.shape)
        pulse = module.whole((features * weight[:, None]).mean((3, 4), keepdim=True)).flatten(1)
    torch.testing.assert_close(out.pulse, pulse)


def test_a_narrower_recovery_has_the_same_form():
    with torch.device("meta"):
        module = RPPGNet(width=4, changes=True)
        out = module(torch.empty(1, 3, 8, 64, 64))
    assert out.shallow.shape == (1, 8, 8, 32, 32) and out.deep.shape == (1, 16, 8, 16, 16)
    assert module.stem[0].in_channels == 6


def test_cells_and_pixels_are_the_same():
    x = torch.rand(2, 3, 5, 16, 8)
    assert torch.equal(_to_space(_to_depth(x)), x)
    assert _to_depth(x).shape == (2, 48, 5, 4, 2)
    corner = _to_depth(x)[:, :16, :, 0, 0]  # the first cell, red
    assert torch.equal(
        corner.sort(1).values, x[:, 0, :, :4, :4].flatten(2).transpose(1, 2).sort(1).values
    )


def test_the_small_enhancer_is_small():
    with torch.device("meta"):
        module = model("enhancer-small").build(size=(64, 64))
    assert sum(p.numel() for p in module.parameters()) <= 1_000_000


@pytest.fixture(scope="module")
def small():
    torch.manual_seed(0)
    return SmallEnhancer(width=8, target=2).eval()


def test_the_small_enhancer_begins_near_its_input(small):
    x = torch.rand(1, 3, 12, 16, 16) * 2 - 1
    with torch.no_grad():
        assert (small(x) - x).abs().mean() < 0.1


def test_the_small_enhancer_heeds_the_quality(small):
    x = torch.rand(2, 3, 8, 16, 16) * 2 - 1
    with torch.no_grad():
        usual = small(x)
        mixed = small(x, torch.eye(11)[[2, 5]])
    torch.testing.assert_close(usual[0], mixed[0])
    assert not torch.allclose(usual[1], mixed[1])


def test_what_the_face_does_together_never_tints_the_mean(small):
    features = torch.rand(2, 8, 20, 4, 4)
    with torch.no_grad():
        shared = small._together(features)
    assert shared.shape == (2, 3, 20, 16, 16)
    assert shared.mean(2).abs().max() < 1e-6 < shared.std()


def test_a_pulse_of_half_a_code_is_seen(small):
    """What is enlarged is the change, not the picture."""
    still = torch.rand(1, 3, 1, 16, 16).expand(-1, -1, 16, -1, -1)
    wave = (0.5 / 127.5) * torch.sin(torch.arange(16.0) * torch.pi / 4)[:, None, None]
    seen = []
    small.stem.register_forward_hook(lambda _m, given, _out: seen.append(given[0][:, 48:96]))
    with torch.no_grad():
        small(still + wave)
    change = seen[-1]
    assert change.abs().max() == pytest.approx(GAIN * 0.5 / 127.5, rel=0.05)


def test_any_length_goes(small):
    for length in (2, 7, 33):
        assert small(torch.zeros(1, 3, length, 16, 16)).shape == (1, 3, length, 16, 16)


def test_both_as_one_network_are_both():
    with torch.device("meta"):
        module = ENHANCED.build(size=(128, 128))
    assert isinstance(module, Enhanced)
    assert ENHANCED.parameters == MODELS["stven"].parameters + MODELS["rppgnet"].parameters
    name = "enhancer.down3Dmain.0.weight"
    assert ENHANCED.keys(name) == "enhancer.down.0.weight"
    assert ENHANCED.keys("recovery.ConvSpa11.bias") == "recovery.whole.bias"
    assert ENHANCED.keys("ConvSpa11.bias") is None


def test_the_recovery_sees_what_the_enhancer_gives():
    torch.manual_seed(0)
    options = {"enhancer": "enhancer-small", "enhancer_options": {"width": 4}}
    module = ENHANCED.build(size=(16, 16), recovery_options={"width": 2}, **options).eval()
    x = torch.rand(1, 3, 8, 16, 16) * 2 - 1
    with torch.no_grad():
        out = module(x)
        again = module.recovery((module.enhancer(x) + 1) / 2)
    assert torch.equal(out.recovered.pulse, again.pulse)
    assert ENHANCED.wave(out, 1).shape == (1, 8)


def test_an_unknown_enhancer_is_told():
    with pytest.raises(InputError, match="stven, enhancer-small"):
        ENHANCED.build(size=(64, 64), enhancer="esrgan")
