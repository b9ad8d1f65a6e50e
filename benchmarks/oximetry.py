"""SpO2 on the Hoffman recordings, leave one subject out, beside what needs no camera.

    python benchmarks/oximetry_networks.py KEEP     # trains; KEEP is a folder outside the project
    python benchmarks/oximetry.py KEEP              # writes results/oximetry_spo2/

Everything is scored on the same windows: ten seconds, one a second, from 30 s on, against the mean
of the oximeters at the window's end.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import oximetry_networks as networks
from oximetry_page import page

from camvitals.evaluate.floors import clock, constant_mean
from camvitals.evaluate.oxygen import Course, by_recording, controls, one_point, spo2_scores
from camvitals.records import Array
from camvitals.report.files import write_atomically
from camvitals.train.oxygen.linear import (
    Lines,
    Seen,
    Tested,
    Way,
    fit_line,
    inputs,
    look,
    nested,
    plans,
    trailing,
)
from camvitals.train.oxygen.windows import shuffled

RESULTS = Path(__file__).resolve().parents[1] / "results" / "oximetry_spo2"
WAYS = {
    "as it is": Way(until=networks.START_S),
    "own start": Way(from_start=True, until=networks.START_S),
    "one point": Way(from_start=True, calibrated=True, until=networks.START_S),
}
RATIOS = {
    "ratio of ratios, R/B": "rb",
    "ratio of ratios, R/G": "rg",
    "ratios of ratios, multi-channel": "multi",
    "ratios of ratios, shared with green": "shared",
}
LINES: dict[str, tuple[str, ...]] = {
    "line: levels": ("levels",),
    "line: pulse strengths, no level": ("strengths",),
    "line: log ratios": ("ratios",),
    "line: log ratios + levels": ("ratios", "levels"),
    "line: shared ratios + levels": ("shared", "levels"),
    "line: pulse rate alone": ("pulse",),
    "line: levels + pulse rate": ("levels", "pulse"),
    "line: log ratios + pulse rate": ("ratios", "pulse"),
    "line: log ratios + levels + pulse rate": ("ratios", "levels", "pulse"),
    "line: shared ratios + levels + pulse rate": ("shared", "levels", "pulse"),
    "line: time alone, no camera": ("clock",),
}
OPTICAL = tuple(name for name, groups in LINES.items() if not {"pulse", "clock"} & set(groups))
CHOSEN = {
    "line: colours, chosen inside": OPTICAL,
    "line: colours and pulse rate, chosen inside": tuple(n for n in LINES if "time" not in n),
}
HEADLINE = "line: log ratios + levels + pulse rate"
ALL = "all: half the line chosen inside, half the mean of all networks"
NONE = "all: mean of the lines of every set, none chosen"
SMOOTH_S, BLOCK_S, GAP_S = 30.0, 60.0, 10.0
PUBLISHED = {"mae": 5.00, "sensitivity": 0.81, "specificity": 0.79}


@dataclass(frozen=True, slots=True)
class Answer:
    """What one model said of all windows when it knew as much as `way` says."""

    model: str
    way: str
    estimates: Array
    kind: str = "camera"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Data:
    """Everything of the twelve recordings; `later` are the windows that are scored."""

    seen: list[Seen]
    course: Course
    later: Array

    def joined(self, parts: dict[int, Array]) -> Array:
        """(W,) of estimates by take; NaN where there is none."""
        return np.concatenate(
            [parts.get(k, np.full(len(one.end), np.nan)) for k, one in enumerate(self.seen)]
        )


def read() -> Data:
    """The recordings, their features and their references."""
    seen = [look(take, stride=networks.STRIDE_S) for take in networks.takes_of_hoffman()]
    course = Course(
        *(np.concatenate([getattr(one, name) for one in seen]) for name in ("spo2", "end")),
        np.concatenate([np.full(len(one.end), one.take.name) for one in seen]),
        np.concatenate([np.full(len(one.end), one.take.subject) for one in seen]),
        np.concatenate([one.groups["pulse"][:, 0] for one in seen]),
    )
    return Data(seen, course, course.time >= networks.START_S)


def floors(data: Data) -> Iterator[Answer]:
    """The constant and the two clocks, also when each is told the first half minute."""
    c = data.course
    known = (c.spo2, c.recording, c.subject, c.time)
    for name, found in {
        "constant mean": constant_mean(c.spo2, c.subject),
        "clock, elapsed time": clock(*known, by="elapsed"),
        "clock, relative time": clock(*known, by="fraction"),
    }.items():
        yield Answer(name, "as it is", found, "floor")
        yield Answer(name, "one point", one_point(found, c, until=networks.START_S), "floor")


def lines(data: Data) -> Iterator[Answer]:
    """Ratios of ratios, and lines through other numbers."""
    for way, knows in WAYS.items():
        for model, name in RATIOS.items():
            choices = plans([(name,)], smooth=(SMOOTH_S,), penalties=(1e-3,))
            yield _answer(data, model, way, nested(data.seen, choices, knows))
        found = {
            model: nested(data.seen, plans([groups]), knows) for model, groups in LINES.items()
        }
        for model, names in CHOSEN.items():
            found[model] = [
                min(same, key=lambda one: one.inner)
                for same in zip(*(found[name] for name in names), strict=True)
            ]
        yield from (_answer(data, model, way, tested) for model, tested in found.items())


def _answer(data: Data, model: str, way: str, tested: Sequence[Tested]) -> Answer:
    return Answer(model, way, _estimates(data, tested), note=_plans(tested))


def _estimates(data: Data, tested: Sequence[Tested]) -> Array:
    return data.joined({k: v for one in tested for k, v in one.estimates.items()})


def _plans(tested: Sequence[Tested]) -> str:
    return "; ".join(
        f"{one.subject[-1]}: {'+'.join(one.plan.groups)}, {one.plan.smooth:g} s, "
        f"lag {one.plan.lag:g} s, penalty {one.plan.penalty:g}"
        for one in tested
    )


def both_hands(data: Data, answer: Answer) -> Answer:
    """The mean of what the two hands of a subject say at the same second."""
    c, mean = data.course, answer.estimates.copy()
    for name in np.unique(c.recording):
        rows = c.recording == name
        other = (c.subject == c.subject[rows][0]) & ~rows
        theirs = np.interp(c.time[rows], c.time[other], answer.estimates[other])
        mean[rows] = (answer.estimates[rows] + theirs) / 2
    return replace(answer, model=f"{answer.model}, mean of both hands", estimates=mean)


def control_lines(data: Data) -> Iterator[Answer]:
    """What is left when the hand is another, the order of time is broken, or all is one's own."""
    choices = plans([LINES[HEADLINE]])
    for way in ("as it is", "one point"):
        for learn, test in (("left", "right"), ("right", "left")):
            tested = nested(data.seen, choices, WAYS[way], hands=(learn, test))
            model = f"learnt on {learn} hands, tested on {test}"
            yield Answer(model, way, _estimates(data, tested), "control", _plans(tested))
        yield Answer("references shuffled in blocks", way, _shuffled(data, way), "control")
    yield Answer("own blocks of 60 s in turns", "as it is", _own_blocks(data), "control")


