"""Reports as JSON, and back. The format is `camvitals.report/1`, described in docs/report.md."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from camvitals import __version__
from camvitals.records import (
    Array,
    Finding,
    InputError,
    Reading,
    Report,
    Source,
    Trace,
    Wave,
)
from camvitals.report.files import write_atomically

SCHEMA = "camvitals.report/1"
SOURCE_KEYS = {
    "name": "name",
    "width": "width_px",
    "height": "height_px",
    "frames": "frames",
    "claimed": "frames_claimed",
    "duration": "duration_s",
    "rate": "rate_hz",
    "jitter": "jitter_s",
    "codec": "codec",
    "pixel_format": "pixel_format",
    "bit_rate": "bit_rate_bps",
    "rotation": "rotation_deg",
    "warnings": "warnings",
}
TRACE_KEYS = ("time", "rgb", "pixels", "box", "moments", "points")


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of this format, as shipped with the package."""
    text = Path(__file__).with_name("report_1.schema.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


def to_json(reports: Iterable[Report], *, with_trace: bool = False) -> str:
    """Reports as one JSON document: strict (no NaN, no Infinity), one key a line, arrays on one.

    with_trace: also write the colour traces, many numbers for each frame.
    Times are rounded to 1 µs, samples to seven significant digits; unseen samples are null.
    """
    document = {
        "schema": SCHEMA,
        "software": {"name": "camvitals", "version": __version__},
        "reports": [_report_out(report, with_trace) for report in reports],
    }
    return "".join(_pieces(document, "\n")) + "\n"


def write_json(path: str | Path, reports: Iterable[Report], *, with_trace: bool = False) -> Path:
    """Write `to_json` to a file, atomically. Returns the path."""
    return write_atomically(path, to_json(reports, with_trace=with_trace))


def read_json(path: str | Path) -> tuple[Report, ...]:
    """The reports of a file written by `write_json`.

    Raises InputError when the file is missing, is not strict JSON, or is of another format.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError(f"no report at {file}; give a file written by write_json")
    try:
        document = json.loads(file.read_text(encoding="utf-8"), parse_constant=_refuse)
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{file.name} is not JSON ({error}); write it again") from error
    return from_document(document, name=file.name)


def from_document(document: Any, *, name: str = "document") -> tuple[Report, ...]:
    """The reports of a parsed document; `name` stands in the messages."""
    given = document.get("schema") if isinstance(document, dict) else type(document).__name__
    if given != SCHEMA:
        raise InputError(
            f"{name} needs schema {SCHEMA} but has {given!r}; "
            "read it with the version of camvitals that wrote it"
        )
    try:
        return tuple(_report_in(entry) for entry in document["reports"])
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{name} is not a whole {SCHEMA} document ({type(error).__name__}: {error}); "
            "write it again"
        ) from error


def _refuse(token: str) -> Any:
    raise InputError(f"{token} is no JSON number; write null where there is no value")


def _report_out(report: Report, with_trace: bool) -> dict[str, Any]:
    facts = {key: getattr(report.source, name) for name, key in SOURCE_KEYS.items()}
    out = {
        "person": report.person,
        "source": _plain(facts),
        "readings": [_reading_out(reading) for reading in report.readings],
        "rolling": [_reading_out(reading) for reading in report.rolling],
        "waves": [_wave_out(wave) for wave in report.waves],
        "beats": _numbers(report.beats, digits=6),
        "capture": [_plain(dataclasses.asdict(finding)) for finding in report.capture],
        "settings": _plain(report.settings),
        "versions": _plain(report.versions),
    }
    if with_trace and report.trace is not None:
        out["trace"] = _trace_out(report.trace)
    return out


def _reading_out(reading: Reading) -> dict[str, Any]:
    return {**_plain(dataclasses.asdict(reading)), "span": [float(t) for t in reading.span]}


def _wave_out(wave: Wave) -> dict[str, Any]:
    return {
        "name": wave.name,
        "unit": wave.unit,
        "time": _numbers(wave.time, digits=6),
        "values": _numbers(wave.values),
    }


def _trace_out(trace: Trace) -> dict[str, Any]:
    out: dict[str, Any] = {"names": list(trace.names)}
    for key in TRACE_KEYS:
        array = getattr(trace, key)
        if array is not None:
            out[key] = _numbers(array, digits=6 if key == "time" else None)
    return out


def _numbers(array: Array, *, digits: int | None = None) -> list[Any]:
    """Nested lists of numbers: null where not finite, rounded to decimals or to seven digits."""
    values = np.asarray(array, dtype=float)
    if values.ndim > 1:
        return [_numbers(row, digits=digits) for row in values]
    if digits is not None:
        return [v if np.isfinite(v) else None for v in np.round(values, digits).tolist()]
    return [float(f"{v:.7g}") if np.isfinite(v) else None for v in values.tolist()]


def _plain(value: Any) -> Any:
    """The value in JSON's own types; what is not finite is null, what is unknown is its text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(entry) for entry in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _plain(dataclasses.asdict(value))
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _pieces(value: Any, newline: str) -> Iterable[str]:
    """JSON text: a key or a record per line, arrays of plain values on one line."""
    inner = newline + "  "
    if isinstance(value, dict) and value:
        for at, (key, entry) in enumerate(value.items()):
            yield ("," if at else "{") + inner + json.dumps(key, ensure_ascii=False) + ": "
            yield from _pieces(entry, inner)
        yield newline + "}"
    elif isinstance(value, list) and any(isinstance(entry, dict) for entry in value):
        for at, entry in enumerate(value):
            yield ("," if at else "[") + inner
            yield from _pieces(entry, inner)
        yield newline + "]"
    else:
        yield json.dumps(value, ensure_ascii=False, allow_nan=False)


def _report_in(entry: dict[str, Any]) -> Report:
    facts = {name: entry["source"][key] for name, key in SOURCE_KEYS.items()}
    return Report(
        readings=tuple(_reading_in(reading) for reading in entry["readings"]),
        source=Source(**{**facts, "warnings": tuple(facts["warnings"])}),
        rolling=tuple(_reading_in(reading) for reading in entry["rolling"]),
        waves=tuple(_wave_in(wave) for wave in entry["waves"]),
        beats=_array(entry["beats"]),
        trace=_trace_in(entry["trace"]) if "trace" in entry else None,
        capture=tuple(Finding(**finding) for finding in entry["capture"]),
        person=entry["person"],
        settings=entry["settings"],
        versions=entry["versions"],
    )


def _reading_in(entry: dict[str, Any]) -> Reading:
    start, stop = entry["span"]
    return Reading(**{**entry, "span": (start, stop)})


def _wave_in(entry: dict[str, Any]) -> Wave:
    return Wave(_array(entry["values"]), _array(entry["time"]), entry["name"], entry["unit"])


def _trace_in(entry: dict[str, Any]) -> Trace:
    arrays: dict[str, Any] = {key: _array(entry[key]) for key in TRACE_KEYS if key in entry}
    names, length = tuple(entry["names"]), len(arrays["time"])
    shapes = {"rgb": (length, len(names), 3), "pixels": (length, len(names)), "box": (length, 4)}
    arrays.update({key: arrays[key].reshape(shape) for key, shape in shapes.items()})
    return Trace(names=names, **{**arrays, "rgb": arrays["rgb"].astype(np.float32)})


def _array(nested: list[Any]) -> Array:
    """float64 array; null is NaN."""
    return np.asarray(nested, dtype=float)
