"""DeepPhys, HeartRateNet, TS-CAN, EfficientPhys: sizes, masks, shifts, what is left frozen."""

import pytest
import torch

from camvitals.data.tao import TaoSpec
from camvitals.models import MODELS
from camvitals.models.two_branch import Attention, attention_mask, shifted
from camvitals.records import InputError

COUNTS = {36: 532_899, 72: 2_228_643, 96: 4_096_419}


def count(module):
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize("name", ["heartratenet", "deepphys", "tscan"])
@pytest.mark.parametrize("side", COUNTS)
def test_parameters_at_each_size(name, side):
    with torch.device("meta"):
        assert count(MODELS[name].build(size=(side, side))) == COUNTS[side]


@pytest.mark.parametrize("side", COUNTS)
def test_the_compact_head_has_one_size(side):
    with torch.device("meta"):
        module = MODELS["heartratenet-compact"].build(size=(side, side))
    assert count(module) == 139_683
    assert 4 * count(module) == pytest.approx(558_700, abs=50)  # bytes, as the specification has it


def test_masks_have_a_mean_of_one_half():
    q = torch.rand(4, 1, 9, 7, dtype=torch.float64) + 1e-3
    torch.testing.assert_close(attention_mask(q).mean((1, 2, 3)), torch.full((4,), 0.5).double())
    learnt = Attention(32)(10 * torch.randn(4, 32, 34, 34))
    torch.testing.assert_close(learnt.mean((1, 2, 3)), torch.full((4,), 0.5))
    assert (learnt > 0).all()


def test_shifts_look_one_frame_ahead_and_one_back_within_a_segment():
    frames = torch.arange(1.0, 9).reshape(8, 1, 1, 1).repeat(1, 7, 1, 1)
    out = shifted(frames, segment=4)[:, :, 0, 0]
    assert out[:, 0].tolist() == out[:, 1].tolist() == [2, 3, 4, 0, 6, 7, 8, 0]
    assert out[:, 2].tolist() == out[:, 3].tolist() == [0, 1, 2, 3, 0, 5, 6, 7]
    assert all(out[:, at].tolist() == list(range(1, 9)) for at in (4, 5, 6))


def test_a_shift_needs_whole_segments():
    with pytest.raises(InputError, match="multiple of 10 frames but got 15"):
        shifted(torch.zeros(15, 3, 2, 2), segment=10)


def test_only_shifts_join_frames():
    torch.manual_seed(0)
    clip = torch.randn(1, 10, 6, 36, 36)
    changed = clip.clone()
    changed[:, 4] += 1
    for name, moved in {"deepphys": {4}, "tscan": set(range(10))}.items():
        module = MODELS[name].build(size=(36, 36)).eval()
        with torch.no_grad():
            apart = (module(clip) - module(changed))[0].abs() > 0
        found = set(apart.nonzero().flatten().tolist())
        assert 4 in found
        assert found <= moved
        assert (len(found) > 1) == (name == "tscan")


def test_efficientphys_takes_no_difference_between_two_clips():
    torch.manual_seed(0)
    module = MODELS["efficientphys"].build(size=(36, 36)).eval()
    clips = torch.randn(2, 11, 3, 36, 36)
    with torch.no_grad():
        together, second = module(clips), module(clips[1:])
    torch.testing.assert_close(together[1:], second, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("blocks", range(5))
def test_frozen_blocks_learn_nothing(blocks):
    module = MODELS["heartratenet"].build(size=(36, 36), frozen_blocks=blocks)
    frozen = {name for name, p in module.named_parameters() if not p.requires_grad}
    branches = ("motion", "appearance")
    expected = {
        f"{branch}.conv{at}.{kind}"
        for branch in branches
        for at in range(1, blocks + 1)
        for kind in ("weight", "bias")
    }
    assert frozen == expected


def test_five_blocks_are_too_many_to_freeze():
    with pytest.raises(InputError, match=r"0–4 but is 5"):
        MODELS["heartratenet"].build(size=(36, 36), frozen_blocks=5)


def test_options_of_heartratenet():
    module = MODELS["heartratenet"].build(
        size=(36, 36), conv_dropout=0.1, dense_dropout=0.3, batch_norm=True
    )
    assert module.dropout.p == 0.1
    assert module.head.dropout.p == 0.3
    assert count(module) == COUNTS[36] + 2 * 2 * (32 + 32 + 64 + 64)
    usual = MODELS["heartratenet"].build(size=(36, 36))
    assert (usual.dropout.p, usual.head.dropout.p) == (0.2, 0.5)


def test_plain_differences_do_not_divide():
    clip = torch.full((1, 2, 36, 36, 3), 10.0)
    clip[:, 1] = 61
    plain = MODELS["heartratenet-plain"].prepare(clip)
    assert plain[0, 0, :3].unique().tolist() == pytest.approx([0.2])


def test_public_names_are_mapped():
    it = MODELS["tscan"]
    public = {
        "module.motion_conv1.bias": torch.zeros(32),
        "apperance_att_conv2.weight": torch.ones(1),
    }
    assert set(it.translate(public)) == {"motion.conv1.bias", "attention2.weigh.weight"}


def test_what_tao_specifies_is_built():
    settings = "input_size: 36 conv_dropout_rate: 0.1 use_batch_norm: true frozen_blocks: 2"
    spec = TaoSpec.parse(f"model_config {{ {settings} }}")
    module = MODELS["heartratenet"].build(**spec.options)
    assert module.head.dense1.in_features == 64 * 7 * 7
    assert module.dropout.p == 0.1
    assert module.motion.norm3.num_features == 64
    assert not module.appearance.conv2.weight.requires_grad
    assert module.appearance.conv3.weight.requires_grad
