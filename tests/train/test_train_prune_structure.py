"""Channels: taken out by structure, cut out when dead, and how heat spreads over them."""

import copy
import math

import onnx
import pytest
import torch
from torch import nn

from camvitals.models import MODELS
from camvitals.records import InputError
from camvitals.train.export import export
from camvitals.train.graph import Reading, card_of
from camvitals.train.prune.dead import lean
from camvitals.train.prune.heat import channel_graph, connectivity, heat, pieces
from camvitals.train.prune.layers import kernels
from camvitals.train.prune.masks import masks_of, plain, put_masks
from camvitals.train.prune.skips import skips_of
from camvitals.train.prune.start import prune
from camvitals.train.prune.structured import parameters, reshape_like, shrink
from camvitals.train.prune.wanted import Prune
from camvitals.train.prune.wiring import wiring


def three(width=8):
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv1d(3, width, 3, padding=1),
        nn.BatchNorm1d(width),
        nn.ReLU(),
        nn.Conv1d(width, width, 3, padding=1),
        nn.ReLU(),
        nn.Conv1d(width, 1, 1),
    ).eval()


def masked(module, zeros):
    """Masks with these places at zero: name -> index."""
    masks = {k.name: torch.ones_like(k.weight).bool() for k in kernels(module).values()}
    for name, place in zeros:
        masks[name][place] = False
    put_masks(module, masks)
    return module


def test_a_channel_that_nobody_reads_is_cut_out_with_all_before_it():
    module = masked(three(), [("3.weight", (slice(None), [1, 4])), ("5.weight", (0, [2]))])
    x = torch.randn(2, 3, 20)
    found = lean(module, [x])
    assert (found.channels, found.why) == (3, "")
    assert [p.shape[0] for n, p in found.module.named_parameters() if "weight" in n][:2] == [6, 6]
    assert torch.allclose(found.module(x), module(x), atol=1e-6)
    assert module(x).std() > 1e-3
    assert masks_of(module)  # what was given is as it was


def test_a_channel_that_nothing_makes_goes_only_where_it_is_nothing():
    module = three()
    with torch.no_grad():
        module[1].bias[2], module[1].bias[5] = -1.0, 0.7  # 0 after the ReLU; 0.7 after it
        module[0].bias.zero_()
    masked(module, [("0.weight", [2, 5])])
    x = torch.randn(2, 3, 20)
    found = lean(module, [x])
    assert found.channels == 1
    assert found.module[0].out_channels == 7
    assert torch.allclose(found.module(x), module(x), atol=1e-6)


