"""Rules of layer-wise relevance propagation for layers with weights, and composites of them.

Bach et al., PLoS ONE 10 (2015); Montavon et al., Pattern Recognition 65 (2017) and in "Explainable
AI" (2019), chapter 10. A rule takes the place of a layer: it gives the same values, but what comes
back through it when a derivative is taken is relevance over activation. So input times derivative
is the relevance of the input, and whatever has no weights keeps its own derivative.

Letters: a what a layer takes, w its weights, b its bias, z = a·w + b what it gives; c⁺ and c⁻ are
the positive and negative among the contributions a·w.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from camvitals.records import InputError

Kind = Literal["epsilon", "gamma", "alpha-beta", "box", "w-square", "flat"]
Weighing = Callable[[Tensor, Tensor], Tensor]  # (a, w) -> a·w, the layer without its bias


@dataclass(frozen=True, slots=True)
class Rule:
    """How one layer shares the relevance of what it gives among what it takes.

    epsilon: added to every divisor, away from zero: that share of the spread of z where `relative`
        (0.01–0.25 makes smoother maps), else a number, as in Zennit. As it is here it only keeps
        from dividing by zero.
    gamma: by how much positive contributions count more (γ rule; for z < 0, negative ones).
    beta: weight of negative contributions (αβ rule; positive ones weigh 1 + beta).
    low, high: bounds of a (box rule); None takes those of the input at hand, and zero.
    """

    kind: Kind = "epsilon"
    epsilon: float = 1e-12
    relative: bool = True
    gamma: float = 0.25
    beta: float = 1.0
    low: float | None = None
    high: float | None = None

    @property
    def additive(self) -> bool:
        """Whether relevance is no multiple of the input: it may fall where the input is zero."""
        return self.kind in ("box", "w-square", "flat")


@dataclass(frozen=True, slots=True)
class Composite:
    """Which rule for which layer: the first with weights, other convolutions, other dense ones."""

    first: Rule
    convolution: Rule
    dense: Rule

    @property
    def proportional(self) -> Composite:
        """The same with a first rule whose relevance is a multiple of the input."""
        return replace(self, first=self.convolution) if self.first.additive else self


EPSILON = Rule("epsilon")
GAMMA = Rule("gamma")
PLUS = Rule("alpha-beta", beta=0.0)
ALPHA2_BETA1 = Rule("alpha-beta", beta=1.0)
BOX, W_SQUARE, FLAT = Rule("box"), Rule("w-square"), Rule("flat")

COMPOSITES: dict[str, Composite] = {
    "epsilon": Composite(EPSILON, EPSILON, EPSILON),
    "gamma": Composite(GAMMA, GAMMA, GAMMA),
    "alpha2-beta1": Composite(ALPHA2_BETA1, ALPHA2_BETA1, ALPHA2_BETA1),
    "z-plus": Composite(PLUS, PLUS, PLUS),
    "box": Composite(BOX, EPSILON, EPSILON),
    "w-square": Composite(W_SQUARE, EPSILON, EPSILON),
    "flat": Composite(FLAT, EPSILON, EPSILON),
    "epsilon-gamma-box": Composite(BOX, GAMMA, EPSILON),
    "epsilon-plus": Composite(PLUS, PLUS, EPSILON),
    "epsilon-plus-flat": Composite(FLAT, PLUS, EPSILON),
    "epsilon-alpha2-beta1": Composite(ALPHA2_BETA1, ALPHA2_BETA1, EPSILON),
}


def composite(name: str) -> Composite:
    """The composite of this name; InputError lists those there are."""
    if name not in COMPOSITES:
        raise InputError(f"no rule {name!r}; choose one of {', '.join(COMPOSITES)}")
    return COMPOSITES[name]


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer with weights at work: (a, w) -> a·w, its weights, and its bias shaped as z is."""

    apply: Weighing
    weight: Tensor
    bias: Tensor | None


