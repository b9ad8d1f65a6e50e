"""`camvitals data`: what is done with a corpus before anything is trained or judged on it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from camvitals.cli.prepare import prepare

app = typer.Typer(no_args_is_help=True)


@app.callback()
def data() -> None:
    """Look a corpus over, and make it ready for training."""


@app.command()
def check(
    corpus: Annotated[str, typer.Argument(metavar="CORPUS", help="Layout, such as ubfc-rppg-2.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the corpus is.")],
    fix_lag: Annotated[
        bool, typer.Option("--fix-lag", help="Write the lags of training takes beside the corpus.")
    ] = False,
    train: Annotated[
        str | None, typer.Option(help="Subjects to train on, with commas, for --fix-lag.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
    jobs: Annotated[int | None, typer.Option(help="Takes at a time; all cores if unset.")] = None,
) -> None:
    """Find what is wrong with a corpus: files, clocks, references, lag between the two."""
    del corpus, folder, fix_lag, train, json, jobs
    raise typer.Exit(2)


app.command()(prepare)
