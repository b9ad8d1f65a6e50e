"""Relevance of what a network takes for what it answers: three methods, one outcome.

The answer at a reference is subtracted: what is explained is f(x) − f(reference). In relevance
propagation the reference is the origin of the input: it is added to an input of zero, and so takes
relevance as a bias does. At the reference all of the answer is the biases', unless the first rule
gives relevance to an input of zero; then that is subtracted. In the other two methods it is the
baseline from which, or to which, the input is changed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from camvitals.records import Array, InputError
from camvitals.train.explain.merge import merged
from camvitals.train.explain.propagation import Propagation
from camvitals.train.explain.rules import Composite, composite

METHODS = ("lrp", "integrated-gradients", "occlusion")
STEPS = 64  # of the integral from the reference to the input
AT_ONCE = 4_000_000  # numbers of the input in one pass of the integral
PATCHES = 12  # of a side, for occlusion


@dataclass(frozen=True, slots=True)
class Relevance:
    """What each number of the input did for the answer.

    values:   relevance in the shape of the input, one clip, without the axis of clips.
    parts:    (input, multiplier, sign): `values` are the sum of sign · input · multiplier, which is
        what other bases than time need. () where the method has no multipliers. Where the first
        rule is no multiple of the input they are those of the composite's next rule.
    answer, reference: f(x) and f at the reference.
    absorbed: what biases took.
    """

    values: Array
    parts: tuple[tuple[Array, Array, float], ...]
    answer: float
    reference: float
    absorbed: float
    method: str
    rule: str = ""

    @property
    def expected(self) -> float:
        """f(x) − f(reference), which relevance shares out."""
        return self.answer - self.reference

    @property
    def total(self) -> float:
        """The sum of relevance."""
        return float(self.values.sum())

    @property
    def missing(self) -> float:
        """What is neither in the relevance nor with the biases."""
        return self.expected - self.total - self.absorbed


@dataclass(frozen=True, slots=True)
class Case:
    """One clip to explain.

    x, reference: (1, …) what the network takes, and where the answer is taken off.
    axes: letters of the axes after the first, of T C H W R L; T is time.
    """

    x: Tensor
    reference: Tensor
    axes: str


Explainer = Callable[[nn.Module, Case], Relevance]


def explainer(method: str, *, rule: str = "epsilon", steps: int = STEPS) -> Explainer:
    """The function that explains by a method: (network giving (N,) answers, case) -> Relevance.

    method: of METHODS.   rule: of `rules.COMPOSITES`, for lrp.   steps: of the integral.
    Raises InputError for unknown names.
    """
    if method == "lrp":
        rules = composite(rule)
        return lambda module, case: replace(lrp(module, case, rules), rule=rule)
    if method == "integrated-gradients":
        return lambda module, case: integrated_gradients(module, case, steps=steps)
    if method == "occlusion":
        return occlusion
    raise InputError(f"no method {method!r}; choose one of {', '.join(METHODS)}")


def lrp(module: nn.Module, case: Case, rules: Composite) -> Relevance:
    """Layer-wise relevance propagation. Raises InputError at an operation without a rule."""
    twin = merged(frozen(module), case.x)
    here = basis = _propagated(twin, case.x, case, rules)
    _, reference = _answers(twin, case)
    values, absorbed = here.relevance, here.absorbed - reference
    if rules.first.additive:
        there = _propagated(twin, case.reference, case, rules)
        values = here.relevance - there.relevance
        absorbed = here.absorbed - there.absorbed
        basis = _propagated(twin, case.x, case, rules.proportional)
    return Relevance(
        values=values,
        parts=((basis.given, basis.slope, 1.0),),
        answer=here.answer,
        reference=reference,
        absorbed=absorbed,
        method="lrp",
    )


@dataclass(frozen=True, slots=True)
class _Passed:
    """One pass back: input less reference, relevance over it, relevance, answer, biases' share."""

    given: Array
    slope: Array
    relevance: Array
    answer: float
    absorbed: float


