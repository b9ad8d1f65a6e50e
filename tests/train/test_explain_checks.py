"""The checks pass what is an explanation, and fail what only looks like one."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from camvitals.train.explain import checks, planted
from camvitals.train.explain.attribute import Case, Relevance, block_of, explainer

LRP = explainer("lrp")


class Net(nn.Module):
    """An answer to (1, 3, 64) in which time and channel matter differently."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv1d(3, 8, 5, padding=2), nn.ReLU(), nn.Conv1d(8, 4, 5, padding=2), nn.ReLU(),
            nn.Flatten(), nn.Linear(256, 1),
        )  # fmt: skip

    def forward(self, x):
        return self.net(x)[:, 0]


@pytest.fixture
def net():
    torch.manual_seed(3)
    return Net().double().eval()


@pytest.fixture
def case():
    torch.manual_seed(0)
    x = torch.randn(1, 3, 64, dtype=torch.float64) * torch.tensor([3.0, 1.0, 0.3])[:, None]
    return Case(x, torch.zeros_like(x), "CT")


def faked(values, module, case):
    """A map of one's own that adds up to the answer."""
    with torch.no_grad():
        answer, reference = (float(module(x)[0]) for x in (case.x, case.reference))
    values = values * (answer - reference) / values.sum()
    return Relevance(values, (), answer, reference, 0.0, "lrp")


def uniform(module, case):
    return faked(np.ones(case.x.shape[1:]), module, case)


def edges(module, case):
    """How steep the input is: an edge detector, which knows no network."""
    x = case.x[0].numpy()
    axes = [axis for axis in range(x.ndim) if x.shape[axis] > 1]
    return faked(sum(np.abs(np.gradient(x, axis=axis)) for axis in axes), module, case)


FAKES = {"uniform": uniform, "edges": edges}
METHODS = {name: explainer(name) for name in ("lrp", "integrated-gradients", "occlusion")}


def test_conservation_holds_and_fails_where_a_tenth_is_made_up(net, case):
    found = LRP(net, case)
    assert checks.conservation(found).passed
    assert not checks.conservation(replace(found, values=1.1 * found.values)).passed
    assert checks.conservation(METHODS["integrated-gradients"](net, case)).passed
    assert checks.conservation(METHODS["occlusion"](net, case)).passed is None
    assert checks.conservation_without_biases(net, case, LRP).passed


@pytest.mark.parametrize("name", METHODS)
def test_random_weights_destroy_the_map(name, net, case):
    check = checks.randomisation(net, case, METHODS[name])
    assert check.passed, check.said
    assert len(check.curve[0]) == checks.STAGES + 1


@pytest.mark.parametrize("name", FAKES)
def test_a_map_that_knows_no_network_outlives_random_weights(name, net, case):
    sure = explained_up_to_sign(FAKES[name])
    check = checks.randomisation(net, case, sure)
    assert check.passed is False
    assert check.value == pytest.approx(1)


def explained_up_to_sign(fake):
    """The fake without the sign of the answer, which random weights change."""
    return lambda module, case: replace(found := fake(module, case), values=np.abs(found.values))


@pytest.mark.parametrize("name", METHODS)
def test_relevance_orders_what_matters(name, net, case):
    found = METHODS[name](net, case)
    for check in (checks.deletion(net, case, found), checks.insertion(net, case, found)):
        assert check.passed, check.said
        own, others = check.curve
        assert {round(v, 9) for v in (own[0], own[-1])} == {0.0, 1.0}
        assert own[0] == pytest.approx(others[0])


def test_the_wrong_way_round_is_no_order(net, case):
    found = LRP(net, case)
    turned = replace(found, values=-found.values)
    assert not checks.deletion(net, case, turned).passed
    assert not checks.insertion(net, case, turned).passed


def test_an_even_map_gives_no_order(net, case):
    check = checks.deletion(net, case, uniform(net, case))
    assert (check.passed, "even" in check.said) == (False, True)


def test_an_edge_detector_gives_no_better_order_than_chance(net, case):
    with torch.no_grad():
        net.net[0].weight[:, 0] = 0  # the channel of the largest changes counts for nothing
    found = edges(net, case)
    assert not (
        checks.deletion(net, case, found).passed and checks.insertion(net, case, found).passed
    )


def test_blocks_share_out_the_input():
    blocks = checks.blocks_of((3, 64), "CT")
    assert np.array_equal(np.unique(blocks), np.arange(24))
    assert block_of((4, 3, 9, 9), "TCHW", patches=3) == (4, 3, 3, 3)


def test_ranks_are_those_of_spearman():
    assert checks.rank_correlation(np.array([1, 2, 3, 9.0]), np.array([0, 1, 5, 6.0])) == 1
    a, b = np.array([1.0, 2, 2, 3]), np.array([2.0, 1, 4, 3])
    ranks = np.corrcoef([1, 2.5, 2.5, 4], [2, 1, 4, 3])[0, 1]
    assert checks.rank_correlation(a, b) == pytest.approx(ranks)


@pytest.mark.parametrize("name", METHODS)
def test_the_planted_channel_and_region_are_found(name):
    for check in (planted.planted_channel(METHODS[name]), planted.planted_region(METHODS[name])):
        assert check.passed, check.said


@pytest.mark.parametrize("name", FAKES)
def test_fakes_find_nothing(name):
    assert not planted.planted_channel(FAKES[name]).passed
    assert not planted.planted_region(FAKES[name]).passed


@pytest.mark.parametrize("channel", [0, 2])
def test_it_is_the_channel_that_was_planted(channel):
    check = planted.planted_channel(explainer("lrp", rule="epsilon-gamma-box"), channel=channel)
    assert check.passed, check.said
