"""A trained enhancer -> NAME.onnx and its card: pictures in, better pictures out.

Or an enhancer and a recovery, trained apart, as one pulse method: pictures in, pulse out. What was
trained together is exported as any training is (`camvitals export`).

Shape letters: N clips, T frames, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from camvitals.card import ModelCard
from camvitals.models.architecture import Architecture
from camvitals.models.enhanced import ENHANCED, ENHANCERS, Enhanced
from camvitals.models.rppgnet import RPPGNet
from camvitals.records import InputError
from camvitals.train.cards import trained
from camvitals.train.enhance.quality import ORIGINAL, QUALITIES
from camvitals.train.export import Exported, export
from camvitals.train.graph import Reading, card_of
from camvitals.train.objective import architecture_of


class Repairing(nn.Module):
    """An enhancer as what runs: pictures in, pictures of the best quality out."""

    def __init__(self, enhancer: nn.Module, architecture: Architecture) -> None:
        super().__init__()
        self.enhancer, self._architecture = enhancer, architecture

    def forward(self, images: Tensor) -> Tensor:
        """(N, T, H, W, 3) RGB, 0–255, of the same shape as was given."""
        repaired: Tensor = self.enhancer(self._architecture.prepare(images))
        return ((repaired + 1) * 127.5).clamp(0, 255).permute(0, 2, 3, 4, 1)


def card_of_enhancer(
    architecture: Architecture,
    *,
    name: str,
    rate: float,
    size: tuple[int, int],
    length: int,
    **facts: Any,
) -> ModelCard:
    """The card of an enhancer.

    rate: of the clips that it learned from [Hz].   length: frames of them.   facts: other fields of
    ModelCard; words that are missing say that it is not known.
    """
    rows, columns = size
    said: dict[str, Any] = {
        "version": "1",
        "task": "enhancement",
        "colour": "RGB",
        "scale": (0.0, 255.0),
        "outputs": {"images": f"(N, T, {rows}, {columns}, 3) RGB, 0–255, target={ORIGINAL}"},
        "training_data": "not said",
        "licence": "not said",
        "operating_range": f"blocks of {length} frames ({length / rate:.1f} s) around one face",
        "source": architecture.source,
        "gives": "images",
        "length": None,
    }
    return ModelCard(name=name, rate=rate, size=size, sha256="", **said | facts)


def export_enhancer(
    enhancer: nn.Module, architecture: Architecture, card: ModelCard, path: Path | str
) -> Exported:
    """Write NAME.onnx, NAME.json and NAME.golden.npz of an enhancer.

    Input and output are (N, T, H, W, 3) float32 RGB of 0–255; time stays free where it can.
    """
    if architecture.gives != "images" or card.size is None:
        raise InputError(f"{card.name} gives {architecture.gives}, not images; take an enhancer")
    steps = max(16, architecture.shortest)
    example = 255 * torch.rand(1, steps, *card.size, 3, generator=torch.Generator().manual_seed(0))
    return export(Repairing(enhancer, architecture), card, path, {"frames": example})


def enhancer_of(module: nn.Module) -> nn.Module:
    """The enhancer of a network that may hold the recovery besides."""
    inner = getattr(module, "enhancer", module)
    if not isinstance(inner, nn.Module) or not hasattr(inner, "qualities"):
        raise InputError(f"{type(module).__name__} holds no enhancer; take stven or enhancer-small")
    return inner


def ship_enhancer(
    folder: Path | str,
    path: Path | str,
    *,
    own_code: bool = False,
    facts: Mapping[str, Any] | None = None,
) -> Exported:
    """Export the enhancer of a training.

    folder: of `camvitals train`.   facts: fields of the card to say otherwise.
    own_code: whether Python that the recipe names may be run; only for your own folders.
    Raises InputError for a training without an enhancer.
    """
    module, recipe = trained(folder, own_code=own_code)
    named = recipe.model.name
    if named not in ENHANCERS:
        named = str(recipe.model.options.get("enhancer", "stven"))
    architecture = ENHANCERS.get(named, architecture_of(recipe))
    said = ModelCard.load(Path(folder) / "best.safetensors.json")
    card = card_of_enhancer(
        architecture,
        name=said.name,
        rate=recipe.clip.rate,
        size=said.size or architecture.size,
        length=recipe.clip.length,
        **{
            "version": said.version,
            "training_data": said.training_data,
            "licence": said.licence,
            "source": said.source,
            "metrics": said.metrics,
        }
        | dict(facts or {}),
    )
    return export_enhancer(enhancer_of(module), architecture, card, path)


def ship_both(enhancer: Path | str, recovery: Path | str, path: Path | str) -> Exported:
    """Export an enhancer and the recovery behind it as one pulse method.

    enhancer, recovery: folders of `camvitals train`.
    Raises InputError where they are something else, or of clips that differ.
    """
    first, one = trained(enhancer)
    second, other = trained(recovery)
    if not isinstance(second, RPPGNet):
        raise InputError(f"{recovery} is of {type(second).__name__}; give a training of rppgnet")
    said = [ModelCard.load(Path(place) / "best.safetensors.json") for place in (enhancer, recovery)]
    clips = [(card.size, recipe.clip) for card, recipe in zip(said, (one, other), strict=True)]
    if clips[0] != clips[1]:
        raise InputError(f"{enhancer} and {recovery} take other clips; train them on the same")
    both = Enhanced(enhancer_of(first), second).eval()
    card = card_of(
        ENHANCED,
        name=" + ".join(card.name for card in said),
        rate=other.clip.rate,
        size=said[1].size,
        length=other.clip.length,
        version="+".join(card.version for card in said),
        training_data=said[1].training_data,
        licence=said[1].licence,
        operating_range=said[1].operating_range,
        source=ENHANCED.source,
        crop=said[1].crop,
    )
    return export(Reading(both, ENHANCED), card, path)


__all__ = [
    "QUALITIES",
    "Repairing",
    "card_of_enhancer",
    "export_enhancer",
    "ship_both",
    "ship_enhancer",
]
