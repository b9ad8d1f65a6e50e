import numpy as np
import pytest

from camvitals.vitals.posterior import HeartModel, heart_model
from camvitals.vitals.posterior import posterior as posterior_of
from camvitals.waves.evidence import FACTS, RATES_BPM, Evidence

ONE_FACT = HeartModel(
    mean=np.zeros(len(FACTS)),
    scale=np.ones(len(FACTS)),
    hidden=np.eye(len(FACTS))[:, :1],
    hidden_bias=np.zeros(1),
    out=np.full(1, 8.0),
    null=0.0,
    trust={},
    about="tanh of the first fact, times 8",
)


def evidence(support: np.ndarray) -> Evidence:
    facts = np.zeros((*support.shape, len(FACTS)))
    facts[..., 0] = support
    none = np.zeros((*support.shape, 1))
    return Evidence(facts, none, none[..., 0], none[..., 0], np.arange(len(support)) + 5.0, 10.0)


def posterior(evidence: Evidence, model: HeartModel) -> np.ndarray:
    return posterior_of(model.log_odds(evidence.facts), evidence)


def bump(bpm: float, height: float = 3.0) -> np.ndarray:
    return -height + 2 * height * np.exp(-0.5 * ((RATES_BPM - bpm) / 2) ** 2)


def test_probabilities_sum_to_one() -> None:
    found = posterior(evidence(np.stack([bump(72)] * 4)), ONE_FACT)
    assert found.shape == (4, len(RATES_BPM) + 1)
    assert found.sum(axis=1) == pytest.approx(1)


def test_a_window_that_disagrees_is_overruled_by_its_neighbours() -> None:
    support = np.stack([bump(72)] * 9)
    support[4] = bump(150)
    found = posterior(evidence(support), ONE_FACT)
    assert np.abs(RATES_BPM[found[:, :-1].argmax(axis=1)] - 72).max() <= 2


def test_a_rate_that_moves_slowly_is_followed() -> None:
    rates = np.linspace(70, 100, 31)
    found = posterior(evidence(np.stack([bump(r) for r in rates])), ONE_FACT)
    assert np.abs(RATES_BPM[found[:, :-1].argmax(axis=1)] - rates).max() <= 3


def test_no_support_means_no_pulse() -> None:
    found = posterior(evidence(np.full((9, len(RATES_BPM)), -1.0)), ONE_FACT)
    assert found[:, -1].min() > 0.95


def test_support_that_wanders_means_no_pulse() -> None:
    rng = np.random.default_rng(0)
    support = np.stack([bump(r, 1.0) for r in rng.uniform(45, 200, 25)])
    steady = np.stack([bump(72, 1.0)] * 25)
    assert posterior(evidence(support), ONE_FACT)[:, -1].mean() > 0.5
    assert posterior(evidence(steady), ONE_FACT)[:, -1].mean() < 0.05


def test_the_model_that_ships_fits_the_facts() -> None:
    model = heart_model()
    assert model.hidden.shape[0] == len(FACTS)
    assert set(model.trust) == {"window", "window_interval", "whole", "whole_interval"}
