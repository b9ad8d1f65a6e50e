"""The page and the plots of results/pulse_ecg: what `benchmarks/pulse_ecg.py` found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from camvitals.records import Array

Row = Mapping[str, Any]
DRAWS = 2000
METHODS = {"network": "network", "template": "floor: median beat at the pulse's beats"}
COLUMNS = {
    "r": ("r", 2),
    "r2": ("R²", 2),
    "r_own": ("r, own delay", 2),
    "f1_50": ("F1, 50 ms", 3),
    "f1_83": ("F1, 83 ms", 3),
    "f1_50_own": ("F1, 50 ms, own delay", 3),
    "time_mae_ms": ("R time, ms", 0),
    "time_mae_own_ms": ("own delay, ms", 1),
    "interval_mae_ms": ("interval, ms", 1),
    "heart_rate_mae": ("rate, bpm", 2),
}
SHAPES = {
    "pr_ms": "R − top of P, ms",
    "qrs_ms": "width of QRS, ms",
    "rt_ms": "top of T − R, ms",
    "p_mv": "height of P, mV",
    "r_mv": "height of R, mV",
    "t_mv": "height of T, mV",
}
GROUPS = {
    "sinus": "sinus rhythm",
    "ectopic": "a tenth of beats premature",
    "fibrillation": "fibrillating atria",
}
HEAD = """# An ECG drawn from the pulse

Made by `python benchmarks/pulse_ecg.py`; do not edit. What it means: [the ECG from the pulse](\
../../docs/pulse-ecg.md).

Made people that no fit has seen, recorded for 45 s by 15 to 60 pictures a second, with light,
motion, skin, camera and codec as drawn; ECGs of their own shape. Only what `measure` would show is
scored; the ECGs of others are withheld with their pulses, or because both differ by 2 bpm. Scored
are {people}. In brackets: 95 % intervals, people drawn again with replacement.
"""


def write_page(
    folder: Path,
    tables: Mapping[str, Sequence[Row]],
    cases: Sequence[Any],
    *,
    asked: Mapping[str, int],
) -> None:
    """README.md and the plots beside it."""
    people = [row for row in tables["people"] if "network.r" in row]
    count = {g: sum(row["group"] == g for row in people) for g in GROUPS}
    said = ", ".join(f"{count[g]} of {asked[g]} with {GROUPS[g]}" for g in GROUPS)
    parts = [
        HEAD.format(people=said),
        "![A person](overlay.svg)\n",
        "## How near\n\n" + _near(people),
        "## By the pulse's signal-to-noise ratio\n\n" + _by_snr(people),
        "## What the pulse determines\n\n" + _determined(people, tables["shapes"]),
        "## Whose shape is it?\n\n" + _swapped(tables["swapped"]),
        "## Arrhythmia\n\n" + _arrhythmia(people) + "\n![Beats](beats.svg)\n",
    ]
    if tables["real"]:
        parts.append("## Real recordings\n\n" + _real(tables["real"]))
    (folder / "README.md").write_text("\n".join(parts), encoding="utf-8")
    _overlay(cases, folder / "overlay.svg")
    _beats(cases, folder / "beats.svg")


def mean_of(values: Sequence[float], digits: int) -> str:
    """The mean over people, and its interval."""
    x = np.array([v for v in values if np.isfinite(v)], dtype=float)
    if len(x) < 2:
        return "–"
    rng = np.random.default_rng(0)
    means = x[rng.integers(len(x), size=(DRAWS, len(x)))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return f"{x.mean():.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]".replace("-", "−")


def _values(rows: Sequence[Row], name: str) -> list[float]:
    return [float(row.get(name, np.nan)) for row in rows]


def _table(head: Sequence[str], lines: Sequence[Sequence[str]], *, words: int = 1) -> str:
    rule = "|---" * words + "|---:" * (len(head) - words) + "|"
    return "\n".join([f"| {' | '.join(line)} |" for line in (head,)] + [rule]) + "".join(
        f"\n| {' | '.join(line)} |" for line in lines
    )


def _near(people: Sequence[Row]) -> str:
    head = ["rhythm", "drawn by", *(title for title, _ in COLUMNS.values())]
    lines = []
    for group, title in GROUPS.items():
        rows = [row for row in people if row["group"] == group]
        for method, name in METHODS.items():
            cells = [
                mean_of(_values(rows, f"{method}.{key}"), digits)
                for key, (_, digits) in COLUMNS.items()
            ]
            lines.append([title, name, *cells])
        floor = mean_of(_values(rows, "network.f1_floor"), 3)
        error = np.nanmean(_values(rows, "network.mse")) / np.nanmean(
            _values(rows, "network.mean_mse")
        )
        lines.append([title, "floor: metronome", "–", "–", "–", floor, *["–"] * 6])
        lines[-3][1] += f" (MSE {error:.2f} of the mean's)"
    note = """

