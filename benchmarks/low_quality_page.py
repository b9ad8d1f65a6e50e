"""The page of `low_quality.py`. Run: python benchmarks/low_quality_page.py FOLDER > README.md."""

from __future__ import annotations

import sys
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from low_quality import AS_IS, LEVELS, stored
from low_quality_prose import AFTER, BEFORE

Array = np.ndarray
RIGHT_BPM, DRAWS = 5.0, 4000
HALVES = np.r_[0:3, 12:15]  # windows that lie in one half of the recording
LEFT_OUT = ("auto, half the time", "auto, skin-coloured picture")  # the latter: one person only
Arms = dict[str, dict[int, Array]]  # arm -> person -> (W, 2) what was said, and the truth [bpm]


def gathered(folder: Path) -> dict[str, Arms]:
    """Level -> what its arms said."""
    found: dict[str, Arms] = defaultdict(lambda: defaultdict(dict))
    for person, level, asked in stored(folder):
        truth = np.array(asked["truth"])
        for arm, rows in asked["arms"].items():
            said = np.array([np.nan if value is None else value for value, _ in rows])
            found[level][arm][person] = np.column_stack([said, truth])
    return found


def scores(arm: Mapping[int, Array], guess: Mapping[int, float]) -> dict[int, Array]:
    """Person -> (4,) share answered, right, wrong, and charged error; and the error, NaN if none.

    guess: for each person the mean rate of the others [bpm], which a withheld window is charged.
    """
    found = {}
    for person, both in arm.items():
        error = np.abs(both[:, 0] - both[:, 1])
        given = np.isfinite(error)
        blind = np.abs(guess[person] - both[:, 1])
        right = given & (error <= RIGHT_BPM)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            mean = np.nanmean(error) if given.any() else np.nan
        charged = np.where(given, error, blind).mean()
        found[person] = np.array(
            [given.mean(), right.mean(), (given & ~right).mean(), charged, mean]
        )
    return found


def others(arm: Mapping[int, Array]) -> dict[int, float]:
    """Person -> mean rate of the others."""
    means = {person: both[:, 1].mean() for person, both in arm.items()}
    return {p: float(np.mean([m for q, m in means.items() if q != p] or [80.0])) for p in means}


def interval(values_S: Array) -> tuple[float, float, float]:
    """Mean over people and its 95 % percentile interval; NaN left out."""
    known = values_S[np.isfinite(values_S)]
    if len(known) == 0:
        return np.nan, np.nan, np.nan
    rng = np.random.default_rng(0)
    means = known[rng.integers(0, len(known), (DRAWS, len(known)))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(known.mean()), float(low), float(high)


def shown(values_S: Array, scale: float, digits: int, *, sign: bool = False) -> str:
    """`41 [20–60]`."""
    mean, low, high = (scale * v for v in interval(values_S))
    if not np.isfinite(mean):
        return "–"
    plus = "+" if sign else ""
    mean_text = f"{mean:{plus}.{digits}f}"
    return f"{mean_text} [{low:{plus}.{digits}f} to {high:{plus}.{digits}f}]".replace("-", "−")


def table(arms: Arms, level: str) -> Iterator[str]:
    """All arms of a level, and their differences to `auto`, paired by person."""
    plain = scores(arms["auto"], others(arms["auto"]))
    yield f"\n### {level}\n"
    yield (
        "| arm | people | answered, % | right of all, % | wrong of all, % "
        "| MAE of the answered, bpm | charged MAE, bpm "
        "| right, more than auto, points | charged, more than auto, bpm |"
    )
    yield "|---|" + "---:|" * 8
    guess = others(arms["auto"])
    blind = {
        p: np.column_stack([np.full(len(b), guess[p]), b[:, 1]]) for p, b in arms["auto"].items()
    }
    for name, arm in {"auto": arms["auto"], **arms, "*floor: mean of the others*": blind}.items():
        if name in LEFT_OUT:
            continue
        one = scores(arm, guess)
        people = sorted(set(one) & set(plain))
        mine, base = (np.array([s[p] for p in people]) for s in (one, plain))
        apart = mine - base
        cells = [
            str(len(people)),
            shown(mine[:, 0], 100, 0),
            shown(mine[:, 1], 100, 0),
            shown(mine[:, 2], 100, 1),
            shown(mine[:, 4], 1, 2),
            shown(mine[:, 3], 1, 1),
            "" if name == "auto" else shown(apart[:, 1], 100, 1, sign=True),
            "" if name == "auto" else shown(apart[:, 3], 1, 1, sign=True),
        ]
        yield f"| {name} | " + " | ".join(cells) + " |"


def half(found: Mapping[str, Arms]) -> Iterator[str]:
    """What twice the time is worth, in the windows that both have."""
    yield "\n### Twice the time\n"
    yield "| level | right of all from 12 s, % | from 24 s, % | difference, points |"
    yield "|---|---:|---:|---:|"
    for level in LEVELS:
        arms = found.get(level, {})
        if "auto, half the time" not in arms:
            continue
        right = {}
        for name in ("auto, half the time", "auto"):
            arm = {p: both[HALVES] for p, both in arms[name].items()}
            right[name] = scores(arm, others(arm))
        people = sorted(right["auto, half the time"])
        short, long = (np.array([right[n][p][1] for p in people]) for n in right)
        gain = shown(long - short, 100, 1, sign=True)
        yield f"| {level} | {shown(short, 100, 0)} | {shown(long, 100, 0)} | {gain} |"


def main() -> None:
    """Print the page."""
    found = gathered(Path(sys.argv[1]))
    print(BEFORE)
    for level in (AS_IS, *(name for name in LEVELS if name != AS_IS)):
        if level in found:
            print("\n".join(table(found[level], level)))
    print("\n".join(half(found)))
    print(AFTER)


if __name__ == "__main__":
    main()
