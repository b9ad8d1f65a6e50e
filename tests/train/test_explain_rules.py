"""Every rule of relevance propagation against its formula, and the sum that must come out."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from camvitals.records import InputError
from camvitals.train.explain.attribute import Case, lrp
from camvitals.train.explain.rules import COMPOSITES, Composite, Rule, composite

ANY = Rule("epsilon")


class Answers(nn.Module):
    """A network of which the first output is the answer."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net(x).flatten(1)[:, 0]


def explained(net, x, rule, *, reference=None):
    rules = rule if isinstance(rule, Composite) else Composite(rule, rule, rule)
    away = torch.zeros_like(x) if reference is None else reference
    return lrp(Answers(net).double(), Case(x, away, "CT"[: x.ndim - 1]), rules)


def dense(seed=0, *, bias=False):
    """One linear layer of five inputs and one output, and an input of both signs."""
    torch.manual_seed(seed)
    return nn.Linear(5, 1, bias=bias).double(), torch.randn(1, 5, dtype=torch.float64)


def parts(layer, x):
    """Contributions (5,) of one clip."""
    return (x * layer.weight)[0].detach()


def near(relevance, wanted):
    assert torch.allclose(torch.tensor(relevance.values), wanted.detach(), rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_gamma_against_its_formula(seed):
    layer, x = dense(seed)
    c = parts(layer, x)
    more = c + 0.25 * (c.clamp(min=0) if c.sum() > 0 else c.clamp(max=0))
    near(explained(layer, x, Rule("gamma", gamma=0.25)), more / more.sum() * c.sum())


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("beta", [0.0, 1.0])
def test_alpha_beta_against_its_formula(seed, beta):
    layer, x = dense(seed)
    c = parts(layer, x)
    up, down = c.clamp(min=0), c.clamp(max=0)
    shares = (1 + beta) * up / up.sum() - beta * down / down.sum()
    near(explained(layer, x, Rule("alpha-beta", beta=beta)), shares * c.sum())


@pytest.mark.parametrize("seed", range(4))
def test_box_against_its_formula(seed):
    layer, x = dense(seed)
    x = x.clamp(-1, 2)
    w = layer.weight[0]
    shares = x[0] * w + w.clamp(min=0) - 2 * w.clamp(max=0)
    wanted = shares / shares.sum() * (x @ w)
    near(explained(layer, x, Rule("box", low=-1, high=2)), wanted)


def test_square_and_flat_give_relevance_to_what_is_zero():
    layer, x = dense()
    x[0, 2] = 0
    w, z = layer.weight[0].detach(), float(layer(x).detach())
    near(explained(layer, x, Rule("w-square")), w**2 / (w**2).sum() * z)
    near(explained(layer, x, Rule("flat")), torch.full((5,), z / 5, dtype=torch.float64))


def test_epsilon_takes_its_part():
    layer, x = dense()
    z = float(layer(x).detach())
    found = explained(layer, x, Rule("epsilon", epsilon=abs(z), relative=False))
    near(found, parts(layer, x) / 2)


def test_a_bias_keeps_its_share_and_says_so():
    layer, x = dense(bias=True)
    found = explained(layer, x, ANY)
    near(found, parts(layer, x))
    # At the reference, zero, the bias is all of the answer, and it is taken off again.
    assert found.expected == pytest.approx(float(parts(layer, x).sum()))
    assert found.absorbed == pytest.approx(0, abs=1e-9)


class Everything(nn.Module):
    """Layers of every kind, without biases, whose activations are 0 at 0."""

    def __init__(self):
        super().__init__()
        self.enter = nn.Conv1d(3, 8, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm1d(8, affine=False)
        self.deep = nn.Conv1d(8, 8, 3, padding=1, bias=False)
        self.group = nn.GroupNorm(2, 8, affine=False)
        self.gate = nn.Conv1d(8, 1, 1, bias=False)
        self.up = nn.ConvTranspose1d(8, 4, 2, stride=2, bias=False)
        self.layer = nn.LayerNorm(4, elementwise_affine=False)
        self.query, self.value = (nn.Linear(4, 4, bias=False) for _ in range(2))
        self.head = nn.Linear(4, 1, bias=False)

    def forward(self, x):
        x = F.relu(self.norm(self.enter(x)))
        x = x + F.gelu(self.group(self.deep(x)))
        x = x * torch.sigmoid(self.gate(x))
        x = F.max_pool1d(torch.tanh(x), 2) + F.avg_pool1d(F.elu(x), 2)
        x = self.layer(F.silu(self.up(x)).transpose(1, 2))
        share = torch.softmax(self.query(x) @ x.transpose(1, 2) / 2, -1)
        x = torch.cat([x, share @ self.value(x)], 1)
        return self.head(x * (x.mean(1, keepdim=True) / 3))


def scene(seed=0, length=16):
    torch.manual_seed(seed)
    return torch.randn(1, 3, length, dtype=torch.float64)


@pytest.mark.parametrize("name", COMPOSITES)
def test_without_biases_all_of_the_answer_is_shared_out(name):
    torch.manual_seed(1)
    net = Everything().eval()
    found = explained(net, scene(), composite(name))
    assert abs(found.expected) > 1e-3
    assert found.total + found.absorbed == pytest.approx(found.expected, rel=1e-5)
    assert found.absorbed == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("name", COMPOSITES)
def test_convolutions_without_biases_in_every_dimension(name):
    for dimensions, make, pool in (
        (1, nn.Conv1d, nn.MaxPool1d(2)),
        (2, nn.Conv2d, nn.AvgPool2d(2)),
        (3, nn.Conv3d, nn.MaxPool3d(2)),
    ):
        torch.manual_seed(dimensions)
        net = nn.Sequential(
            make(2, 4, 3, padding=1, bias=False), nn.ReLU(), pool, make(4, 4, 3, bias=False),
            nn.ReLU(), nn.Flatten(), nn.LazyLinear(5, bias=False), nn.ReLU(),
            nn.Linear(5, 1, bias=False),
        )  # fmt: skip
        x = torch.rand(1, 2, *[8] * dimensions, dtype=torch.float64) - 0.3
        net.double()(x).sum()
        found = explained(net, x, composite(name))
        assert abs(found.expected) > 1e-6
        assert found.total == pytest.approx(found.expected, rel=1e-5)


class Recurrent(nn.Module):
    def __init__(self, kind, **options):
        super().__init__()
        self.over_time = kind(3, 4, batch_first=True, **options)
        self.head = nn.LazyLinear(1, bias=False)

    def forward(self, x):
        told, _ = self.over_time(x.transpose(1, 2))
        return self.head(told[:, -1])


@pytest.mark.parametrize("kind", [nn.GRU, nn.LSTM])
@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}])
def test_recurrent_layers_give_what_torch_gives_and_share_it_out(kind, options):
    torch.manual_seed(0)
    net = Recurrent(kind, **options).double().eval()
    answer = float(net(scene())[0, 0].detach())
    found = explained(net, scene(), composite("epsilon"))
    assert found.answer == pytest.approx(answer, rel=1e-9)
    assert found.total + found.absorbed == pytest.approx(found.expected, rel=1e-5)
    assert abs(found.total) > 1e-6


