"""`camvitals data prepare`: a corpus in, a cache of crops and colour traces out."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from camvitals.cli.voice import complain
from camvitals.records import InputError
from camvitals.report.progress import Bar

SKIPPED = 1


def prepare(
    corpus: Annotated[str, typer.Argument(metavar="CORPUS", help="Layout, such as ubfc-rppg-2.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the corpus is.")],
    out: Annotated[Path, typer.Option(metavar="CACHE", help="Folder of caches to write to.")],
    size: Annotated[int, typer.Option(help="Rows and columns of a crop, in pixels.")] = 72,
    box: Annotated[
        str,
        typer.Option(
            help="How crops follow the face: tracked, first, aligned, left-cheek, right-cheek."
        ),
    ] = "tracked",
    extension: Annotated[
        float, typer.Option(help="Share by which crops are larger than the face.")
    ] = 0.3,
    chunk: Annotated[float, typer.Option(help="Seconds of crops in one file.")] = 10.0,
    crops: Annotated[
        bool, typer.Option("--crops/--no-crops", help="Crops, or colour traces alone.")
    ] = True,
    jobs: Annotated[int | None, typer.Option(help="Takes at a time; all cores if unset.")] = None,
) -> None:
    """Cut faces out of a corpus and average their colours, once for all training and judging.

    What is there already is not made again, so that a run that was stopped can be started anew.
    Ends with 1 when a take had to be skipped, each named on standard error.
    """
    from camvitals.data.corpora import corpus as corpus_of
    from camvitals.data.lags import read_lags
    from camvitals.data.prepare import prepare as prepare_all
    from camvitals.data.prepared import PrepareSettings

    if jobs is not None and jobs < 1:
        raise InputError(f"--jobs needs a whole number >= 1 but got {jobs}; leave it out for all")
    settings = PrepareSettings(size=size, box=box, extension=extension, chunk=chunk, crops=crops)
    takes = corpus_of(corpus).read(folder)
    lags = read_lags(folder)
    ready = 0
    with Bar("takes") as bar:
        outcomes = prepare_all(
            takes,
            out,
            settings=settings,
            lags=lags,
            jobs=jobs,
            progress=lambda done: bar.show(done, len(takes)),
        )
        with closing(outcomes):
            for _, outcome in outcomes:
                if isinstance(outcome, InputError):
                    complain(str(outcome))
                else:
                    ready += 1
    print(f"{out / settings.hash}: {ready} of {len(takes)} takes of {corpus} are ready")
    if ready < len(takes):
        raise typer.Exit(SKIPPED)
