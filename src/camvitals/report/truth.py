"""What was measured beside what was put in, for recordings that were made."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

from camvitals.data.synthetic.truth import Truth
from camvitals.records import Report


def show_truth(reports: Sequence[Report], first: Truth, *, console: Console) -> None:
    """Print a table for each person, from left to right.

    reports: of one recording, the person seen most first.   first: truth of its first person.
    """
    people = first.scenario.people
    seen_most = sorted(reports[:people], key=_middle)
    if len(seen_most) < people:
        console.print(f"{people} people were put in but {len(seen_most)} found: who is who?")
        return
    for k, report in enumerate(seen_most):
        truth = Truth.of(first.scenario.person(k), first.frames) if k else first
        title = "Beside the truth" if people == 1 else f"Person {report.person} beside the truth"
        console.print(_table(report, truth, title))


def _table(report: Report, truth: Truth, title: str) -> Table:
    known = {
        "heart_rate": truth.heart_rate,
        "respiration_rate": truth.breath_rate,
        "hrv_sdnn": truth.sdnn,
        "hrv_rmssd": truth.rmssd,
    }
    table = Table("reading", "unit", "put in", "measured", "error", title=title, box=None)
    for reading in report.readings:
        if reading.name in known:
            put = known[reading.name] if truth.alive else None
            table.add_row(reading.name, reading.unit, *_beside(reading.value, put))
    return table


def _middle(report: Report) -> float:
    """Where the person is in the picture, from the left [px]; 0 for nobody."""
    if report.trace is None or not np.isfinite(report.trace.box).any():
        return 0.0
    return float(np.nanmean(report.trace.box[:, [0, 2]]))


def _beside(measured: float | None, put: float | None) -> tuple[str, str, str]:
    error = "" if measured is None or put is None else f"{measured - put:+.1f}"
    return (
        "none: no pulse" if put is None else f"{put:.1f}",
        "withheld" if measured is None else f"{measured:.1f}",
        error,
    )
