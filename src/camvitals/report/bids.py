"""Reports as BIDS physio: a compressed table without a head, and a sidecar that describes it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from camvitals import __version__
from camvitals.records import InputError, Report
from camvitals.report.csv_file import wave_column
from camvitals.report.files import aside, one_each
from camvitals.report.signals import Signal, signals_of, started

ENDING = "_physio.tsv.gz"
COLUMNS = {"pulse": "cardiac", "breath": "respiratory"}  # the names that BIDS has for them


def write_bids(path: str | Path, reports: Iterable[Report]) -> Path:
    """Write NAME_physio.tsv.gz and .json for each person; see docs/interchange.md.

    Waves on another clock than the pulse get files of their own, NAME_recording-WAVE_physio. The
    sidecar of the first also holds beats and readings. Returns the path of the first table.
    Raises InputError where no wave was measured, or the name ends otherwise.
    """
    given = tuple(reports)
    if not Path(path).name.endswith(ENDING):
        raise InputError(
            f"BIDS needs a name that ends in {ENDING} but got {Path(path).name!r}; "
            f"give sub-01_task-rest{ENDING}"
        )
    paths = one_each(path, given, ending=ENDING)
    if len(given) > 1:  # a person is a recording of the same run
        stem = Path(path).name.removesuffix(ENDING)
        paths = [
            target.with_name(f"{stem}_recording-{k}{ENDING}")
            for k, target in enumerate(paths, start=1)
        ]
    for target, report in zip(paths, given, strict=True):
        _write_one(target, report)
    return paths[0]


def _write_one(target: Path, report: Report) -> None:
    start, signals = signals_of(report)
    if not signals:
        raise InputError(f"{target.name} needs a wave but the report has none; write JSON instead")
    stem = target.name.removesuffix(ENDING)
    with aside(target.parent) as folder:
        groups: dict[float, list[Signal]] = {}
        for signal in signals:
            groups.setdefault(signal.rate, []).append(signal)
        for k, (rate, group) in enumerate(groups.items()):
            more = f"_recording-{_label(group[0].name)}" if k else ""
            about = _sidecar(group, start, rate) | ({} if k else _facts(report))
            name = f"{stem}{more}{ENDING}"
            (folder / name).write_bytes(_table(group))
            text = json.dumps(about, ensure_ascii=False, indent=2, allow_nan=False)
            (folder / f"{name.removesuffix('.tsv.gz')}.json").write_text(f"{text}\n", "utf-8")


def _label(name: str) -> str:
    return "".join(c for c in name if c.isalnum())


def _table(group: Sequence[Signal]) -> bytes:
    """Rows of numbers, tabs between them, n/a where nothing is known."""
    table = np.full((max(len(s.values) for s in group), len(group)), np.nan)
    for column, signal in enumerate(group):
        table[: len(signal.values), column] = signal.values
    cells = [["n/a" if np.isnan(x) else f"{x:.7g}" for x in row] for row in table.tolist()]
    text = "".join("\t".join(row) + "\n" for row in cells)
    return gzip.compress(text.encode(), mtime=0)


def _sidecar(group: Sequence[Signal], start: float, rate: float) -> dict[str, Any]:
    columns = [COLUMNS.get(signal.name, signal.name) for signal in group]
    described = {
        column: {
            "Description": f"{signal.name} seen by a camera, camvitals {__version__}",
            "Units": "arbitrary" if signal.unit == "1" else signal.unit,
        }
        for column, signal in zip(columns, group, strict=True)
    }
    about = {"SamplingFrequency": rate, "StartTime": round(start, 6), "Columns": columns}
    device = {"Manufacturer": "camvitals", "SoftwareVersions": __version__}
    return {**about, **device, **described}


def _facts(report: Report) -> dict[str, Any]:
    """What BIDS has no columns for, under names of ours."""
    zero = started(report)
    return {
        "CamvitalsSource": report.source.name,
        "CamvitalsPerson": report.person,
        "CamvitalsStarted": zero.isoformat() if zero else None,
        "CamvitalsBeats": [round(float(beat), 6) for beat in report.beats],
        "CamvitalsReadings": [asdict(reading) for reading in report.readings],
        "CamvitalsWaves": [wave_column(wave) for wave in report.waves],
    }
