"""What a recipe says about pruning. Nothing here needs torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from camvitals.records import InputError

MOST = 100.0  # times fewer weights
SPARSE = ("random", "magnitude", "snip", "n2nskip")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prune:
    """Which weights a training begins with; see docs/pruning.md.

    method: none; random, magnitude, snip (Lee et al., ICLR 2019) or n2nskip (Subramaniam & Sharma,
        BMVC 2020), which keep single weights; or structured, which takes whole channels out.
    factor: weights of the dense network over weights that are kept, more than 1 and at most 100;
        of `structured` parameters, as nearly as whole channels go.
    layers: all kernels of convolutions, linear and recurrent layers, or those of convolutions.
    only: beginnings of names of layers to prune; the others stay dense. () is all.
    scores: what is kept of a weight's layer: "" as the method is usually used.
    seed: of what is drawn.   batches: of training clips that sensitivity is measured on.
    least: weights that every layer keeps, so that none of them cuts the network in two.
    share: of the budget that goes to skip connections of n2nskip.   pairs: of layers that they
        join; None: as many as there are layers, or more where the budget needs them.
    """

    method: Literal["none", "random", "magnitude", "snip", "n2nskip", "structured"] = "none"
    factor: float = 10.0
    layers: Literal["all", "convolutions"] = "all"
    only: tuple[str, ...] = ()
    scores: Literal["", "random", "magnitude", "snip"] = ""
    seed: int = 0
    batches: int = 1
    least: int = 1
    share: float = 0.5
    pairs: int | None = None

    def __post_init__(self) -> None:
        if not 1 < self.factor <= MOST:
            raise InputError(
                f"prune.factor needs more than 1 and at most {MOST:g} times fewer weights but got "
                f"{self.factor:g}"
            )
        if not 0 < self.share < 1:
            raise InputError(f"prune.share needs more than 0 and less than 1, not {self.share:g}")
        counts = {"batches": self.batches, "pairs": self.pairs}
        for name, value in counts.items():
            if value is not None and value < 1:
                raise InputError(f"prune.{name} needs a whole number >= 1 but got {value}")
        if self.least < 0 or self.seed < 0:
            raise InputError("prune needs least >= 0 and seed >= 0")

    @property
    def judged(self) -> str:
        """The scores that decide what is kept."""
        usual = {"random": "random", "snip": "snip", "n2nskip": "snip"}
        return self.scores or usual.get(self.method, "magnitude")
