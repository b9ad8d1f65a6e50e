"""The course of a training in two tables, steps.csv and curve.csv, and in curve.svg.

Rows are appended as they are made; a training that goes on first takes back what came after its
checkpoint, so that each step is in the tables once.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from camvitals.records import Array, InputError
from camvitals.report.training import training_svg
from camvitals.train.checkpoint import on_disk, write_bytes

STEPS, CURVE, PLOT = "steps.csv", "curve.csv", "curve.svg"
CURVE_COLUMNS = (
    "epoch",
    "step",
    "loss",
    "validation_loss",
    "mae",
    "best",
    "clips_per_second",
    "waiting",
)
STEP_COLUMNS = ("step", "epoch", "loss", "gradient_norm", "learning_rate", "seconds", "waited_s")
CLOCKED = ("seconds", "waited_s", "clips_per_second", "waiting")  # differ from run to run


class Table:
    """A CSV file of numbers with one row a step, whose column `step` grows."""

    def __init__(self, path: Path, columns: tuple[str, ...]) -> None:
        self.path, self.columns = path, columns

    def cut(self, step: int) -> None:
        """Keep the rows up to a step, or begin an empty table. Raises InputError on a full disk."""
        kept = [row for row in self._whole_rows() if float(row[self._at]) <= step]
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([self.columns, *kept])
        with on_disk(self.path):
            write_bytes(self.path, text.getvalue().encode())

    def add(self, row: Mapping[str, Any]) -> None:
        """Append one row. Raises InputError on a full disk."""
        text = ",".join(repr(float(row[name])) for name in self.columns)
        with on_disk(self.path), self.path.open("a", encoding="utf-8") as file:
            file.write(text + "\n")

    def read(self) -> dict[str, Array]:
        """Its columns; the last row may be missing after a kill."""
        rows = [[float(value) for value in row] for row in self._whole_rows()]
        table = np.array(rows, dtype=float).reshape(-1, len(self.columns))
        return {name: table[:, k] for k, name in enumerate(self.columns)}

    @property
    def _at(self) -> int:
        return self.columns.index("step")

    def _whole_rows(self) -> list[list[str]]:
        """Rows of this table's columns; one that a kill cut short is left out."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except OSError:
            return []
        lines = text[: text.rfind("\n") + 1].splitlines()
        if lines and tuple(lines[0].split(",")) != self.columns:
            raise InputError(
                f"{self.path} has other columns than this training writes; move it away"
            )
        rows = [line.split(",") for line in lines[1:]]
        return [row for row in rows if len(row) == len(self.columns)]


def draw_curve(folder: Path, curve: Mapping[str, Array], *, metric: str) -> None:
    """Draw loss and metric over the epochs to curve.svg. Raises InputError on a full disk."""
    text = training_svg(curve, metric=metric)
    with on_disk(folder / PLOT):
        write_bytes(folder / PLOT, text.encode())
