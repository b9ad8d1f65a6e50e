"""What a set of weights is, is for, and is allowed for: the card that travels with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from camvitals.records import InputError


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Everything needed to use weights rightly.

    name, version, task: what it is.
    size:    (rows, columns) of the picture it takes [px], or None when it takes no pictures.
    colour:  order of the colour planes, such as RGB; empty without pictures.
    scale:   what the pixel values 0 and 255 become.
    rate:    samples per second it was trained at [Hz], or None when time plays no part.
    outputs: name of each output -> what it is, with shape and unit.
    training_data, licence, operating_range, source: in words; source says where it comes from.
    sha256:  digest of the weight file.
    state:   output -> input that it is carried to from call to call.
    metrics: name -> value on the protocol that `source` names.
    golden:  output -> its values at five places for the input that `runtime.golden_of` makes.
    takes:   what becomes of the samples before they are given: names of `dsp.frames.FRAMES` joined
        by " + " for pictures, or one of `dsp.colours.TRACES` for colours of regions.
    layout:  order of the axes of pictures after the batch, one of `dsp.frames.LAYOUTS`.
    extra:   how often the last sample is given again.
    gives:   what the first output is: pulse, derivative (of the pulse), rate, ecg, spo2, images.
    length:  samples that it is given at once, or None for any number.
    regions: names of the regions of a network that takes colours.
    crop:    how pictures are cut out: `box`, `extension` and `smooth` of `face.framing.Framing`.
    delay:   samples by which the output comes after the input that it speaks of.
    warm_up: seconds after its start that are not to be used, of a network that carries state.
    precision: of the numbers inside: float32, float16 or int8.
    """

    name: str
    version: str
    task: str
    size: tuple[int, int] | None
    colour: str
    scale: tuple[float, float]
    rate: float | None
    outputs: Mapping[str, str]
    training_data: str
    licence: str
    operating_range: str
    source: str
    sha256: str
    state: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    golden: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    takes: str = ""
    layout: str = ""
    extra: int = 0
    gives: str = ""
    length: int | None = None
    regions: tuple[str, ...] = ()
    crop: Mapping[str, Any] = field(default_factory=dict)
    delay: int = 0
    warm_up: float = 0.0
    precision: str = "float32"

    @classmethod
    def load(cls, path: Path | str) -> ModelCard:
        """Read a card from JSON. Raises InputError when it is missing, broken or incomplete."""
        path = Path(path)
        try:
            given = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"no model card in {path}: {error}; weights need a card") from error
        if not isinstance(given, dict):
            raise InputError(f"{path} is not a model card: it needs a JSON object")
        known = {f.name for f in fields(cls)}
        needed = {
            f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING
        }
        missing, strange = needed - set(given), set(given) - known
        if missing or strange:
            raise InputError(
                f"{path} is not a model card: lacks {sorted(missing)}, has unknown "
                f"{sorted(strange)}; write it with ModelCard.save"
            )
        given["size"] = None if given["size"] is None else tuple(given["size"])
        given["scale"] = tuple(given["scale"])
        given["golden"] = {k: tuple(v) for k, v in given.get("golden", {}).items()}
        given["regions"] = tuple(given.get("regions", ()))
        return cls(**given)

    def text(self) -> str:
        """The card as JSON."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    def save(self, path: Path | str) -> None:
        """Write the card as JSON."""
        Path(path).write_text(self.text(), encoding="utf-8")

    def verify(self, weights: bytes, name: str) -> None:
        """Raise InputError unless these bytes are the weights of this card."""
        found = hashlib.sha256(weights).hexdigest()
        if found != self.sha256:
            raise InputError(
                f"{name} has sha256 {found[:12]}… but its card says {self.sha256[:12]}…; "
                "get the file again or take the card that belongs to it"
            )


def digest(path: Path | str) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
