"""Reports as NWB: a processing module of time series, beats, and tables of readings."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from camvitals import __version__
from camvitals.records import Reading, Report, Wave
from camvitals.report.csv_file import wave_column
from camvitals.report.files import write_each
from camvitals.report.json_file import to_json
from camvitals.report.signals import EVEN_S, missing, natural_rates, started

UNKNOWN_START = datetime(1970, 1, 1, tzinfo=UTC)  # the format needs a date
MODULE = "vital_signs"
COLUMNS = {
    "vital": "which vital sign",
    "value": "in `unit`; NaN when withheld",
    "unit": "of value, low and high",
    "low": "lower end of the interval",
    "high": "upper end of the interval",
    "quality": "calibrated probability that the value is right",
    "method": "how it was measured",
    "why": "why there is no value",
}


def write_nwb(path: str | Path, reports: Iterable[Report]) -> Path:
    """Write one NWB file (HDF5) for each person; see docs/interchange.md.

    Returns the path of the first. Raises InputError when pynwb is missing.
    """
    return write_each(path, reports, ending=".nwb", write=_write_one)


def _write_one(path: Path, report: Report) -> None:
    try:
        import pynwb
    except ImportError as error:
        missing("pynwb", error)
    zero = started(report)
    known = "" if zero else "; when it began is not known, its date stands for none"
    file = pynwb.NWBFile(
        session_description=f"{report.source.name or 'a recording'} seen by a camera{known}",
        identifier=hashlib.sha256(to_json([report]).encode()).hexdigest()[:32],
        session_start_time=zero or UNKNOWN_START,
        source_script=f"camvitals {__version__}",
        source_script_file_name="camvitals",
        notes="; ".join(report.source.warnings),
    )
    module = file.create_processing_module(MODULE, "measured from video by camvitals")
    rates = iter(natural_rates(report))
    for wave in report.waves:
        if len(wave.time) > 1:
            module.add(_series(pynwb, wave, next(rates)))
    if len(report.beats):
        beats = pynwb.TimeSeries(
            name="beats",
            data=[1.0] * len(report.beats),
            unit="beat",
            timestamps=report.beats,
            continuity="instantaneous",
            description="a heart beat at each of these times",
        )
        module.add(beats)
    for name, readings in (("readings", report.readings), ("rolling", report.rolling)):
        if readings:
            module.add(_table(pynwb, name, readings))
    with pynwb.NWBHDF5IO(str(path), "w") as out:
        out.write(file)


def _series(pynwb: Any, wave: Wave, rate: float) -> Any:
    """A wave with a start and a rate where its clock is even, else with all its times."""
    start = float(wave.time[0])
    away = abs(wave.time - start - [k / rate for k in range(len(wave.time))]).max()
    clock = {"starting_time": start, "rate": rate}
    return pynwb.TimeSeries(
        name=wave_column(wave),
        data=wave.values,
        unit="a.u." if wave.unit == "1" else wave.unit,
        description=f"{wave.name}; gaps are NaN",
        **(clock if away < EVEN_S else {"timestamps": wave.time}),
    )


def _table(pynwb: Any, name: str, readings: Sequence[Reading]) -> Any:
    table = pynwb.epoch.TimeIntervals(name=name, description="vital signs over spans of time")
    for column, text in COLUMNS.items():
        table.add_column(column, text)
    for reading in readings:
        cells = {c: getattr(reading, "name" if c == "vital" else c) for c in COLUMNS}
        cells |= {c: math.nan for c in ("value", "low", "high") if cells[c] is None}
        start, stop = reading.span
        table.add_row(start_time=start, stop_time=stop, **cells)
    return table
