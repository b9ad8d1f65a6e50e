"""A finished training -> files to run: ONNX with card, smaller forms of it, and their receipts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from camvitals.card import ModelCard
from camvitals.models.architecture import TRACES
from camvitals.records import InputError
from camvitals.report.files import write_atomically
from camvitals.runtime import Network
from camvitals.train.cards import trained
from camvitals.train.checkpoint import CARD, on_disk
from camvitals.train.export import Exported, export
from camvitals.train.graph import Carried, Reading, card_of, state_of
from camvitals.train.made import made_samples
from camvitals.train.network import TorchNetwork
from camvitals.train.objective import architecture_of
from camvitals.train.receipts import Receipt, as_json, receipts, table
from camvitals.train.recipe import Recipe
from camvitals.train.variants import variant
from camvitals.waves.learned import WAVES
from camvitals.waves.stretch import BLOCK, given_of

BEST = "best.safetensors"


@dataclass(frozen=True, slots=True)
class Shipped:
    """What was written: the export, further files, and a receipt for each form."""

    exported: Exported
    variants: tuple[Path, ...]
    receipts: tuple[Receipt, ...]


def ship(
    folder: Path | str,
    path: Path | str,
    *,
    precisions: Sequence[str] = (),
    stream: bool = False,
    warm_up: float = 2.0,
    devices: Sequence[str] = ("cpu",),
    people: int = 12,
    own_code: bool = False,
) -> Shipped:
    """Export the best weights of a training.

    folder:  of `camvitals train`.   path: NAME.onnx; NAME.receipts.json and .md go beside it.
    precisions: of `variants.PRECISIONS`.   devices: that latency is measured on.
    stream:  as a network that carries its state, for those that can.
    warm_up: seconds after a start that such a network is not heeded.
    people:  made people that the forms are judged on; 0: no receipts.
    own_code: whether Python that the recipe names may be run; only for your own folders.
    Raises InputError for anything that does not fit together, or does not agree with torch.
    """
    module, recipe = trained(folder, own_code=own_code)
    weights = Path(folder) / BEST
    said = ModelCard.load(weights.with_name(weights.name + CARD))
    card, whole = _readied(module, recipe, said, stream=stream, warm_up=warm_up)
    state = state_of(module) if stream else {}
    example = None
    if state:
        samples = made_samples(card, length=BLOCK, seed=1)
        given = torch.from_numpy(given_of(card, samples)[None])
        example = {"frames" if card.size else "traces": given} | state
    exported = export(whole, card, path, example)
    files = tuple(variant(path, precision) for precision in precisions)
    found: list[Receipt] = []
    if people and exported.card.gives in WAVES:
        dense: Network = TorchNetwork(whole, exported.card, state=tuple(state.values()))
        size = sum(p.numel() * p.element_size() for p in module.parameters())
        found = receipts(
            [Path(path), *files], dense=dense, dense_bytes=size, devices=devices, people=people
        )
        with on_disk(Path(path)):
            write_atomically(Path(path).with_suffix(".receipts.json"), as_json(found))
            write_atomically(Path(path).with_suffix(".receipts.md"), table(found))
    return Shipped(exported, files, tuple(found))


def _readied(
    module: nn.Module, recipe: Recipe, said: ModelCard, *, stream: bool, warm_up: float
) -> tuple[ModelCard, nn.Module]:
    """The card for running, and the module that goes from input to wave."""
    architecture = architecture_of(recipe)
    facts: dict[str, Any] = {
        "version": said.version,
        "training_data": said.training_data,
        "licence": said.licence,
        "operating_range": said.operating_range,
        "source": said.source,
        "metrics": said.metrics,
        "crop": said.crop,
        "delay": said.delay,
    }
    if architecture.takes == TRACES:
        facts["regions"] = said.regions
    card = card_of(
        architecture,
        name=said.name,
        rate=recipe.clip.rate,
        size=said.size,
        length=recipe.clip.length,
        **facts,
    )
    if not stream:
        return card, Reading(module, architecture)
    shapes = state_of(module)
    if warm_up < 0:
        raise InputError(f"warm_up needs seconds >= 0 but got {warm_up:g}")
    if not shapes:
        raise InputError(f"{recipe.model.name} carries no state; export it without --stream")
    carried = {f"{name}_after": name for name in shapes}
    whole = Carried(module, several=bool(architecture.also))
    return replace(card, state=carried, length=None, warm_up=warm_up), whole
