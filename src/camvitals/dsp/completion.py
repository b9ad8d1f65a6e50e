"""Low-rank matrix completion that chooses which entries to believe. T samples, R rows of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from camvitals.records import Array


@dataclass(frozen=True, slots=True)
class Completion:
    """low_rank (T, R); trusted (T, R) True where the entry was believed; rank of low_rank."""

    low_rank: Array
    trusted: Array
    rank: int


def complete(
    values_TR: Array, *, shrink: float = 0.1, share: float = 0.7, steps: int = 50
) -> Completion:
    """Self-adaptive matrix completion (after Tulyakov et al., 2016).

    values_TR: (T, R) signals of R regions of one scale, finite.
    shrink: singular-value threshold as a share of the largest one of the values.
    share:  part of all entries that is believed, those nearest the low-rank matrix, 0–1.
    Alternates minimising ν‖E‖_* + ½‖M∘(E − C)‖² over E (soft-thresholded singular values) and over
    the mask M. The paper's ν, prior and bound on the mask were not available: shrink and share
    are our choice, and so are two steps without which early errors lock in: the share falls
    gradually to its value, and the size lost to shrinking is given back when distances are taken.
    """
    given = np.asarray(values_TR, dtype=float)
    believed = np.ones(given.shape, dtype=bool)
    estimate, rank = given, 0
    threshold = shrink * float(np.linalg.norm(given, 2))
    for k in range(1, steps + 1):
        estimate, rank = _shrunk(np.where(believed, given, estimate), threshold)
        power = max(float((estimate**2)[believed].sum()), 1e-300)
        distance = np.abs(estimate * ((estimate * given)[believed].sum() / power) - given)
        part = 1 - (1 - share) * min(1.0, k / (0.8 * steps))
        believed = distance <= np.quantile(distance, part)
    return Completion(estimate, believed, rank)


def _shrunk(values: Array, threshold: float) -> tuple[Array, int]:
    left, size, right = np.linalg.svd(values, full_matrices=False)
    size = np.maximum(size - threshold, 0)
    return np.asarray((left * size) @ right), int((size > 0).sum())
