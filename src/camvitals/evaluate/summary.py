"""The few numbers of a result that a person wants to see first, and what needs no camera."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from camvitals.evaluate.floors import constant_mean, previous_window
from camvitals.evaluate.metrics import METRICS, Score, scores
from camvitals.evaluate.result import Result

SHOWN = ("coverage", "mae", "rmse", "within_5", "pearson_r")
FLOORS = ("mean of the others", "window before")


@dataclass(frozen=True, slots=True)
class Line:
    """One method, or floor, for one vital sign. windows: asked for; scores: by names of SHOWN."""

    vital: str
    name: str
    is_floor: bool
    windows: int
    scores: dict[str, Score]


def summary(result: Result) -> Iterator[Line]:
    """A line for each vital sign and method, then its floors on the same windows."""
    metrics = {name: METRICS[name] for name in SHOWN}
    for vital in result.names("vital"):
        methods = result.of(vital=vital).names("method")
        for method in methods:
            c = result.of(vital=vital, method=method).columns
            people = c["corpus"] + "/" + c["subject"]
            found = scores(c["estimate"], c["reference"], people, metrics=metrics)
            yield Line(vital, method, False, len(people), found)
        c = result.of(vital=vital, method=methods[0]).columns
        people, takes = c["corpus"] + "/" + c["subject"], c["corpus"] + "/" + c["recording"]
        guesses = (
            constant_mean(c["reference"], people),
            previous_window(c["reference"], takes, c["start"]),
        )
        for name, guess in zip(FLOORS, guesses, strict=True):
            if np.isfinite(guess).any():
                found = scores(guess, c["reference"], people, metrics=metrics)
                yield Line(vital, name, True, len(people), found)
