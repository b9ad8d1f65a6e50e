"""The trials of a search as tables and as a drawing."""

from __future__ import annotations

import csv
import io
import math
import statistics
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from camvitals.records import Array
from camvitals.report.files import write_atomically
from camvitals.report.search import Axis, search_svg
from camvitals.train.checkpoint import on_disk
from camvitals.train.space import Choice, Range, Space
from camvitals.train.study import Row

CSV, MARKDOWN, PLOT = "trials.csv", "trials.md", "trials.svg"
ORDER = ("complete", "pruned", "failed", "running")


def best_of(rows: Sequence[Row]) -> Row | None:
    """The complete trial with the lowest value."""
    complete = [row for row in rows if row.state == "complete"]
    return min(complete, key=lambda row: (row.value, row.place), default=None)


def write_tables(
    folder: Path, rows: Sequence[Row], space: Space, *, metric: str, wanted: int
) -> None:
    """Write trials.csv, trials.md and trials.svg. Raises InputError on a full disk.

    metric: what `value` is of a trial.   wanted: trials of the whole search.
    """
    told = sorted((row for row in rows if row.state != "lost"), key=lambda row: row.place)
    written = {
        CSV: trials_csv(told, space, metric=metric),
        MARKDOWN: trials_markdown(told, space, metric=metric, wanted=wanted),
        PLOT: _drawing(told, space, metric=metric),
    }
    for name, text in written.items():
        with on_disk(folder / name):
            write_atomically(folder / name, text)


def trials_csv(rows: Sequence[Row], space: Space, *, metric: str) -> str:
    """One line a trial."""
    folds = max((len(row.folds) for row in rows), default=0)
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    names = [f"fold{n}" for n in range(folds)]
    out.writerow(["trial", *space, "state", metric, *names, "seconds", "why"])
    for row in rows:
        values = [_number(row.folds[n]) if n < len(row.folds) else "" for n in range(folds)]
        kept = [_word(row.settings.get(key)) for key in space]
        numbers = [_number(row.value), *values, _number(round(row.seconds, 2))]
        out.writerow([row.place + 1, *kept, row.state, *numbers, row.why])
    return text.getvalue()


def trials_markdown(rows: Sequence[Row], space: Space, *, metric: str, wanted: int) -> str:
    """The best, what each value of each setting came to, and every trial, the best first."""
    states = [row.state for row in rows]
    counted = ", ".join(f"{states.count(one)} {one}" for one in ORDER if one in states)
    spent = sum(row.seconds for row in rows if math.isfinite(row.seconds))
    parts = ["# Search", f"{len(rows)} of {wanted} trials: {counted or 'none'}; {_time(spent)}."]
    best = best_of(rows)
    if best is not None:
        said = ", ".join(f"`{key}={_word(value)}`" for key, value in best.settings.items())
        parts.append(f"Best {metric} {best.value:.4g}: {said}.")
        parts += ["## By setting", _by_setting(rows, space, metric)]
    parts += ["## Trials", _every(rows, space, metric)]
    return "\n\n".join(parts) + "\n"


def _by_setting(rows: Sequence[Row], space: Space, metric: str) -> str:
    """Complete trials alone; the pruned were worse, as far as they came."""
    lines = [["setting", "value", "complete", "pruned", f"lowest {metric}", "median"]]
    for key, choice in space.items():
        for name, inside in _parts(choice):
            there = [row for row in rows if inside(row.settings.get(key))]
            values = [row.value for row in there if row.state == "complete"]
            pruned = sum(row.state == "pruned" for row in there)
            low = f"{min(values):.4g}" if values else ""
            middle = f"{statistics.median(values):.4g}" if values else ""
            lines.append([f"`{key}`", name, str(len(values)), str(pruned), low, middle])
    return _table(lines)


def _parts(choice: Choice) -> list[tuple[str, Any]]:
    """The values of a setting, or thirds of its range, each with what tells whether one is it."""
    if not isinstance(choice, Range):
        return [(_word(value), lambda found, value=value: found == value) for value in choice]
    ends = [choice.at(share) for share in (0.0, 1 / 3, 2 / 3)] + [math.inf]
    return [
        (
            f"{low:.3g} to {min(high, choice.high):.3g}",
            lambda found, low=low, high=high: found is not None and low <= found < high,
        )
        for low, high in pairwise(ends)
    ]


def _every(rows: Sequence[Row], space: Space, metric: str) -> str:
    lines = [["trial", *(f"`{key}`" for key in space), metric, "folds", "state", "time"]]
    worst = len(ORDER)
    ranked = sorted(
        rows,
        key=lambda row: (
            ORDER.index(row.state) if row.state in ORDER else worst,
            row.value if math.isfinite(row.value) else math.inf,
            row.place,
        ),
    )
    for row in ranked:
        value = f"{row.value:.4g}" if math.isfinite(row.value) else ""
        folds = " ".join(f"{one:.3g}" for one in row.folds)
        state = f"failed: {row.why}" if row.state == "failed" else row.state
        kept = [_word(row.settings.get(key)) for key in space]
        lines.append([str(row.place + 1), *kept, value, folds, state, _time(row.seconds)])
    return _table(lines)


def _table(lines: list[list[str]]) -> str:
    rows = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    rows.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in rows)


def _drawing(rows: Sequence[Row], space: Space, *, metric: str) -> str:
    ended = [row for row in rows if row.state in ("complete", "pruned")]
    values = np.array([row.value for row in ended], dtype=float)
    complete = np.array([row.state == "complete" for row in ended], dtype=bool)
    axes = [_axis(key, choice, ended) for key, choice in space.items()]
    return search_svg(values, complete, axes, metric=metric)


def _axis(key: str, choice: Choice, rows: Sequence[Row]) -> Axis:
    """Where each trial crosses the line of a setting, 0 to 1."""
    found = [row.settings.get(key) for row in rows]
    if not isinstance(choice, Range):
        last = max(1, len(choice) - 1)
        at: Array = np.array([choice.index(value) / last for value in found], dtype=float)
        marks = [(n / last, _word(value)) for n, value in enumerate(choice)]
        return Axis(key, at, marks)
    numbers = np.array(found, dtype=float)
    ends = np.array([choice.low, choice.high], dtype=float)
    if choice.log:
        numbers, ends = np.log(numbers), np.log(ends)
    at = (numbers - ends[0]) / (ends[1] - ends[0])
    return Axis(key, at, [(0.0, f"{choice.low:g}"), (1.0, f"{choice.high:g}")])


def _word(value: Any) -> str:
    if value is None:
        return "none"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _number(value: float) -> str:
    return repr(value) if math.isfinite(value) else ""


def _time(seconds: float) -> str:
    if not math.isfinite(seconds):
        return ""
    if seconds < 100:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
