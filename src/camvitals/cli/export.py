"""`camvitals export`: a finished training in, files that run anywhere out."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Annotated

import typer

from camvitals.records import InputError


def export(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="CHECKPOINT", help="Folder of a finished training.")
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.onnx", help="Where to; CHECKPOINT/NAME.onnx.")
    ] = None,
    variants: Annotated[
        str, typer.Option(help="Smaller forms too: float16, int8, or both with a comma.")
    ] = "",
    stream: Annotated[
        bool, typer.Option("--stream", help="With its state as inputs and outputs.")
    ] = False,
    warm_up: Annotated[
        float, typer.Option(help="Seconds after a start that a --stream is not heeded.")
    ] = 2.0,
    devices: Annotated[
        str, typer.Option(help="Where latency is measured: cpu, cuda, tensorrt, …")
    ] = "cpu",
    people: Annotated[
        int, typer.Option(help="Made people that the forms are judged on; 0: none.")
    ] = 12,
    own_code: Annotated[
        bool, typer.Option("--own-code", help="Run Python that the recipe names; if it is yours.")
    ] = False,
) -> None:
    """Write a trained network as ONNX with its card, if it does what torch does."""
    if importlib.util.find_spec("torch") is None or importlib.util.find_spec("onnxscript") is None:
        raise InputError(
            "an export needs torch, onnx and onnxscript; install them with pip install "
            "'camvitals[train]'"
        )
    from camvitals.train.receipts import table
    from camvitals.train.ship import ship

    path = out if out is not None else checkpoint / f"{checkpoint.absolute().name}.onnx"
    shipped = ship(
        checkpoint,
        path,
        precisions=_listed(variants),
        stream=stream,
        warm_up=warm_up,
        devices=_listed(devices),
        people=people,
        own_code=own_code,
    )
    exported = shipped.exported
    told = ", ".join(f"{kind} {apart:.1e}" for kind, apart in exported.apart.items())
    print(f"{path}: differs from torch by {told}; free: {' and '.join(exported.free) or 'nothing'}")
    for file in shipped.variants:
        print(file)
    if shipped.receipts:
        print(table(shipped.receipts), end="")


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
