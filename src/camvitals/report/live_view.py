"""The page that `camvitals live` keeps on a terminal: wave, rates, quality and advice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from camvitals.records import Finding, Reading, Report
from camvitals.report.series import wave_named
from camvitals.report.strip import strip
from camvitals.report.terminal import INDENT, NARROW, STYLE, WIDE, plain_text, quality_bar
from camvitals.report.wording import (
    duration_text,
    interval_text,
    measured_text,
    percent,
    quality_word,
    reasons,
    title,
    unit_text,
    value_text,
)

SHOWN_S = 10.0
TALL, SHORT = 6, 1  # rows of a wave, where there is room and where there is not
ADVICE = 2  # pieces of advice at a time
LEADING = ("heart_rate", "respiration_rate", "spo2", "ecg_heart_rate")
# what a person before a camera can change at once comes first; a window has its own length
COACHED = (
    *("face_seen", "brightness", "saturation", "exposure", "mains_flicker", "face_size"),
    *("motion", "moving_share", "frame_rate", "frame_jitter", "dropped_frames"),
)


@dataclass(frozen=True, slots=True)
class Status:
    """What is told of the session besides its reports.

    name: of the source.   size: of the pictures [px].   rate: pictures a second, 0 when none come.
    elapsed: seconds since the beginning.   trouble: what is wrong now.   notes: what else goes on.
    """

    name: str
    size: tuple[int, int]
    rate: float
    elapsed: float
    trouble: str = ""
    notes: tuple[str, ...] = ()


def live_page(
    reports: Sequence[Report], status: Status, *, console: Console, keys: bool
) -> RenderableType:
    """The page; it has no more lines than the console where that is possible.

    While no pictures come nothing of anybody is shown: it would be of another time.
    keys: whether a key ends the session, which is then said.
    """
    head = _head(status, console)
    foot = _foot(status, console, keys)
    if not reports or not status.rate:
        wait = "waiting for the first seconds" if not status.trouble else ""
        return Group(*head, Padding(plain_text(wait, console, "dim"), INDENT), *foot)
    room = max(0, console.height - len(head) - len(foot) - 1) // len(reports)
    people: list[RenderableType] = []
    for report in reports:
        people += _person(report, console, room=room, named=len(reports) > 1)
    return Group(*head, *people, *foot)


def live_line(report: Report, *, console: Console) -> Text:
    """A report as one line: for logs and pipes that want no page."""
    heart = report.reading("heart_rate")
    line = plain_text(f"{heart.span[1]:8.1f} s  ", console, "dim")
    if report.person > 1:
        line.append_text(plain_text(f"person {report.person}  ", console))
    for reading in (r for r in report.readings if r.name in LEADING and r.value is not None):
        text = f"{value_text(reading)} {unit_text(reading.unit)} ({interval_text(reading)}"
        line.append_text(plain_text(f"{text}, {percent(reading.quality)})  ", console))
    if heart.value is None:
        line.append_text(plain_text(f"no heart rate: {heart.why}", console))
    line.rstrip()
    return line


def _head(status: Status, console: Console) -> list[RenderableType]:
    facts = [f"{status.size[0]}×{status.size[1]} px"] if status.size[0] else []
    facts += [f"{status.rate:.1f} frames/s"] if status.rate else ["no pictures"]
    facts += [duration_text(status.elapsed)]
    line = plain_text(status.name, console, "bold")
    line.append_text(plain_text(" · " + " · ".join(facts), console, "dim"))
    line.truncate(console.width, overflow="ellipsis")
    trouble = [plain_text(f"! {status.trouble}", console, "bold red")] if status.trouble else []
    return [line, *trouble]


def _foot(status: Status, console: Console, keys: bool) -> list[RenderableType]:
    words = [*status.notes, *(["q ends"] if keys else [])]
    return [_fitting(" · ".join(words), console, "dim")] if words else []


def _fitting(text: str, console: Console, style: str) -> Text:
    line = plain_text(text, console, style)
    line.truncate(console.width - INDENT[3], overflow="ellipsis")
    return line


def _person(report: Report, console: Console, *, room: int, named: bool) -> list[RenderableType]:
    """The lines of one person; the wave gets what the words leave."""
    words: list[RenderableType] = []
    if named:
        words.append(plain_text(f"Person {report.person}", console, "bold"))
    known = {reading.name: reading for reading in report.readings}
    given = [known[name] for name in LEADING if name in known and known[name].value is not None]
    if given:
        words.append(Padding(_rates(given, console), INDENT, expand=False))
    variability = _variability(report.readings, console)
    words += [Padding(variability, INDENT)] if variability else []
    words += _unknown([known[name] for name in LEADING if name in known], console)
    words += _advice(report.capture, console)
    used = sum(len(console.render_lines(word)) for word in words)
    wave = _wave(report, console, rows=max(SHORT, min(TALL, room - used)))
    return [*words[:named], *wave, *words[named:]]


def _wave(report: Report, console: Console, *, rows: int) -> list[RenderableType]:
    """The pulse of the last seconds; nothing where the heart rate is not trusted either."""
    wave = wave_named(report, "pulse")
    trusted = report.reading("heart_rate").value is not None
    if wave is None or not trusted:
        return []
    unicode = console.encoding.lower().startswith("utf")
    lines = strip(
        wave, seconds=SHOWN_S, cells=max(8, console.width - 4), rows=rows, unicode=unicode
    )
    return [Padding(Text(line, style="red", no_wrap=True), INDENT) for line in lines]


def _rates(readings: Sequence[Reading], console: Console) -> Table:
    middling, wide = console.width >= NARROW, console.width >= WIDE
    table = Table.grid(padding=(0, 2 if middling else 1))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    for r in readings:
        style = f"bold {STYLE[quality_word(r.quality)]}" if r.name == "heart_rate" else "bold"
        cells = [plain_text(title(r.name), console), plain_text(value_text(r), console, style)]
        cells += [plain_text(unit_text(r.unit), console)]
        cells += [plain_text(interval_text(r), console, "dim")] if middling else []
        table.add_row(*cells, quality_bar(r.quality, console, cells=10 if wide else 0))
    return table


def _variability(readings: Sequence[Reading], console: Console) -> Text | None:
    """Every variability there is, on one line."""
    words = [
        f"{title(r.name)} {value_text(r)} {unit_text(r.unit)}".strip()
        for r in readings
        if r.name.startswith("hrv_") and r.value is not None
    ]
    return _fitting(" · ".join(words), console, "") if words else None


def _unknown(readings: Sequence[Reading], console: Console) -> list[RenderableType]:
    """Why a rate is withheld; those for the same reason together."""
    lines: list[RenderableType] = []
    for why, group in reasons(readings):
        names = ", ".join(title(reading.name).split(",")[0] for reading in group)
        text = plain_text(f"{names}: ", console, "dim bold")
        lines.append(Padding(text.append_text(plain_text(why, console, "dim")), INDENT))
    return lines


def _advice(findings: Sequence[Finding], console: Console) -> list[RenderableType]:
    """What to change about light, distance and motion, the most telling first."""
    bad = {finding.name: finding for finding in findings if not finding.fine}
    chosen = [bad[name] for name in COACHED if name in bad][:ADVICE]
    lines: list[RenderableType] = []
    for finding in chosen:
        text = f"▲ {title(finding.name)} {measured_text(finding)}: {finding.remedy}"
        lines.append(Padding(plain_text(text, console, "yellow"), INDENT))
    return lines
