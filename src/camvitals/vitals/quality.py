"""From a posterior to a quality one can bet on, and an interval that holds.

Quality is the probability that a rate is right within RIGHT_BPM, fitted on made people so that of
the readings with quality 0.8, 80 % are right. Below THRESHOLD a reading is withheld.
"""

from __future__ import annotations

import numpy as np

from camvitals.records import Array

RIGHT_BPM = 5.0
THRESHOLD = 0.7
LEAST_HALF_BPM = 0.5


def log_odds(probability: float | Array) -> Array:
    """The natural log of p / (1 − p), kept within ±12."""
    p = np.clip(probability, 1e-6, 1 - 1e-6)
    return np.asarray(np.clip(np.log(p / (1 - p)), -12, 12))


def trust(features: Array, weights: list[float], *, share: float = 1.0) -> float:
    """Quality 0–1 of features (D,), with weights of a logistic model: bias first, then D.

    share: 0–1, by which the odds are multiplied.
    """
    score = weights[0] + float(np.dot(features, weights[1:])) + np.log(max(share, 1e-6))
    return float(1 / (1 + np.exp(-np.clip(score, -30, 30))))


def interval(rate: float, spread: float, weights: list[float]) -> tuple[float, float]:
    """95 % interval [bpm]: floor and factor of the posterior's spread, fitted on made people."""
    half = max(LEAST_HALF_BPM, weights[0] + weights[1] * spread)
    return max(0.0, rate - half), rate + half
