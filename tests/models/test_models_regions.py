"""Networks on colours of regions: RhythmNet's maps, TraceNet's choice."""

import numpy as np
import pytest
import torch

from camvitals.dsp.maps import spatio_temporal_map
from camvitals.models import MODELS
from camvitals.models.rhythmnet import RhythmNet, maps_of, windows_of
from camvitals.models.tracenet import TraceNet, relative_colours
from camvitals.records import InputError

TRACENETS = ["tracenet", "tracenet-tiny", "tracenet-large"]


def traces(n=2, length=60, regions=4, *, seed=0):
    generator = torch.Generator().manual_seed(seed)
    level = 100 + 50 * torch.rand(n, 1, regions, 3, generator=generator)
    return level * (1 + 0.01 * torch.randn(n, length, regions, 3, generator=generator))


def test_maps_with_and_without_torch_are_the_same():
    colours = traces(3)
    colours[1, 10:20, 2] = torch.nan
    colours[2, :, 1] = 77
    ours = maps_of(colours)
    theirs = np.stack([spatio_temporal_map(one) for one in colours.numpy()])
    np.testing.assert_allclose(ours.numpy(), theirs, atol=1e-3)
    assert ours.amin() == 0 and ours.amax() == 1
    assert not ours[1, :, 10:20, 2].any() and not ours[2, :, :, 1].any()


def test_a_map_has_luma_first_and_each_region_by_itself():
    grey = np.linspace(50, 60, 30)[:, None, None] * np.ones((1, 2, 3))
    grey[:, 1] *= 3
    y = spatio_temporal_map(grey)[0]
    np.testing.assert_allclose(y, np.linspace(0, 1, 30)[:, None].repeat(2, 1), atol=1e-5)
    with pytest.raises(InputError, match="rgb"):
        spatio_temporal_map(grey[0])


def test_windows_are_half_a_second_apart():
    images = torch.randint(0, 256, (1, 330, 25, 25, 3), dtype=torch.uint8)
    maps = windows_of(images)
    assert maps.shape == (1, 3, 3, 300, 25)
    torch.testing.assert_close(maps[:, 2], windows_of(images[:, 30:])[:, 0])
    assert windows_of(images[:, :40]).shape == (1, 1, 3, 40, 25)


def test_only_what_went_before_speaks_to_a_window():
    torch.manual_seed(0)
    module = RhythmNet().eval()
    x = torch.rand(1, 2, 3, 32, 25)
    other = x.clone()
    other[:, 1] = torch.rand(3, 32, 25)
    with torch.no_grad():
        a, b, back = module(x), module(other), module(x.flip(1))
    torch.testing.assert_close(a.together[:, 0], b.together[:, 0])
    assert not torch.allclose(a.together[:, 1], b.together[:, 1])
    torch.testing.assert_close(a.alone, back.alone.flip(1))
    assert not torch.allclose(a.together[:, 1], back.together[:, 0])


def test_weights_of_a_public_resnet_find_their_place():
    with torch.device("meta"):
        ours = RhythmNet().trunk.state_dict()
    keys = MODELS["rhythmnet"].keys
    assert {keys(name) for name in ours} <= {f"trunk.{name}" for name in ours}
    assert {"layer2.0.downsample.1.running_var", "layer4.1.conv2.weight"} <= set(ours)
    assert sum(t.numel() for n, t in ours.items() if n.endswith(("weight", "bias"))) == 11_176_512
    assert keys("fc.weight") is None


@pytest.mark.parametrize("name", TRACENETS)
def test_its_size(name):
    it = MODELS[name]
    module = it.build(size=it.size)
    assert sum(p.numel() for p in module.parameters()) == it.parameters
    assert it.wave(module(it.prepare(traces())), 2).shape == (2, 60)


def test_every_parameter_learns():
    torch.manual_seed(0)
    module = TraceNet()
    module(relative_colours(traces())).square().sum().backward()
    assert [n for n, p in module.named_parameters() if not p.grad.any()] == []


@pytest.fixture(scope="module")
def small():
    torch.manual_seed(0)
    return TraceNet(width=8, depth=2).eval().double()


def pulse(module, colours):
    with torch.no_grad():
        return module(relative_colours(colours.double()))


def test_the_order_of_regions_does_not_matter(small):
    x = traces()
    torch.testing.assert_close(pulse(small, x[:, :, [2, 0, 3, 1]]), pulse(small, x))


def test_a_region_never_seen_is_as_none(small):
    x = traces()
    hidden = x.clone()
    hidden[:, :, 1] = torch.nan
    torch.testing.assert_close(pulse(small, hidden), pulse(small, x[:, :, [0, 2, 3]]))


def test_brightness_and_gaps(small):
    x = traces()
    torch.testing.assert_close(pulse(small, x * 2), pulse(small, x))
    gone = x.clone()
    gone[:, 20:30] = torch.nan
    assert pulse(small, gone).isfinite().all()
    assert pulse(small, torch.full_like(x, torch.nan)).isfinite().all()
    with pytest.raises(InputError, match="traces"):
        relative_colours(x[0])
