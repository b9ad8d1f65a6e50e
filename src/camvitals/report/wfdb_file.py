"""Reports as WFDB records: waves in .dat, beats in .atr, readings as comments of the .hea."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from camvitals.records import Array, InputError, Reading, Report
from camvitals.report.files import write_each
from camvitals.report.signals import missing, natural_rates, signals_of, started

BEAT_HZ = 1000  # clock of the beats, finer than that of the pictures
BITS, LARGEST = "16", 32000


def write_wfdb(path: str | Path, reports: Iterable[Report]) -> Path:
    """Write one record for each person: NAME.hea, NAME.dat and NAME.atr; see docs/interchange.md.

    All waves stand on the clock of the fastest. Returns the path of the first header. Raises
    InputError where no wave was measured, the name is none for a record, or wfdb is missing.
    """
    return write_each(path, reports, ending=".hea", write=_write_one)


def _write_one(path: Path, report: Report) -> None:
    if not re.fullmatch(r"[A-Za-z0-9_-]+\.hea", path.name):
        raise InputError(
            f"a WFDB record needs a name of letters, digits, - and _ before .hea but got "
            f"{path.name!r}; rename it"
        )
    try:
        import wfdb
    except ImportError as error:
        missing("wfdb", error)
    name, folder = path.stem, str(path.parent)
    natural = natural_rates(report)
    if not natural:
        raise InputError(f"{path.name} needs a wave but the report has none; write JSON instead")
    rate = max(natural)
    start, signals = signals_of(report, rates=[rate] * len(natural))
    table = np.full((max(len(s.values) for s in signals), len(signals)), np.nan)
    for column, signal in enumerate(signals):
        table[: len(signal.values), column] = signal.values
    zero = started(report)
    date: dict[str, Any] = {}
    if zero is not None:
        moment = datetime.fromtimestamp(zero.timestamp() + start, zero.tzinfo)
        date = {"base_date": moment.date(), "base_time": moment.time().replace(tzinfo=None)}
    wfdb.wrsamp(
        name,
        fs=rate,
        units=[re.sub(r"[\s,]+.*", "", s.unit) if s.unit != "1" else "NU" for s in signals],
        sig_name=[s.name for s in signals],
        p_signal=table,
        fmt=[BITS] * len(signals),
        adc_gain=[_gain(s.values) for s in signals],
        baseline=[0] * len(signals),
        comments=[f"start {start:.6f} s", *map(_comment, report.readings)],
        write_dir=folder,
        **date,
    )
    beats = np.rint((np.asarray(report.beats) - start) * BEAT_HZ).astype(int)
    beats = beats[beats >= 0]
    if len(beats):
        marks = ["N"] * len(beats)
        wfdb.wrann(name, "atr", beats, symbol=marks, fs=BEAT_HZ, write_dir=folder)


def _gain(values: Array) -> float:
    """Steps for each unit, so that the largest value fits; 1 where nothing is known."""
    known = np.abs(values[np.isfinite(values)])
    return float(LARGEST / known.max()) if len(known) and known.max() > 0 else 1.0


def _comment(reading: Reading) -> str:
    span = f"{reading.span[0]:.3f}-{reading.span[1]:.3f} s"
    if reading.value is None:
        return f"{reading.name} withheld {span}: {reading.why}"
    return (
        f"{reading.name} {reading.value:.6g} {reading.unit} low {reading.low:.6g} "
        f"high {reading.high:.6g} quality {reading.quality:.3f} {span}"
    )
