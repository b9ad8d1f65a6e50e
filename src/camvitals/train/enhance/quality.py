"""Names of the qualities that an enhancer is told, and told to make.

Shape letters: N clips, Q levels of quality.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from camvitals.records import InputError

ORIGINAL = "original"
FACES_PX = (128, 64, 32, 16, 8)
CRFS = (0, 18, 24, 30, 36)
QUALITIES = (
    ORIGINAL,
    *(f"face-{width}" for width in FACES_PX),
    *(f"crf-{crf}" for crf in CRFS),
)


def quality_number(name: str) -> int:
    """Place of a quality in QUALITIES. Raises InputError for one that there is not."""
    if name not in QUALITIES:
        raise InputError(f"no quality {name!r}; choose one of {', '.join(QUALITIES)}")
    return QUALITIES.index(name)


def one_hot(names: Sequence[str], *, count: int) -> Tensor:
    """(N, Q) float32 of names of QUALITIES. InputError for a network that knows fewer."""
    numbers = [quality_number(name) for name in names]
    if numbers and max(numbers) >= count:
        raise InputError(
            f"the network knows {count} qualities but {names[numbers.index(max(numbers))]!r} is "
            f"number {max(numbers) + 1}; build it with qualities={len(QUALITIES)}"
        )
    return torch.nn.functional.one_hot(torch.tensor(numbers, dtype=torch.long), count).float()
