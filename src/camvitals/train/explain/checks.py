"""Checks of an explanation that can fail.

A picture of relevance proves nothing: one that is the same for any network, or points anywhere,
looks as good. Each check here refuses some such pictures (Adebayo et al., NeurIPS 2018, for
randomised weights; Samek et al., IEEE TNNLS 2017, for deletion and insertion).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from camvitals.records import Array
from camvitals.train.explain.attribute import Case, Explainer, Relevance, block_of, frozen

CLOSED = {"lrp": 1e-5, "integrated-gradients": 0.05}  # share of the answer that may be missing
CLOSED_FLOAT32 = 1e-2
UNLIKE = 0.5  # rank correlation below which a map counts as another
STAGES = 3  # of the cascade in which weights are randomised
REDRAWN = 5  # times that they are
RANDOM_ORDERS = 10
BLOCKS = 8  # into which an input is cut along time, or along a side
STEPS = 16  # in which they are taken away


@dataclass(frozen=True, slots=True)
class Check:
    """The outcome of one check. passed: None where it does not apply.   said: one sentence."""

    name: str
    passed: bool | None
    value: float
    bound: float
    said: str
    curve: tuple[tuple[float, ...], ...] = ()


def conservation(found: Relevance, *, single: bool = False) -> Check:
    """Relevance and what biases took add up to f(x) − f(reference).

    single: computed in single precision.
    """
    bound = CLOSED.get(found.method)
    missing = abs(found.missing) / max(abs(found.expected), 1e-30)
    if bound is None:
        said = f"{found.method} promises no sum; {1 - missing:.0%} of the answer adds up"
        return Check("conservation", None, missing, math.nan, said)
    bound = max(bound, CLOSED_FLOAT32) if single else bound
    biases = abs(found.absorbed) / max(abs(found.expected), 1e-30)
    said = f"{missing:.1e} of the answer is missing; biases and constants took {biases:.1%}"
    return Check("conservation", missing <= bound, missing, bound, said)


def conservation_without_biases(module: nn.Module, case: Case, explain: Explainer) -> Check:
    """The same with every bias of the network at zero and from a reference of zero."""
    twin = copy.deepcopy(module)
    with torch.no_grad():
        for name, tensor in [*twin.named_parameters(), *twin.named_buffers()]:
            if name.endswith(("bias", "running_mean")):
                tensor.zero_()
    found = explain(twin, Case(case.x, torch.zeros_like(case.reference), case.axes))
    check = conservation(found, single=case.x.dtype != torch.float64)
    return Check("conservation without biases", check.passed, check.value, check.bound, check.said)


def randomisation(
    module: nn.Module, case: Case, explain: Explainer, *, seed: int = 0, draws: int = REDRAWN
) -> Check:
    """Weights at random, from the output to the input, make another map.

    The value is the rank correlation of the maps, with their signs, once all weights are random,
    as the mean of some draws: a pulse in all of the input lets one draw be alike, or opposite, by
    chance. A map that does not change, or has no variation, keeps 1. The curve is that of the
    first draw from stage to stage.
    """
    first = explain(module, case).values.ravel()
    curve, ends = [1.0], []
    for draw in range(draws):
        twins = list(_cascade(module, STAGES, seed + draw))
        for twin in twins if draw == 0 else twins[-1:]:
            alike = rank_correlation(first, explain(twin, case).values.ravel())
            if draw == 0:
                curve.append(alike)
        ends.append(alike)
    value = abs(float(np.mean(ends)))
    said = f"rank correlation with maps of random weights is {np.mean(ends):.2f}, mean of {draws}"
    return Check("randomised weights", value < UNLIKE, value, UNLIKE, said, (tuple(curve),))


def _cascade(module: nn.Module, stages: int, seed: int) -> Iterator[nn.Module]:
    twin = copy.deepcopy(module)
    draws = torch.Generator().manual_seed(seed)
    weights = [p for p in twin.parameters() if p.numel() > 1][::-1]
    for at in range(stages):
        part = weights[at * len(weights) // stages : (at + 1) * len(weights) // stages]
        with torch.no_grad():
            for weight in part:
                noise = torch.randn(weight.shape, generator=draws, dtype=torch.float64)
                weight.copy_(noise * float(weight.std(correction=0)) + float(weight.mean()))
        yield copy.deepcopy(twin)


def rank_correlation(a: Array, b: Array) -> float:
    """Spearman's, ties at their middle rank; 1 where either has no variation at all."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 1.0
    return float(np.corrcoef(_ranks(a), _ranks(b))[0, 1])