def through(rule: Rule, layer: Layer, a: Tensor, tracer: Tensor | None) -> Tensor:
    """What a layer gives, whose derivative carries relevance over activation back by a rule.

    tracer: zeros in the shape of `a` whose derivative receives the relevance that is no multiple of
        `a`; None divides it by `a`, which loses it where `a` is zero.
    """
    with torch.no_grad():
        z = _plus(layer.apply(a, layer.weight), layer.bias)
    if rule.kind == "epsilon":
        path = _plus(layer.apply(a, layer.weight), layer.bias)
        return as_value(z, path * (z / _steady(z, rule)))
    if rule.kind == "gamma":
        return as_value(z, _gamma(rule, layer, a, z))
    if rule.kind == "alpha-beta":
        return as_value(z, _alpha_beta(rule, layer, a, z))
    return as_value(z, _additive(rule, layer, a, tracer, z))


def as_value(value: Tensor, path: Tensor) -> Tensor:
    """A tensor that is `value`, with the derivative of `path`."""
    return path + (value - path).detach()


def _plus(z: Tensor, bias: Tensor | None) -> Tensor:
    return z if bias is None else z + bias


def _steady(z: Tensor, rule: Rule) -> Tensor:
    """The same moved away from zero; exact zeros count as positive."""
    z, epsilon = z.detach(), rule.epsilon
    if rule.relative:
        epsilon = max(epsilon * float(z.std(correction=0)), torch.finfo(z.dtype).tiny)
    return z + torch.where(z >= 0, 1.0, -1.0).to(z) * epsilon


def _contributions(layer: Layer, a: Tensor) -> tuple[Tensor, Tensor]:
    """Sums of the positive and of the negative contributions, bias among them."""
    up, down = a.clamp(min=0), a.clamp(max=0)
    w_up, w_down = layer.weight.clamp(min=0), layer.weight.clamp(max=0)
    bias = layer.bias
    b_up, b_down = (None, None) if bias is None else (bias.clamp(min=0), bias.clamp(max=0))
    positive = _plus(layer.apply(up, w_up) + layer.apply(down, w_down), b_up)
    negative = _plus(layer.apply(up, w_down) + layer.apply(down, w_up), b_down)
    return positive, negative


def _gamma(rule: Rule, layer: Layer, a: Tensor, z: Tensor) -> Tensor:
    positive, negative = _contributions(layer, a)
    above = positive + negative + rule.gamma * torch.where(z >= 0, positive, negative)
    with torch.no_grad():  # |above| >= |z|: there is no need to steady it
        share = z / torch.where(above == 0, 1.0, above)
    return above * share


def _alpha_beta(rule: Rule, layer: Layer, a: Tensor, z: Tensor) -> Tensor:
    """Where one of the two kinds of contribution is missing the other is given all of it."""
    positive, negative = _contributions(layer, a)
    with torch.no_grad():
        has_up, has_down = positive > 0, negative < 0
        both = has_up & has_down
        up = torch.where(both, 1 + rule.beta, has_up.to(z.dtype))
        down = torch.where(both, -rule.beta, (has_down & ~has_up).to(z.dtype))
        up = up * z / torch.where(has_up, positive, 1.0)
        down = down * z / torch.where(has_down, negative, 1.0)
    return positive * up + negative * down


def _additive(rule: Rule, layer: Layer, a: Tensor, tracer: Tensor | None, z: Tensor) -> Tensor:
    """z^B, w² and flat rules: shares that do not vanish with the input; the bias takes none."""
    given = a.detach()
    if tracer is None:
        known = given != 0
        tracer = torch.where(known, a / torch.where(known, given, 1.0), 0.0)
    weight, ones = layer.weight, torch.ones_like(given)
    if rule.kind == "box":
        low = min(float(given.min()), 0.0) if rule.low is None else rule.low
        high = max(float(given.max()), 0.0) if rule.high is None else rule.high
        w_up, w_down = weight.clamp(min=0), weight.clamp(max=0)

        def shares(of: Tensor) -> Tensor:
            bounds = layer.apply(low * of, w_up) + layer.apply(high * of, w_down)
            return layer.apply(given * of, weight) - bounds
    else:
        even = weight.square() if rule.kind == "w-square" else torch.ones_like(weight)

        def shares(of: Tensor) -> Tensor:
            return layer.apply(of, even)

    whole = shares(ones).detach()
    return shares(tracer) * (z / _steady(whole, rule))
