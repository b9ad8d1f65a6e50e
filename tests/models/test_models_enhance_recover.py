"""STVEN and rPPGNet: the parts that their papers promise, and the faults that may be mended."""

import pytest
import torch

from camvitals.models import MODELS
from camvitals.models.factored import middle_channels
from camvitals.models.physformer import PhysFormer
from camvitals.models.rppgnet import RPPGNet, skin_attention
from camvitals.models.stven import STVEN, names
from camvitals.models.temporal_difference import TemporalDifferenceConv


@pytest.fixture(scope="module")
def recovery():
    torch.manual_seed(0)
    return RPPGNet().eval()


@pytest.mark.parametrize(
    ("taken", "given", "middle"),
    [(16, 32, 57), (32, 32, 72), (32, 64, 115), (64, 64, 144), (512, 512, 1152)],
)
def test_the_two_parts_of_a_convolution_have_the_published_width(taken, given, middle):
    assert middle_channels(taken, given, kernel=3) == middle


def test_attention_sums_to_one_in_each_frame_and_likes_skin():
    features, skin = torch.randn(2, 4, 3, 6, 5), torch.zeros(2, 3, 6, 5)
    skin[:, :, 2, 2] = 1
    weights = skin_attention(features, skin)
    torch.testing.assert_close(weights.sum((-2, -1)), torch.ones(2, 3))
    plain = skin_attention(features, torch.zeros_like(skin))
    assert (weights[:, :, 2, 2] > plain[:, :, 2, 2]).all()


@pytest.mark.parametrize("part", range(4))
def test_each_part_reads_its_own_quarter(recovery, part):
    """Upper left, lower left, upper right, lower right, as in the released code."""
    rows, columns = divmod(part, 2)[::-1]

    def only_here(_module, _given, features):
        kept = torch.zeros_like(features)
        kept[..., rows : rows + 1, columns : columns + 1] = 1
        return kept

    hook = recovery.to_deepest.register_forward_hook(only_here)
    with torch.no_grad():
        out = recovery(torch.rand(1, 3, 4, 16, 16))
    hook.remove()
    heads = [recovery.whole, *recovery.parts[1:]]
    pulses = (out.part1, out.part2, out.part3, out.part4)
    moved = [not torch.allclose(p, h.bias.expand_as(p)) for p, h in zip(pulses, heads, strict=True)]
    assert moved == [at == part for at in range(4)]


def test_the_first_part_can_be_given_its_own_layer(recovery):
    mended = RPPGNet(own_first_part=True).eval()
    mended.load_state_dict(recovery.state_dict())
    x = torch.rand(1, 3, 20, 16, 16)
    with torch.no_grad():
        released = recovery(x)
    ours = mended(x)
    same = [torch.equal(a, b) for a, b in zip(ours, released, strict=True)]
    assert same == [at != 3 for at in range(9)]
    assert ours.pulse.shape == (1, 20)  # time is kept, whatever its length
    ours.part1.sum().backward()
    assert mended.parts[0].weight.grad.any()


def test_six_blocks_as_in_the_figure():
    with torch.device("meta"):
        module = STVEN(blocks=6)
    assert sum(p.numel() for p in module.parameters()) == 51_490_496
    ours = names(blocks=6)("down3Dmain.14.temporal_conv.bias")
    assert ours == "middle.5.time.bias" and ours in module.state_dict()


def test_the_quality_asked_for_counts():
    torch.manual_seed(0)
    module = STVEN(width=4, target=2).eval()
    x = torch.rand(2, 3, 4, 8, 8) * 2 - 1
    with torch.no_grad():
        usual, best = module(x), module(x, torch.eye(5)[[0, 0]])
        mixed = module(x, torch.eye(5)[[2, 0]])
    torch.testing.assert_close(mixed, torch.stack([usual[0], best[1]]))
    assert not torch.allclose(usual, best)


def test_without_the_input_added_the_picture_is_bounded():
    torch.manual_seed(0)
    with_input, without = (STVEN(width=4, skip=skip).eval() for skip in (True, False))
    without.load_state_dict(with_input.state_dict())
    x = 10 * torch.ones(1, 3, 2, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(with_input(x), without(x) + x)
        assert without(x).abs().max() <= 1


def test_temporal_difference_takes_away_the_outer_slices_at_the_centre():
    torch.manual_seed(0)
    layer = TemporalDifferenceConv(3, theta=0.7)
    x = torch.randn(1, 3, 4, 5, 5)
    weight = layer.conv.weight
    outer = (weight[:, :, 0] + weight[:, :, 2]).sum((-2, -1))
    expected = layer.conv(x) - 0.7 * torch.einsum("oc,ncthw->nothw", outer, x)
    torch.testing.assert_close(layer(x), expected, atol=1e-5, rtol=1e-5)


def test_attention_of_physformer_comes_on_demand():
    torch.manual_seed(0)
    options = {"width": 16, "inner": 16, "layers": 3}
    plain, showing = PhysFormer(**options).eval(), PhysFormer(**options, attention=True).eval()
    showing.load_state_dict(plain.state_dict())
    x = torch.randn(1, 3, 8, 32, 64)  # two tubes in time, 1×2 in space
    with torch.no_grad():
        pulse, *weights = showing(x)
        assert torch.equal(plain(x), pulse)
    assert [w.shape for w in weights] == [(1, 4, 4, 4)] * 3
    torch.testing.assert_close(weights[0].sum(-1), torch.ones(1, 4, 4))
    wave = MODELS["physformer"].wave
    assert torch.equal(wave((pulse, *weights), 1), wave(pulse, 1))
