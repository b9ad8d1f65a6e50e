"""Transfer: everything that makes one training of system C."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from camvitals.records import InputError

SAYS = {
    "densenet": "rate",
    "densenet-classes": "classes",
    "densenet-bins": "bins",
    "densenet-recurrent": "rate",
    "densenet-attention": "rate",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """How a head learns behind a frozen trunk.

    name:     of the run.   model: of SAYS.
    colours:  as the network sees them; those of system C are exchanged by mistake.
    labels:   "published", or "clean".
    drift:    the frozen trunk takes its normalisation from each batch while it learns, and moves.
    standardised: features and target are brought to mean 0 and spread 1 of what is learnt from; the
        last bias is then the training mean. It is put into the weights afterwards.
    choose_by: "last": the last epoch; "frames": the same, and a random fifth of the pictures is
        left out, as in system C, to tell the error on them; "groups": the epoch that is best on
        people, or on videos, that are not learnt from.
    speeds:   clips are played so many times faster, drawn anew each time; 1, 1 leaves them.
    length:   pictures of a clip that the head is given.
    """

    name: str
    model: str = "densenet"
    colours: Literal["RGB", "BGR"] = "RGB"
    labels: Literal["published", "clean"] = "clean"
    drift: bool = False
    standardised: bool = True
    choose_by: Literal["last", "frames", "groups"] = "groups"
    epochs: int = 15
    batch: int = 32
    step: float = 1e-3
    weight_decay: float = 0.0
    speeds: tuple[float, float] = (1.0, 1.0)
    length: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.model not in SAYS:
            raise InputError(f"no model {self.model!r} here; choose one of {', '.join(SAYS)}")
        if self.drift and (self.standardised or self.length > 1):
            raise InputError("a trunk that drifts has no features to standardise, or for clips")
        if min(self.epochs, self.batch, self.length) < 1 or not self.step > 0:
            raise InputError("a transfer needs epochs, batch, length >= 1 and step > 0")
        if not 0 < self.speeds[0] <= self.speeds[1]:
            raise InputError(f"speeds need 0 < slowest <= fastest but got {self.speeds}")
