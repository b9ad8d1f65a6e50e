"""A result as one page: a single HTML file that needs nothing else, for screen, phone and paper."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

from camvitals.data.recording import Recording
from camvitals.evaluate import worst
from camvitals.evaluate.cells import Table, counted, named
from camvitals.evaluate.plots import PLOTS
from camvitals.evaluate.render import html_table, number
from camvitals.evaluate.result import Result
from camvitals.evaluate.table import left_out, tables_of
from camvitals.evaluate.view import View
from camvitals.report import page as report_page
from camvitals.report.files import write_atomically
from camvitals.report.plots import Plot, drawn

FIRST = ("agreement", "tests")  # tables that stand open; the others open on demand
NOTE = (
    "Numbers in small print below a number are its 95 % interval, by bootstrap over subjects. "
    "Floors need no camera: what does not beat them has learned nothing from the video."
)


def to_page(
    result: Result,
    *,
    recordings: Iterable[Recording] = (),
    against: str = "",
    traces: Path | None = None,
    draws: int = 1000,
) -> str:
    """The result as one HTML document without any outside part; every string is escaped.

    recordings: those that were scored, as far as at hand: the waves of the worst ten are made again
        from them.   traces: the folder that evaluate kept the colours of videos in.
    against: the method that others are tested against and that plots show alone; "" is auto, or
        else the best.   draws: of subjects, for the intervals.
    """
    css = [Path(module).with_name("page.css") for module in (str(report_page.__file__), __file__)]
    style = "".join(path.read_text(encoding="utf-8") for path in css)
    vitals = result.names("vital")
    at_hand = list(recordings)
    parts = [
        _vital(result, vital, k, at_hand, against, traces, draws) for k, vital in enumerate(vitals)
    ]
    corpora = ", ".join(result.names("corpus")) or "nothing"
    links = "".join(
        f'<li><a href="#{escape(vital, quote=True)}">{escape(named(vital))}</a></li>'
        for vital in vitals
    )
    rest = html_table(left_out(result)) if result.excluded or result.skipped else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Evaluation · {escape(corpora)}</title>\n<style>\n{style}</style>\n</head>\n"
        f'<body>\n<header class="broad"><h1>Evaluation</h1><h2>{escape(corpora)}</h2>'
        f'<p class="lede">{escape(_what(result))}</p>'
        + (f'<nav aria-label="Vital signs"><ul>{links}</ul></nav>' if len(vitals) > 1 else "")
        + f'</header>\n<main class="broad">\n{_protocol(result)}{"".join(parts)}{rest}</main>\n'
        f'<footer class="broad"><p>{escape(NOTE)}</p></footer>\n</body>\n</html>\n'
    )


def write_page(
    path: str | Path,
    result: Result,
    *,
    recordings: Iterable[Recording] = (),
    against: str = "",
    traces: Path | None = None,
) -> Path:
    """Write `to_page` to a file, whole or not at all. Returns the path."""
    text = to_page(result, recordings=recordings, against=against, traces=traces)
    return write_atomically(path, text)


def _what(result: Result) -> str:
    people = len(set(result.columns["corpus"] + "/" + result.columns["subject"]))
    takes = len(set(result.columns["corpus"] + "/" + result.columns["recording"]))
    methods = counted(len(result.names("method")), "method")
    return f"{methods} on {counted(takes, 'recording')} of {counted(people, 'subject')}."


def _protocol(result: Result) -> str:
    protocol = result.protocol
    rows = {
        "Protocol": escape(protocol.name),
        "Hash": f"<code>{protocol.hash}</code>",
        "In words": escape(protocol.text),
        "Software": escape(_versions(result.versions)),
    }
    entries = "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in rows.items() if text)
    return f'<section class="card protocol" aria-label="Protocol"><dl>{entries}</dl></section>\n'


def _versions(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _vital(
    result: Result,
    vital: str,
    at: int,
    recordings: Sequence[Recording],
    against: str,
    traces: Path | None,
    draws: int,
) -> str:
    view = View.of(result, vital, lead=against)
    tables = tables_of(result, vital, against=against, draws=draws)
    shown = {table.key.split(".")[1]: table for table in tables}
    first = "".join(html_table(shown[name]) for name in FIRST if name in shown)
    rest = _folded([table for table in tables if table.key.split(".")[1] not in FIRST])
    figures = "".join(_figure(view, *one[1:]) for one in drawn(PLOTS, view, key=f"v{at}"))
    cases = worst.worst(view.lead)
    if recordings:
        cases = worst.with_waves(cases, recordings, protocol=result.protocol, traces=traces)
    return (
        f'<section class="vital" id="{escape(vital, quote=True)}">'
        f"<h2>{escape(named(vital))}</h2>\n{first}{figures}{rest}"
        f"{_worst(cases, view, key=f'w{at}')}</section>\n"
    )


def _folded(tables: Sequence[Table]) -> str:
    """Tables behind their titles, opened by mouse or keyboard."""
    parts = []
    for table in tables:
        body = html_table(table).replace(f"<h3>{escape(table.title)}</h3>", "", 1)
        title = escape(table.title.partition(": ")[2] or table.title)
        parts.append(f"<details><summary>{title}</summary>{body}</details>\n")
    return f'<section class="card"><h3>Further tables</h3>{"".join(parts)}</section>\n'


def _figure(view: View, plot: Plot[View], wide: str, narrow: str) -> str:
    title = f"{plot.title}: {view.lead.name}" if plot.title.startswith("Agreement") else plot.title
    return (
        f'<figure class="card"><figcaption><h3>{escape(title)}</h3><p>{escape(plot.note)}</p>'
        f'</figcaption><div class="plot wide">{wide}</div>'
        f'<div class="plot narrow">{narrow}</div><p class="said">{escape(plot.say(view))}</p>'
        "</figure>\n"
    )


def _worst(cases: Sequence[worst.Case], view: View, *, key: str) -> str:
    if not cases:
        return ""
    parts = "".join(_case(case, view, key=f"{key}-{k}") for k, case in enumerate(cases))
    if all(case.why == worst.NOT_AT_HAND for case in cases):
        parts += f'<div class="notes"><p>Not drawn: {escape(worst.NOT_AT_HAND)}.</p></div>'
    many = counted(len(cases), "recording")
    return (
        f'<section class="card"><h3>The {many} with the largest error of '
        f"{escape(view.lead.name)}</h3>{parts}</section>\n"
    )


def _case(case: worst.Case, view: View, *, key: str) -> str:
    images = worst.drawn(case, key=key)
    said = (
        f"MAE {number(case.mae, 2)} {view.unit}; {case.answered} of "
        f"{counted(case.windows, 'window')} answered. Worst: {case.start:.1f}–{case.stop:.1f} s, "
        f"said {number(case.estimate, 1)}, true {number(case.reference, 1)}"
    )
    missing = case.why or "the pulse is not known there"
    drawing = (
        f'<div class="plot wide">{images[0]}</div><div class="plot narrow">{images[1]}</div>'
        if images
        else ("" if missing == worst.NOT_AT_HAND else f"<p>Not drawn: {escape(missing)}</p>")
    )
    return (
        f'<div class="case"><h4>{escape(case.corpus)} {escape(case.recording)}</h4>'
        f"<p>{escape(said)}.</p>{drawing}</div>"
    )