def _propagated(module: nn.Module, x: Tensor, case: Case, rules: Composite) -> _Passed:
    given = (x - case.reference).detach().clone().requires_grad_()
    tracer = torch.zeros_like(given, requires_grad=True)
    it = Propagation(module, rules)
    with torch.enable_grad(), it.watching(given, tracer):
        moved = bool((case.reference != 0).any())
        answer = module(given + case.reference if moved else given)
    leaves = [given, tracer, *it.biases]
    slopes = torch.autograd.grad(answer.sum(), leaves, allow_unused=True)
    slope, direct, *rest = slopes
    slope = torch.zeros_like(given) if slope is None else slope
    relevance = given.detach() * slope
    if direct is not None:
        relevance = relevance + direct
    absorbed = sum(
        float((bias.detach() * s).sum())
        for bias, s in zip(it.biases, rest, strict=True)
        if s is not None
    )
    return _Passed(
        given=_one(given),
        slope=_one(slope),
        relevance=_one(relevance),
        answer=float(answer.detach()[0]),
        absorbed=absorbed,
    )


def integrated_gradients(module: nn.Module, case: Case, *, steps: int = STEPS) -> Relevance:
    """Sundararajan, Taly & Yan, ICML (2017), by Captum: mean slope from the reference to x."""
    from captum.attr import IntegratedGradients

    module = frozen(module)
    batch = max(1, AT_ONCE // max(1, case.x.numel()))
    slope = IntegratedGradients(module, multiply_by_inputs=False).attribute(
        case.x, baselines=case.reference, n_steps=steps, internal_batch_size=min(batch, steps)
    )
    change = _one(case.x - case.reference)
    answer, reference = _answers(module, case)
    return Relevance(
        values=change * _one(slope),
        parts=((change, _one(slope), 1.0),),
        answer=answer,
        reference=reference,
        absorbed=0.0,
        method="integrated-gradients",
    )


def occlusion(module: nn.Module, case: Case, *, patches: int = PATCHES) -> Relevance:
    """Zeiler & Fergus, ECCV (2014), by Captum: how the answer falls without a part of the input.

    Parts are a twelfth of the clip in time for each channel, or of each side of pictures for the
    whole clip; each becomes the reference, and the fall is spread evenly over its numbers. Falls
    need not add up to the answer.
    """
    from captum.attr import Occlusion

    module = frozen(module)
    window = block_of(tuple(case.x.shape[1:]), case.axes, patches=patches)
    with torch.no_grad():
        fall = Occlusion(module).attribute(
            case.x, sliding_window_shapes=window, strides=window, baselines=case.reference
        )
    share = _one(fall) / _sizes(tuple(case.x.shape[1:]), window)
    answer, reference = _answers(module, case)
    return Relevance(
        values=share,
        parts=(),
        answer=answer,
        reference=reference,
        absorbed=0.0,
        method="occlusion",
    )


def block_of(shape: tuple[int, ...], axes: str, *, patches: int) -> tuple[int, ...]:
    """The shape of the blocks that an input is cut into, `patches` along time or along a side.

    Pictures (H in axes) are cut in space alone; anything else in time, for each channel by itself.
    """
    pictures = "H" in axes
    cut = "HW" if pictures else "T"
    whole = "TCL" if pictures else "L"
    return tuple(
        max(1, math.ceil(size / patches)) if name in cut else (size if name in whole else 1)
        for name, size in zip(axes, shape, strict=True)
    )


def _sizes(shape: tuple[int, ...], window: tuple[int, ...]) -> Array:
    """How many numbers the block around each number of the input has; the last may be smaller."""
    sizes = np.ones(shape)
    for axis, (length, wide) in enumerate(zip(shape, window, strict=True)):
        last = length % wide
        row = np.full(length, float(wide))
        if last:
            row[length - last :] = last
        sizes *= row.reshape([-1 if k == axis else 1 for k in range(len(shape))])
    return sizes


def frozen(module: nn.Module) -> nn.Module:
    """The module in evaluation mode, its parameters without derivatives."""
    return module.eval().requires_grad_(False)


def _answers(module: nn.Module, case: Case) -> tuple[float, float]:
    with torch.no_grad():
        return float(module(case.x)[0]), float(module(case.reference)[0])


def _one(values: Tensor) -> Array:
    return values.detach()[0].double().numpy()
