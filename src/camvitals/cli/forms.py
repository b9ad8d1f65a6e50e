"""What `camvitals measure` reads besides videos, and the forms that it writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from camvitals.records import InputError, Report
from camvitals.report.csv_file import write_csv
from camvitals.report.signals import STARTED, moment
from camvitals.report.write import WRITERS

if TYPE_CHECKING:
    from camvitals.pipeline import Settings


def _page(path: str | Path, reports: Iterable[Report]) -> Path:
    """Plots come in when there is something to plot."""
    from camvitals.report.page import write_page

    return write_page(path, reports)


WRITE: dict[str, Callable[[str | Path, Iterable[Report]], Any]] = {
    "html": _page,
    "csv": write_csv,
    "table": WRITERS[".csv"],
    "edf": WRITERS[".edf"],
    "wfdb": WRITERS[".hea"],
    "nwb": WRITERS[".nwb"],
    "bids": WRITERS["_physio.tsv.gz"],
    "fhir": WRITERS[".fhir.json"],
    "fhir-r4": WRITERS[".fhir-r4.json"],
}


def with_ending(path: Path | None, ending: str) -> Path | None:
    """The path with the ending that its form always has, which need not be typed."""
    if path is None or path.name.endswith(ending):
        return path
    return path.with_name(f"{path.name}{ending}")


def start_of(text: str | None, *, of: int) -> str | None:
    """When second 0 was, checked before the work; None where nobody said."""
    if text is None:
        return None
    if of > 1:
        raise InputError(f"--started is of one recording but got {of}; measure them one by one")
    return moment(text).isoformat()


def dated(report: Report, when: str | None) -> Report:
    """The report with the time at which its second 0 was."""
    if when is None:
        return report
    return replace(report, settings={**report.settings, STARTED: when})


def recorded(source: str, settings: Settings, *, fps: float | None) -> tuple[Report, ...]:
    """Reports of traces that `camvitals live` recorded."""
    from camvitals.pipeline import measure_people

    if fps is not None:
        raise InputError(f"{source} has the times of its pictures; leave --fps out")
    return measure_people(source, settings=settings)