*r* in windows of 10 s, *R²* over all; the mean of the ECG has R² = 0. A drawing whose sharp QRS is
20 ms off has a larger squared error than a flat line, and less r than a blurred one would have;
*r, own delay* is with each person's median delay taken off. *F1* of R peaks found in the trace.
*R time*: mean absolute error of matched R peaks; *own delay*: after the person's median delay is
taken off, which no pulse can tell. *rate*: heart rate of spans of 10 s. A metronome has the right
mean rate and any phase."""
    return _table(head, lines, words=2) + note + "\n"


def _by_snr(people: Sequence[Row]) -> str:
    rows = sorted((r for r in people if r["group"] == "sinus"), key=lambda r: r["snr_db"])
    thirds = [list(part) for part in np.array_split(np.array(rows, dtype=object), 3)]
    keys = ("r", "f1_50", "f1_83", "time_mae_ms", "time_mae_own_ms", "interval_mae_ms")
    head = ["SNR of the pulse", "people", *(COLUMNS[key][0] for key in keys)]
    lines = []
    for part in thirds:
        ends = f"{part[0]['snr_db']:.1f} to {part[-1]['snr_db']:.1f} dB".replace("-", "−")
        cells = [mean_of(_values(part, f"network.{k}"), COLUMNS[k][1]) for k in keys]
        lines.append([ends, str(len(part)), *cells])
    return _table(head, lines) + "\n"


def correlation(x: Sequence[float], y: Sequence[float], less: Sequence[float] | None = None) -> str:
    """Pearson's r over people and its interval; less: what is taken out of both by a parabola."""
    a, b = np.array(x, dtype=float), np.array(y, dtype=float)
    c = np.zeros(len(a)) if less is None else np.array(less, dtype=float)
    known = np.isfinite(a) & np.isfinite(b) & np.isfinite(c)
    a, b, c = a[known], b[known], c[known]
    if len(a) < 8:
        return "–"

    def of(index: Array) -> float:
        p, q = a[index], b[index]
        if less is not None:
            p, q = (v - np.polyval(np.polyfit(c[index], v, 2), c[index]) for v in (p, q))
        return float(np.corrcoef(p, q)[0, 1]) if p.std() > 0 and q.std() > 0 else 0.0

    rng = np.random.default_rng(0)
    drawn = [of(rng.integers(len(a), size=len(a))) for _ in range(DRAWS)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return f"{of(np.arange(len(a))):.2f} [{low:.2f}, {high:.2f}]".replace("-", "−")


def _determined(people: Sequence[Row], shapes: Sequence[Row]) -> str:
    sinus = [row for row in people if row["group"] == "sinus"]
    late = np.array(_values(sinus, "network.late_ms"))
    interval = _values(shapes, "interval_ms")
    lines = []
    for key, title in SHAPES.items():
        own, told = _values(shapes, f"own.{key}"), _values(shapes, f"drawn.{key}")
        digits = 0 if key.endswith("ms") else 2
        spread = [f"{np.nanmean(v):.{digits}f} ± {np.nanstd(v):.{digits}f}" for v in (own, told)]
        lines.append([title, *spread, correlation(own, told), correlation(own, told, interval)])
    head = ["of the median beat", "own, mean ± SD", "drawn", "r over people", "r less heart rate"]
    count = len(shapes)
    return (
        "Times. R peaks are off by "
        f"{mean_of(_values(sinus, 'network.time_mae_ms'), 0)} ms; in that, "
        f"a delay of each person's own has a standard deviation of {np.nanstd(late):.0f} ms, the "
        "time from heart to skin, which no pulse tells. With it taken off, "
        f"{mean_of(_values(sinus, 'network.time_mae_own_ms'), 1)} ms are left.\n\n"
        f"Shapes, drawn about the true beats, of {count} people of at most 100 bpm.\n\n"
        + _table(head, lines)
        + "\n\n*r less heart rate*: after a parabola in the median interval was taken out of both. "
        "Near 0, the drawing knows nothing of this person but their heart rate.\n"
    )


def _swapped(rows: Sequence[Row]) -> str:
    difference = [row["own"] - row["others"] for row in rows]
    lines = [
        ["the drawing and the person's own shape", mean_of(_values(rows, "own"), 3)],
        ["the drawing and another person's shape", mean_of(_values(rows, "others"), 3)],
        ["own less others", mean_of(difference, 3)],
        ["own is nearer than another's, share", mean_of(_values(rows, "own_is_nearer"), 3)],
        ["two people's true shapes", mean_of(_values(rows, "people"), 3)],
    ]
    return (
        "The network is told the true beats, so that only shapes can differ. Each recording is "
        "made again with the hearts of 12 others: the same beats, another shape. If the drawing "
        "knew the shape, the person's own would be nearer than another's; without knowledge it is "
        "so in half of the pairs.\n\n"
        + _table(["r over the recording", "mean over people"], lines)
        + "\n"
    )


def _arrhythmia(people: Sequence[Row]) -> str:
    head = ["rhythm", "drawn by", "F1, 50 ms", "premature beats drawn at all, 83 ms"]
    head += ["told by intervals: sensitivity", "specificity"]
    lines = []
    for group, title in GROUPS.items():
        rows = [row for row in people if row["group"] == group]
        for method, name in METHODS.items():
            keys = ("f1_50", "f1_83_ectopic", "premature_sensitivity", "premature_specificity")
            cells = [mean_of(_values(rows, f"{method}.{key}"), 3) for key in keys]
            lines.append([title, name, *cells])
    return (
        _table(head, lines, words=2)
        + "\n\nA beat is called premature where its interval is below 0.82 of the median of those "
        "around and the next above 1.08. It is a probe, not a diagnosis: fibrillation makes such "
        "intervals too.\n"
    )


def _real(rows: Sequence[Row]) -> str:
    keys: dict[str, tuple[str, int]] = {
        "f1_50": ("F1, 50 ms", 3),
        "f1_own_50": ("own delay", 3),
        "f1_own_83": ("own delay, 83 ms", 3),
        "f1_floor": ("F1 of a metronome", 3),
        "late_ms": ("delay, ms", 0),
        "interval_mae_ms": ("interval, ms", 0),
        "heart_rate": ("rate, bpm", 1),
        "heart_rate_drawn": ("drawn", 1),
        "r": ("r", 2),
        "r_own": ("own delay", 2),
    }
    head = ["recording", "beats", *(title for title, _ in keys.values())]
    lines = [
        [
            str(row["recording"]),
            str(row["beats"]),
            *(f"{row[k]:.{digits}f}".replace("-", "−") for k, (_, digits) in keys.items()),
        ]
        for row in rows
    ]
    note = (
        "\n\nRead where they are, never fitted to; one person each, so that there are no intervals "
        "over people. *own delay*: the recording's median delay is taken off, in which contact "
        "sensors, filters and clocks have their share.\n"
    )
    return _table(head, lines) + note


def _svg(path: Path, height: float, draw: Callable[[Any], None]) -> None:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, height), layout="constrained")
    draw(figure)
    with mpl.rc_context({"svg.hashsalt": path.stem, "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None})


def _overlay(cases: Sequence[Any], path: Path) -> None:
    """Pulse, ECG drawn and true, of one person of each rhythm."""
    whole = [c for c in cases if np.isfinite(c.traces["network"].values).mean() > 0.9]
    first = {group: next(c for c in whole if c.group == group) for group in GROUPS}

    def draw(figure: Any) -> None:
        axes = figure.subplots(6, 1, sharex=False, height_ratios=(0.6, 1) * 3)
        for k, (group, case) in enumerate(first.items()):
            upper, lower = axes[2 * k : 2 * k + 2]
            trace = case.traces["network"]
            start = float(trace.time[np.flatnonzero(np.isfinite(trace.values))[0]]) + 8
            _line(upper, case.person.pulse, start, "tab:red", "pulse, measured")
            _line(lower, case.person.ecg, start, "0.6", "ECG, true")
            _line(lower, trace, start, "tab:blue", "ECG, model output")
            upper.set_title(GROUPS[group], loc="left", fontsize=9)
            lower.legend(loc="upper right", fontsize=7, ncols=2, frameon=False)

    _svg(path, 8, draw)


def _line(ax: Any, wave: Any, start: float, colour: str, label: str) -> None:
    inside = (wave.time >= start) & (wave.time < start + 8)
    ax.plot(wave.time[inside], wave.values[inside], color=colour, lw=0.9, label=label)
    ax.set_yticks([])
    ax.set_xlim(start, start + 8)


def _beats(cases: Sequence[Any], path: Path) -> None:
    """Mean true and drawn ECG about normal and premature beats."""
    from pulse_ecg import AROUND_S, FINE_HZ, typical

    some = [c for c in cases if c.group == "ectopic"]
    around = np.arange(*(np.array(AROUND_S) * FINE_HZ).astype(int)) / FINE_HZ

    def draw(figure: Any) -> None:
        for ax, early in zip(figure.subplots(1, 2, sharey=True), (False, True), strict=True):
            for name, colour in (("true", "0.6"), ("model output", "tab:blue")):
                waves = [
                    typical(
                        c.person.ecg if name == "true" else c.traces["network"],
                        c.person.beats,
                        chosen=c.person.ectopic == early,
                    )[0]
                    for c in some
                ]
                with np.errstate(all="ignore"):
                    ax.plot(around, np.nanmean(waves, axis=0), color=colour, label=name)
            ax.set_title("premature beats" if early else "normal beats", fontsize=9)
            ax.set_xlabel("s from the true R peak")
            ax.legend(fontsize=8, frameon=False)

    _svg(path, 3, draw)
