import numpy as np
import pytest

from camvitals.records import Array
from camvitals.waves.evidence import FACTS, RATES_BPM, Candidates, Evidence, weigh

RATE = 30.0


def candidates(
    columns: Array, *, motion: Array | None = None, place: Array | None = None
) -> Candidates:
    count = len(columns)
    still = np.zeros((count, 2))
    return Candidates(
        values=columns,
        method=np.repeat([0, 1], columns.shape[1] // 2),
        colour=np.zeros((count, 6)),
        motion=still if motion is None else motion,
        place=still[:, :0] if place is None else place,
        background=np.zeros((count, 0)),
        guide=np.zeros((count, 0)),
        time=np.arange(count) / RATE,
        rate=RATE,
    )


def sine(bpm: float, seconds: float = 20.0) -> Array:
    return np.sin(2 * np.pi * bpm / 60 * np.arange(round(seconds * RATE)) / RATE)


def best(evidence: Evidence, fact: str) -> Array:
    return RATES_BPM[evidence.facts[..., FACTS.index(fact)].argmax(axis=1)]


def test_every_fact_has_its_column_for_every_window_and_rate() -> None:
    found = weigh(candidates(np.tile(sine(72)[:, None], (1, 4))))
    assert found.facts.shape == (len(found.centre), len(RATES_BPM), len(FACTS))
    assert np.isfinite(found.facts).all()
    assert len(set(FACTS)) == len(FACTS)


@pytest.mark.parametrize("bpm", [48, 72, 133, 190])
def test_shared_power_stands_at_the_rate(bpm: float) -> None:
    rng = np.random.default_rng(0)
    noisy = sine(bpm)[:, None] + rng.standard_normal((600, 4))
    found = weigh(candidates(noisy))
    for fact in ("mean_log", "log_mean", "least_method", "agreement"):
        assert np.abs(best(found, fact) - bpm).max() <= 2, fact


def test_one_candidate_alone_does_not_carry_the_geometric_mean() -> None:
    rng = np.random.default_rng(0)
    columns = sine(72)[:, None] + 0.5 * rng.standard_normal((600, 4))
    columns[:, 0] = 30 * sine(150)
    assert np.abs(best(weigh(candidates(columns)), "mean_log") - 72).max() <= 2


def test_motion_is_seen_at_its_own_rate_and_at_double() -> None:
    motion = np.column_stack([0.05 * sine(60), np.zeros(600)])
    found = weigh(candidates(np.tile(sine(90)[:, None], (1, 4)), motion=motion))
    assert np.abs(best(found, "motion") - 60).max() <= 1
    assert np.abs(best(found, "motion_half") - 120).max() <= 2


def test_what_goes_with_the_place_is_explained() -> None:
    columns = np.tile((sine(80) + 2 * sine(126))[:, None], (1, 4))
    found = weigh(candidates(columns, place=0.05 * sine(126)[:, None]))
    pulse, sway = (int(np.argmin(np.abs(RATES_BPM - bpm))) for bpm in (80, 126))
    assert found.explained[:, pulse].max() == 0
    assert found.explained[:, sway].min() > 0.9
    assert found.swing[:, sway] == pytest.approx(0.05, rel=0.05)
    assert found.swing[:, pulse].max() < 0.005
    assert not weigh(candidates(columns)).explained.any()


def test_opposite_phases_are_not_coherent() -> None:
    together = weigh(candidates(np.tile(sine(72)[:, None], (1, 4))))
    against = weigh(candidates(sine(72)[:, None] * np.array([1, -1, 1, -1])))
    at = int(np.argmin(np.abs(RATES_BPM - 72)))
    column = FACTS.index("coherence")
    assert together.facts[0, at, column] > 0.99
    assert against.facts[0, at, column] < 0.01


def test_a_stretch_shorter_than_a_window_is_one_window() -> None:
    found = weigh(candidates(np.tile(sine(72, 6.0)[:, None], (1, 4))))
    assert len(found.centre) == 1
    assert found.length == pytest.approx(6.0 - 1 / RATE)


def test_the_last_samples_are_in_a_window() -> None:
    found = weigh(candidates(np.tile(sine(72, 20.9)[:, None], (1, 4))))
    assert found.centre[-1] + found.length / 2 == pytest.approx(20.9, abs=2 / RATE)
