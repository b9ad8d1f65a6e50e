"""Heads that say a heart rate: classes, soft bins, and two that see time alone."""

import pytest
import torch

from camvitals.models import MODELS
from camvitals.models.densenet import DenseNetRate
from camvitals.models.rate_heads import (
    BINS_BPM,
    Attention,
    Recurrent,
    class_of,
    rate_of_bins,
    rate_of_classes,
    soft_label,
)
from camvitals.records import InputError

TINY = {"first": 8, "growth": 4, "blocks": (2, 1)}


def test_classes_are_slow_normal_and_fast():
    assert class_of(torch.tensor([45.0, 60, 99.9, 100, 170])).tolist() == [0, 1, 1, 2, 2]
    sure = torch.full((2, 1, 3), -50.0)
    sure[0, 0, 0] = sure[1, 0, 2] = 50.0
    assert rate_of_classes(sure, 2)[:, 0].tolist() == [50, 115]


def test_a_soft_label_says_its_rate_between_the_bins():
    rate = torch.tensor([61.0, 97.3, 140.0])
    label = soft_label(rate)
    torch.testing.assert_close(label.sum(1), torch.ones(3))
    torch.testing.assert_close(label @ BINS_BPM, rate, atol=0.05, rtol=0)
    torch.testing.assert_close(rate_of_bins(label.log()[:, None], 3)[:, 0], rate, atol=0.05, rtol=0)


@pytest.mark.parametrize("head", [Recurrent, Attention])
def test_heads_over_frames_see_changes_alone(head):
    torch.manual_seed(0)
    one = head(6).eval()
    x = torch.randn(3, 12, 6)
    said = one(x)
    torch.testing.assert_close(one(x + 40), said, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(one(x.flip(1)), said)  # and the order of frames
    still = one(torch.randn(2, 1, 6).expand(2, 12, 6))
    torch.testing.assert_close(still[0], still[1])


def test_heads_have_names():
    assert {"densenet-classes", "densenet-bins"} < set(MODELS)
    with pytest.raises(InputError, match="no head 'tree'; choose one of rate, classes"):
        DenseNetRate(head="tree", **TINY)


@pytest.mark.parametrize("drift", [True, False])
def test_a_frozen_trunk_drifts_or_stands_still(drift):
    torch.manual_seed(0)
    network = DenseNetRate(frozen=True, drift=drift, **TINY).train()
    before = network.features.norm0.running_mean.clone()
    network(torch.randn(4, 1, 3, 32, 32))
    assert torch.equal(before, network.features.norm0.running_mean) != drift
