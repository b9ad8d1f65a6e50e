"""`camvitals compare`: two results on the same windows."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer


def compare(
    first: Annotated[Path, typer.Argument(metavar="A.json", help="What evaluate --out wrote.")],
    second: Annotated[Path, typer.Argument(metavar="B.json", help="Another one.")],
    across: Annotated[
        bool, typer.Option("--across", help="Compare also where the protocols differ.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Say where two results differ by more than chance, on the windows that both answered."""
    from camvitals.evaluate.compare import compare as differences
    from camvitals.evaluate.result import Result

    found = differences(Result.load(first), Result.load(second), across=across)
    if json:
        from dataclasses import asdict
        from json import dumps

        rows = [{k: _plain(v) for k, v in asdict(one).items()} for one in found]
        print(dumps(rows, indent=1, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("", box=None, pad_edge=False)
    for head in ("windows", "people", "MAE A", "MAE B", "A − B [95 %]", "p", "Holm"):
        table.add_column(head, justify="right", no_wrap=True)
    for one in found:
        name = one.methods[0] if one.methods[0] == one.methods[1] else " / ".join(one.methods)
        table.add_row(
            f"{one.vital.replace('_', ' ')}, {name}",
            str(one.windows),
            str(one.subjects),
            f"{one.first:.2f} ({one.covered[0]:.0%})",
            f"{one.second:.2f} ({one.covered[1]:.0%})",
            f"{one.difference:+.2f} [{one.low:+.2f} to {one.high:+.2f}]",
            f"{one.p:.3g}",
            f"{one.holm:.3g}",
        )
    console = Console()
    console.print(table)
    console.print("In brackets after an error: the share of windows answered.", style="dim")


def _plain(value: object) -> object:
    """JSON has no NaN."""
    return None if isinstance(value, float) and math.isnan(value) else value
