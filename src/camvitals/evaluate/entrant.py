"""Methods and floors side by side for one vital sign: what every table and plot starts from.

Shape letters: N windows asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from camvitals.evaluate.floors import constant_mean, floors
from camvitals.evaluate.result import STRATUM, Result
from camvitals.records import Array, InputError

UNITS = {
    "heart_rate": "bpm",
    "respiration_rate": "breaths/min",
    "spo2": "%",
    "hrv_sdnn": "ms",
    "hrv_rmssd": "ms",
}
FLOOR_NAMES = {
    "constant_mean": "mean of the others",
    "previous_window": "window before",
    "clock_elapsed": "clock (seconds)",
    "clock_fraction": "clock (share)",
}
CORPUS = "corpus"


@dataclass(frozen=True, slots=True)
class Entrant:
    """What one method, or floor, says of one vital sign; all arrays (N,).

    estimate, low, high, quality: NaN where withheld or not told.   people: corpus/subject.
    takes: corpus/recording.   start: of the windows [s].   columns: of the result, none for a
    floor.
    """

    name: str
    floor: bool
    estimate: Array
    low: Array
    high: Array
    quality: Array
    reference: Array
    people: Array
    takes: Array
    start: Array
    columns: Mapping[str, Array]

    @property
    def error(self) -> Array:
        """Estimate − reference; NaN where withheld."""
        return np.asarray(self.estimate - self.reference)

    @property
    def loss(self) -> Array:
        """|error|, and where withheld what the mean of the other subjects would have missed.

        So methods that answer different windows can be ranked on the same ones, and who withholds
        everything ranks with the floor. With one subject a withheld window is NaN.
        """
        blind = np.abs(constant_mean(self.reference, self.people) - self.reference)
        return np.where(np.isfinite(self.error), np.abs(self.error), blind)


def entrants(result: Result, vital: str) -> tuple[Entrant, ...]:
    """Every method, then the floors on the windows of the first method.

    Raises InputError when the result has nothing of this vital sign.
    """
    rows = result.of(vital=vital)
    if len(rows) == 0:
        raise InputError(f"the result has no {vital}; it has {', '.join(result.names('vital'))}")
    methods = [_of_method(rows, name) for name in rows.names("method")]
    return (*methods, *_floors(methods[0]))


def _of_method(rows: Result, name: str) -> Entrant:
    c = rows.of(method=name).columns
    people, takes = c["corpus"] + "/" + c["subject"], c["corpus"] + "/" + c["recording"]
    return Entrant(
        name,
        False,
        c["estimate"],
        c["low"],
        c["high"],
        c["quality"],
        c["reference"],
        people,
        takes,
        c["start"],
        c,
    )


def _floors(first: Entrant) -> list[Entrant]:
    none = np.full(len(first.reference), np.nan)
    said = floors(first.reference, first.takes, first.people, first.start)
    return [
        replace(
            first,
            name=FLOOR_NAMES[name],
            floor=True,
            estimate=guess,
            low=none,
            high=none,
            quality=none,
            columns={},
        )
        for name, guess in said.items()
    ]


def strata_of(result: Result, first: Entrant) -> tuple[str, ...]:
    """Names of the strata in which the windows differ; the corpus is one of several."""
    names = (*result.strata, CORPUS)
    return tuple(name for name in names if len(set(words_of(first, name)) - {""}) > 1)


def words_of(one: Entrant, stratum: str) -> Array:
    """(N,) to which stratum each window of a method belongs."""
    return one.columns[CORPUS if stratum == CORPUS else STRATUM + stratum]


def lead_of(among: tuple[Entrant, ...]) -> Entrant:
    """What others are held against and plots show first: auto, else the least mean loss."""
    methods = [one for one in among if not one.floor]
    named = [one for one in methods if one.name == "auto"]
    return named[0] if named else min(methods, key=mean_loss)


def mean_loss(one: Entrant) -> float:
    """Mean of what is known of the loss; infinite where nothing is."""
    loss = one.loss
    known = loss[np.isfinite(loss)]
    return float(known.mean()) if len(known) else float("inf")
