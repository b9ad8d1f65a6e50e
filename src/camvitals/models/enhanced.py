"""System B as one network: an enhancer, and behind it the network that reads the pulse.

Deng & Ramakrishnan, "rPPG from low resolution videos … with efficient ConvNets", arXiv 2208.06817
(2022), after Yu et al., ICCV 2019. As one network they can be trained together; to train the
enhancer alone, freeze "recovery.".

Shape letters: N clips, T frames, H rows, W columns, Q levels of quality.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from torch import Tensor, nn

from camvitals.models.architecture import Architecture, Size
from camvitals.models.rppgnet import RPPGNET, Recovered
from camvitals.models.small_enhancer import SMALL_ENHANCER
from camvitals.models.stven import ENHANCER
from camvitals.records import InputError

ENHANCERS = {"stven": ENHANCER, "enhancer-small": SMALL_ENHANCER}


class Read(NamedTuple):
    """images: (N, 3, T, H, W) the clip at the wanted quality, −1…1.   recovered: what it tells."""

    images: Tensor
    recovered: Recovered


class Enhanced(nn.Module):
    """An enhancer and the recovery of the pulse from what it gives."""

    def __init__(self, enhancer: nn.Module, recovery: nn.Module) -> None:
        super().__init__()
        self.enhancer, self.recovery = enhancer, recovery

    def forward(self, x: Tensor, quality: Tensor | None = None) -> Read:
        """Clips (N, 3, T, H, W) in −1…1; quality: (N, Q) one-hot, None for the best."""
        images = self.enhancer(x, quality)
        return Read(images, self.recovery((images + 1) / 2))


def _build(
    *,
    size: Size,
    enhancer: str = "stven",
    enhancer_options: Mapping[str, Any] | None = None,
    recovery_options: Mapping[str, Any] | None = None,
) -> Enhanced:
    if enhancer not in ENHANCERS:
        raise InputError(f"no enhancer {enhancer!r}; choose one of {', '.join(ENHANCERS)}")
    first = ENHANCERS[enhancer].build(size=size, **(enhancer_options or {}))
    return Enhanced(first, RPPGNET.build(size=size, **(recovery_options or {})))


def _pulse(output: Read, n: int) -> Tensor:
    return output.recovered.pulse.reshape(n, -1)


def _names(name: str) -> str | None:
    """The released code keeps the two apart, so that a public name does not tell whose it is."""
    side, _, rest = name.partition(".")
    keys = {"enhancer": ENHANCER.keys, "recovery": RPPGNET.keys}
    ours = keys[side](rest) if side in keys else None
    return f"{side}.{ours}" if ours is not None else None


ENHANCED = Architecture(
    build=_build,
    takes="signed",
    gives="pulse",
    size=(128, 128),
    length=64,
    parameters=ENHANCER.parameters + RPPGNET.parameters,
    source="Deng & Ramakrishnan, 2022; Yu et al., ICCV 2019",
    keys=_names,
    wave=_pulse,
    layout="CTHW",
    sizes=RPPGNET.sizes,
    step=2,
    idle=frozenset(f"recovery.{name}" for name in RPPGNET.idle),
)
