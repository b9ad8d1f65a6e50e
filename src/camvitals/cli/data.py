"""`camvitals data`: what is done with a corpus before anything is trained or judged on it."""

from __future__ import annotations

import typer

from camvitals.cli.check import check
from camvitals.cli.prepare import prepare

app = typer.Typer(no_args_is_help=True)


@app.callback()
def data() -> None:
    """Look a corpus over, and make it ready for training."""


app.command()(check)
app.command()(prepare)
