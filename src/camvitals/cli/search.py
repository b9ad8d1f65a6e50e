"""`camvitals search`: trainings with many settings, and the best of them."""

from __future__ import annotations

import dataclasses
import json
import shlex
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from camvitals.cli.train import has_torch, say, settings_of
from camvitals.records import InputError


def search(
    recipe: Annotated[
        str,
        typer.Argument(metavar="RECIPE", help="FILE.py:FUNCTION of a search, or of a recipe."),
    ],
    vary: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUES", help="v1,v2,… or low:high[:log]; may repeat."),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a field for all trials."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "--folder", metavar="DIR", help="Where to; runs/search-NAME."),
    ] = None,
    sampler: Annotated[str | None, typer.Option(help="grid, random or tpe.")] = None,
    trials: Annotated[int | None, typer.Option(help="How many; a whole grid if unset.")] = None,
    folds: Annotated[int | None, typer.Option(help="Trainings of each trial.")] = None,
    prune: Annotated[str | None, typer.Option(help="median, hyperband or none.")] = None,
    metric: Annotated[str | None, typer.Option(help="mae or loss; the recipe's if unset.")] = None,
    jobs: Annotated[int | None, typer.Option(help="Trials at a time; one a core if unset.")] = None,
    on: Annotated[str, typer.Option(metavar="ADDRESS", help="ray://… to use a cluster.")] = "",
) -> None:
    """Search the settings with which a recipe trains best, or go on with such a search."""
    if not has_torch() or find_spec("optuna") is None:
        raise InputError(
            "a search needs torch and optuna; install them with pip install 'camvitals[train]'"
        )
    from camvitals.train.search import load_search
    from camvitals.train.search import search as run
    from camvitals.train.space import parse_vary

    given: dict[str, Any] = {
        "sampler": sampler, "trials": trials, "folds": folds, "prune": prune, "metric": metric,
    }  # fmt: skip
    wanted = load_search(recipe, parse_vary(vary or []))
    wanted = dataclasses.replace(wanted, **{k: v for k, v in given.items() if v is not None})
    settings = settings_of(set_ or [])
    folder = out if out is not None else Path("runs") / f"search-{_name(recipe)}"
    found = run(wanted, folder, settings=settings, workers=jobs, on=on, show=True, tell=say)
    print(f"{folder}: {_counted(found.rows)}; see {folder / 'trials.md'}")
    if found.best is None:
        raise InputError(f"no trial came to an end; {folder / 'trials.md'} says why")
    print(f"best {found.best.value:.4g}: " + " ".join(_words(found.settings)))
    print(_command(wanted.recipe, settings | found.settings, folder, work=wanted.work))


def _name(recipe: str) -> str:
    return recipe.rpartition(":")[2] if ":" in recipe else Path(recipe).stem


def _counted(rows: list[Any]) -> str:
    """How many trials ended how; one that was lost and then ran is not lost."""
    last = {row.place: row.state for row in rows}
    states = list(last.values())
    told = [f"{states.count(one)} {one}" for one in ("complete", "pruned", "failed")]
    told = [one for one in told if not one.startswith("0 ")]
    if lost := states.count("lost"):
        told.append(f"{lost} lost, which the same command runs again")
    return ", ".join(told)


def _words(settings: dict[str, Any]) -> list[str]:
    return [f"{key}={_text(key, value)}" for key, value in settings.items()]


def _text(key: str, value: Any) -> str:
    """A value as `--set` reads it: below a mapping that is JSON."""
    if isinstance(value, tuple | list):
        loose = ".options." in key or ".fixed." in key
        return json.dumps(value) if loose else ",".join(map(str, value))
    return "none" if value is None else str(value)


def _command(recipe: Any, settings: dict[str, Any], folder: Path, *, work: str) -> str:
    """The command that trains the best; a search with work of its own has only its settings."""
    if work:
        return f"its settings: {folder / 'best.json'}"
    if not isinstance(recipe, str):
        return f"camvitals train {shlex.quote(str(folder / 'recipe.json'))}"
    words = [word for pair in _words(settings) for word in ("--set", pair)]
    return shlex.join(["camvitals", "train", recipe, *words])