def test_a_cut_that_would_change_the_output_is_not_made():
    class Mean(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last = nn.Conv1d(3, 8, 1), nn.Conv1d(8, 1, 1)

        def forward(self, x):
            x = self.first(x)
            return self.last(x) + x.mean(1, keepdim=True)  # all are read here

    torch.manual_seed(0)
    module = masked(Mean().eval(), [("last.weight", (0, [3]))])
    x = torch.randn(2, 3, 9)
    found = lean(module, [x])
    assert torch.allclose(found.module(x), module(x), atol=1e-6)


def test_without_masks_nothing_is_copied_or_cut():
    module = three()
    assert lean(module, [torch.randn(1, 3, 9)]).module is module


def numbers_in(path):
    """Weights in an ONNX file."""
    return sum(math.prod(weight.dims) for weight in onnx.load(path).graph.initializer)


@pytest.mark.parametrize("method", ["magnitude", "n2nskip"])
def test_export_leaves_out_what_is_dead(tmp_path, method):
    it = MODELS["tracenet-large"]
    torch.manual_seed(0)
    module = it.build(size=it.size)
    x = torch.rand(1, 64, 3, 3) * 255
    wanted = Prune(method=method, scores="magnitude", factor=10)
    prune(module, wanted, run=lambda: module(it.prepare(torch.cat([x, x]))))
    card = card_of(it, name="a", rate=30.0, length=64, regions=("skin", "nose", "chin"))
    whole = export(Reading(plain(module), it), card, tmp_path / "whole.onnx", x)
    small = export(Reading(module, it), card, tmp_path / "small.onnx", x)
    assert (whole.cut, small.cut > 10) == (0, True)
    assert numbers_in(small.path) < 0.8 * numbers_in(whole.path)
    assert max(small.apart.values()) < 1e-4


def test_export_of_a_structured_network_is_as_small_as_it_is(tmp_path):
    """Nothing of what was taken out is written, and nothing is left to cut."""
    it = MODELS["heartratenet-compact"]
    torch.manual_seed(0)
    module = it.build(size=(36, 36))
    x = torch.rand(1, it.shortest, 36, 36, 3) * 255
    shrink(module, it.prepare(x), lambda network, given: it.wave(network(given), 1), factor=10)
    card = card_of(it, name="a", rate=30.0, size=(36, 36), length=it.shortest)
    found = export(Reading(module, it), card, tmp_path / "a.onnx", it.prepare(x))
    assert found.cut == 0
    assert numbers_in(found.path) < 1.2 * parameters(module) < 0.12 * it.parameters * 1.2
    assert max(found.apart.values()) < 1e-4


def test_a_channel_is_dead_only_where_no_skip_reads_it():
    """Of eight, one is read by the next layer, one by a skip beyond it, one by both."""
    module, x = three(), torch.randn(2, 3, 20)
    wanted = Prune(method="n2nskip", scores="random", factor=1.1, least=0, share=0.01)
    prune(module, wanted, run=lambda: module(x))
    assert skips_of(module) == [("0", "5")]
    for part, kept in ((module[3], [0, 2]), (module.n2n.convs[0], [1, 2])):
        mask = part.parametrizations.weight[0].mask
        mask.zero_()
        mask[:, kept] = True
        part.parametrizations.weight.original.data.fill_(0.3)
    told = module.eval()(x)
    found = lean(module, [x])
    assert found.module[0].out_channels == 3
    assert torch.allclose(found.module(x), told, atol=1e-6)


def test_skips_are_exported(tmp_path):
    it = MODELS["tracenet"]
    torch.manual_seed(0)
    module = it.build(size=it.size)
    x = torch.rand(2, 64, 3, 3) * 255
    prune(
        module,
        Prune(method="n2nskip", scores="random", factor=4),
        run=lambda: module(it.prepare(x)),
    )
    card = card_of(it, name="a", rate=30.0, length=64, regions=("skin", "nose", "chin"))
    found = export(Reading(module, it), card, tmp_path / "a.onnx", x[:1])
    assert max(found.apart.values()) < 1e-4


@pytest.mark.parametrize("factor", [2, 10, 20])
def test_structured_pruning_leaves_a_smaller_network_that_learns(factor):
    module, x = three(width=48), torch.randn(4, 3, 50)
    before = parameters(module)
    got = shrink(module, x, lambda network, given: network(given), factor=factor)
    assert parameters(module) <= before / factor
    assert got == before / parameters(module)
    assert got < 1.6 * factor
    assert module(x).shape == (4, 1, 50)
    module.train()(x).square().mean().backward()
    assert all(p.grad is not None for p in module.parameters())
    again = three(width=48)
    reshape_like(again, module.state_dict(), "it")
    again.load_state_dict(module.state_dict())
    assert torch.equal(again.eval()(x), module.eval()(x))
    assert again[0].out_channels == module[0].out_channels == again[1].num_features


def test_structured_pruning_keeps_the_largest_channels_and_the_output():
    module = three(width=8)
    with torch.no_grad():
        module[0].weight[[1, 6]] *= 100
        module[3].weight[:, [1, 6]] *= 100
        module[1].weight[[1, 6]] *= 100
    kept = module[0].weight[[1, 6]].clone()
    shrink(module, torch.randn(1, 3, 9), lambda network, given: network(given), factor=4)
    assert module[5].out_channels == 1
    rows = [any(torch.equal(row[:, :], one) for one in kept) for row in module[0].weight]
    assert any(rows)


def test_structured_pruning_that_goes_too_far_is_told():
    module = three(width=4)
    before = copy.deepcopy(module.state_dict())
    with pytest.raises(InputError, match=r"leaves \d+ parameters at least, where \d+ are wanted"):
        shrink(module, torch.randn(1, 3, 9), lambda network, given: network(given), factor=50)
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())
    with pytest.raises(InputError, match=r"of another model: 0.weight has shape \(8, 3, 3\)"):
        reshape_like(module, three(width=8).state_dict(), "it")


