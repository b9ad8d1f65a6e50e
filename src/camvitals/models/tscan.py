"""TS-CAN: DeepPhys whose motion channels are shifted in time (Liu et al., NeurIPS 2020)."""

from __future__ import annotations

from camvitals.models.architecture import Architecture, Size, check_size
from camvitals.models.two_branch import TwoBranch, keys

SIZES: tuple[Size, ...] = ((36, 36), (72, 72), (96, 96), (128, 128))
SEGMENT = 10


def tscan(
    *, size: Size, segment: int = SEGMENT, conv_dropout: float = 0.25, dense_dropout: float = 0.5
) -> TwoBranch:
    """The network for pictures of `size`.

    segment: frames among which channels are shifted; a clip holds a multiple of them. Each frame
    keeps its own appearance, as in rPPG-Toolbox; the paper has the mean of the segment.
    """
    check_size(size, SIZES, name="tscan")
    return TwoBranch(
        size=size, conv_dropout=conv_dropout, dense_dropout=dense_dropout, segment=segment
    )


TSCAN = Architecture(
    build=tscan,
    takes="normalised difference + standardised",
    gives="derivative",
    size=(72, 72),
    sizes=SIZES,
    length=180,
    step=SEGMENT,
    shortest=SEGMENT,
    parameters=2_228_643,
    source="Liu, Fromm, Patel & McDuff, MTTS-CAN, NeurIPS (2020); compared with rPPG-Toolbox",
    keys=keys,
)
