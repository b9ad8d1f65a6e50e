"""Write reports in the form that a file's name asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from camvitals.records import InputError, Report
from camvitals.report.bids import write_bids
from camvitals.report.csv_file import write_table
from camvitals.report.edf import write_edf
from camvitals.report.fhir import write_fhir, write_fhir_r4
from camvitals.report.json_file import write_json
from camvitals.report.nwb import write_nwb
from camvitals.report.page import write_page
from camvitals.report.wfdb_file import write_wfdb

WRITERS: dict[str, Callable[[str | Path, Iterable[Report]], Path]] = {
    ".json": write_json,
    ".csv": write_table,
    ".html": write_page,
    ".edf": write_edf,
    ".hea": write_wfdb,
    ".nwb": write_nwb,
    "_physio.tsv.gz": write_bids,
    ".fhir.json": write_fhir,
    ".fhir-r4.json": write_fhir_r4,
}


def write(path: str | Path, reports: Iterable[Report]) -> Path:
    """Write all reports in the form that the name asks for.

    .json whole, .csv a row for each person, .html a page; .edf, .hea (WFDB), .nwb and
    _physio.tsv.gz (BIDS) a file for each person; .fhir.json and .fhir-r4.json a bundle.
    Returns the path, of the first where there are many. Raises InputError for another ending.
    """
    name = Path(path).name.lower()
    fitting = [ending for ending in WRITERS if name.endswith(ending)]
    if not fitting:
        raise InputError(
            f"a report needs a name ending in {', '.join(WRITERS)} but got {Path(path).name!r}; "
            "choose one of these"
        )
    return WRITERS[max(fitting, key=len)](path, reports)
