"""Fit the odds that a variability is right (vitals.variability.TIME_ODDS, BAND_ODDS).

Run it with: python recipes/variability_quality.py [people]; prints, writes nothing.

Made traces of 40–200 s through the same steps as `measure`. Right is within 25 % of what the R
peaks of the same span give, or within 10 ms or, for pNN50, 10 %. Only readings that are long enough
and that noise does not make up are counted, as the others are withheld whatever the odds. Even
seeds fit, odd ones check.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from beat_quality import calibration
from heart_model import logistic

from camvitals import Settings, Source, measure_trace
from camvitals.data.synthetic.scenario import Scenario, draw
from camvitals.data.synthetic.traces import made_trace
from camvitals.records import Array, Reading
from camvitals.vitals import variability as judged
from camvitals.vitals.beats import Beats
from camvitals.vitals.quality import THRESHOLD, log_odds

COUNT, FIRST_SEED = 1200, 3_200_000
NEAR = 0.25
NEAR_BY_UNIT = {"ms": 10.0, "%": 10.0}
ROW = tuple[str, float, bool]


def scenario_of(seed: int) -> Scenario:
    """Somebody whose beats can be told more or less well."""
    rng = np.random.default_rng([seed, 6])
    return draw(
        seed,
        duration=round(float(rng.uniform(40, 200)), 1),
        rate=float(rng.choice([15.0, 25.0, 30.0, 60.0], p=[0.2, 0.2, 0.5, 0.1])),
        pulse=round(float(np.exp(rng.uniform(np.log(0.7), np.log(4)))), 2),
    )


def true_readings(peaks: Array, span: tuple[float, float]) -> dict[str, Reading]:
    """What beats known without doubt give over a span [s]."""
    time = peaks[(peaks >= span[0]) & (peaks <= span[1])]
    zero = np.zeros(len(time), dtype=int)
    known = Beats(time, np.ones(len(time)), zero, np.zeros(len(time)), 0, span)
    return {reading.name: reading for reading in judged.variability(known)}


def judged_readings(seed: int) -> list[ROW]:
    """Name, log odds of the share of trustworthy variance, and whether right: of one recording."""
    shares: dict[str, float] = {}
    original = judged._unsure

    def noting(name: str, clean: judged._Clean, share: float, quality: float) -> str:
        shares[name] = float(log_odds(clean.quality * (1 - clean.bad) * (1 - share)))
        return original(name, clean, share, max(quality, THRESHOLD))

    trace, truth = made_trace(scenario_of(seed))
    judged._unsure = noting
    try:
        report = measure_trace(trace, source=Source("made"), settings=Settings())
    finally:
        judged._unsure = original
    rows = []
    for name, share in shares.items():
        found = report.reading(name)
        true = true_readings(truth.beats, found.span)[name]
        if found.value is not None and true.value is not None:
            near = max(NEAR * true.value, NEAR_BY_UNIT.get(found.unit, 0.0))
            rows.append((name, share, abs(found.value - true.value) <= near))
    return rows


def show(rows: list[ROW], odds: tuple[float, float], title: str) -> None:
    """Brier score, calibration error and table of a pair of odds on rows that were not fitted."""
    share, right = np.array([row[1] for row in rows]), np.array([row[2] for row in rows], float)
    chance = 1 / (1 + np.exp(-(odds[0] + odds[1] * share)))
    given = chance >= THRESHOLD
    bins = np.minimum((chance * 10).astype(int), 9)
    off = [abs(chance[bins == k].sum() - right[bins == k].sum()) for k in range(10)]
    print(
        f"{title} {odds}: Brier {((chance - right) ** 2).mean():.4f}, off by "
        f"{100 * sum(off) / len(rows):.1f} points; {given.mean():.0%} given, of them "
        f"{right[given].mean():.1%} right"
    )
    if table := calibration(chance, right):
        print(table)


def main() -> None:
    """Fit on one half, check on the other."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    seeds = range(FIRST_SEED, FIRST_SEED + count)
    with ProcessPoolExecutor() as pool:
        made = list(pool.map(judged_readings, seeds, chunksize=4))
    for constant, names in (
        ("TIME_ODDS", set(judged.TIME)),
        ("BAND_ODDS", set(judged.NAMES) - set(judged.TIME)),
    ):
        fitted, unseen = (
            [row for rows in made[half::2] for row in rows if row[0] in names] for half in (0, 1)
        )
        right = np.array([row[2] for row in fitted], dtype=float)
        weights = logistic(np.array([[row[1]] for row in fitted]), right)
        odds = (round(weights[0], 2), round(weights[1], 2))
        print(f"{len(fitted)} readings, {right.mean():.0%} right; {constant} = {odds}")
        for title, pair in (("fitted", odds), ("in the package", getattr(judged, constant))):
            show(unseen, pair, title)
        for name in sorted(names):
            known = [row[2] for row in unseen if row[0] == name]
            print(f"  {name}: {np.mean(known) if known else np.nan:.0%} right, of {len(known)}")


if __name__ == "__main__":
    main()
