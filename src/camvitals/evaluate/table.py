"""What an evaluation found, as tables of numbers that any form can be made of."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import numpy as np

from camvitals.evaluate.calibration import interval_calibration, reliability, risk_coverage
from camvitals.evaluate.cells import (
    NAN,
    SHARES,
    Cell,
    Column,
    Row,
    Sheet,
    Table,
    cell_of,
    column_of,
    counted,
    named,
)
from camvitals.evaluate.degraded_table import by_level
from camvitals.evaluate.entrant import UNITS, Entrant, entrants, lead_of, strata_of, words_of
from camvitals.evaluate.metrics import CLOSE_BPM, METRICS, scores
from camvitals.evaluate.result import Result
from camvitals.evaluate.sequences import PROTOCOLS as OF_SEQUENCES
from camvitals.evaluate.sequences import by_sequence
from camvitals.evaluate.statistics import gap
from camvitals.evaluate.verdict import verdict
from camvitals.records import Array

MAIN = ("coverage", "mae", "rmse", "within_5", "pearson_r", "ccc")
FURTHER = ("mean_error", "sd_error", "rmse_percent", "mape", "within_3", "within_10")
WAVE_UNITS = {
    "snr_toolbox": ("SNR rPPG-Toolbox", "dB"),
    "snr_dehaan": ("SNR de Haan", "dB"),
    "snr_heartratenet": ("SNR HeartRateNet", "dB"),
    "snr_contrast": ("SNR Contrast-Phys", "dB"),
    "macc": ("MACC", ""),
    "wave_r": ("wave r after lag", ""),
    "wave_lag_s": ("lag", "s"),
    "beat_mae_ms": ("beat intervals", "ms"),
}
ALONE = "One subject: there is no interval over subjects."


def sheet_of(result: Result, *, against: str = "", draws: int = 1000) -> Sheet:
    """Every table of a result: for each vital sign agreement, further errors, waves, trust, strata
    and tests, floors below the methods of each; at the end what was left out.

    against: the method that others are tested against; "" is auto, or else the best.
    draws: of subjects, for the intervals.
    """
    tables: list[Table] = []
    for vital in result.names("vital"):
        tables += tables_of(result, vital, against=against, draws=draws)
    if result.excluded or result.skipped:
        tables.append(left_out(result))
    corpora = ", ".join(result.names("corpus"))
    return Sheet(
        f"Evaluation on {corpora or 'nothing'}",
        result.protocol.name,
        result.protocol.hash,
        result.protocol.text,
        tuple(tables),
        dict(result.versions),
    )


def tables_of(
    result: Result, vital: str, *, against: str = "", draws: int = 1000
) -> tuple[Table, ...]:
    """The tables of one vital sign; arguments as in `sheet_of`."""
    answers = entrants(result, vital)
    about = (*_counts(result, vital, answers[0]), *_silent(answers))
    main = (*MAIN, "arms") if vital == "spo2" else MAIN
    further: tuple[str, ...] = FURTHER
    if result.protocol.name in OF_SEQUENCES and vital == "heart_rate":
        first = by_sequence(answers, vital, about=about, draws=draws)
        further = ("rmse", "within_5", "ccc", *FURTHER)
    else:
        first = _metrics(answers, vital, f"{vital}.agreement", "agreement", main, about, draws)
    errors = _metrics(answers, vital, f"{vital}.errors", "further errors", further, about, draws)
    tables = [first, errors]
    if _waves_known(answers):
        tables.append(_waves(answers, vital, draws))
    if levels := by_level(answers, vital, result.protocol.degrade, draws=draws):
        tables.append(levels)
    tables.append(_trust(answers, vital))
    for name in strata_of(result, answers[0]):
        tables += [_strata(answers, vital, name, metric, draws) for metric in ("mae", "coverage")]
    tested = _tests(answers, vital, against or lead_of(answers).name, draws)
    return (*tables, tested) if tested is not None else tuple(tables)


def _counts(result: Result, vital: str, first: Entrant) -> tuple[str, ...]:
    recordings, subjects = len(set(first.takes)), len(set(first.people))
    told = [
        f"{counted(len(first.reference), 'window')} of {counted(recordings, 'recording')} of "
        f"{counted(subjects, 'subject')}; every row is scored on the same ones, and n of them it "
        "answered."
    ]
    excluded = sum(one.windows for one in result.excluded if one.vital == vital)
    if excluded or result.skipped:
        told.append(
            f"Left out: {counted(excluded, 'window')} without a usable reference, "
            f"{counted(len(result.skipped), 'recording')} that could not be scored."
        )
    if subjects < 2:
        told.append(ALONE)
    return tuple(told)


def _silent(answers: tuple[Entrant, ...]) -> tuple[str, ...]:
    """Why methods without a single answer have none, those with one reason together."""
    found: dict[str, list[str]] = {}
    for one in answers:
        if not one.floor and not np.isfinite(one.estimate).any():
            reasons = Counter(word for word in one.columns["why"] if word).most_common(1)
            why = reasons[0][0] if reasons else "no reason is told"
            found.setdefault(re.sub(rf"^{re.escape(one.name)}\b", "it", why), []).append(one.name)
    return tuple(f"No answer of {', '.join(names)}: {why}." for why, names in found.items())


def _metrics(
    answers: tuple[Entrant, ...],
    vital: str,
    key: str,
    title: str,
    metrics: tuple[str, ...],
    notes: tuple[str, ...],
    draws: int,
) -> Table:
    chosen = {name: METRICS[name] for name in metrics}
    alone = len(set(answers[0].people)) < 2
    rows = []
    for one in answers:
        found = scores(one.estimate, one.reference, one.people, metrics=chosen, draws=draws)
        cells = [cell_of(found[name], name) for name in metrics]
        if alone:
            cells = [Cell(cell.value) for cell in cells]
        rows.append(Row(one.name, (*cells, Cell(found[metrics[0]].count)), one.floor))
    columns = (*(column_of(name, vital) for name in metrics), Column("answers", "n", "", 0))
    return Table(key, f"{named(vital)}: {title}", columns, tuple(rows), notes)


def _waves_known(answers: tuple[Entrant, ...]) -> bool:
    return any(
        np.isfinite(one.columns[name]).any()
        for one in answers
        if not one.floor
        for name in WAVE_UNITS
    )


def _waves(answers: tuple[Entrant, ...], vital: str, draws: int) -> Table:
    rows = []
    for one in answers:
        cells = [Cell(note="a floor has no wave") for _ in WAVE_UNITS]
        if not one.floor:
            cells = [mean_of(one.columns[name], one.people, draws=draws) for name in WAVE_UNITS]
        rows.append(Row(one.name, tuple(cells), one.floor))
    columns = tuple(
        Column(key, title, unit, 0 if unit == "ms" else 2)
        for key, (title, unit) in WAVE_UNITS.items()
    )
    notes = (
        "Means over windows. The four ratios are of different definitions and compare only down "
        "a column. MACC takes any lag and either sign, so noise scores above 0 too.",
    )
    return Table(f"{vital}.waves", f"{named(vital)}: the wave itself", columns, tuple(rows), notes)


def mean_of(values: Array, people: Array, *, draws: int) -> Cell:
    """Mean of what is known of (N,) values, with its interval over subjects."""
    metric = {"mean": METRICS["mean_error"]}
    found = scores(values, np.zeros(len(values)), people, metrics=metric, draws=draws)["mean"]
    return cell_of(found, "mean")


def _trust(answers: tuple[Entrant, ...], vital: str) -> Table:
    unit = UNITS.get(vital, "")
    columns = (
        Column("risk", "area", unit),
        Column("risk_best", "best area", unit),
        Column("risk_50", "MAE of half", unit),
        Column("risk_80", "MAE of 80 %", unit),
        Column("interval_cover", "in interval", "%", 0),
        Column("interval_width", "width", unit),
        Column("ece", "ECE", "", 3),
        Column("brier", "Brier", "", 3),
        Column("brier_floor", "its floor", "", 3),
    )
    rows = tuple(Row(one.name, _trust_cells(one, vital), one.floor) for one in answers)
    notes = (
        "Area: mean error over all shares of answers, the surest first; best area: if quality "
        "ranked the errors perfectly. In interval: share of the 95 % intervals that hold the "
        "reference. ECE and Brier: of quality as the probability of an error of at most "
        f"{CLOSE_BPM:g} bpm; the floor always says the share that was right.",
    )
    return Table(f"{vital}.trust", f"{named(vital)}: quality and intervals", columns, rows, notes)


def _trust_cells(one: Entrant, vital: str) -> tuple[Cell, ...]:
    given = np.isfinite(one.error)
    rated = given & np.isfinite(one.quality)
    even = np.where(given, 1.0 if one.floor else one.quality, np.nan)  # a floor is as sure of all
    cells = [Cell()] * 9
    if given.any() and (one.floor or rated.sum() == given.sum()):
        curve = risk_coverage(one.error, even)
        cells[:4] = map(Cell, (curve.area, curve.best, curve.at(0.5), curve.at(0.8)))
    held = interval_calibration(one.estimate, one.low, one.high, one.reference)
    cells[4:6] = Cell(100 * held.observed), Cell(held.width)
    if vital == "heart_rate" and rated.any():
        true = reliability(one.quality[rated], np.abs(one.error[rated]) <= CLOSE_BPM)
        cells[6:] = map(Cell, (true.ece, true.brier, true.floor))
    return tuple(cells)


def _strata(
    answers: tuple[Entrant, ...], vital: str, stratum: str, metric: str, draws: int
) -> Table:
    """One metric (mae or coverage) in every stratum, and the gap between them."""
    shown = column_of(metric, vital)
    first = answers[0]
    levels = sorted(set(words_of(first, stratum)) - {""})
    rows = []
    for one in answers:
        words = words_of(first if one.floor else one, stratum)
        rows.append(Row(one.name, _strata_cells(one, words, levels, metric, draws), one.floor))
    columns = (
        *(replace(shown, key=level, title=level) for level in levels),
        replace(shown, key="gap", title="gap"),
        replace(shown, key="chance", title="gap by chance"),
        Column("p", "p", "", 3),
    )
    words = words_of(first, stratum)
    asked = ", ".join(f"{level}: {int((words == level).sum())}" for level in levels)
    what = {"mae": "Mean absolute error of what was answered", "coverage": "Share answered"}
    notes = (
        f"{what[metric]}. The gap is the largest less the smallest; by chance it would be as in "
        "the next column, if subjects were dealt to the strata at random; p is the share of such "
        "deals with a gap as large (– where a subject is in several strata).",
        f"Windows: {asked}.",
    )
    title = f"{named(vital)}: {shown.title} by {stratum}"
    return Table(f"{vital}.{metric}.{stratum}", title, columns, tuple(rows), notes)


def _strata_cells(
    one: Entrant, words: Array, levels: list[str], metric: str, draws: int
) -> tuple[Cell, ...]:
    chosen = {metric: METRICS[metric]}
    cells = []
    for level in levels:
        at = words == level
        x, y, people = one.estimate[at], one.reference[at], one.people[at]
        found = scores(x, y, people, metrics=chosen, draws=draws) if at.any() else None
        cells.append(Cell() if found is None else cell_of(found[metric], metric))
    apart = gap(METRICS[metric], one.estimate, one.reference, one.people, words, draws=draws)
    scale = 100.0 if metric in SHARES else 1.0
    note = f"{apart.best} best, {apart.worst} worst" if apart.best != apart.worst else ""
    span = (scale * apart.value, scale * apart.low, scale * apart.high)
    return (*cells, Cell(*span, note=note), Cell(scale * apart.chance), Cell(apart.p))


def _tests(answers: tuple[Entrant, ...], vital: str, against: str, draws: int) -> Table | None:
    found = verdict(answers, against=against, draws=draws)
    if found is None:
        return None
    unit = UNITS.get(vital, "")
    columns = (
        Column("rank", "mean rank"),
        Column("difference", f"MAE less that of {against}", unit),
        Column("better", "better for", "%", 0),
        Column("p", "p Wilcoxon", "", 4),
        Column("holm", "Holm", "", 4),
        Column("nemenyi", "p Nemenyi", "", 4),
        Column("subjects", "subjects", "", 0),
    )
    rows = tuple(
        Row(
            line.name,
            (
                Cell(line.rank),
                Cell(line.difference, line.low, line.high),
                Cell(100 * line.better),
                Cell(line.p),
                Cell(line.holm),
                Cell(line.nemenyi),
                Cell(line.subjects or NAN),
            ),
            line.floor,
        )
        for line in found.lines
    )
    notes = (
        f"Differences, Wilcoxon's test and its adjustment by Holm: mean errors of subjects over "
        f"the windows that both the row and {against} answered; below 0 the row is better. Better "
        "for: share of the subjects with a smaller error.",
        "Ranks (1 is best) and Nemenyi's test: all windows of all subjects, where a withheld "
        "window counts as the mean of the other subjects would have missed it. Friedman: χ² = "
        f"{found.friedman:.1f}, p = {found.p:.2g}, {found.count} subjects; mean ranks "
        f"{found.critical:.2f} apart differ at {found.level:g}.",
    )
    return Table(f"{vital}.tests", f"{named(vital)}: tests against {against}", columns, rows, notes)


def left_out(result: Result) -> Table:
    """Windows excluded and recordings skipped, by reason."""
    counted: dict[tuple[str, str], list[int]] = {}
    for one in result.excluded:
        entry = counted.setdefault((one.why, named(one.vital)), [0, 0])
        entry[0] += one.windows
        entry[1] += 1
    for other in result.skipped:
        counted.setdefault((other.why, "recording skipped"), [0, 0])[1] += 1
    rows = tuple(
        Row(why, (Cell(text=what), Cell(windows or NAN), Cell(recordings)))
        for (why, what), (windows, recordings) in counted.items()
    )
    columns = (
        Column("what", "of"),
        Column("windows", "windows", "", 0),
        Column("recordings", "recordings", "", 0),
    )
    return Table("left_out", "Left out, and why", columns, rows, lead="reason")
