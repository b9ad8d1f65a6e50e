"""The command line: `camvitals measure`, `camvitals simulate`, `camvitals methods`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from camvitals.records import InputError, Report

if TYPE_CHECKING:
    from rich.console import Console

    from camvitals.pipeline import Settings

SLOW_S = 2.0
WRONG_INPUT = 2

app = typer.Typer(
    name="camvitals",
    help="Vital signs from ordinary RGB video: a number you can trust, or the reason why not.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line; wrong input ends with one line on standard error and exit code 2."""
    try:
        app()
    except InputError as error:
        _complain(str(error))
        sys.exit(WRONG_INPUT)


def _complain(line: str) -> None:
    print(f"camvitals: {line}", file=sys.stderr)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"camvitals {version('camvitals')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    pass


@app.command()
def measure(
    sources: Annotated[
        list[str], typer.Argument(metavar="VIDEO…", help="Files, picture folders or URLs.")
    ],
    method: Annotated[str, typer.Option(help="auto, or a name that `methods` lists.")] = "auto",
    roi: Annotated[str, typer.Option(help="face, skin, frame (all skin) or finger.")] = "face",
    skin: Annotated[str, typer.Option(help="Skin mask: otsu, chroma or none.")] = "otsu",
    fps: Annotated[
        float | None, typer.Option(help="Pictures a second, for folders without time stamps.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write one page with plots.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write readings and waves to a folder.")] = None,
    table: Annotated[Path | None, typer.Option(help="Write one CSV row a person.")] = None,
    truth: Annotated[Path | None, typer.Option(help="Show this truth of a made clip.")] = None,
    jobs: Annotated[int | None, typer.Option(help="Files at a time; all cores if unset.")] = None,
) -> None:
    """Measure the people in one or many videos."""
    from rich.console import Console

    from camvitals.pipeline import Settings

    _check_targets(html, csv, table, truth)
    settings = Settings(method, roi, skin)
    if len(sources) == 1:
        reports, failed = _measure_one(sources[0], settings, fps), False
    else:
        reports, failed = _measure_many(sources, settings, fps, jobs)
    _write(reports, html=html, csv=csv, table=table)
    if json:
        from camvitals.report.json_file import to_json

        print(to_json(reports))
    else:
        console = Console()
        _show(reports, console, many=len(sources) > 1)
        if truth is not None:
            _show_truth(reports, truth, console)
    if failed:
        raise typer.Exit(WRONG_INPUT)


def _check_targets(*paths: Path | None) -> None:
    """Refuse before the work, not after it."""
    *written, truth = paths
    for path in written:
        if path is not None and not path.absolute().parent.is_dir():
            raise InputError(
                f"cannot write {path}: no folder {path.parent}; make it first"
            )
    if truth is not None and not truth.is_file():
        raise InputError(f"no truth at {truth}; `camvitals simulate` writes it beside the clip")


def _measure_one(source: str, settings: Settings, fps: float | None) -> tuple[Report, ...]:
    from camvitals.pipeline import measure_people

    with _Bar("reading") as bar:
        return measure_people(source, settings=settings, fps=fps, progress=bar.show)


def _measure_many(
    sources: list[str], settings: Settings, fps: float | None, jobs: int | None
) -> tuple[tuple[Report, ...], bool]:
    from camvitals.batch import measure_files

    found: dict[int, tuple[Report, ...]] = {}
    failed = False
    with _Bar("files") as bar:
        outcomes = measure_files(sources, settings=settings, fps=fps, jobs=jobs)
        for done, (index, outcome) in enumerate(outcomes, start=1):
            bar.show(done, len(sources))
            if isinstance(outcome, InputError):
                _complain(str(outcome))
                failed = True
            else:
                found[index] = outcome
    return tuple(report for index in sorted(found) for report in found[index]), failed


class _Bar:
    """A progress bar with the time left, on standard error, once the work takes over SLOW_S."""

    def __init__(self, title: str) -> None:
        self._title, self._start, self._bar = title, time.monotonic(), None
        self._task: Any = None

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, done: int, expected: int | None) -> None:
        """Show how much is done of how much."""
        if self._bar is None:
            if time.monotonic() - self._start < SLOW_S or not sys.stderr.isatty():
                return
            self._bar = _rich_bar()
            self._task = self._bar.add_task(self._title, total=expected)
            self._bar.start()
        self._bar.update(self._task, completed=done, total=expected)


def _rich_bar() -> Any:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True)


def _write(
    reports: tuple[Report, ...], *, html: Path | None, csv: Path | None, table: Path | None
) -> None:
    if html is not None:
        from camvitals.report.page import write_page

        write_page(html, reports)
    if csv is not None or table is not None:
        from camvitals.report.csv_file import write_csv, write_table

        if csv is not None:
            csv.mkdir(exist_ok=True)
            write_csv(csv, reports)
        if table is not None:
            write_table(table, reports)


def _show(reports: tuple[Report, ...], console: Console, *, many: bool) -> None:
    from camvitals.report.terminal import show_many, show_report

    if many:
        show_many(reports, console=console)
        return
    for report in reports:
        show_report(report, console=console)


def _show_truth(reports: tuple[Report, ...], path: Path, console: Console) -> None:
    from camvitals.data.synthetic.simulate import read_truth

    truth = read_truth(path)
    for report in reports:
        for reading in report.readings:
            known = truth.get(reading.name)
            if known is not None:
                told = "withheld" if reading.value is None else f"{reading.value:.1f}"
                console.print(f"{reading.name}: measured {told}, put in {known:.1f} {reading.unit}")


@app.command()
def methods() -> None:
    """List the pulse methods and where each comes from."""
    from rich.console import Console
    from rich.table import Table

    from camvitals.waves.run import METHODS

    table = Table("method", "needs", "seconds at least", "source", box=None)
    for name, method in METHODS.items():
        table.add_row(name, method.needs, f"{method.minimum_s:g}", method.source)
    Console().print(table)
