"""Write reports in the form that a file's name asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from camvitals.records import InputError, Report
from camvitals.report.csv_file import write_table
from camvitals.report.json_file import write_json
from camvitals.report.page import write_page

WRITERS: dict[str, Callable[[str | Path, Iterable[Report]], Path]] = {
    ".json": write_json,
    ".csv": write_table,
    ".html": write_page,
}


def write(path: str | Path, reports: Iterable[Report]) -> Path:
    """Write all reports to one file: .json whole, .csv a row for each person, .html a page.

    Returns the path. Raises InputError for another ending.
    """
    ending = Path(path).suffix.lower()
    if ending not in WRITERS:
        raise InputError(
            f"a report needs a name ending in {', '.join(WRITERS)} but got {Path(path).name!r}; "
            "choose one of these"
        )
    return WRITERS[ending](path, reports)
