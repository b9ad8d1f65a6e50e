"""Reports as EDF+: waves as signals; beats, gaps and readings as annotations."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from camvitals import __version__
from camvitals.records import Array, InputError, Reading, Report
from camvitals.report.files import write_each
from camvitals.report.signals import Signal, missing, natural_rates, signals_of, started

LONGEST = 40  # bytes of an annotation that the library writes
PER_RECORD = 64  # annotations in a second, as the library has it
UNKNOWN_START = datetime(1985, 1, 1)  # the format needs a date; its years begin here
LABEL, UNIT = 16, 8  # letters of a signal's name and unit
DIGITAL = 32767
Note = tuple[float, float, str]


def write_edf(path: str | Path, reports: Iterable[Report]) -> Path:
    """Write one EDF+ file for each person; see docs/interchange.md for what stands where.

    Returns the path of the first. Raises InputError where nothing was measured over time, or
    pyedflib is missing.
    """
    return write_each(path, reports, ending=".edf", write=_write_one)


def _write_one(path: Path, report: Report) -> None:
    try:
        import pyedflib
    except ImportError as error:
        missing("pyedflib", error)
    # whole rates, so that a second is a record: no other clock is read alike everywhere
    rates = [float(math.ceil(rate)) for rate in natural_rates(report)]
    start, signals = signals_of(report, rates=rates)
    if not signals:
        raise InputError(f"{path.name} needs a wave but the report has none; write JSON instead")
    seconds = max(math.ceil(len(s.values) / s.rate) for s in signals)
    date = _date(report, start)
    notes = sorted(_notes(report, signals, start, seconds))
    if date.microsecond:  # the header knows whole seconds
        late = f"begins {date.microsecond / 1e6:.3f} s after the header"
        notes.insert(0, (0.0, -1, late))
    with pyedflib.EdfWriter(str(path), len(signals), file_type=pyedflib.FILETYPE_EDFPLUS) as file:
        file.setStartdatetime(date.replace(microsecond=0))
        file.setEquipment(f"camvitals_{__version__}")
        file.setPatientCode(f"person_{report.person}" if report.person else "X")
        if started(report) is None:
            file.setRecordingAdditional("start_unknown")
        file.setSignalHeaders([_header(signal) for signal in signals])
        least = math.ceil(len(notes) / seconds) + 1
        file.set_number_of_annotation_signals(min(PER_RECORD, least))
        file.writeSamples([_filled(signal, seconds) for signal in signals])
        for onset, length, text in notes[: PER_RECORD * seconds]:
            file.writeAnnotation(max(0.0, onset), length, text)


def _date(report: Report, start: float) -> datetime:
    zero = started(report)
    if zero is None:
        return UNKNOWN_START
    return (zero + timedelta(seconds=start)).replace(tzinfo=None)


def _header(signal: Signal) -> dict[str, Any]:
    known = signal.values[np.isfinite(signal.values)]
    largest = float(np.abs(known).max()) if len(known) and np.abs(known).max() > 0 else 1.0
    # the header has eight letters for the range: round up, so that nothing is cut
    bound = math.ceil(largest * 1000) / 1000 if largest < 1000 else float(math.ceil(largest))
    return {
        "label": signal.name[:LABEL],
        "dimension": signal.unit.split(",")[0][:UNIT],
        "sample_frequency": signal.rate,
        "physical_min": -bound,
        "physical_max": bound,
        "digital_min": -DIGITAL,
        "digital_max": DIGITAL,
        "transducer": "camera",
        "prefilter": "",
    }


def _filled(signal: Signal, seconds: int) -> Array:
    """The samples of whole seconds; 0 where there is none, which an annotation tells."""
    out = np.zeros(round(seconds * signal.rate))
    out[: len(signal.values)] = np.nan_to_num(signal.values, nan=0.0)
    return out


def _notes(report: Report, signals: Sequence[Signal], start: float, seconds: int) -> list[Note]:
    """Onset from the start [s], length [s] (-1: none) and text of every annotation."""
    notes: list[Note] = [(float(beat) - start, -1, "beat") for beat in report.beats]
    for signal in signals:
        notes += [(at, length, f"gap {signal.name}"[:LONGEST]) for at, length in signal.gaps()]
        end = len(signal.values) / signal.rate
        if end < seconds:
            notes.append((end, seconds - end, f"end {signal.name}"[:LONGEST]))
    for reading in report.readings:
        onset, length = reading.span[0] - start, reading.span[1] - reading.span[0]
        notes += [(max(0.0, onset), length, text) for text in _texts(reading)]
    return notes


def _texts(reading: Reading) -> list[str]:
    """A reading in pieces that fit: `NAME 72.04 bpm`, its low, high, quality; or why not."""
    name = reading.name
    if reading.value is None:
        # the limit is one of bytes
        pieces = textwrap.wrap(reading.why.encode("ascii", "replace").decode(), LONGEST - 7)
        told = [f"why {k:02d} {piece}" for k, piece in enumerate(pieces, start=1)]
        return [f"{name} withheld"[:LONGEST], *told]
    facts = {"": f"{reading.value:.6g} {reading.unit.split(',')[0]}"}
    facts |= {" low": f"{reading.low:.6g}", " high": f"{reading.high:.6g}"}
    facts |= {" quality": f"{reading.quality:.3f}"}
    return [f"{name}{fact} {text}"[:LONGEST] for fact, text in facts.items()]
