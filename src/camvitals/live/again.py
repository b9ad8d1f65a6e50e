"""Recorded traces measured as the recording that they are of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from camvitals.data.recorded import read_recorded
from camvitals.records import InputError, Report, Trace
from camvitals.waves.learned import takers_of

if TYPE_CHECKING:
    from camvitals.pipeline import Settings


def measure_recorded(path: str | Path, *, settings: Settings) -> tuple[Report, ...]:
    """One report for every person in a file of `camvitals live --record`, as `measure_people`.

    roi and skin are those of the recording. Raises InputError for what is no such file, and for a
    method that looks at pictures, of which there are none.
    """
    from camvitals.pipeline import reports_of

    traces, source, about = read_recorded(path)
    # as they were when the colours were taken
    settings = replace(settings, roi=str(about["roi"]), skin=str(about["skin"]))
    for trace in traces.values():
        _check(trace, settings)
    reports = reports_of(traces, source, settings=settings)
    if "started" not in about:
        return reports
    when = {"started": str(about["started"])}
    return tuple(replace(r, settings={**r.settings, **when}) for r in reports)


def _check(trace: Trace, settings: Settings) -> None:
    needs = settings.needs
    there = {
        "moments": trace.moments is not None,
        "points": trace.points is not None,
        "grid": any(name.startswith("grid_") for name in trace.names),
    }
    if takers_of([settings.method]):
        raise InputError(
            f"{settings.method} looks at pictures, and recorded traces have none; measure a video"
        )
    if not there.get(needs, True):
        raise InputError(
            f"{settings.method} needs {needs}, which were not recorded; record with "
            f"--method {settings.method}, or choose another"
        )
