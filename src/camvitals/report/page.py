"""Reports as one page: a single HTML file that needs nothing else, for screen, phone and paper."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from camvitals.records import Finding, Reading, Report, Source
from camvitals.report.capture import LIMITS, limit_of
from camvitals.report.files import write_atomically
from camvitals.report.plots import PLOTS, Plot, drawn
from camvitals.report.wording import (
    interval_text,
    measured_text,
    number,
    percent,
    quality_word,
    reasons,
    shown_file,
    source_facts,
    title,
    unit_text,
    value_text,
    windows_title,
)

MEANING = {
    "hrv_sdnn": "standard deviation of beat intervals",
    "hrv_rmssd": "root mean square of successive differences",
    "hrv_pnn50": "successive differences over 50 ms",
    "hrv_sd1": "Poincaré width, beat to beat",
    "hrv_sd2": "Poincaré length, slow",
    "hrv_lf": "0.04–0.15 Hz",
    "hrv_hf": "0.15–0.40 Hz",
    "hrv_lf_hf": "ratio of the two",
}
NOTE = (
    "Quality is the estimated probability that the value is right. A value that cannot be trusted "
    "is withheld with its reason. Measured from the colour of skin in a video: "
    "not a medical device, not a diagnosis."
)


def to_page(reports: Iterable[Report]) -> str:
    """The reports as one HTML document without any outside part; every string is escaped."""
    given = tuple(reports)
    style = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    name = shown_file(given[0]) if given else "no recording"
    several = len(given) > 1
    sections = [_person(report, at, who=_who(report, given)) for at, report in enumerate(given)]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Vital signs · {escape(name)}{' and others' if several else ''}</title>\n"
        f"<style>\n{style}</style>\n</head>\n<body>\n"
        f"<header><h1>Vital signs from video</h1></header>\n<main>\n"
        f"{_overview(given) if several else ''}{''.join(sections)}"
        f"{'' if given else '<p>There is nothing to report.</p>'}</main>\n"
        f"<footer><p>{escape(NOTE)}</p></footer>\n</body>\n</html>\n"
    )


def write_page(path: str | Path, reports: Iterable[Report]) -> Path:
    """Write `to_page` to a file, atomically. Returns the path."""
    return write_atomically(path, to_page(reports))


def _overview(reports: Sequence[Report]) -> str:
    """A table of all people of all recordings, each row leading to its section."""
    head = '<th scope="col">Recording</th>'
    head += '<th scope="col" class="number">Heart, bpm</th>'
    head += '<th scope="col" class="number">Breath, /min</th>'
    rows = "".join(
        _overview_row(report, at, who=_who(report, reports)) for at, report in enumerate(reports)
    )
    return (
        f'<section aria-label="Overview"><div class="card"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div></section>\n"
    )


def _overview_row(report: Report, at: int, *, who: str) -> str:
    named = {reading.name: reading for reading in report.readings}
    cells = ""
    for name in ("heart_rate", "respiration_rate"):
        reading = named.get(name)
        text = "–" if reading is None else value_text(reading)
        cells += f'<td class="number">{escape(text)}</td>'
    link = f'<a href="#report-{at}">{escape(shown_file(report))}{who}</a>'
    return f'<tr><th scope="row">{link}</th>{cells}</tr>'


def _who(report: Report, reports: Sequence[Report]) -> str:
    """Which person, where a recording has several."""
    alone = sum(other.source.name == report.source.name for other in reports) < 2
    return "" if alone and not report.person else f" <small>person {report.person}</small>"


def _person(report: Report, at: int, *, who: str) -> str:
    source = report.source
    facts = "".join(f"<span>{escape(fact)}</span> " for fact in source_facts(source))
    warnings = "".join(f"<li>{escape(warning)}</li>" for warning in source.warnings)
    return (
        f'<section class="person" id="report-{at}" aria-labelledby="title-{at}">\n'
        f'<h2 id="title-{at}">{escape(shown_file(report))}{who}</h2>\n'
        f'<p class="facts">{facts}</p>\n'
        + (f'<ul class="warnings" aria-label="Warnings">{warnings}</ul>\n' if warnings else "")
        + _cards(report.readings)
        + _variability(report.readings)
        + "".join(_plot(*one[1:]) for one in drawn(PLOTS, report, key=f"r{at}"))
        + _withheld(report)
        + _findings(report)
        + _origin(report)
        + "</section>\n"
    )


def _is_variability(reading: Reading) -> bool:
    return reading.name.startswith("hrv_")


def _cards(readings: Sequence[Reading]) -> str:
    cards = "".join(_card(reading) for reading in readings if not _is_variability(reading))
    return f'<div class="cards">{cards}</div>\n' if cards else ""


def _card(r: Reading) -> str:
    name = escape(r.name, quote=True)
    if r.value is None:
        body = f'<p class="value none">withheld</p><p class="why">{escape(r.why)}</p>'
    else:
        unit = escape(unit_text(r.unit))
        body = (
            f'<p class="value"><b>{value_text(r)}</b>{unit}</p>'
            f'<p class="interval"><span>interval</span> {interval_text(r)}</p>'
            f"{_quality(r.quality, unit=' quality')}"
        )
    return f'<article class="card {name}"><h4>{escape(title(r.name))}</h4>{body}</article>'


def _quality(quality: float, *, unit: str = "") -> str:
    word = quality_word(quality)
    return (
        f'<div class="quality {word}"><span class="bar" aria-hidden="true">'
        f'<i style="width:{100 * quality:.0f}%"></i></span>'
        f'<span class="text">{percent(quality)}{unit}</span></div>'
    )


def _variability(readings: Sequence[Reading]) -> str:
    given = [r for r in readings if _is_variability(r) and r.value is not None]
    if not given:
        return ""
    rows = "".join(map(_variability_row, given))
    head = '<th scope="col">Measure</th><th scope="col" class="number">Value</th>'
    head += '<th scope="col">Unit</th><th scope="col">Interval</th><th scope="col">Quality</th>'
    return (
        '<div class="card"><h3>Heart rate variability</h3><table class="stack">'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>\n"
    )


def _variability_row(r: Reading) -> str:
    unit = escape(unit_text(r.unit))
    return (
        f'<tr><th scope="row">{escape(title(r.name))}'
        f"<small>{escape(MEANING.get(r.name, ''))}</small></th>"
        f'<td class="number pair">{value_text(r)}</td><td class="unit pair">{unit}</td>'
        f'<td class="range pair">{interval_text(r)}</td>'
        f'<td class="pair">{_quality(r.quality)}</td></tr>'
    )


def _plot(plot: Plot[Report], wide: str, narrow: str) -> str:
    note = f"<p>{escape(plot.note)}</p>" if plot.note else ""
    return (
        f'<figure class="card"><figcaption><h3>{escape(plot.title)}</h3>{note}</figcaption>'
        f'<div class="plot wide">{wide}</div><div class="plot narrow">{narrow}</div></figure>\n'
    )


def _withheld(report: Report) -> str:
    """Which readings were withheld and why; windows of the rolling ones are counted."""
    rows = [
        (", ".join(title(r.name) for r in group), why) for why, group in reasons(report.readings)
    ]
    for name in dict.fromkeys(reading.name for reading in report.rolling):
        rolling = report.over_time(name)
        for why, group in reasons(rolling):
            rows.append((f"{len(group)} of {len(rolling)} {windows_title(name)}", why))
    if not rows:
        return ""
    body = "".join(
        f'<tr><th scope="row">{escape(what)}</th><td>{escape(why)}</td></tr>' for what, why in rows
    )
    return (
        '<div class="card"><h3>Withheld, and why</h3><table class="stack"><thead><tr>'
        '<th scope="col">Reading</th><th scope="col">Reason</th></tr></thead>'
        f"<tbody>{body}</tbody></table></div>\n"
    )


def _findings(report: Report) -> str:
    """What the recording was like: what is not fine with its remedy, then the rest in brief."""
    if not report.capture:
        return ""
    bad = "".join(_bad_row(f, report.source) for f in report.capture if not f.fine)
    fine = "".join(_fine_item(f, report.source) for f in report.capture if f.fine)
    head = "".join(
        f'<th scope="col">{name}</th>' for name in ("To improve", "Measured", "What to do")
    )
    table = f'<table class="stack"><thead><tr>{head}</tr></thead><tbody>{bad}</tbody></table>'
    return (
        f'<div class="card"><h3>The recording</h3>{table if bad else ""}'
        + (f'<h4 class="rest">Fine</h4><dl class="fine">{fine}</dl>' if fine else "")
        + "</div>\n"
    )


def _bound(finding: Finding, source: Source) -> str:
    return limit_of(finding.name, source).text if finding.name in LIMITS else ""


def _bad_row(finding: Finding, source: Source) -> str:
    bound = _bound(finding, source)
    needed = f"<small>fine when {escape(bound)}</small>" if bound else ""
    return (
        '<tr><th scope="row"><span class="weak" role="img" aria-label="not fine">▲</span> '
        f"{escape(title(finding.name))}</th>"
        f'<td class="measured">{escape(measured_text(finding))} {needed}</td>'
        f"<td>{escape(finding.remedy)}</td></tr>"
    )


def _fine_item(finding: Finding, source: Source) -> str:
    bound = _bound(finding, source)
    needed = f" <small>{escape(bound)}</small>" if bound else ""
    return (
        f'<div><dt><span class="good" aria-hidden="true">✓</span> {escape(title(finding.name))}'
        f"</dt><dd>{escape(measured_text(finding))}{needed}</dd></div>"
    )


def _origin(report: Report) -> str:
    """Where the numbers come from: methods, settings, software and the facts of the file."""
    s = report.source
    claimed = "" if s.claimed is None else f" of {s.claimed} claimed"
    file = {
        "Frames": f"{s.frames}{claimed}" if s.frames else "",
        "Frame jitter": f"{number(1000 * s.jitter)} ms" if s.frames else "",
        "Pixel format": s.pixel_format,
        "Rotation": f"{s.rotation}°" if s.rotation else "",
    }
    methods: dict[str, list[str]] = {}
    for r in report.readings:
        if r.value is not None:
            methods.setdefault(r.method, []).append(title(r.name))
    lists = (
        ("Recording", file),
        ("Methods", methods),
        ("Settings", report.settings),
        ("Software", report.versions),
    )
    parts = "".join(_definitions(name, entries) for name, entries in lists)
    if not parts:
        return ""
    return f'<div class="card"><h3>Provenance</h3><div class="origin">{parts}</div></div>\n'


def _definitions(name: str, entries: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<dt>{escape(str(key))}</dt><dd>{escape(_setting_text(value))}</dd>"
        for key, value in entries.items()
        if value not in ("", None)
    )
    return f"<div><h4>{escape(name)}</h4><dl>{rows}</dl></div>" if rows else ""


def _setting_text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_setting_text, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
