"""What a table is: rows of numbers with intervals, units in the columns, notes below.

Cells hold numbers, not text: `render` makes text of them for terminals, papers and files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from camvitals.evaluate.entrant import UNITS
from camvitals.evaluate.metrics import METRICS, Score

NAN = float("nan")
SHARES = ("coverage", "within_3", "within_5", "below_5", "within_10")
TITLES = {
    "coverage": "answered",
    "mae": "MAE",
    "rmse": "RMSE",
    "rmse_percent": "relative RMSE",
    "mape": "MAPE",
    "pearson_r": "Pearson r",
    "ccc": "CCC",
    "within_3": "within 3",
    "within_5": "within 5",
    "below_5": "below 5",
    "within_10": "within 10",
    "mean_error": "mean error",
    "sd_error": "SD of error",
    "arms": "ARMS",
}


@dataclass(frozen=True, slots=True)
class Column:
    """key: for machines.   title, unit: as printed.   digits: decimals."""

    key: str
    title: str
    unit: str = ""
    digits: int = 2


@dataclass(frozen=True, slots=True)
class Cell:
    """A number in the unit of its column with its 95 % interval, or words.

    value: NaN where there is none.   low, high: NaN without an interval.   note: why, in words.
    """

    value: float = NAN
    low: float = NAN
    high: float = NAN
    text: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One method, or a floor that needs no camera."""

    name: str
    cells: tuple[Cell, ...]
    floor: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One table. key: unique in its sheet.   lead: heading of the row names.   notes: below it."""

    key: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    lead: str = "method"


@dataclass(frozen=True, slots=True)
class Sheet:
    """All tables of an evaluation, with the protocol that made its numbers.

    protocol: its name; hash: 64 hexadecimal digits; text: a paragraph.   versions: of software.
    """

    title: str
    protocol: str
    hash: str
    text: str
    tables: tuple[Table, ...]
    versions: Mapping[str, str] = field(default_factory=dict)


def column_of(metric: str, vital: str) -> Column:
    """The column of a metric of METRICS; shares are in percent."""
    unit = "%" if metric in SHARES else METRICS[metric].unit or UNITS.get(vital, "")
    digits = 0 if metric in SHARES else 2
    return Column(metric, TITLES.get(metric, metric), "" if unit == "1" else unit, digits)


def cell_of(score: Score, metric: str) -> Cell:
    """A score as a cell: shares in percent, no interval over a single subject."""
    scale = 100.0 if metric in SHARES else 1.0
    if score.subjects < 2 and metric != "coverage":
        return Cell(scale * score.value)
    return Cell(scale * score.value, scale * score.low, scale * score.high)


def named(vital: str) -> str:
    """A vital sign in words."""
    return {"spo2": "SpO2", "hrv_sdnn": "SDNN", "hrv_rmssd": "RMSSD"}.get(
        vital, vital.replace("_", " ").capitalize()
    )


def counted(count: int, noun: str) -> str:
    """`1 window`, `2 windows`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
