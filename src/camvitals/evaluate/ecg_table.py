"""Scores of many recordings as one table, each number with its interval over people.

A person is one sample: the mean over their recordings. Shape letters: S subjects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from camvitals.evaluate.cells import Column, Row, Table, cell_of
from camvitals.evaluate.metrics import METRICS, Score, scores
from camvitals.records import Array, InputError

NAN = float("nan")
SCORES: dict[str, Column] = {
    "r": Column("r", "r"),
    "r_joined": Column("r_joined", "r, joined"),
    "r2": Column("r2", "R²"),
    "r2_window": Column("r2_window", "R² in windows"),
    "mse": Column("mse", "MSE", digits=3),
    "mae": Column("mae", "MAE", digits=3),
    "zero_mse": Column("zero_mse", "MSE of 0", digits=3),
    "mean_mse": Column("mean_mse", "MSE of the mean", digits=3),
    "zero_mae": Column("zero_mae", "MAE of 0", digits=3),
    "median_mae": Column("median_mae", "MAE of the median", digits=3),
    "windows": Column("windows", "windows", digits=0),
    "f1": Column("f1", "beat F1"),
    "precision": Column("precision", "precision"),
    "sensitivity": Column("sensitivity", "sensitivity"),
    "f1_floor": Column("f1_floor", "F1 of a metronome"),
    "interval_mae_ms": Column("interval_mae_ms", "interval error", "ms", 0),
    "beats": Column("beats", "beats", digits=0),
    "sensitivity_normal": Column("sensitivity_normal", "sensitivity, normal"),
    "sensitivity_ectopic": Column("sensitivity_ectopic", "sensitivity, ectopic"),
    "heart_rate": Column("heart_rate", "heart rate", "bpm", 1),
    "heart_rate_mae": Column("heart_rate_mae", "heart rate MAE", "bpm"),
    "heart_rate_answered": Column("heart_rate_answered", "spans answered"),
    "heart_rate_floor": Column("heart_rate_floor", "MAE of the others' mean", "bpm"),
    "sdnn_ms": Column("sdnn_ms", "SDNN", "ms", 0),
    "sdnn_error_ms": Column("sdnn_error_ms", "SDNN error", "ms", 0),
    "sdnn_clock_ms": Column("sdnn_clock_ms", "SDNN error of the clock", "ms", 0),
    "rmssd_ms": Column("rmssd_ms", "RMSSD", "ms", 0),
    "rmssd_error_ms": Column("rmssd_error_ms", "RMSSD error", "ms", 0),
    "rmssd_clock_ms": Column("rmssd_clock_ms", "RMSSD error of the clock", "ms", 0),
}
USUAL = (
    *("r", "r2", "mse", "zero_mse", "mean_mse", "f1", "f1_floor", "interval_mae_ms"),
    *("heart_rate_mae", "heart_rate_answered", "heart_rate_floor"),
    *("sdnn_error_ms", "rmssd_error_ms"),
)


def ecg_table(
    rows: Sequence[Mapping[str, Any]],
    *,
    by: Sequence[str],
    names: Sequence[str] = USUAL,
    title: str = "ECG",
    key: str = "ecg",
    draws: int = 1000,
    seed: int = 0,
) -> Table:
    """The mean over people of each score with its 95 % interval, one line for each group.

    rows:  a mapping for each recording: "subject", the fields in `by`, what `ecg_scores` gave;
        a missing score counts as NaN, and NaN for nothing.
    by:    fields that tell the groups apart, such as ("model", "scheme", "loss").
    names: of SCORES, in the order of the columns.   draws, seed: of the bootstrap over people.
    `heart_rate_floor` is of the mean heart rate of the other people in the group.
    Returns a Table for evaluate.render. Raises InputError without rows or for an unknown name.
    """
    found = aggregate(rows, by=by, names=names, draws=draws, seed=seed)
    lines = tuple(
        Row(", ".join(group), tuple(cell_of(score, name) for name, score in of.items()))
        for group, of in found.items()
    )
    people = len({row["subject"] for row in rows})
    note = f"Mean over {people} people (at most; a score that is not defined counts for nothing)."
    notes = (note + " In brackets: 95 % interval, people drawn again with replacement.",)
    return Table(key, title, tuple(SCORES[name] for name in names), lines, notes, ", ".join(by))


def aggregate(
    rows: Sequence[Mapping[str, Any]],
    *,
    by: Sequence[str],
    names: Sequence[str] = USUAL,
    draws: int = 1000,
    seed: int = 0,
) -> dict[tuple[str, ...], dict[str, Score]]:
    """Of each group, in order of appearance, each score over people; see `ecg_table`."""
    unknown = sorted(set(names) - set(SCORES))
    if unknown or not rows:
        raise InputError(
            f"a table of ECG scores needs rows and names of {', '.join(SCORES)}, but got "
            f"{len(rows)} rows and {', '.join(unknown) or 'known names'}"
        )
    groups: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(str(row[field]) for field in by), []).append(row)
    return {
        group: {name: _over_people(of, name, draws=draws, seed=seed) for name in names}
        for group, of in groups.items()
    }


def _over_people(rows: Sequence[Mapping[str, Any]], name: str, *, draws: int, seed: int) -> Score:
    """Mean of the means of the people, and its interval."""
    subject = np.array([str(row["subject"]) for row in rows])
    people = np.unique(subject)
    if name == "heart_rate_floor":
        mean_S = _others(_means(rows, "heart_rate", subject, people))
    else:
        mean_S = _means(rows, name, subject, people)
    if not np.isfinite(mean_S).any():
        return Score(NAN, NAN, NAN, 0, 0)
    metric = {"mean": METRICS["mean_error"]}
    zero = np.zeros(len(people))
    return scores(mean_S, zero, people, metrics=metric, draws=draws, seed=seed)["mean"]


def _means(rows: Sequence[Mapping[str, Any]], name: str, subject: Array, people: Array) -> Array:
    """(S,) mean of what is defined of each person; NaN where nothing is."""
    value = np.array([float(row.get(name, NAN)) for row in rows])
    out = np.full(len(people), np.nan)
    for k, who in enumerate(people):
        known = value[(subject == who) & np.isfinite(value)]
        if len(known):
            out[k] = known.mean()
    return out


def _others(mean_S: Array) -> Array:
    """(S,) distance of each person's mean from that of the others."""
    known = np.isfinite(mean_S)
    if known.sum() < 2:
        return np.full(len(mean_S), np.nan)
    others = (np.nansum(mean_S) - mean_S) / (known.sum() - 1)
    return np.asarray(np.abs(mean_S - others))
