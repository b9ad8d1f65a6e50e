"""Architecture: how one published network is built, fed and read.

Shape letters: N clips, T frames, H rows, W columns.

Every module takes one tensor with the clips N first, and treats each clip by itself in evaluation:
(N, T, C, H, W) where frames pass through a 2-D network, (N, C, T, H, W) where it convolves in time.
The way from pictures to a wave is always

    module = architecture.build(size=architecture.size)
    output = module(architecture.prepare(images))      # images (N, T, H, W, 3), 0–255
    wave = architecture.wave(output, len(images))      # (N, T)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from camvitals.dsp.frames import LAYOUTS, words
from camvitals.models.inputs import prepared
from camvitals.records import InputError

GIVES = ("pulse", "derivative", "rate", "ecg", "spo2", "images")
TRACES = "traces"  # `takes` of a network that sees colours of regions, not pictures
Size = tuple[int, int]


def rows(output: Tensor, n: int) -> Tensor:
    """Output of any shape with n clips as (n, T)."""
    return output.reshape(n, -1)


def same(name: str) -> str:
    """Key map of a network whose tensors are named as in the public code."""
    return name


@dataclass(frozen=True, slots=True)
class Architecture:
    """One published network.

    build:   makes the module; always takes `size=(rows, columns)`, and its own options by keyword.
    takes:   what it sees: names of `dsp.frames.FRAMES` joined by " + ", or "traces".
    gives:   what comes out, one of GIVES; "derivative" is that of the pulse: sum it for the pulse.
    size:    usual (rows, columns) of its pictures [px].
    length:  usual frames of a clip.
    parameters: learnt numbers of `build(size=size)`.
    source:  paper; public code that it was compared with.
    keys:    name of a tensor in the public code -> its name here; None: not needed here.
    wave:    (output, number of clips N) -> (N, T); (N, 1) where it gives one number for a clip.
    layout:  order of axes after N, one of `dsp.frames.LAYOUTS`.
    extra:   how often the last frame is given again, for networks that take differences themselves.
    sizes:   all sizes that it can be built for; () means `size` only.
    step, shortest: a clip's length is a multiple of `step`, and at least `shortest`.
    idle:    parameters of the public network that no output depends on.
    transform: pictures -> input, where no words in `takes` say it.
    also:    name -> what it is, of what the last axis of the output (N, T, ·) holds after the wave.
    """

    build: Callable[..., nn.Module]
    takes: str
    gives: str
    size: Size
    length: int
    parameters: int
    source: str
    keys: Callable[[str], str | None] = same
    wave: Callable[[Any, int], Tensor] = rows
    layout: str = "TCHW"
    extra: int = 0
    sizes: tuple[Size, ...] = ()
    step: int = 1
    shortest: int = 2
    idle: frozenset[str] = frozenset()
    transform: Callable[[Tensor], Tensor] | None = None
    also: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.gives not in GIVES:
            raise InputError(f"gives {self.gives!r} must be one of {', '.join(GIVES)}")
        if self.layout not in LAYOUTS:
            raise InputError(f"layout {self.layout!r} must be one of {', '.join(LAYOUTS)}")
        if self.takes != TRACES and self.transform is None:
            words(self.takes)

    def prepare(self, images: Tensor) -> Tensor:
        """What the module takes of images (N, T, H, W, 3), or of traces (N, T, R, 3) of R regions.

        Both are 0–255, of any number type.
        """
        if self.transform is not None:
            return self.transform(images)
        if self.takes == TRACES:
            return images.float()
        return prepared(images, takes=self.takes, layout=self.layout, extra=self.extra)

    def fits(self, *, size: Size, length: int) -> bool:
        """Whether clips of this size and length can be given."""
        good = length >= self.shortest and length % self.step == 0
        return good and tuple(size) in (self.sizes or (self.size,))

    def translate(self, public: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Tensors of the public code under our names; a leading `module.` is no part of a name."""
        ours = {self.keys(name.removeprefix("module.")): tensor for name, tensor in public.items()}
        return {name: tensor for name, tensor in ours.items() if name is not None}


def check_size(size: Size, sizes: tuple[Size, ...], *, name: str) -> None:
    """Raise InputError unless a network of this name can be built for pictures of this size."""
    if tuple(size) not in sizes:
        known = ", ".join(f"{rows}×{columns}" for rows, columns in sizes)
        raise InputError(f"{name} takes pictures of {known} px, not {size[0]}×{size[1]}")
