"""DeepPhys: motion and appearance branches, frame by frame (Chen & McDuff, ECCV 2018)."""

from __future__ import annotations

from camvitals.models.architecture import Architecture, Size, check_size
from camvitals.models.two_branch import TwoBranch, keys

SIZES: tuple[Size, ...] = ((36, 36), (72, 72), (96, 96), (128, 128))


def deepphys(*, size: Size, conv_dropout: float = 0.25, dense_dropout: float = 0.5) -> TwoBranch:
    """The network for pictures of `size`; shares of numbers left out while training."""
    check_size(size, SIZES, name="deepphys")
    return TwoBranch(size=size, conv_dropout=conv_dropout, dense_dropout=dense_dropout)


DEEPPHYS = Architecture(
    build=deepphys,
    takes="normalised difference + standardised",
    gives="derivative",
    size=(36, 36),
    sizes=SIZES,
    length=180,
    parameters=532_899,
    source="Chen & McDuff, DeepPhys, ECCV (2018); compared with rPPG-Toolbox",
    keys=keys,
)
