"""Which heart rate, and how sure: evidence of sliding windows joined by a hidden Markov model.

States are the heart rates of waves.evidence.RATES_BPM and one more, "no pulse". A small network,
fitted on made people by recipes/heart_model.py, turns the facts of one window into log odds of each
rate against "no pulse"; neighbouring windows support one another because a heart changes its rate
slowly. Shape letters: M windows, F rates, D facts, H hidden units.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from camvitals.records import Array
from camvitals.waves.evidence import FACTS, RATES_BPM, Evidence

DRIFT_BPM = 1.5
AT_ONCE = 16  # windows, which bounds the memory
JUMP, VANISH = 1e-3, 0.01


@dataclass(frozen=True, slots=True)
class HeartModel:
    """Log odds of a rate from its facts: a two-layer network, and the calibration of its answer.

    mean, scale: (D,); hidden: (D, H); hidden_bias, out: (H,); null: log odds of no pulse.
    trust: weights of quality, see vitals.quality.   about: how and on what it was fitted.
    """

    mean: Array
    scale: Array
    hidden: Array
    hidden_bias: Array
    out: Array
    null: float
    trust: dict[str, list[float]]
    about: str

    def log_odds(self, facts: Array) -> Array:
        """(M, F) log odds of every rate against no pulse, from (M, F, D) facts."""
        odds = np.empty(facts.shape[:2])
        for at in range(0, len(facts), AT_ONCE):
            scaled = (facts[at : at + AT_ONCE] - self.mean) / self.scale
            hidden = np.tanh(scaled @ self.hidden + self.hidden_bias)
            odds[at : at + AT_ONCE] = hidden @ self.out - self.null
        return odds


@cache
def heart_model() -> HeartModel:
    """The model that ships with the package."""
    text = resources.files("camvitals.vitals").joinpath("heart_model.json").read_text()
    fields: dict[str, Any] = json.loads(text)
    if tuple(fields.pop("facts")) != FACTS:
        raise RuntimeError("heart_model.json was fitted on other facts; run recipes/heart_model.py")
    for name in ("mean", "scale", "hidden", "hidden_bias", "out"):
        fields[name] = np.asarray(fields[name], dtype=np.float32)
    return HeartModel(**fields)


def posterior(odds: Array, evidence: Evidence) -> Array:
    """(M, F + 1) probability of each rate in each window; the last column is "no pulse".

    odds: (M, F) log odds of each rate against no pulse.
    Overlapping windows share samples, so each counts only for its own share of new ones.
    """
    likelihood = np.concatenate([odds, np.zeros((len(odds), 1))], axis=1)
    likelihood *= share_of_window(evidence)
    likelihood = np.exp(likelihood - likelihood.max(axis=1, keepdims=True))
    return _forward_backward(likelihood, _transition())


def share_of_window(evidence: Evidence) -> float:
    """The part of a window's samples that is its own, 1 where windows do not overlap."""
    span = evidence.centre[-1] - evidence.centre[0] + evidence.length
    return float(min(1.0, span / (evidence.length * len(evidence.centre))))


@cache
def _transition() -> Array:
    """(F + 1, F + 1) chance to pass from one rate to another within one hop."""
    distance = np.abs(RATES_BPM[:, None] - RATES_BPM[None])
    kernel = np.exp(-distance / DRIFT_BPM)
    kernel /= kernel.sum(axis=1, keepdims=True)
    count = len(RATES_BPM)
    full = np.zeros((count + 1, count + 1))
    full[:-1, :-1] = (1 - VANISH) * ((1 - JUMP) * kernel + JUMP / count)
    full[:-1, -1] = VANISH
    full[-1, :-1] = VANISH / count
    full[-1, -1] = 1 - VANISH
    return full


def _forward_backward(likelihood: Array, transition: Array) -> Array:
    count, states = likelihood.shape
    prior = np.full(states, 0.5 / (states - 1))
    prior[-1] = 0.5
    forward, backward = np.empty_like(likelihood), np.ones_like(likelihood)
    belief = prior
    for m in range(count):
        belief = (belief if m == 0 else belief @ transition) * likelihood[m]
        belief = belief / belief.sum()
        forward[m] = belief
    for m in range(count - 2, -1, -1):
        message = transition @ (likelihood[m + 1] * backward[m + 1])
        backward[m] = message / message.sum()
    joint = forward * backward
    return np.asarray(joint / joint.sum(axis=1, keepdims=True))
