"""`camvitals oxygen`: calibrations of the saturation, made and shown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from camvitals.cli.voice import complain
from camvitals.records import InputError
from camvitals.report.progress import Bar

if TYPE_CHECKING:
    from camvitals.data.recording import Recording
    from camvitals.vitals.calibration import Calibration, Line

app = typer.Typer(help="Calibrations of the oxygen saturation.", no_args_is_help=True)


@app.callback()
def _root() -> None:
    pass


@app.command("calibrate")
def calibrate(
    table: Annotated[
        Path,
        typer.Argument(metavar="TABLE.csv", help="Recordings with a reference spo2, or a corpus."),
    ],
    out: Annotated[Path, typer.Option(metavar="CAL.json", help="Where to.")],
    camera: Annotated[str, typer.Option(help="Name of the camera that recorded them.")],
    method: Annotated[str, typer.Option(help="rg, rb, multi or shared.")] = "multi",
    corpus: Annotated[
        str, typer.Option(help="Layout of TABLE, if it is a corpus, such as oximetry.")
    ] = "table",
    roi: Annotated[
        str | None, typer.Option(help="finger, skin, face or frame; else as the table says.")
    ] = None,
    lag: Annotated[float, typer.Option(help="How late the reference is, in seconds.")] = 0.0,
    jobs: Annotated[int | None, typer.Option(help="Takes at a time; all cores if unset.")] = None,
) -> None:
    """Fit a calibration on recordings with a reference, each person left out in turn."""
    from camvitals.data.corpora import corpus as corpus_of
    from camvitals.evaluate.oxygen_calibration import calibrate_recordings, digest_of, with_roi
    from camvitals.report.files import write_atomically
    from camvitals.vitals.ratios import method_of

    method_of(method)
    if not out.absolute().parent.is_dir():
        raise InputError(f"--out {out}: there is no folder {out.parent}; make it first")
    if jobs is not None and jobs < 1:
        raise InputError(f"--jobs needs a whole number >= 1 but got {jobs}; leave it out for all")
    takes: Sequence[Recording] = with_roi(corpus_of(corpus).read(table), roi)
    with Bar("takes") as bar:
        found, unused = calibrate_recordings(
            takes,
            method=method,
            camera=camera,
            lag=lag,
            table=digest_of(takes, table),
            jobs=jobs,
            progress=lambda done: bar.show(done, len(takes)),
        )
    write_atomically(out, found.text())
    for why in unused.values():
        complain(why)
    _tell(out, found)


@app.command("show")
def show(
    path: Annotated[Path, typer.Argument(metavar="CAL.json", help="A calibration.")],
) -> None:
    """Say what a calibration covers and how good it was on people it had not seen."""
    from camvitals.vitals.calibration import Calibration

    _tell(path, Calibration.load(path))


def _tell(path: Path, found: Calibration) -> None:
    from camvitals.vitals.calibration import RIGHT

    low, high = found.spo2
    print(f"{path}: {found.method} of camera {found.camera!r}, roi {found.site}")
    print(
        f"  covers {low:.0f}-{high:.0f} % in {found.recordings} recordings of {found.subjects} "
        f"subjects, {found.windows} windows"
    )
    print(f"  each {found.left_out} left out in turn:")
    _tell_line("without a baseline", found.alone, RIGHT)
    if found.since is not None:
        _tell_line("with a baseline", found.since, RIGHT)


def _tell_line(name: str, line: Line, right: float) -> None:
    print(
        f"  {name}: mean error {line.mae:.1f}, rms {line.rmse:.1f} (a constant: {line.floor:.1f}), "
        f"{100 * line.right:.0f} % within {right:g}, 95 % within {line.half:.1f}; "
        f"{100 * line.given:.0f} % of the windows given"
    )
    if not line.tells:
        print(f"  {name} it tells no more than a constant, and readings by it are withheld")
