"""Fit the odds that a breathing rate is right (vitals.breath.WEIGHTS) on made people; prints them.

Run it with: python recipes/breath_quality.py

Made traces of 22–90 s through the same steps as `measure`. A quarter of the people breathe 45 times
a minute, faster than can be told, so that every rate found there is wrong. Right is within
NEAR_HZ. Even seeds fit, odd ones check.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor

import numpy as np
from beat_quality import calibration
from heart_model import logistic

from camvitals import Settings, Source, measure_trace
from camvitals.data.synthetic.scenario import Scenario, draw
from camvitals.data.synthetic.traces import made_trace
from camvitals.records import Array
from camvitals.vitals import breath

COUNT, FIRST_SEED = 1200, 3_100_000
UNTOLD_PER_MIN = 45.0


def scenario_of(seed: int) -> Scenario:
    """Somebody who breathes, four to forty times a minute, or faster than can be told."""
    rng = np.random.default_rng([seed, 5])
    rate = UNTOLD_PER_MIN if rng.random() < 0.25 else round(float(rng.uniform(5, 36)), 2)
    return draw(
        seed,
        duration=round(float(rng.uniform(22, 90)), 1),
        rate=float(rng.choice([15.0, 25.0, 30.0])),
        breath_rate=rate,
        pulse=round(float(np.exp(rng.uniform(np.log(0.5), np.log(2)))), 2),
    )


def judged_windows(seed: int) -> tuple[Array, Array]:
    """(W, 5) facts of the windows of one recording, and (W,) whether the rate of each is right."""
    kept: list[breath._Window] = []
    original = breath._reading

    def noting(windows: list[breath._Window], *given: object) -> object:
        kept.extend(windows)
        return original(windows, *given)  # type: ignore[arg-type]

    scenario = scenario_of(seed)
    trace, truth = made_trace(scenario)
    breath._reading = noting  # type: ignore[assignment]
    try:
        report = measure_trace(trace, source=Source("made"), settings=Settings())
    finally:
        breath._reading = original
    if not kept or report.readings[0].value is None:
        return np.zeros((0, 5)), np.zeros(0)
    told = scenario.breath_rate < UNTOLD_PER_MIN
    near = [told and abs(w.rate - truth.breath_rate / 60) <= breath.NEAR_HZ for w in kept]
    return np.array([w.facts for w in kept]), np.array(near, dtype=float)


def main() -> None:
    """Fit on one half, check on the other."""
    with ProcessPoolExecutor() as pool:
        made = list(pool.map(judged_windows, range(FIRST_SEED, FIRST_SEED + COUNT), chunksize=20))
    facts, right = (np.concatenate([m[k] for m in made[::2]]) for k in (0, 1))
    weights = np.array(logistic(facts, right))
    unseen, truly = (np.concatenate([m[k] for m in made[1::2]]) for k in (0, 1))
    print(f"{len(facts)} windows, {right.mean():.0%} right; WEIGHTS = {np.round(weights, 2)}")
    for name, w in (("fitted", weights), ("in the package", breath.WEIGHTS)):
        chance = 1 / (1 + np.exp(-(unseen @ w[1:] + w[0])))
        score = ((chance - truly) ** 2).mean()
        print(f"{name}: Brier score {score:.4f} on {len(unseen)} windows not fitted")
        print(calibration(chance, truly))


if __name__ == "__main__":
    main()
