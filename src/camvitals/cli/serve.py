"""`camvitals serve`: the server, on this computer or for others."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Annotated

import typer

from camvitals.records import InputError

NEEDED = ("fastapi", "uvicorn", "websockets", "sqlalchemy", "alembic")


def serve(
    host: Annotated[
        str, typer.Option(help="Address to serve on; others than loopback need a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes a free one.")] = 8000,
    token: Annotated[
        str, typer.Option(envvar="CAMVITALS_TOKEN", help="Asked of every visitor, as Bearer.")
    ] = "",
    database: Annotated[
        str,
        typer.Option(
            metavar="URL",
            envvar="CAMVITALS_DATABASE",
            help="Of the results; a SQLite file in the folder if unset.",
        ),
    ] = "",
    folder: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Of uploads and results; ~/.local/share/camvitals."),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the videos after their job.")] = False,
    show: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    limit: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Change a limit, see docs/server; may repeat."),
    ] = None,
) -> None:
    """Serve the page, measurements of files, and monitors of live pictures."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(
            f"serving needs {', '.join(missing)}; install with pip install 'camvitals[web]'"
        )
    from camvitals.app.server import serve as run
    from camvitals.app.settings import Limits, Settings, usual_folder

    settings = Settings(
        folder=folder or usual_folder(),
        host=host,
        port=port,
        token=token,
        database=database,
        keep=keep,
        limits=Limits().with_words(limit or []),
    )
    run(settings, tell=_show if show else _tell)


def _tell(address: str) -> None:
    print(f"camvitals serves {address} (Ctrl-C ends it)", flush=True)


def _show(address: str) -> None:
    import webbrowser

    _tell(address)
    # the addresses of all hosts are none to open, and give no camera
    here = address.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
    if not webbrowser.open(here):
        print("no browser was found here; open that address in one", file=sys.stderr)
