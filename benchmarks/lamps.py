"""Lamps whose flicker aliases into the heart's band: told and right, before and after the mend.

    python benchmarks/lamps.py [--people N]

Made people whom no fit has seen, as traces of colour at frame rates that fold the flicker of 50 or
60 Hz mains into 40–220 bpm: half of them under such lamps, half in daylight at the same rates; and
hearts that beat at just the rate of the flicker. Prints a table; `docs/vitals.md` has it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from unittest import mock

import numpy as np

from camvitals.data.synthetic.scenario import Scenario, draw
from camvitals.data.synthetic.traces import made_trace
from camvitals.pipeline import Settings, heart_steps
from camvitals.records import Array, Source, Trace
from camvitals.steps import finish
from camvitals.vitals.quality import RIGHT_BPM
from camvitals.waves.lamps import folded

SEED = 9_850_000
SECONDS = 32.0
RATES = (
    *((61.0, 60), (59.0, 60), (30.5, 60), (17.0, 60), (40.5, 60), (29.6, 60)),
    *((24.5, 50), (25.4, 50), (33.0, 50), (49.0, 50), (20.5, 50), (51.5, 50)),
)
SETS = ("lamp", "daylight", "daylight, heart at the flicker's rate", "lamp, heart at its rate")


def scenario(index: int, kind: str) -> Scenario:
    """The person of this number in one of SETS."""
    seed = SEED + 1000 * SETS.index(kind) + index
    rng = np.random.default_rng([seed, 71])
    rate, mains = RATES[index % len(RATES)]
    heart = float(rng.uniform(50, 150))
    if "heart" in kind:
        heart = 60 * folded(2 * mains, rate)
    sdnn = float(np.exp(rng.uniform(np.log(8), np.log(50))))
    return draw(
        seed,
        duration=SECONDS,
        rate=rate,
        mains=mains,
        light=kind.split(",", maxsplit=1)[0],
        heart_rate=round(heart, 2),
        heart_rate_slope=0.0,
        sdnn=round(min(sdnn, 0.1 * 60e3 / heart), 2),
        size=(780, 580),
        codec="h264",
        crf=23,
    )


def told(trace: Trace) -> float:
    """The heart rate [bpm] of a trace, NaN where it is withheld."""
    reading = finish(heart_steps(trace, source=Source("made"), settings=Settings()))[0]
    return np.nan if reading.value is None else reading.value


def answers(kind: str, people: int) -> Iterator[tuple[float, float, float]]:
    """True rate, and the one told without and with the lamps taken out, of each person [bpm]."""
    for index in range(people):
        trace, truth = made_trace(scenario(index, kind))
        with mock.patch("camvitals.waves.auto.without_lamps", lambda seen: (seen, ())):
            before = told(trace)
        yield truth.rate_between(0.0, SECONDS), before, told(trace)


def share(hit_N: Array) -> str:
    """A share in %, with its 95 % interval by drawing people again."""
    drawn = np.random.default_rng(0).integers(0, len(hit_N), (2000, len(hit_N)))
    low, high = np.quantile(hit_N[drawn].mean(axis=1), (0.025, 0.975))
    return f"{100 * hit_N.mean():.0f} [{100 * low:.0f}–{100 * high:.0f}]"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=36, help="of each set")
    people = parser.parse_args().people
    print("| made people | lamps | told, % | right within 5 bpm, % | told and wrong | n |")
    print("|---|---|---:|---:|---:|---:|")
    for kind in SETS:
        found = np.array(list(answers(kind, people)))
        for column, name in ((1, "as they are"), (2, "taken out")):
            given = np.isfinite(found[:, column])
            right = np.abs(found[:, column] - found[:, 0]) <= RIGHT_BPM
            wrong = int((given & ~right).sum())
            cells = (kind, name, share(given), share(right), wrong, people)
            print("| " + " | ".join(map(str, cells)) + " |", flush=True)


if __name__ == "__main__":
    main()
