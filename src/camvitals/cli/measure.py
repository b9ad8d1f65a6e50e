"""`camvitals measure`: videos in, reports out."""

from __future__ import annotations

import io
import os
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from camvitals.cli.forms import dated, recorded, start_of, with_ending
from camvitals.cli.voice import WRONG_INPUT, complain
from camvitals.data.recorded import is_recorded
from camvitals.records import InputError, Report
from camvitals.report.progress import Bar

if TYPE_CHECKING:
    from camvitals.data.synthetic.truth import Truth
    from camvitals.pipeline import Settings
    from camvitals.vitals.calibration import Calibration


def measure(
    sources: Annotated[
        list[str], typer.Argument(metavar="VIDEO…", help="Files, picture folders or URLs.")
    ],
    method: Annotated[str, typer.Option(help="auto, or a name that `methods` lists.")] = "auto",
    roi: Annotated[str, typer.Option(help="face, skin, frame (all skin) or finger.")] = "face",
    skin: Annotated[str, typer.Option(help="Skin mask: otsu, chroma or none.")] = "otsu",
    oxygen: Annotated[
        str | None,
        typer.Option(metavar="CAL.json", help="Calibration of the saturation, or uncalibrated."),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(metavar="98@0-30", help="Saturation known: 98 % from 0 to 30 s."),
    ] = None,
    camera: Annotated[
        str | None, typer.Option(help="Name of the camera, to be that of the calibration.")
    ] = None,
    enhance: Annotated[
        str | None,
        typer.Option(metavar="NETWORK", help="Better pictures: enhancer-small-64, or a file."),
    ] = None,
    fps: Annotated[
        float | None, typer.Option(help="Pictures a second, for folders without time stamps.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write one page with plots.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write readings and waves to a folder.")] = None,
    table: Annotated[Path | None, typer.Option(help="Write one CSV row a person.")] = None,
    edf: Annotated[Path | None, typer.Option(help="Write EDF+, a file a person.")] = None,
    wfdb: Annotated[Path | None, typer.Option(help="Write WFDB, a record a person.")] = None,
    nwb: Annotated[Path | None, typer.Option(help="Write NWB (HDF5), a file a person.")] = None,
    bids: Annotated[Path | None, typer.Option(help="Write BIDS physio, a table a person.")] = None,
    fhir: Annotated[Path | None, typer.Option(help="Write a FHIR R5 bundle.")] = None,
    fhir_r4: Annotated[Path | None, typer.Option(help="Write a FHIR R4 bundle.")] = None,
    started: Annotated[
        str | None,
        typer.Option(metavar="2026-05-04T09:30:00Z", help="When second 0 of the recording was."),
    ] = None,
    truth: Annotated[Path | None, typer.Option(help="Show this truth of a made clip.")] = None,
    jobs: Annotated[int | None, typer.Option(help="Files at a time; all cores if unset.")] = None,
) -> None:
    """Measure the people in one or many videos."""
    from camvitals.pipeline import Settings

    known_oxygen = _oxygen(oxygen, baseline=baseline, camera=camera)
    settings = Settings(method, roi, skin, known_oxygen, enhance)
    known = _check_wishes(sources, json=json, jobs=jobs, truth=truth)
    forms = {"html": html, "csv": csv, "table": table, "edf": edf, "nwb": nwb, "fhir": fhir}
    forms |= {"fhir-r4": fhir_r4, "wfdb": with_ending(wfdb, ".hea")}
    forms |= {"bids": with_ending(bids, "_physio.tsv.gz")}
    _check_targets(sources, **forms)
    when = start_of(started, of=len(sources))
    with Bar("reading" if len(sources) == 1 else "files") as bar:
        if len(sources) == 1:
            reports, failed = _measure_one(sources[0], settings, fps, bar), False
        else:
            reports, failed = _measure_many(sources, settings, fps, jobs, bar)
    reports = tuple(_printable(dated(report, when)) for report in reports)
    try:
        if reports:
            _write(reports, **forms)
    finally:  # what was measured is told even when it cannot be written
        _tell(reports, json=json, many=len(sources) > 1, known=known)
    if failed:
        raise typer.Exit(WRONG_INPUT)


def _oxygen(
    oxygen: str | None, *, baseline: str | None, camera: str | None
) -> Calibration | str | None:
    """What the saturation is measured by, with what is known of the recording."""
    from camvitals.vitals.oxygen import UNCALIBRATED

    if oxygen is None or oxygen == UNCALIBRATED:
        if baseline is not None or camera is not None:
            given = "--camera" if baseline is None else "--baseline"
            raise InputError(f"{given} belongs to a calibration; give it with --oxygen CAL.json")
        return oxygen
    from camvitals.vitals.calibration import Calibration

    found = Calibration.load(oxygen)
    found.check(camera=camera)
    return found.known(baseline)


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
    if is_recorded(source):
        return recorded(source, settings, fps=fps)
    from camvitals.pipeline import measure_people

    return measure_people(source, settings=settings, fps=fps, progress=bar.show)


def _measure_many(
    sources: list[str], settings: Settings, fps: float | None, jobs: int | None, bar: Bar
) -> tuple[tuple[Report, ...], bool]:
    """Reports in the order of the sources, and whether any source could not be measured."""
    from camvitals.batch import measure_files

    found: dict[int, tuple[Report, ...]] = {}
    videos = [at for at, source in enumerate(sources) if not is_recorded(source)]
    for at in set(range(len(sources))) - set(videos):
        try:
            found[at] = recorded(sources[at], settings, fps=fps)
        except InputError as error:
            complain(str(error))
    outcomes = measure_files(
        [sources[at] for at in videos],
        settings=settings,
        fps=fps,
        jobs=jobs,
        progress=lambda done: bar.show(done, len(videos)),
    )
    with closing(outcomes):
        for index, outcome in outcomes:
            if isinstance(outcome, InputError):
                complain(str(outcome))
            else:
                found[videos[index]] = outcome
    reports = tuple(report for index in sorted(found) for report in found[index])
    return reports, len(found) < len(sources)


def _printable(report: Report) -> Report:
    """The report with a name that any text file can hold; file names may be any bytes."""
    name = report.source.name.encode("utf-8", "replace").decode("utf-8")
    return replace(report, source=replace(report.source, name=name))


def _write(reports: tuple[Report, ...], **forms: Path | None) -> None:
    from camvitals.cli.forms import WRITE

    for form, path in forms.items():
        if path is None:
            continue
        try:
            if form == "csv":
                path.mkdir(exist_ok=True)
            WRITE[form](path, reports)
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