@pytest.mark.parametrize("name", ["epsilon", "epsilon-plus", "epsilon-gamma-box"])
def test_with_biases_the_books_are_closed(name):
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv1d(3, 6, 3), nn.BatchNorm1d(6), nn.Sigmoid(), nn.Conv1d(6, 6, 3), nn.Softplus(),
        nn.Flatten(), nn.Linear(72, 1),
    ).double()  # fmt: skip
    net(torch.randn(8, 3, 16, dtype=torch.float64) + 1)  # moves the running means
    found = explained(net.eval(), scene(), composite(name))
    assert abs(found.absorbed) > 1e-4
    if name == "epsilon":
        assert found.missing == pytest.approx(0, abs=1e-5 * abs(found.expected))


def test_batch_norm_is_merged_into_the_layer_before_it():
    torch.manual_seed(0)
    conv, norm = nn.Conv1d(3, 4, 3, bias=False), nn.BatchNorm1d(4, affine=False)
    norm.running_var.copy_(torch.rand(4) + 0.5)
    whole = nn.Conv1d(3, 4, 3, bias=False)
    scale = torch.rsqrt(norm.running_var + norm.eps)
    whole.weight.data = conv.weight.data * scale[:, None, None]
    head = [nn.ReLU(), nn.Flatten(), nn.Linear(56, 1, bias=False)]
    two = nn.Sequential(conv, norm, *head).eval()
    one = nn.Sequential(whole, *head).eval()
    rule = composite("gamma")
    near(explained(two, scene(), rule), torch.tensor(explained(one, scene(), rule).values))


def test_relevance_is_that_of_the_input_less_that_of_the_reference():
    layer, x = dense()
    away = torch.randn(1, 5, dtype=torch.float64)
    found = explained(layer, x, ANY, reference=away)
    near(found, ((x - away) * layer.weight)[0])
    assert found.expected == pytest.approx(float((layer(x) - layer(away)).detach()))


def test_an_operation_without_a_rule_is_named_with_its_layer():
    class Odd(nn.Module):
        def forward(self, x):
            return torch.fft.rfft(x).abs()

    net = nn.Sequential()
    net.add_module("spectrum", Odd())
    with pytest.raises(InputError, match=r"fft_rfft in net\.spectrum.*integrated-gradients"):
        explained(net, scene(), ANY)


def test_writing_in_place_is_refused():
    class Writes(nn.Module):
        def forward(self, x):
            x = x * 2
            x[:, 0] = 0
            return x

    with pytest.raises(InputError, match="setitem"):
        explained(Writes(), scene(), ANY)


def test_unknown_rules_are_told_with_those_there_are():
    with pytest.raises(InputError, match="epsilon-gamma-box"):
        composite("magic")
