"""Recorded traces measured as the recording that they are of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from camvitals.data.recorded import read_recorded
from camvitals.records import Array, InputError, Report, Trace
from camvitals.waves.learned import takers_of


def measure_recorded(
    path: str | Path,
    *,
    settings: Any,
    by: Callable[..., tuple[Report, ...]],
    fps: float | None = None,
    time: Array | None = None,
) -> tuple[Report, ...]:
    """One report for every person in a file of `camvitals live --record`.

    settings: a `pipeline.Settings`; roi and skin are those of the recording.
    by: `pipeline.reports_of`.
    Raises InputError for what is no such file, for a clock beside its own (fps, time), and for
    what looks at pictures, of which there are none.
    """
    if fps is not None or time is not None:
        raise InputError(f"{path} has the times of its pictures; leave out fps and time")
    if settings.enhance is not None:
        raise _wants_pictures(settings.enhance)
    traces, source, about = read_recorded(path)
    # as they were when the colours were taken
    settings = replace(settings, roi=str(about["roi"]), skin=str(about["skin"]))
    for trace in traces.values():
        _check(trace, settings)
    reports = by(traces, source, settings=settings)
    if "started" not in about:
        return reports
    when = {"started": str(about["started"])}
    return tuple(replace(r, settings={**r.settings, **when}) for r in reports)


def _check(trace: Trace, settings: Any) -> None:
    needs = settings.needs
    there = {
        "moments": trace.moments is not None,
        "points": trace.points is not None,
        "grid": any(name.startswith("grid_") for name in trace.names),
    }
    if takers_of([settings.method]):
        raise _wants_pictures(settings.method)
    if not there.get(needs, True):
        raise InputError(
            f"{settings.method} needs {needs}, which were not recorded; record with "
            f"--method {settings.method}, or choose another"
        )


def _wants_pictures(name: str) -> InputError:
    return InputError(
        f"{name} looks at pictures, and recorded traces have none; measure a video, or leave it out"
    )
