"""Reports on a terminal: one in full, or many as a table. Reads well at 80 columns, plain too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD, Box
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from camvitals.records import Finding, Reading, Report
from camvitals.report.wording import (
    interval_text,
    measured_text,
    percent,
    quality_word,
    reasons,
    shown_file,
    source_facts,
    title,
    unit_text,
    value_text,
)

STYLE = {"good": "green", "fair": "yellow", "weak": "red"}
BAR_CELLS = 10
NARROW, WIDE = 60, 76
INDENT = (0, 0, 0, 2)
ASCII_FOR = str.maketrans(
    {"█": "#", "░": ".", "–": "-", "·": "|", "×": "x", "²": "2", "−": "-", "▲": "!", "✓": "+"}
    | {"≥": ">=", "≤": "<=", "…": "...", "±": "+-"}
)


def show_report(report: Report, *, console: Console) -> None:
    """Print one report: readings, what was withheld and why, and what to do about the recording."""
    with_person = report.person > 0
    console.print()
    console.print(_headline(report, console, with_person=with_person))
    for warning in report.source.warnings:
        console.print(_hanging("▲", plain_text(warning, console), console, style="yellow"))
    given = [reading for reading in report.readings if reading.value is not None]
    if given:
        console.print()
        console.print(Padding(_readings_table(given, console), INDENT, expand=False))
    _show_withheld(report.readings, console)
    _show_findings(report.capture, console)
    console.print()


def show_many(reports: Iterable[Report], *, console: Console) -> None:
    """Print a line for each file and person: heart and breath rate, quality, what is wrong."""
    table = Table(box=_box(console), padding=(0, 1), pad_edge=False, collapse_padding=True)
    table.add_column("Recording", overflow="fold", max_width=max(16, console.width // 3))
    for heading in ("Heart\nbpm", "Breath\n/min", "Quality"):
        table.add_column(Text(heading), justify="right", no_wrap=True)
    table.add_column("Notes", overflow="fold")
    for report in reports:
        person = f" · person {report.person}" if report.person else ""
        name = plain_text(f"{shown_file(report)}{person}", console)
        table.add_row(name, *_summary_cells(report, console))
    console.print(table)


def plain_text(text: str, console: Console, style: str = "") -> Text:
    """Text as the console can show it: never read as markup, in ASCII where it has no Unicode."""
    clean = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    if not console.encoding.lower().startswith("utf"):
        clean = clean.translate(ASCII_FOR).encode("ascii", "replace").decode("ascii")
    return Text(clean, style=style)


def _box(console: Console) -> Box | None:
    return SIMPLE_HEAD if console.encoding.lower().startswith("utf") else None


def _headline(report: Report, console: Console, *, with_person: bool) -> Text:
    line = plain_text(shown_file(report), console, "bold")
    if with_person:
        line.append_text(plain_text(f" · person {report.person}", console, "bold"))
    facts = " · ".join(source_facts(report.source))
    return line.append("\n").append_text(plain_text(facts, console, "dim")) if facts else line


def _hanging(sign: str, text: RenderableType, console: Console, *, style: str) -> Table:
    """A sign, and text that wraps beside it."""
    grid = Table.grid(padding=(0, 1))
    grid.add_row(plain_text(sign, console, style), text)
    return grid


def _readings_table(readings: Sequence[Reading], console: Console) -> Table:
    """Name, value, unit and quality; interval, bar and method where the console is wide enough."""
    middling, wide = console.width >= NARROW, console.width >= WIDE
    table = Table.grid(padding=(0, 2 if middling else 1))
    for justify in ("left", "right"):
        table.add_column(justify=justify, no_wrap=True)
    for r in readings:
        cells = [
            plain_text(title(r.name), console),
            plain_text(value_text(r), console, "bold"),
            plain_text(unit_text(r.unit), console),
            plain_text(interval_text(r), console, "dim") if middling else None,
            quality_bar(r.quality, console, cells=BAR_CELLS if wide else 0),
            plain_text(r.method, console, "dim") if wide else None,
        ]
        table.add_row(*(cell for cell in cells if cell is not None))
    return table


def quality_bar(quality: float, console: Console, *, cells: int) -> Text:
    """A quality, 0–1, as so many cells, filled by its share, and as a percentage."""
    filled = round(quality * cells)
    style = STYLE[quality_word(quality)]
    bar = plain_text("█" * filled, console, style)
    bar.append_text(plain_text("░" * (cells - filled), console, "dim"))
    return bar.append(f"{' ' if cells else ''}{percent(quality):>4}")


def _show_withheld(readings: Sequence[Reading], console: Console) -> None:
    gathered = reasons(readings)
    if not gathered:
        return
    console.print()
    console.print("Withheld")
    for why, group in gathered:
        names = ", ".join(title(reading.name) for reading in group)
        text = plain_text(f"{names}: ", console, "dim bold").append_text(
            plain_text(why, console, "dim")
        )
        console.print(Padding(_hanging("–", text, console, style="dim"), INDENT, expand=False))


def _show_findings(findings: Sequence[Finding], console: Console) -> None:
    if not findings:
        return
    bad = [finding for finding in findings if not finding.fine]
    console.print()
    console.print("Recording")
    for finding in bad:
        head = plain_text(f"{title(finding.name)} {measured_text(finding)}. ", console)
        text = head.append_text(plain_text(finding.remedy, console))
        console.print(Padding(_hanging("▲", text, console, style="yellow"), INDENT, expand=False))
    fine = len(findings) - len(bad)
    if fine:
        others = "other " if bad else ""
        checks = f"{fine} {others}check{'s' if fine != 1 else ''} fine"
        text = plain_text(checks, console, "dim")
        console.print(Padding(_hanging("✓", text, console, style="green"), INDENT, expand=False))


def _summary_cells(report: Report, console: Console) -> list[Text]:
    named = {reading.name: reading for reading in report.readings}
    heart, breath = named.get("heart_rate"), named.get("respiration_rate")
    lead = heart or breath
    return [
        _rate_cell(heart, console),
        _rate_cell(breath, console),
        plain_text(percent(lead.quality), console, STYLE[quality_word(lead.quality)])
        if lead
        else Text(),
        _notes(report, heart, console),
    ]


def _rate_cell(reading: Reading | None, console: Console) -> Text:
    if reading is None:
        return Text()
    if reading.value is None or reading.low is None or reading.high is None:
        return plain_text("–", console, "dim")
    half = f" ±{max(reading.high - reading.value, reading.value - reading.low):.1f}"
    cell = plain_text(value_text(reading), console, "bold")
    return cell.append_text(plain_text(half, console, "dim"))


def _notes(report: Report, heart: Reading | None, console: Console) -> Text:
    """Why there is no heart rate, or else which findings and warnings there are."""
    if heart is not None and heart.value is None:
        return plain_text(heart.why, console, "dim")
    notes = [title(finding.name).lower() for finding in report.capture if not finding.fine]
    count = len(report.source.warnings)
    notes += [f"{count} warning{'s' if count > 1 else ''}"] if count else []
    return plain_text("; ".join(notes), console, "yellow")
