"""`camvitals train`: a recipe in, weights out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from camvitals.records import InputError

if TYPE_CHECKING:
    from camvitals.train.recipe import Recipe


def train(
    recipe: Annotated[
        str,
        typer.Argument(
            metavar="RECIPE", help="FILE.py:FUNCTION, a recipe.json, or a TAO specification.txt."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where to; runs/NAME if unset.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Change a field of the recipe; may repeat."
        ),
    ] = None,
    accelerator: Annotated[str, typer.Option(help="cpu, cuda, mps or auto.")] = "cpu",
    devices: Annotated[int, typer.Option(help="How many of them.")] = 1,
    workers: Annotated[
        int | None, typer.Option(help="Processes that make clips, for each device.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(help="Threads of torch on the CPU; the cores left if unset.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Refuse a folder that is in use.")] = False,
    tensorboard: Annotated[bool, typer.Option(help="Write tables for TensorBoard too.")] = False,
) -> None:
    """Train a network by a recipe, or go on with a training that was stopped."""
    if not has_torch():
        raise InputError(
            "training needs torch and lightning-fabric; install them with pip install "
            "'camvitals[train]'"
        )
    from camvitals.train.loop import Machine, fit

    chosen = _chosen(recipe, settings_of(set_ or []))
    machine = Machine(accelerator=accelerator, devices=devices, workers=workers, threads=threads)
    folder = out if out is not None else Path("runs") / chosen.name
    result = fit(
        chosen,
        folder,
        resume=not fresh,
        machine=machine,
        tensorboard=tensorboard,
        show=True,
        tell=say,
    )
    ended = result.stopped or "the end of the recipe"
    print(f"{folder}: {result.step} steps, {result.epoch} epochs, {ended}")
    if result.best is not None:
        print(f"best {chosen.evaluation.metric} {result.best:.4g}, epoch {result.best_epoch}")


def _chosen(reference: str, settings: dict[str, str]) -> Recipe:
    """The recipe of this name with these settings."""
    from camvitals.train.recipe import load_recipe
    from camvitals.train.tao import check_data, is_spec, load_spec

    if not is_spec(reference):
        return load_recipe(reference).with_settings(settings)
    recipe, spec = load_spec(reference)
    if spec.unused:
        print(f"{reference}: {', '.join(spec.unused)} mean nothing here")
    changed = recipe.with_settings(settings)
    check_data(changed, spec)
    return changed


def settings_of(words: list[str]) -> dict[str, str]:
    """KEY=VALUE words as a mapping. Raises InputError for a word without "=", or a key twice."""
    found: dict[str, str] = {}
    for word in words:
        key, sign, value = word.partition("=")
        if not sign or not key:
            raise InputError(f"--set needs KEY=VALUE but got {word!r}; as in optimiser.step=1e-4")
        if key in found:
            raise InputError(f"--set {key} is given twice; leave one out")
        found[key] = value
    return found


def say(line: str) -> None:
    """One line on standard output, at once."""
    print(line, flush=True)


def has_torch() -> bool:
    """Whether the libraries of the extra `train` are here."""
    from importlib.util import find_spec

    return all(find_spec(name) for name in ("torch", "lightning_fabric", "safetensors"))
