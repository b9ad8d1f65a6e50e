"""`camvitals live`: a camera, a stream or a film on the terminal, as it happens."""

from __future__ import annotations

import io
import json as jsonlib
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from camvitals.cli.keys import endings
from camvitals.cli.voice import WRONG_INPUT, complain
from camvitals.records import Report

if TYPE_CHECKING:
    from rich.console import Console

    from camvitals.live.news import Outlet
    from camvitals.live.session import Session

REDRAWN_HZ = 4.0
Tell = Callable[[Sequence[Report]], None]


def live(
    camera: Annotated[
        str, typer.Option(help="Number of a camera, URL of a stream, or a file, played.")
    ] = "0",
    method: Annotated[str, typer.Option(help="auto, or a name that `methods` lists.")] = "auto",
    roi: Annotated[str, typer.Option(help="face, skin, frame (all skin) or finger.")] = "face",
    skin: Annotated[str, typer.Option(help="Skin mask: otsu, chroma or none.")] = "otsu",
    fps: Annotated[float | None, typer.Option(help="Pictures a second to ask of a camera.")] = None,
    window: Annotated[float, typer.Option(help="Seconds that a report speaks of.")] = 30.0,
    period: Annotated[float, typer.Option(help="Seconds from one report to the next.")] = 1.0,
    duration: Annotated[float | None, typer.Option(help="Seconds after which to end.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print a line of JSON a report.")] = False,
    record: Annotated[
        Path | None, typer.Option(help="Record colour traces, no pictures; `measure` reads them.")
    ] = None,
    lsl: Annotated[
        str | None, typer.Option(metavar="NAME", help="Send to the Lab Streaming Layer.")
    ] = None,
    osc: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Send by Open Sound Control.")
    ] = None,
) -> None:
    """Watch people before a camera; q or Ctrl-C ends it."""
    from camvitals.live.session import Session, Watch

    watch = Watch(window=window, period=period, method=method, roi=roi, skin=skin)
    with ExitStack() as stack:
        outlets = _outlets(lsl, osc, stack)
        limit = math.inf if duration is None else duration
        session = Session(camera, watch, fps=fps, duration=limit, record=record)
        stack.callback(session.stop)
        stack.enter_context(endings(session.stop, keys=not json and sys.stdout.isatty()))
        tell = stack.enter_context(_telling(session, outlets, json=json))
        last = _follow(session, outlets, tell)
    _close(session, last, json=json)


def _outlets(lsl: str | None, osc: str | None, stack: ExitStack) -> list[Outlet]:
    """What was asked for, before the camera is opened."""
    from camvitals.live.lsl import LslOutlet
    from camvitals.live.osc import OscOutlet

    found: list[Outlet] = []
    if lsl is not None:
        found.append(LslOutlet(lsl))
    if osc is not None:
        found.append(OscOutlet(osc))
    for outlet in found:
        stack.callback(outlet.close)
    return found


def _follow(session: Session, outlets: Sequence[Outlet], tell: Tell) -> tuple[Report, ...]:
    """Hand every report to everybody who wants it; returns the last ones."""
    people: tuple[Report, ...] = ()
    with closing(session.reports()) as reports:
        for people in reports:
            for outlet in outlets:
                outlet.send(people, offset=session.offset)
            tell(people)
    return people


def _telling(session: Session, outlets: Sequence[Outlet], *, json: bool) -> Any:
    """What takes reports: lines of JSON, a page on a terminal, or lines of text."""
    if json:
        return _json_lines()
    from rich.console import Console

    console = Console()
    notes = tuple(outlet.note for outlet in outlets)
    return _page(session, console, notes) if console.is_terminal else _text_lines(session, console)


@contextmanager
def _json_lines() -> Iterator[Tell]:
    from camvitals.report.json_file import to_json

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")

    def tell(reports: Sequence[Report]) -> None:
        document = jsonlib.loads(to_json(reports))
        print(jsonlib.dumps(document, ensure_ascii=False, separators=(",", ":")), flush=True)

    yield tell


@contextmanager
def _text_lines(session: Session, console: Console) -> Iterator[Tell]:
    from camvitals.report.live_view import live_line

    del session
    console.soft_wrap = True

    def tell(reports: Sequence[Report]) -> None:
        for report in reports:
            console.print(live_line(report, console=console))
        sys.stdout.flush()

    yield tell


@contextmanager
def _page(session: Session, console: Console, notes: tuple[str, ...]) -> Iterator[Tell]:
    """A page of its own on the terminal, drawn anew several times a second."""
    from rich.live import Live

    from camvitals.report.live_view import live_page

    latest: tuple[Report, ...] = ()

    def draw() -> Any:
        return live_page(latest, _status(session, notes), console=console, keys=_has_keys())

    def tell(reports: Sequence[Report]) -> None:
        nonlocal latest
        latest = tuple(reports)

    with Live(console=console, screen=True, get_renderable=draw, refresh_per_second=REDRAWN_HZ):
        yield tell


def _has_keys() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _status(session: Session, notes: tuple[str, ...]) -> Any:
    from camvitals.report.live_view import Status

    trouble = session.trouble
    if not trouble and session.silent:
        trouble = f"no picture for {session.silent:.0f} s"
    if session.failed:
        trouble = f"{trouble}; {session.failed}" if trouble else session.failed
    elif session.recorder is not None:
        notes = (*notes, f"recording {session.recorder.path.name}")
    return Status(session.name, session.size, session.rate, session.elapsed, trouble, notes)


def _close(session: Session, last: Sequence[Report], *, json: bool) -> None:
    """Show the last reports in full where they were a page, and say what was recorded."""
    if not json:
        from rich.console import Console

        from camvitals.report.terminal import show_report

        console = Console()
        if console.is_terminal:
            for report in last:
                show_report(report, console=console)
    wrong = [text for text in (session.lost, session.failed) if text]
    for text in wrong:
        complain(text)
    if wrong:
        raise typer.Exit(WRONG_INPUT)
    if session.recorder is not None and not json:
        print(f"traces, no pictures: {session.recorder.path} (camvitals measure reads them)")
