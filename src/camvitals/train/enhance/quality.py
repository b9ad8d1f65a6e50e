"""Names of the qualities that an enhancer is told, and told to make.

Shape letters: N clips, Q levels of quality.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from camvitals.data.degrade import AXES, level_index
from camvitals.records import InputError

ORIGINAL = "original"
FACES_PX = tuple(int(name.removeprefix("face-")) for name in AXES["face"])
CRFS = tuple(int(name.removeprefix("crf-")) for name in AXES["crf"])
QUALITIES = (ORIGINAL, *AXES["face"], *AXES["crf"])
PUBLISHED = 5  # levels of one axis, the best of which stands for the original


def quality_number(name: str) -> int:
    """Place of a quality in QUALITIES. Raises InputError for one that there is not."""
    if name not in QUALITIES:
        raise InputError(f"no quality {name!r}; choose one of {', '.join(QUALITIES)}")
    return QUALITIES.index(name)


def one_hot(names: Sequence[str], *, count: int) -> Tensor:
    """(N, Q) float32 of names of QUALITIES.

    count: that the network knows: all of QUALITIES, or the published five of one axis.
    Raises InputError for an unknown name, and for another count.
    """
    numbers = [quality_number(name) for name in names]
    if count == PUBLISHED:
        numbers = [0 if name == ORIGINAL else level_index(name) for name in names]
    elif count != len(QUALITIES):
        raise InputError(
            f"the enhancer knows {count} qualities; build it with qualities={len(QUALITIES)}, or "
            f"{PUBLISHED} for one axis"
        )
    return torch.nn.functional.one_hot(torch.tensor(numbers, dtype=torch.long), count).float()
