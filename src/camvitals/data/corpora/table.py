"""Recordings of one's own: a table with a row for each video and its reference file."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from camvitals.data.corpora.corpus import Corpus
from camvitals.data.corpora.references import reference_wave
from camvitals.data.files import library, present, read_columns
from camvitals.data.recording import REFERENCES, Recording
from camvitals.records import InputError, Wave
from camvitals.video import open_video

NAMES = ("recordings.csv", "recordings.parquet")
PLACES = ("subject", "session", "task", "split")
CLOCK = ("time_column", "time_unit", "offset")
SPLITS = ("train", "val", "test", "")
SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
# (reference, unit of the file) -> factor to the unit of REFERENCES
UNITS = {
    ("ecg", "uV"): 1e-3,
    ("ecg", "V"): 1e3,
    ("blood_pressure", "kPa"): 7.500617,
    ("heart_rate", "Hz"): 60.0,
    ("respiration_rate", "Hz"): 60.0,
    ("spo2", "1"): 100.0,
    ("rr", "s"): 1e3,
}

Row = Mapping[str, str]


def find(folder: Path) -> Iterator[Recording]:
    """Every row of recordings.csv or recordings.parquet in a folder, or of the table given."""
    path = folder
    if folder.is_dir():
        places = [folder / name for name in NAMES if (folder / name).is_file()]
        if not places:
            return
        path = places[0]
    seen: dict[str, int] = {}
    for number, row in enumerate(_rows(path), start=1):
        take = _recording(path, number, row)
        if take.name in seen:
            raise InputError(
                f"{path} rows {seen[take.name]} and {number} are both {take.name}; tell them apart "
                "by a column session or task"
            )
        seen[take.name] = number
        yield take


def _rows(path: Path) -> list[dict[str, str]]:
    """The rows, each cell as text; an empty cell is ""."""
    rows: list[dict[Any, Any]]
    if path.suffix.lower() == ".parquet":
        parquet = library("pyarrow.parquet", "pyarrow", path=present(path))
        try:
            rows = parquet.read_table(path).to_pylist()
        except (OSError, ValueError) as error:
            raise InputError(f"{path} needs to be Parquet but {error}") from error
    else:
        with present(path).open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    if rows and "video" not in rows[0]:
        given = ", ".join(map(str, rows[0]))[:200]
        raise InputError(f"{path} needs the columns video and reference but has {given}")
    return [{str(name).strip(): _text(cell) for name, cell in row.items()} for row in rows]


def _text(cell: object) -> str:
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    return str(cell).strip()


def _recording(path: Path, number: int, row: Row) -> Recording:
    if not row["video"]:
        raise InputError(f"{path} row {number} needs a video but its cell is empty")
    if row.get("split", "") not in SPLITS:
        raise InputError(f"{path} row {number} needs split train, val or test: {row['split']!r}")
    video = path.parent / row["video"]
    told = [part.strip() for part in row.get("reference", "").split(";") if part.strip()]
    files = tuple(path.parent / name for name in told)
    how = {name: row[name] for name in _reading(row) if row.get(name)}
    known = {"video", "reference", "fps", "roi", *PLACES, *_reading(row)}
    return Recording(
        corpus="table",
        subject=row.get("subject") or Path(row["video"]).with_suffix("").as_posix(),
        session=row.get("session", ""),
        task=row.get("task", ""),
        split=row.get("split", ""),
        references=partial(references, files, how, f"{path} row {number}"),
        pictures=partial(open_video, video, fps=_number(path, number, row, "fps")),
        attributes={name: cell for name, cell in row.items() if name not in known and cell},
        files=(video, *files),
        roi=row.get("roi") or "face",
    )


def _reading(row: Row) -> list[str]:
    """The columns that say how reference files are to be read."""
    each = [f"{name}_{what}" for name in REFERENCES for what in ("column", "unit")]
    return [name for name in (*CLOCK, *each) if name in row]


def _number(path: Path, number: int, row: Row, name: str) -> float | None:
    if not row.get(name):
        return None
    try:
        return float(row[name])
    except ValueError:
        raise InputError(
            f"{path} row {number} needs a number in {name} but has {row[name]!r}"
        ) from None


def references(files: tuple[Path, ...], how: Row, row: str) -> Mapping[str, Wave]:
    """Every column of the files that is one of REFERENCES, by its own name or as the row says.

    files: tables of numbers with a heading.   how: time_column ("time"), time_unit ("s"), offset
    (time of the file at which the video's clock is 0), and NAME_column, NAME_unit of each.
    """
    unit, offset = how.get("time_unit", "s"), how.get("offset", "0")
    if unit not in SECONDS:
        raise InputError(f"{row} needs time_unit {', '.join(SECONDS)} but has {unit!r}")
    try:
        shift = float(offset)
    except ValueError:
        raise InputError(f"{row} needs a number in offset but has {offset!r}") from None
    found: dict[str, Wave] = {}
    for path in files:
        columns = read_columns(path)
        clock = read_columns(path, names=(how.get("time_column", "time"),))
        time = (next(iter(clock.values())) - shift) * SECONDS[unit]
        for name in REFERENCES:
            column = how.get(f"{name}_column", name)
            if column in columns:
                values = columns[column] * _factor(name, how, row)
                there = np.isfinite(values)  # slow signals leave cells empty beside fast ones
                found[name] = reference_wave(name, values[there], time[there], path=path)
    lacking = [name for name in REFERENCES if f"{name}_column" in how and name not in found]
    if lacking:
        raise InputError(
            f"{row} needs the column {how[f'{lacking[0]}_column']!r} in "
            f"{', '.join(map(str, files)) or 'a reference file'} but it is not there"
        )
    return found


def _factor(name: str, how: Row, row: str) -> float:
    unit = how.get(f"{name}_unit", REFERENCES[name])
    if unit == REFERENCES[name] or name in ("pulse", "breath"):
        return 1.0
    if (name, unit) not in UNITS:
        known = [REFERENCES[name], *(u for n, u in UNITS if n == name)]
        raise InputError(f"{row} needs {name}_unit {', '.join(known)} but has {unit!r}")
    return UNITS[name, unit]


TABLE = Corpus(
    title="a table of one's own recordings",
    source="one's own",
    licence="one's own",
    layout="recordings.csv or recordings.parquet with columns video and reference",
    find=find,
)
