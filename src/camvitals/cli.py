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
            raise InputError(f"cannot write {path}: no folder {path.parent}; make it first")
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
        self._title, self._start = title, time.monotonic()
        self._bar: Any = None
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
    """What was measured beside what was put in, person by person from left to right."""
    from rich.table import Table

    from camvitals.data.synthetic.truth import Truth

    truth = Truth.load(path)
    known = {
        "heart_rate": truth.heart_rate,
        "respiration_rate": truth.breath_rate,
        "hrv_sdnn": truth.sdnn,
        "hrv_rmssd": truth.rmssd,
    }
    table = Table("reading", "put in", "measured", "error", title="Beside the truth", box=None)
    for reading in reports[0].readings:
        if reading.name in known:
            put = known[reading.name] if truth.alive else None
            table.add_row(reading.name, *_beside(reading.value, put), style=None)
    console.print(table)


def _beside(measured: float | None, put: float | None) -> tuple[str, str, str]:
    error = "" if measured is None or put is None else f"{measured - put:+.1f}"
    return (
        "none: no pulse" if put is None else f"{put:.1f}",
        "withheld" if measured is None else f"{measured:.1f}",
        error,
    )


@app.command()
def simulate(
    out: Annotated[Path, typer.Argument(help="Video to write, or folder with --subjects.")],
    heart_rate: Annotated[float, typer.Option(help="Mean, in bpm.")] = 72.0,
    duration: Annotated[float, typer.Option(help="In seconds.")] = 30.0,
    fps: Annotated[float, typer.Option(help="Pictures a second.")] = 30.0,
    tone: Annotated[int, typer.Option(help="Fitzpatrick type, 1–6.")] = 2,
    motion: Annotated[str, typer.Option(help="still, sway, turn, talk, expression.")] = "still",
    light: Annotated[str, typer.Option(help="daylight, lamp, changing, dim, screen.")] = "daylight",
    codec: Annotated[str, typer.Option(help="h264, vp9, mpeg4, mjpeg, ffv1.")] = "h264",
    crf: Annotated[int | None, typer.Option(help="Compression; lower is better.")] = None,
    bit_rate: Annotated[int | None, typer.Option(help="Bits a second, instead of crf.")] = None,
    size: Annotated[str, typer.Option(help="Width x height, in pixels.")] = "640x480",
    pulse: Annotated[float, typer.Option(help="Factor on the pulse; 0 removes it.")] = 1.0,
    sway_px: Annotated[float, typer.Option(help="How far a sway goes, in pixels.")] = 8.0,
    clock: Annotated[
        str, typer.Option(help="steady, jitter, halved (rate halves midway), dropped, ntsc.")
    ] = "steady",
    subject: Annotated[
        str, typer.Option(help="face, still-picture, painted-face, wall, noise.")
    ] = "face",
    people: Annotated[int, typer.Option(help="People in the picture, 1–4.")] = 1,
    keep: Annotated[float | None, typer.Option(help="Cut the file to this share.")] = None,
    subjects: Annotated[
        int | None, typer.Option(help="Make a HeartRateNet corpus of so many people instead.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same person.")] = 0,
) -> None:
    """Make a person whose vital signs are known: a video and its truth, or a labelled corpus."""
    fields: dict[str, Any] = {
        "size": _size(size),
        "motion": motion,
        "light": light,
        "subject": subject,
        "clock": clock,
        "pulse": pulse,
        "sway_px": sway_px,
    }
    if subjects is not None:
        _simulate_corpus(out, subjects, duration, fps, seed, fields)
        return
    from camvitals.data.synthetic.scenario import Scenario
    from camvitals.data.synthetic.simulate import simulate as simulate_one

    scenario = Scenario(
        seed=seed,
        duration=duration,
        rate=fps,
        heart_rate=heart_rate,
        tone=tone,
        codec=codec,
        crf=crf,
        bit_rate=bit_rate,
        people=people,
        **fields,
    )
    with _Bar("drawing") as bar:
        truth = simulate_one(out, scenario, keep=keep, progress=bar.show)
    rate = f"heart rate {truth.heart_rate:.1f} bpm" if truth.alive else "no pulse"
    print(f"{out}: {duration:g} s, {rate}; truth in {out.with_suffix('.truth.json')}")


def _simulate_corpus(
    folder: Path, subjects: int, duration: float, fps: float, seed: int, fields: dict[str, Any]
) -> None:
    """Only what was changed from the ordinary is the same for all; the rest is drawn."""
    from camvitals.data.synthetic.corpus import simulate_corpus

    ordinary: dict[str, Any] = {
        "size": (640, 480),
        "motion": "still",
        "light": "daylight",
        "subject": "face",
    }
    ordinary |= {"clock": "steady", "pulse": 1.0, "sway_px": 8.0}
    size = fields.pop("size")
    shared = {name: value for name, value in fields.items() if value != ordinary[name]}
    size = (320, 240) if size == ordinary["size"] else size
    truths = simulate_corpus(
        folder, subjects=subjects, duration=duration, rate=fps, seed=seed, size=size, **shared
    )
    print(f"{folder}: {len(truths)} people of {duration:g} s, truth beside each")


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise InputError(f"size needs width x height such as 640x480 but got {text!r}")
    return int(width), int(height)


@app.command()
def methods() -> None:
    """List the pulse methods and where each comes from."""
    from rich.console import Console
    from rich.table import Table

    from camvitals.waves.run import METHODS

    table = Table("method", "needs", "seconds", "source", box=None)
    for name, method in METHODS.items():
        table.add_row(name, method.needs, f"{method.minimum:g}", method.source)
    Console().print(table)