def _ranks(values: Array) -> Array:
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return np.asarray((last - (count - 1) / 2)[place])


def deletion(
    module: nn.Module, case: Case, found: Relevance, *, seed: int = 0, draws: int = RANDOM_ORDERS
) -> Check:
    """Taking away what is most relevant first changes the answer faster than any random order."""
    return _order(module, case, found, insert=False, seed=seed, draws=draws)


def insertion(
    module: nn.Module, case: Case, found: Relevance, *, seed: int = 0, draws: int = RANDOM_ORDERS
) -> Check:
    """Giving what is most relevant first brings the answer back faster than any random order."""
    return _order(module, case, found, insert=True, seed=seed, draws=draws)


def _order(
    module: nn.Module, case: Case, found: Relevance, *, insert: bool, seed: int, draws: int
) -> Check:
    blocks = blocks_of(tuple(case.x.shape[1:]), case.axes)
    count = int(blocks.max()) + 1
    sign = 1.0 if found.expected >= 0 else -1.0
    sums = sign * np.bincount(blocks.ravel(), found.values.ravel(), minlength=count)
    sizes = np.bincount(blocks.ravel(), minlength=count)
    rng = np.random.default_rng(seed)
    name = "insertion" if insert else "deletion"
    if np.ptp(sums / sizes) <= 1e-9 * np.abs(sums / sizes).max():
        return Check(name, False, math.nan, math.nan, "the map is even: it gives no order")
    curve_of = _curves(module, case, found, blocks, insert=insert)
    shuffled = rng.permutation(count)  # ties in no order of their own
    own = curve_of(shuffled[np.argsort(-sums[shuffled], kind="stable")])
    others = [curve_of(rng.permutation(count)) for _ in range(draws)]
    areas = [float(np.mean(curve)) for curve in others]
    value = float(np.mean(own))
    bound = max(areas) if insert else min(areas)
    passed = value > bound if insert else value < bound
    side = "highest" if insert else "lowest"
    said = f"area {value:.2f}; {side} of {draws} random orders {bound:.2f}"
    mean = tuple(float(v) for v in np.mean(others, axis=0))
    return Check(name, bool(passed), value, bound, said, (tuple(own), mean))


def blocks_of(shape: tuple[int, ...], axes: str) -> Array:
    """The number of the block that each number of an input is in."""
    window = block_of(shape, axes, patches=BLOCKS)
    index = np.zeros(shape, dtype=int)
    for axis, (length, wide) in enumerate(zip(shape, window, strict=True)):
        place = np.arange(length) // wide
        index = index * (place[-1] + 1) + place.reshape(
            [-1 if k == axis else 1 for k in range(len(shape))]
        )
    return index


def _curves(
    module: nn.Module, case: Case, found: Relevance, blocks: Array, *, insert: bool
) -> Callable[[Array], list[float]]:
    """Order -> share of the answer that is left after each of the steps, the ends included."""
    module = frozen(module)
    start, end = (case.reference, case.x) if insert else (case.x, case.reference)
    expected = found.expected or 1e-30

    def curve(order: Array) -> list[float]:
        rank = np.argsort(order)[blocks]
        shares = []
        for step in range(STEPS + 1):
            moved = torch.from_numpy(rank < step * len(order) / STEPS)[None]
            with torch.no_grad():
                answer = float(module(torch.where(moved, end, start))[0])
            shares.append((answer - found.reference) / expected)
        return shares

    return curve
