"""Reports as CSV: readings, rolling readings, waves and beats of each person; one table of many."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from camvitals.records import Array, Reading, Report, Wave
from camvitals.report.files import write_atomically
from camvitals.vitals.second import MARK as ENHANCED
from camvitals.waves.ecg import MARK

WHO = ("file", "person")
READING_COLUMNS = (
    *WHO,
    "name",
    "value",
    "unit",
    "low",
    "high",
    "quality",
    "method",
    "start_s",
    "stop_s",
    "why",
)


def write_csv(folder_or_prefix: str | Path, reports: Iterable[Report]) -> tuple[Path, ...]:
    """Write readings, rolling, waves and beats, one CSV file each; every row names file and person.

    folder_or_prefix: a folder (existing, or with a closing slash: made when missing) gets
    readings.csv and so on; anything else is a prefix: `out/clip` gives `out/clip_readings.csv`.
    An ending `.csv` is dropped. Returns the four paths.
    """
    given = tuple(reports)
    tables = {
        "readings": _reading_rows(given, "readings"),
        "rolling": _reading_rows(given, "rolling"),
        "waves": _wave_rows(given),
        "beats": _beat_rows(given),
    }
    start = _start(folder_or_prefix)
    return tuple(
        write_atomically(f"{start}{name}.csv", _csv(rows)) for name, rows in tables.items()
    )


def write_table(path: str | Path, reports: Iterable[Report]) -> Path:
    """Write one row per file and person with every reading's value, interval, quality and reason.

    Columns are `heart_rate_bpm`, `heart_rate_low`, `heart_rate_high`, `heart_rate_quality`,
    `heart_rate_why` and so on; `problems` names the findings about the recording that are not fine.
    """
    given = tuple(reports)
    units = {r.name: r.unit for report in given for r in report.readings}
    head = [*WHO, "duration_s", "rate_hz", "frames"]
    for name, unit in units.items():
        head += [
            column_name(name, unit),
            *(f"{name}_{k}" for k in ("low", "high", "quality", "why")),
        ]
    rows = [_table_row(report, tuple(units)) for report in given]
    return write_atomically(path, _csv([[*head, "problems", "warnings"], *rows]))


def column_name(name: str, unit: str) -> str:
    """Reading name and unit as one identifier: heart_rate_bpm, hrv_lf_ms2, hrv_pnn50_percent."""
    words = {"1": "", "%": "percent", "ms²": "ms2", "breaths/min": "per_min"}
    suffix = words.get(unit, "".join(c if c.isalnum() else "_" for c in unit))
    return f"{name}_{suffix}".rstrip("_")


def wave_column(wave: Wave) -> str:
    """The name of a wave as a column; what a network made up of another says so."""
    if ENHANCED in wave.unit:
        return f"{wave.name}_enhanced"
    return f"{wave.name}_model_output" if MARK in wave.unit else wave.name


def _start(folder_or_prefix: str | Path) -> str:
    text = os.fspath(folder_or_prefix)
    if text.endswith(("/", os.sep)):
        Path(text).mkdir(parents=True, exist_ok=True)
    if Path(text).is_dir():
        return f"{Path(text)}{os.sep}"
    return f"{text.removesuffix('.csv')}_"


def _csv(rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _who(report: Report) -> list[Any]:
    return [report.source.name, report.person]


def _reading_rows(reports: Sequence[Report], field: str) -> list[Sequence[Any]]:
    rows: list[Sequence[Any]] = [READING_COLUMNS]
    for report in reports:
        rows += [[*_who(report), *_reading_row(r)] for r in getattr(report, field)]
    return rows


def _reading_row(r: Reading) -> list[Any]:
    return [r.name, r.value, r.unit, r.low, r.high, r.quality, r.method, *r.span, r.why]


def _wave_rows(reports: Sequence[Report]) -> Iterable[Sequence[Any]]:
    """Rows of time and one column per wave name; waves on other clocks leave cells empty."""
    names = list(dict.fromkeys(wave_column(wave) for report in reports for wave in report.waves))
    yield [*WHO, "time_s", *names]
    for report in reports:
        clocks = [np.round(wave.time, 6) for wave in report.waves]
        time = np.unique(np.concatenate([np.zeros(0), *clocks]))
        cells = np.full((len(time), len(names)), np.nan)
        for wave, clock in zip(report.waves, clocks, strict=True):
            cells[np.searchsorted(time, clock), names.index(wave_column(wave))] = wave.values
        for moment, row in zip(time.tolist(), cells, strict=True):
            yield [*_who(report), f"{moment:.6f}", *_cells(row)]


def _cells(values: Array) -> list[str]:
    return [f"{v:.7g}" if np.isfinite(v) else "" for v in values.tolist()]


def _beat_rows(reports: Sequence[Report]) -> Iterable[Sequence[Any]]:
    yield [*WHO, "beat_s"]
    for report in reports:
        for moment in np.asarray(report.beats, dtype=float).tolist():
            yield [*_who(report), f"{moment:.6f}"]


def _table_row(report: Report, names: Sequence[str]) -> list[Any]:
    source = report.source
    row = [*_who(report), f"{source.duration:.3f}", f"{source.rate:.3f}", source.frames]
    given = {r.name: r for r in report.readings}
    for name in names:
        r = given.get(name)
        row += [r.value, r.low, r.high, r.quality, r.why] if r else [""] * 5
    problems = "; ".join(finding.name for finding in report.capture if not finding.fine)
    return [*row, problems, "; ".join(source.warnings)]
