"""The command line: a table of verbs, and one voice for what is wrong."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from camvitals import __version__
from camvitals.cli import data, oxygen, weights
from camvitals.cli.compare import compare
from camvitals.cli.evaluate import evaluate
from camvitals.cli.explain import explain
from camvitals.cli.export import export
from camvitals.cli.live import live
from camvitals.cli.measure import measure
from camvitals.cli.methods import methods
from camvitals.cli.search import search
from camvitals.cli.serve import serve
from camvitals.cli.simulate import simulate
from camvitals.cli.train import train
from camvitals.cli.voice import INTERRUPTED, WRONG_INPUT, complain
from camvitals.records import InputError

COMMANDS: dict[str, Callable[..., None]] = {
    "measure": measure,
    "live": live,
    "simulate": simulate,
    "serve": serve,
    "methods": methods,
    "evaluate": evaluate,
    "compare": compare,
    "train": train,
    "search": search,
    "export": export,
    "explain": explain,
}

app = typer.Typer(
    name="camvitals",
    help="Vital signs from ordinary RGB video: a number you can trust, or the reason why not.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for _verb, _function in COMMANDS.items():
    app.command(_verb)(_function)
app.add_typer(data.app, name="data")
app.add_typer(weights.app, name="weights")
app.add_typer(oxygen.app, name="oxygen")


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
        complain(str(error))
        sys.exit(WRONG_INPUT)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        complain(f"the system refuses{where}: {error.strerror or error}")
        sys.exit(WRONG_INPUT)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"camvitals {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    pass
