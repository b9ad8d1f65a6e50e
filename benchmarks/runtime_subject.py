"""The networks that `runtime.py` measures, and the files of their forms."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from camvitals.card import ModelCard
from camvitals.records import InputError
from camvitals.waves.learned import MODELS as SHIPPED
from camvitals.waves.stretch import BLOCK

FILES = Path(__file__).parent / "clips" / "networks"
REGIONS = ("forehead", "left_cheek", "right_cheek", "nose", "chin", "skin")
PRECISIONS = ("float16", "int8")


@dataclass(frozen=True)
class Subject:
    """A network to measure.

    name: in the table.   path: its float32 file.   model: of MODELS, "" where it is not known.
    options: of its build.   frames: in one clip.   many: clips of the larger batch, as memory goes.
    """

    name: str
    path: str
    model: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    frames: int = 1
    many: int = 64


def zoo() -> list[Subject]:
    """Networks of the package with drawn weights. HeartRateNet sees each frame by itself."""

    def one(name: str, model: str, size: int, **more: Any) -> Subject:
        return Subject(name, str(FILES / f"{name}.onnx"), model, {"size": (size, size)}, **more)

    return [
        one("heartratenet-36", "heartratenet", 36),
        one("heartratenet-72", "heartratenet", 72),
        one("heartratenet-compact-72", "heartratenet-compact", 72),
        one("tracenet", "tracenet", 1, frames=300),
        one("physnet-72", "physnet", 72, frames=128, many=4),
        one("factorizephys-72", "factorizephys", 72, frames=160, many=4),
    ]


def given(paths: Sequence[Path]) -> list[Subject]:
    """Finished networks: those that come with the package, and files; copied, to be made smaller.

    torch is measured too where the card's source begins with a name of MODELS.
    """
    found = []
    for source in [*sorted(SHIPPED.glob("*.onnx")), *paths]:
        card = ModelCard.load(source.with_suffix(".json"))
        copy = FILES / "given" / source.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        for suffix in (".onnx", ".json"):
            shutil.copyfile(source.with_suffix(suffix), copy.with_suffix(suffix))
        frames = card.length or (BLOCK if card.state else 300)
        frames = frames if card.size is None or card.state or card.length else 1
        options: dict[str, Any] = {"size": card.size or (len(card.regions), 3)}
        model = card.source.split(" ")[0]
        found.append(Subject(copy.stem, str(copy), model, options, frames))
    return found


def module_of(subject: Subject, card: ModelCard) -> tuple[Any, tuple[Any, ...]]:
    """The module of torch with drawn weights, and the state that it starts from."""
    import torch

    from camvitals.models import model
    from camvitals.train.graph import Carried, Reading, state_of

    architecture = model(subject.model)
    torch.manual_seed(0)
    module = architecture.build(**subject.options).eval()
    if card.state:
        several = bool(architecture.also)
        return Carried(module, several=several).eval(), tuple(state_of(module).values())
    return Reading(module, architecture).eval(), ()


def write_forms(subject: Subject) -> dict[str, str]:
    """Precision -> file of it, exported and made smaller where that was not done before."""
    from camvitals.models import model
    from camvitals.train.export import export
    from camvitals.train.graph import Reading, card_of
    from camvitals.train.variants import variant

    path = Path(subject.path)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        architecture = model(subject.model)
        size = subject.options["size"]
        length = architecture.length if subject.frames == 1 else subject.frames
        facts = {"regions": REGIONS} if architecture.takes == "traces" else {}
        card = card_of(
            architecture, name=subject.name, rate=30.0, size=size, length=length, **facts
        )
        module, _ = module_of(subject, card)
        assert isinstance(module, Reading)
        export(module, card, path)
    forms = {"float32": str(path)}
    for precision in PRECISIONS:
        target = path.with_name(f"{path.stem}-{precision}.onnx")
        try:
            if not target.exists() or target.stat().st_mtime < path.stat().st_mtime:
                variant(path, precision)
        except InputError as error:
            print(f"{subject.name} has no {precision}: {error}", file=sys.stderr)
            continue
        forms[precision] = str(target)
    return forms
