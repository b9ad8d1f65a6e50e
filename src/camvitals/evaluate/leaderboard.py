"""A leaderboard: one line for each method on each corpus, as CSV files and the page made of them.

The page is a function of the files alone, so that anybody can see that neither was written by hand.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from camvitals.evaluate.cells import Cell, Column, Row, Table, column_of, counted, named
from camvitals.evaluate.entrant import UNITS, Entrant, entrants, mean_loss
from camvitals.evaluate.render import markdown_table
from camvitals.evaluate.result import Result
from camvitals.evaluate.table import tables_of
from camvitals.records import InputError

NAN = float("nan")
AGREEMENT = ("coverage", "mae", "rmse", "within_5", "pearson_r", "ccc")
REST = ("mape", "mean_error", "sd_error", "interval_cover", "risk")
WAVE = ("snr_dehaan", "macc", "wave_r", "beat_mae_ms")
MEASURED = (*AGREEMENT, *REST, *WAVE)
ABOUT = ("corpus", "vital", "method", "floor", "windows", "recordings", "subjects", "excluded")
ORIGIN = ("why", "protocol", "protocol_hash", "version")
CHARGED = "charged_mae"
HEAD = (
    *ABOUT,
    "answers",
    CHARGED,
    *(f"{name}{end}" for name in MEASURED for end in ("", "_low", "_high")),
    *ORIGIN,
)
Line = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Board:
    """One file of the leaderboard. name: without .csv; title, text: what it is measured on."""

    name: str
    title: str
    text: str


def lines_of(result: Result, *, draws: int = 1000) -> list[dict[str, str]]:
    """The lines of a result: for each corpus and vital sign the methods, best first, then floors.

    Best is the least `charged_mae`: mean |error|, where a withheld window counts as the mean of the
    other subjects would have missed it.
    """
    found = []
    for corpus in result.names("corpus"):
        part = result.of(corpus=corpus)
        for vital in part.names("vital"):
            found += _lines(part, corpus, vital, draws)
    return found


def _lines(part: Result, corpus: str, vital: str, draws: int) -> list[dict[str, str]]:
    cells: dict[str, dict[str, Cell]] = {}
    for table in tables_of(part, vital, draws=draws):
        if table.key.split(".")[1] in ("agreement", "errors", "waves", "trust"):
            for row in table.rows:
                keys = (column.key for column in table.columns)
                cells.setdefault(row.name, {}).update(zip(keys, row.cells, strict=True))
    excluded = sum(
        one.windows for one in part.excluded if (one.corpus, one.vital) == (corpus, vital)
    )
    among = sorted(entrants(part, vital), key=lambda one: (one.floor, mean_loss(one)))
    return [_about(one, part, corpus, vital, excluded) | _numbers(cells[one.name]) for one in among]


def _about(one: Entrant, part: Result, corpus: str, vital: str, excluded: int) -> dict[str, str]:
    loss, given = mean_loss(one), np.isfinite(one.error)
    reasons = Counter() if one.floor or given.any() else Counter(one.columns["why"])
    return {
        "corpus": corpus,
        "vital": vital,
        "method": one.name,
        "floor": "yes" if one.floor else "no",
        "windows": str(len(one.reference)),
        "recordings": str(len(set(one.takes))),
        "subjects": str(len(set(one.people))),
        "excluded": str(excluded),
        "answers": str(int(given.sum())),
        CHARGED: _written(loss if one.floor is False else NAN),
        "why": reasons.most_common(1)[0][0] if reasons else "",
        "protocol": part.protocol.name,
        "protocol_hash": part.protocol.hash,
        "version": part.versions.get("camvitals", ""),
    }


def _numbers(cells: Mapping[str, Cell]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in MEASURED:
        cell = cells.get(name, Cell())
        found |= {
            name: _written(cell.value),
            f"{name}_low": _written(cell.low),
            f"{name}_high": _written(cell.high),
        }
    return found


def _written(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else ""


def to_csv(lines: Sequence[Line]) -> str:
    """The lines as CSV with the columns HEAD."""
    out = io.StringIO()
    writer = csv.DictWriter(out, HEAD, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return out.getvalue()


def read(path: Path) -> list[dict[str, str]]:
    """The lines of a file that `to_csv` wrote. Raises InputError for any other."""
    if not path.is_file():
        raise InputError(f"no leaderboard at {path}; run python benchmarks/leaderboard.py")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows or set(rows[0]) != set(HEAD):
        raise InputError(f"{path} has other columns than a leaderboard; make it again")
    return rows


def page(boards: Sequence[Board], folder: Path, *, preface: str) -> str:
    """README.md of the CSV files in a folder."""
    parts = [preface]
    for board in boards:
        lines = read(folder / f"{board.name}.csv")
        parts += [
            f"## {board.title}",
            f"{board.text} Numbers: [{board.name}.csv]({board.name}.csv).",
        ]
        groups = dict.fromkeys((line["corpus"], line["vital"]) for line in lines)
        for corpus, vital in groups:
            chosen = [line for line in lines if (line["corpus"], line["vital"]) == (corpus, vital)]
            parts += [
                markdown_table(table, level=3 if first else 4)
                for table, first in _tables(chosen, corpus, vital)
            ]
    return "\n\n".join(parts) + "\n"


def _tables(lines: Sequence[Line], corpus: str, vital: str) -> list[tuple[Table, bool]]:
    """The tables of one corpus and vital sign, and whether each begins a section."""
    unit = UNITS.get(vital, "")
    columns = (
        *(column_of(name, vital) for name in AGREEMENT),
        Column(CHARGED, "charged MAE", unit),
        Column("interval_cover", "in interval", "%", 0),
    )
    first, seen = lines[0], len({line["version"] for line in lines})
    versions = ", ".join(sorted({line["version"] for line in lines}))
    notes = [
        f"{_many(first, 'window')} of {_many(first, 'recording')} of {_many(first, 'subject')}; "
        f"left out: {counted(int(first['excluded']), 'window')} without a usable reference. "
        f"Protocol {first['protocol']}, hash {first['protocol_hash'][:12]}; camvitals {versions}."
        + (" Several versions: make it again." if seen > 1 else ""),
    ]
    silent: dict[str, list[str]] = {}
    for line in lines:
        if line["why"]:
            why = re.sub(rf"^{re.escape(line['method'])}\b", "it", line["why"])
            silent.setdefault(why, []).append(line["method"])
    notes += [f"– {', '.join(names)}: {why}." for why, names in silent.items()]
    title = f"{corpus}: {named(vital).lower() if vital == 'heart_rate' else named(vital)}"
    table = Table(f"{corpus}.{vital}", title, columns, _rows(lines, columns), tuple(notes))
    waves = tuple(
        Column(key, head, unit, digits)
        for key, head, unit, digits in (
            ("snr_dehaan", "SNR de Haan", "dB", 1),
            ("macc", "MACC", "", 2),
            ("wave_r", "wave r after lag", "", 2),
            ("beat_mae_ms", "beat intervals", "ms", 0),
        )
    )
    known = [line for line in lines if line["snr_dehaan"]]
    if not known:
        return [(table, True)]
    other = Table(
        f"{corpus}.{vital}.waves", f"{corpus}: the pulse wave", waves, _rows(known, waves)
    )
    return [(table, True), (other, False)]


def _many(line: Line, noun: str) -> str:
    return counted(int(line[f"{noun}s"]), noun)


def _rows(lines: Sequence[Line], columns: Sequence[Column]) -> tuple[Row, ...]:
    return tuple(
        Row(
            line["method"],
            tuple(_cell(line, column.key) for column in columns),
            line["floor"] == "yes",
        )
        for line in lines
    )


def _cell(line: Line, key: str) -> Cell:
    said = [line.get(f"{key}{end}", "") for end in ("", "_low", "_high")]
    value, low, high = (float(text) if text else NAN for text in said)
    return Cell(value, low, high)
