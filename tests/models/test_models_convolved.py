"""FactorizePhys and iBVPNet: the factorisation, pooling in time, attention in training only."""

import pytest
import torch
from torch import nn

from camvitals.models import MODELS
from camvitals.models.convolved import Differences, largest
from camvitals.models.factorizephys import rank_one


@pytest.mark.parametrize(("given", "length"), [(175, 160), (160, 160), (7, 3), (3, 8), (40, 8)])
def test_largest_is_adaptive_max_pooling(given, length):
    x = torch.randn(2, 3, given)
    torch.testing.assert_close(
        largest(x, length=length), nn.functional.adaptive_max_pool1d(x, length), rtol=0, atol=0
    )


def test_a_matrix_of_rank_one_is_found():
    torch.manual_seed(0)
    rows, columns = torch.rand(2, 12, 1) + 0.1, torch.rand(2, 1, 30) + 0.1
    found = rank_one(rows @ columns, steps=4)
    torch.testing.assert_close(found, rows @ columns, rtol=1e-3, atol=1e-4)


def test_the_factorisation_is_that_of_the_singular_values():
    """Of a positive matrix, the nearest of rank one is positive (Perron and Frobenius)."""
    torch.manual_seed(0)
    x = torch.rand(1, 8, 20) + 0.2
    u, s, v = torch.linalg.svd(x)
    nearest = s[:, :1, None] * u[:, :, :1] @ v[:, :1]
    torch.testing.assert_close(rank_one(x, steps=50), nearest, rtol=1e-3, atol=1e-3)


def test_differences_have_no_mean_and_unit_spread_per_channel():
    torch.manual_seed(0)
    clips = 60 * torch.rand(2, 3, 6, 8, 8)
    out = Differences()(clips)
    assert out.shape == (2, 3, 5, 8, 8)
    torch.testing.assert_close(out.mean((2, 3, 4)), torch.zeros(2, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(
        out.std((2, 3, 4), correction=0), torch.ones(2, 3), atol=1e-3, rtol=0
    )


def outputs(training, **options):
    torch.manual_seed(0)
    module = MODELS["factorizephys"].build(size=(72, 72), dropout=0.0, **options).train(training)
    torch.manual_seed(1)
    with torch.no_grad():
        return module(torch.rand(1, 3, 9, 72, 72))


def test_attention_acts_in_training_and_where_asked_for():
    without = outputs(False)
    assert not torch.allclose(outputs(True), without, atol=1e-4)
    torch.testing.assert_close(outputs(False, attend_in_evaluation=True), outputs(True))
    assert not torch.allclose(outputs(True, residual=False), outputs(True), atol=1e-4)


def test_attention_treats_each_clip_by_itself():
    torch.manual_seed(0)
    module = MODELS["factorizephys"].build(size=(72, 72), attend_in_evaluation=True).eval()
    clips = torch.rand(2, 3, 7, 72, 72)
    clips[1] *= 40
    with torch.no_grad():
        torch.testing.assert_close(module(clips)[:1], module(clips[:1]), rtol=1e-3, atol=1e-4)


def test_without_attention_the_parameters_are_fewer():
    module = MODELS["factorizephys"].build(size=(72, 72), attention=False)
    assert sum(p.numel() for p in module.parameters()) == 51_840
    assert MODELS["factorizephys"].translate({"rppg_head.bias1": torch.ones(())}) == {}
