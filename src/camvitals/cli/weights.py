"""`camvitals weights`: weights of others, made ours."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from camvitals.records import InputError

app = typer.Typer(help="Weights of others, made ours.", no_args_is_help=True)


@app.callback()
def _root() -> None:
    pass


@app.command("import")
def import_(
    source: Annotated[
        Path, typer.Argument(metavar="FILE", help="A .safetensors, or a .pth of tensors alone.")
    ],
    model: Annotated[str, typer.Option(help="Name of the network they are of.")],
    out: Annotated[Path, typer.Option(metavar="NEW.safetensors", help="Where to.")],
    size: Annotated[int | None, typer.Option(help="Rows and columns of its pictures.")] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="Of the network's build; may repeat."),
    ] = None,
    licence: Annotated[str, typer.Option(help="Of the weights, for their card.")] = "not said",
    trained_on: Annotated[str, typer.Option(help="For their card.")] = "not said",
    rate: Annotated[
        float | None, typer.Option(help="Pictures a second they were trained at, for their card.")
    ] = None,
) -> None:
    """Check weights against a network, and write them as .safetensors with a card."""
    if importlib.util.find_spec("torch") is None:
        raise InputError("weights need torch; install it with pip install 'camvitals[train]'")
    from camvitals.train.weights import save_imported

    count = save_imported(
        source,
        model,
        out,
        size=None if size is None else (size, size),
        options=_options(option or []),
        facts={"licence": licence, "training_data": trained_on, "rate": rate},
    )
    print(f"{out}: {count} tensors of {model}")


def _options(pairs: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not (key and equals):
            raise InputError(f"--option needs KEY=VALUE but got {pair!r}")
        try:
            found[key] = json.loads(text)
        except ValueError:
            found[key] = text
    return found
