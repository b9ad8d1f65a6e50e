"""The command line: `camvitals measure`, `camvitals simulate`, `camvitals methods`."""

from __future__ import annotations

import io
import os
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from camvitals.records import InputError, Report
from camvitals.report.progress import Bar

if TYPE_CHECKING:
    from camvitals.data.synthetic.truth import Truth
    from camvitals.pipeline import Settings

WRONG_INPUT = 2
INTERRUPTED = 130
DRAWN_HZ = 30.0  # of pictures that are made: put in, not assumed of anything

app = typer.Typer(
    name="camvitals",
    help="Vital signs from ordinary RGB video: a number you can trust, or the reason why not.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line.

    Wrong input, and what the system refuses, ends with one line on standard error and exit code 2;
    Ctrl-C with 130; a reader of the output that leaves early, as `head` does, with 1 and no word.
    """
    try:
        try:
            app()
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except InputError as error:
        _complain(str(error))
        sys.exit(WRONG_INPUT)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        _complain(f"the system refuses{where}: {error.strerror or error}")
        sys.exit(WRONG_INPUT)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _complain(text: str) -> None:
    print(f"camvitals: {' '.join(text.split())}", file=sys.stderr)


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
    from camvitals.pipeline import Settings

    settings = Settings(method, roi, skin)
    known = _check_wishes(sources, json=json, jobs=jobs, truth=truth)
    _check_targets(sources, html=html, csv=csv, table=table)
    with Bar("reading" if len(sources) == 1 else "files") as bar:
        if len(sources) == 1:
            reports, failed = _measure_one(sources[0], settings, fps, bar), False
        else:
            reports, failed = _measure_many(sources, settings, fps, jobs, bar)
    reports = tuple(_printable(report) for report in reports)
    try:
        if reports:
            _write(reports, html=html, csv=csv, table=table)
    finally:  # what was measured is told even when it cannot be written
        _tell(reports, json=json, many=len(sources) > 1, known=known)
    if failed:
        raise typer.Exit(WRONG_INPUT)


def _check_wishes(
    sources: list[str], *, json: bool, jobs: int | None, truth: Path | None
) -> Truth | None:
    """The truth to show, if any; refuses what does not go together before the work."""
    if jobs is not None and jobs < 1:
        raise InputError(f"--jobs needs a whole number >= 1 but got {jobs}; leave it out for all")
    if truth is None:
        return None
    if json or len(sources) > 1:
        given = "--json" if json else f"{len(sources)} videos"
        raise InputError(f"--truth is shown beside one video on the terminal but got {given}")
    if not truth.is_file():
        raise InputError(f"no truth at {truth}; `camvitals simulate` writes it beside the clip")
    from camvitals.data.synthetic.truth import Truth

    return Truth.load(truth)


def _check_targets(sources: list[str], **targets: Path | None) -> None:
    """Refuse before the work, not after it."""
    taken = {Path(source).absolute(): f"{source} is to be read" for source in sources}
    for option, path in targets.items():
        if path is None:
            continue
        name, folder = f"--{option} {path}", path.absolute().parent
        if not folder.is_dir():
            raise InputError(f"{name}: there is no folder {path.parent}; make it first")
        fits, kind = (path.is_dir(), "folder") if option == "csv" else (path.is_file(), "file")
        if path.exists() and not fits:
            raise InputError(f"{name} needs a {kind} but that is not one; give another name")
        if not os.access(path if path.is_dir() else folder, os.W_OK):
            raise InputError(f"{name}: this folder must not be written to; choose another")
        if path.absolute() in taken:
            raise InputError(f"{name}: {taken[path.absolute()]}; give another name")
        taken[path.absolute()] = "this is to be written by another option"


def _measure_one(
    source: str, settings: Settings, fps: float | None, bar: Bar
) -> tuple[Report, ...]:
    from camvitals.pipeline import measure_people

    return measure_people(source, settings=settings, fps=fps, progress=bar.show)


def _measure_many(
    sources: list[str], settings: Settings, fps: float | None, jobs: int | None, bar: Bar
) -> tuple[tuple[Report, ...], bool]:
    """Reports in the order of the sources, and whether any source could not be measured."""
    from camvitals.batch import measure_files

    found: dict[int, tuple[Report, ...]] = {}
    outcomes = measure_files(
        sources,
        settings=settings,
        fps=fps,
        jobs=jobs,
        progress=lambda done: bar.show(done, len(sources)),
    )
    with closing(outcomes):
        for index, outcome in outcomes:
            if isinstance(outcome, InputError):
                _complain(str(outcome))
            else:
                found[index] = outcome
    reports = tuple(report for index in sorted(found) for report in found[index])
    return reports, len(found) < len(sources)


def _printable(report: Report) -> Report:
    """The report with a name that any text file can hold; file names may be any bytes."""
    name = report.source.name.encode("utf-8", "replace").decode("utf-8")
    return replace(report, source=replace(report.source, name=name))


def _write(
    reports: tuple[Report, ...], *, html: Path | None, csv: Path | None, table: Path | None
) -> None:
    from camvitals.report.csv_file import write_csv, write_table
    from camvitals.report.page import write_page

    for path, write in ((html, write_page), (csv, write_csv), (table, write_table)):
        if path is None:
            continue
        try:
            if path is csv:
                path.mkdir(exist_ok=True)
            write(path, reports)
        except OSError as error:
            raise InputError(
                f"{path} cannot be written ({error.strerror or error}); choose another place"
            ) from error


def _tell(reports: tuple[Report, ...], *, json: bool, many: bool, known: Truth | None) -> None:
    """Print what was measured on standard output."""
    if json:
        from camvitals.report.json_file import to_json

        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8")
        print(to_json(reports), end="")
        return
    from rich.console import Console

    from camvitals.report.terminal import show_many, show_report

    console = Console()
    if many and reports:
        show_many(reports, console=console)
        return
    for report in reports:
        show_report(report, console=console)
    if known is not None:
        from camvitals.report.truth import show_truth

        show_truth(reports, known, console=console)


@app.command()
def simulate(
    out: Annotated[Path, typer.Argument(help="Video to write, or folder with --subjects.")],
    heart_rate: Annotated[float, typer.Option(help="Mean, in bpm.")] = 72.0,
    duration: Annotated[float, typer.Option(help="In seconds.")] = 30.0,
    fps: Annotated[float, typer.Option(help="Pictures a second.")] = DRAWN_HZ,
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

    if out.is_dir() or not out.absolute().parent.is_dir():
        trouble = "is a folder" if out.is_dir() else f"needs the folder {out.parent}, not there"
        raise InputError(f"{out} {trouble}; give the name of a video to write, such as clip.mp4")
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
    with Bar("drawing") as bar:
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
