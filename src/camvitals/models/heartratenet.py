"""HeartRateNet of NVIDIA's TAO Toolkit: the two branches of DeepPhys at 72 px.

The card of the network and the size of its file do not agree with one another: see docs/models.md.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from camvitals.models.architecture import Architecture, Size, check_size
from camvitals.models.two_branch import TwoBranch, keys

SIZES: tuple[Size, ...] = ((36, 36), (72, 72), (96, 96))


def heartratenet(
    *,
    size: Size,
    conv_dropout: float = 0.2,
    dense_dropout: float = 0.5,
    pooled: bool = False,
    batch_norm: bool = False,
    frozen_blocks: int = 0,
) -> TwoBranch:
    """The network for pictures of `size`; the dropouts are those of its card.

    pooled: the small head on the mean over the picture, 139,683 parameters at any size.
    batch_norm: after each convolution.   frozen_blocks: convolutions that learn no more, 0–4.
    """
    check_size(size, SIZES, name="heartratenet")
    return TwoBranch(
        size=size,
        conv_dropout=conv_dropout,
        dense_dropout=dense_dropout,
        pooled=pooled,
        batch_norm=batch_norm,
        frozen_blocks=frozen_blocks,
    )


HEARTRATENET = Architecture(
    build=heartratenet,
    takes="normalised difference + standardised",
    gives="derivative",
    size=(72, 72),
    sizes=SIZES,
    length=300,
    parameters=2_228_643,
    source="NVIDIA TAO Toolkit, HeartRateNet model card, which refers to DeepPhys",
    keys=keys,
)
HEARTRATENET_COMPACT = replace(
    HEARTRATENET, build=partial(heartratenet, pooled=True), parameters=139_683
)
HEARTRATENET_PLAIN = replace(HEARTRATENET, takes="difference + standardised")
