"""How well a pruned network is still connected: heat that spreads over the graph of its channels.

Subramaniam & Sharma (BMVC 2020) compare networks by exp(−tL), L the Laplacian of the undirected
graph of neurons. Here a node is a channel: of the input, or of what a layer gives. An edge joins a
channel that a layer takes with one that it gives; its weight is the share of the kernel between the
two that is kept, 1 where it is dense. What a skip of N2NSkip brings to a layer reaches the channels
that the layer takes.

Shape letters: V nodes, K eigenvalues.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from camvitals.records import InputError
from camvitals.train.prune.layers import TRANSPOSED
from camvitals.train.prune.skips import PART, skips_of
from camvitals.train.prune.wiring import Wiring, wiring

MOST_NODES = 6000
TIMES = (0.1, 1.0, 10.0)  # over the mean degree of the dense graph


@dataclass(frozen=True, slots=True)
class Connectivity:
    """A pruned network against the same when dense.

    nodes: V of the graph.   pieces: in which it falls apart, those of single nodes too.
    distance: time -> |exp(−tL) − exp(−tL_dense)| over |exp(−tL_dense)|, Frobenius; 0 is alike.
    trace: time -> trace of exp(−tL) over that of the dense: 1 is alike, more is worse connected.
    """

    nodes: int
    pieces: int
    distance: dict[float, float]
    trace: dict[float, float]


def connectivity(
    module: nn.Module, run: Callable[[], Tensor], *, times: Sequence[float] = TIMES
) -> Connectivity:
    """How a pruned network's channels are joined, beside those of the dense one.

    run: runs the network once and gives its result.   times: t, times the dense mean degree.
    Raises InputError for networks of more than MOST_NODES channels.
    """
    found = wiring(module, run)
    sparse, dense = (channel_graph(module, found, dense=dense) for dense in (False, True))
    mean = float(dense.sum() / len(dense))
    scaled = [time / max(mean, 1e-12) for time in times]
    one, other = heat(sparse, scaled), heat(dense, scaled)
    pairs = list(zip(times, one, other, strict=True))
    return Connectivity(
        nodes=len(dense),
        pieces=pieces(sparse),
        distance={t: float((a - b).norm() / b.norm()) for t, a, b in pairs},
        trace={t: float(a.trace() / b.trace()) for t, a, b in pairs},
    )


def heat(adjacency: Tensor, times: Sequence[float]) -> list[Tensor]:
    """exp(−tL) (V, V) of a weighted undirected graph (V, V), at each time; L = D − A."""
    laplacian = torch.diag(adjacency.sum(dim=1)) - adjacency
    values, vectors = torch.linalg.eigh(laplacian)
    return [(vectors * torch.exp(-time * values)) @ vectors.T for time in times]


def pieces(adjacency: Tensor) -> int:
    """Connected parts of a graph."""
    left, count = set(range(len(adjacency))), 0
    joined = [row.nonzero().flatten().tolist() for row in adjacency]
    while left:
        count += 1
        frontier = [left.pop()]
        while frontier:
            for other in joined[frontier.pop()]:
                if other in left:
                    left.discard(other)
                    frontier.append(other)
    return count


def channel_graph(module: nn.Module, found: Wiring, *, dense: bool = False) -> Tensor:
    """(V, V) float64 adjacency of a network's channels.

    dense: as it would be without masks, and without skips.
    """
    own = [place for place, name in enumerate(found.layers) if not name.startswith(f"{PART}.")]
    first = next((found.taken[place] for place in own if not found.sources[place]), 0)
    begins, nodes = {}, first
    for place in own:
        begins[place] = nodes
        nodes += found.given[place]
    if nodes > MOST_NODES:
        raise InputError(
            f"the network has {nodes} channels but heat is followed over {MOST_NODES} at most; "
            "give a part of it"
        )
    graph = torch.zeros(nodes, nodes, dtype=torch.float64)
    parts = dict(module.named_modules())
    readers = {}
    for place in own:
        feeding = [p for p in found.sources[place] if p in begins]
        readers[place] = _nodes_of(found, feeding, begins, found.taken[place], first)
        share = _share(parts[found.layers[place]], dense=dense)
        _join(graph, readers[place], begins[place], share)
    if not dense:
        numbers = {name: place for place, name in enumerate(found.layers)}
        for number, (source, target) in enumerate(skips_of(module)):
            share = _share(parts[f"{PART}.convs.{number}"], dense=False)
            start, taking = begins[numbers[source]], readers[numbers[target]]
            for channel, kept in enumerate(share):  # to the nodes that the target takes from
                for node in taking[channel]:
                    graph[node, start : start + len(kept)] += kept
                    graph[start : start + len(kept), node] += kept
    return graph.fill_diagonal_(0)


def _nodes_of(
    found: Wiring, feeding: Sequence[int], begins: dict[int, int], taken: int, first: int
) -> list[list[int]]:
    """For each channel that a layer takes, the nodes that it comes from."""
    groups = [list(range(begins[p], begins[p] + found.given[p])) for p in feeding]
    groups = groups or [list(range(first))]
    alike = [group for group in groups if len(group) == taken]
    if alike:  # one source, or several that are added
        return [list(channels) for channels in zip(*alike, strict=True)]
    row = [node for group in groups for node in group]
    if row and taken % len(row) == 0:  # side by side; or places of a channel in a row
        return [[row[channel // (taken // len(row))]] for channel in range(taken)]
    return [row for _ in range(taken)]  # mixed in a way that is not followed: by all


def _share(layer: nn.Module, *, dense: bool) -> Tensor:
    """(given, taken) the share of the kernel between two channels that is not 0."""
    weight: Tensor = layer.weight.detach()  # type: ignore[operator]
    kept = torch.ones_like(weight) if dense else weight.ne(0)
    share = kept.double().flatten(2).mean(dim=2) if weight.dim() > 2 else kept.double()
    return share.T if isinstance(layer, TRANSPOSED) else share


def _join(graph: Tensor, taking: list[list[int]], begin: int, share: Tensor) -> None:
    """Edges of one layer; of grouped ones between the channels of a group."""
    given, inner = share.shape
    groups = max(1, len(taking) // inner)
    for out in range(given):
        base = out // max(1, given // groups) * inner
        for channel in range(inner):
            kept = float(share[out, channel])
            if kept:
                for node in taking[base + channel]:
                    graph[begin + out, node] += kept
                    graph[node, begin + out] += kept
