"""I3D and HR-CNN: windows, frozen blocks, the estimator of heart rate."""

import pytest
import torch

from camvitals.models.hrcnn import HRCNN, HRCNNEstimator
from camvitals.models.i3d import BLOCKS, I3D, same_padded
from camvitals.records import InputError


def test_as_many_parameters_as_with_the_classes_of_kinetics():
    with torch.device("meta"):
        module = I3D(numbers=400, window=None)
        assert sum(p.numel() for p in module.parameters()) == 12_697_264
        assert module(torch.empty(1, 3, 64, 32, 32)).shape == (1, 400, 7)


@pytest.mark.parametrize(("size", "kernel", "stride"), [(12, 7, 2), (7, 3, 2), (28, 3, 1)])
def test_padding_gives_every_stride_its_answer(size, kernel, stride):
    x = torch.ones(1, 1, size, size, size)
    padded = same_padded(x, (kernel,) * 3, (stride,) * 3)
    assert (padded.shape[2] - kernel) // stride + 1 == -(-size // stride)
    before = int(padded[0, 0, :, size // 2, size // 2].argmax())
    assert before == (padded.shape[2] - size) // 2


def test_windows_are_read_alone():
    torch.manual_seed(0)
    module = I3D().eval()
    x = torch.rand(2, 3, 24, 32, 32)
    with torch.no_grad():
        both, second = module(x), module(x[:, :, 12:])
    assert both.shape == (2, 12, 2)
    torch.testing.assert_close(both[..., 1:], second, atol=1e-5, rtol=1e-4)


def test_frozen_blocks_neither_learn_nor_count():
    torch.manual_seed(0)
    module = I3D(frozen="mixed_4f").train()
    frozen = BLOCKS[: BLOCKS.index("mixed_4f") + 1]
    before = {name: value.clone() for name, value in module.state_dict().items()}
    module(torch.rand(2, 3, 12, 32, 32)).sum().backward()
    assert {n.split(".")[0] for n, p in module.named_parameters() if p.grad is None} == set(frozen)
    moved = {
        n.split(".")[0] for n, v in module.state_dict().items() if not torch.equal(v, before[n])
    }
    assert moved == {"mixed_5b", "mixed_5c"}  # statistics of batch norms


def test_an_unknown_block_is_refused():
    with pytest.raises(InputError, match="mixed_4f"):
        I3D(frozen="mixed_9z")


def test_the_estimator_does_not_see_the_level_of_the_signal():
    torch.manual_seed(0)
    module = HRCNNEstimator().eval()
    signal = torch.randn(2, 300)
    with torch.no_grad():
        rate = module(signal)
        torch.testing.assert_close(module(signal + 5), rate, atol=1e-4, rtol=1e-4)
    assert rate.shape == (2,)


def test_layers_of_the_estimator_can_be_left_out():
    active = [True, False, True] + [False] * 9
    assert len(HRCNNEstimator(active=active).layers) == 2
    for wrong in ([True] * 11, [False] + [True] * 11):
        with pytest.raises(InputError, match="12 values"):
            HRCNNEstimator(active=wrong)


def test_extractor_and_estimator_make_a_rate_of_a_clip():
    torch.manual_seed(0)
    module = HRCNN(active=[True] + [False] * 11, kernel=3).eval()
    with torch.no_grad():
        assert module(torch.rand(1, 3, 3, 48, 32)).shape == (1,)