def _shuffled(data: Data, way: str) -> Array:
    """Lines learnt from references whose minutes are in another order."""
    rng = np.random.default_rng(0)
    plan = plans([("ratios", "levels", "pulse")], smooth=(10.0,), lags=(0.0,), penalties=(0.1,))[0]
    mixed = [replace(one, take=shuffled(one.take, block=BLOCK_S, rng=rng)) for one in data.seen]
    learnt, true = Lines(mixed, plan, WAYS[way]), Lines(data.seen, plan, WAYS[way])
    people = [one.take.subject for one in data.seen]
    return data.joined(
        {
            k: true.estimate(learnt.fit([j for j, p in enumerate(people) if p != people[k]]), k)
            for k in range(len(people))
        }
    )


def _own_blocks(data: Data) -> Array:
    """Each recording by itself: three of four minutes learnt from, the fourth told, in turns."""
    plan = plans([("ratios", "levels")], smooth=(10.0,), lags=(0.0,), penalties=(0.01,))[0]
    found = {}
    for k, one in enumerate(data.seen):
        x, told = inputs(one, plan, WAYS["as it is"]), np.full(len(one.end), np.nan)
        start = one.end - 10.0
        number = (start // BLOCK_S).astype(int)
        inside = (start % BLOCK_S >= GAP_S) & (one.end < (number + 1) * BLOCK_S)
        for turn in range(4):
            rows = inside & (number % 4 != turn)
            test = inside & (number % 4 == turn)
            told[test] = fit_line(x[rows], one.spo2[rows], penalty=plan.penalty)(x[test])
        found[k] = told
    return data.joined(found)


def networked(data: Data, keep: Path) -> Iterator[Answer]:
    """What the networks said, smoothed; the instance with the lowest validation RMSE."""
    for entrant in networks.entrants():
        place = keep / f"{entrant.name}.npz"
        if not place.exists():
            print(f"no {place.name}; train it first")
            continue
        held = np.load(place)
        best = held["rmse"].argmin(axis=0)
        subjects = np.unique(data.course.subject)
        which = best[np.searchsorted(subjects, data.course.subject)]
        chosen = np.take_along_axis(held["estimates"], which[None], axis=0)[0]
        note = f"{held['seconds'][1]:.0f} s of processor"
        yield from _ways(data, entrant, chosen, "", note)
        yield from _ways(data, entrant, held["estimates"].mean(axis=0), ", mean of instances", note)


def _ways(
    data: Data, entrant: networks.Entrant, told: Array, more: str, note: str
) -> Iterator[Answer]:
    c, model = data.course, entrant.training.name + more
    if entrant.training.pulse_only:
        model += ", pulse only"
    smooth = np.concatenate(
        [
            trailing(told[c.recording == one.take.name][:, None], round(SMOOTH_S))[:, 0]
            for one in data.seen
        ]
    )
    way = "own start" if entrant.from_start else "as it is"
    yield Answer(model, way, smooth, note=note)
    if entrant.from_start:
        moved = one_point(smooth, c, until=networks.START_S)
        yield Answer(model, "one point", np.clip(moved, 50, 100), note=note)


def everything(answers: Sequence[Answer]) -> Iterator[Answer]:
    """Means in which no set of numbers is chosen, or is chosen inside; nothing is weighed."""
    line = list(CHOSEN)[-1]
    for way in WAYS:
        found = {one.model: one.estimates for one in answers if one.way == way}
        nets = [
            told
            for name, told in found.items()
            if name.startswith("spo2-") and name.endswith("mean of instances")
        ]
        yield Answer(NONE, way, np.mean([found[name] for name in CHOSEN[line]], axis=0))
        if nets:
            yield Answer(ALL, way, (found[line] + np.mean(nets, axis=0)) / 2)


def row_of(data: Data, answer: Answer) -> dict[str, str]:
    """A line of the table."""
    course, told = data.course.at(data.later), answer.estimates[data.later]
    row = {"model": answer.model, "way": answer.way, "kind": answer.kind}
    for name, score in spo2_scores(told, course).items():
        row |= {name: _n(score.value), f"{name}_low": _n(score.low), f"{name}_high": _n(score.high)}
    row["windows"] = str(int(np.isfinite(told).sum()))
    row |= {name: _n(value) for name, value in asdict(controls(told, course)).items()}
    row |= {f"mae {name}": _n(value) for name, value in by_recording(told, course).items()}
    return row | {"note": answer.note}


def _mae(data: Data, answer: Answer) -> float:
    return float(np.nanmean(np.abs(answer.estimates - data.course.spo2)[data.later]))


def _n(value: float) -> str:
    return "" if not np.isfinite(value) else f"{value:.4g}"


def study() -> dict[str, object]:
    """All that moves the numbers."""
    return {
        "entrants": [asdict(one) for one in networks.entrants()],
        "ways": {name: asdict(way) for name, way in WAYS.items()},
        "lines": {"ratios": RATIOS, "lines": LINES, "chosen": CHOSEN},
        "grid": [asdict(plan) for plan in plans([("levels",)])],
        "all": [ALL, NONE],
        "instances": networks.INSTANCES,
        "lags": networks.LAGS_S,
        "seconds": [SMOOTH_S, BLOCK_S, GAP_S, networks.START_S, networks.STRIDE_S],
    }


def level_slopes(data: Data) -> dict[str, Array]:
    """By way: (subjects, 3) points of SpO2 for a change of 1 % in the level of each colour."""
    plan = plans([("levels",)], smooth=(10.0,), lags=(0.0,), penalties=(0.1,))
    return {
        way: np.stack([one.line.slope / 100 for one in nested(data.seen, plan, WAYS[way])])
        for way in WAYS
    }


def main() -> None:
    """Score everything and write the table."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("keep", type=Path)
    given = ask.parse_args()
    began = time.process_time()
    data = read()
    steps: tuple[Callable[[], Iterator[Answer]], ...] = (
        lambda: floors(data),
        lambda: lines(data),
        lambda: control_lines(data),
        lambda: networked(data, given.keep),
    )
    answers = []
    for step in steps:
        for answer in step():
            answers.append(answer)
            print(f"{answer.model}, {answer.way}: {_mae(data, answer):.2f}", flush=True)
    answers += everything(answers)
    answers += [
        both_hands(data, one) for one in answers if one.model in (HEADLINE, ALL, NONE, *CHOSEN)
    ]
    rows = [row_of(data, one) for one in answers]
    digest = hashlib.sha256(json.dumps(study(), sort_keys=True).encode()).hexdigest()[:12]
    RESULTS.mkdir(parents=True, exist_ok=True)
    with (RESULTS / "oximetry_spo2.csv").open("w", newline="") as file:
        out = csv.DictWriter(file, [*rows[0], "protocol_hash"], lineterminator="\n")
        out.writeheader()
        out.writerows(row | {"protocol_hash": digest} for row in rows)
    seconds = time.process_time() - began
    text = page(rows, given.keep, slopes=level_slopes(data), digest=digest, seconds=seconds)
    write_atomically(RESULTS / "README.md", text)
    print(f"{len(rows)} rows in {seconds:.0f} s of processor; protocol {digest}")


if __name__ == "__main__":
    main()
