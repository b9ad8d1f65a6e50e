"""Inputs as tensors are those that run time makes without torch, clip by clip."""

import numpy as np
import pytest
import torch

from camvitals.dsp import frames
from camvitals.models import inputs
from camvitals.records import InputError


@pytest.fixture
def clips():
    rng = np.random.default_rng(0)
    made = rng.integers(0, 256, (3, 5, 4, 6, 3)).astype(np.uint8)
    made[1] //= 8  # another mean and spread
    made[2] = 90  # a still clip
    return made


def test_both_know_the_same_words():
    assert list(inputs.FRAMES) == list(frames.FRAMES)


@pytest.mark.parametrize("name", frames.FRAMES)
@pytest.mark.parametrize("layout", frames.LAYOUTS)
def test_tensors_are_the_arrays(name, layout, clips):
    ours = inputs.prepared(torch.tensor(clips), takes=name, layout=layout, extra=1)
    theirs = [frames.prepared(clip, takes=name, layout=layout, extra=1) for clip in clips]
    np.testing.assert_allclose(ours.numpy(), np.stack(theirs), rtol=1e-5, atol=1e-6)


def test_cut_off_like_the_arrays(clips):
    ours = inputs.normalised_difference(torch.tensor(clips), clip=0.5)
    theirs = [frames.normalised_difference(clip, clip=0.5) for clip in clips]
    np.testing.assert_allclose(ours.numpy(), np.stack(theirs), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", frames.FRAMES)
def test_gradients_are_finite_for_still_clips_too(name, clips):
    images = torch.tensor(clips[1:], dtype=torch.float32, requires_grad=True)
    inputs.FRAMES[name](images).square().sum().backward()
    assert torch.isfinite(images.grad).all()
    assert images.grad[0].any()


def test_wrong_input_is_refused(clips):
    with pytest.raises(InputError, match="n×n×n×n×3 but got 5×4×6×3"):
        inputs.unit(torch.tensor(clips[0]))
    with pytest.raises(InputError, match="2 frames but got 1"):
        inputs.difference(torch.tensor(clips[:, :1]))