def test_wiring_finds_sums_and_what_lies_beside_each_other():
    class Branches(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Conv1d(2, 3, 1), nn.Conv1d(3, 3, 1)
            self.c, self.d = nn.Conv1d(6, 2, 1), nn.Linear(10, 1)

        def forward(self, x):
            a = self.a(x)
            both = torch.cat([a, torch.relu(a + self.b(a))], dim=1)
            return self.d(self.c(both).flatten(1))

    module = Branches()
    found = wiring(module, lambda: module(torch.randn(2, 2, 5)))
    assert found.layers == ("a", "b", "c", "d")
    assert found.sources == ((), (0,), (0, 1), (2,))
    assert found.outputs_of_layers == ("d",)
    graph = channel_graph(module, found)
    assert graph.shape == (2 + 3 + 3 + 2 + 1,) * 2
    assert torch.equal(graph, graph.T)
    assert graph[8, 2:8].tolist() == [1.0] * 6  # c takes a and b side by side
    assert graph[10, 8:10].tolist() == [5.0] * 2  # five places of each channel


def test_heat_on_two_nodes_and_on_a_star():
    """exp(−tL) of an edge of weight w: (1 ± exp(−2wt)) / 2; eigenvalues of a star: 0, 1, …, V."""
    edge = torch.tensor([[0.0, 0.5], [0.5, 0.0]], dtype=torch.float64)
    (kernel,) = heat(edge, [2.0])
    spread = (1 + math.exp(-2 * 0.5 * 2)) / 2
    wanted = torch.tensor([[spread, 1 - spread], [1 - spread, spread]], dtype=torch.float64)
    assert torch.allclose(kernel, wanted)
    star = torch.zeros(5, 5, dtype=torch.float64)
    star[0, 1:] = star[1:, 0] = 1
    (kernel,) = heat(star, [0.7])
    assert float(kernel.trace()) == pytest.approx(1 + 3 * math.exp(-0.7) + math.exp(-5 * 0.7))
    assert torch.allclose(kernel.sum(0), torch.ones(5, dtype=torch.float64))
    assert pieces(star) == 1
    star[0, 1] = star[1, 0] = 0
    assert pieces(star) == 2


def test_connectivity_of_a_dense_network_is_that_of_itself():
    module, x = three(), torch.randn(2, 3, 9)
    same = connectivity(module, lambda: module(x))
    assert (same.nodes, same.pieces) == (3 + 8 + 8 + 1, 1)
    assert max(same.distance.values()) < 1e-9
    assert list(same.trace.values()) == pytest.approx([1, 1, 1])


def test_more_pruning_is_farther_from_the_dense_and_skips_are_nearer():
    x = torch.randn(2, 3, 9)

    def found(method, factor):
        module = three(width=16)
        wanted = Prune(method=method, factor=factor, scores="random", least=0, seed=1)
        prune(module, wanted, run=lambda: module(x))
        return connectivity(module, lambda: module(x))

    some, most = found("random", 2), found("random", 20)
    assert most.distance[1.0] > some.distance[1.0] > 0.01
    assert most.pieces > some.pieces
    assert most.trace[1.0] > some.trace[1.0] > 1
    with_skips = found("n2nskip", 10)
    assert with_skips.nodes == some.nodes
    assert with_skips.pieces < found("random", 10).pieces
