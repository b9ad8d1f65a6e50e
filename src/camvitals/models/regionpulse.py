"""RegionPulse: the pulse from the colours of face regions, sample by sample, and how sure it is.

Made for this package. Each region's change of colour, beside that of the whole face and of the
background, passes through the same convolutions; an attention over regions decides which to
believe at this moment; a recurrent layer turns that into the pulse of DELAY samples ago. It only
looks back, so that a camera can be fed as it goes, and a file in one piece.

Shape letters: N clips, T samples, R regions of the face, C channels.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from camvitals.models.architecture import TRACES, Architecture, Size
from camvitals.records import InputError

REGIONS = ("forehead", "left_cheek", "right_cheek", "nose", "chin", "skin", "background")
WHOLE = REGIONS.index("skin")  # stands in for regions that are not seen
DELAY = 30  # samples by which the output comes after the input: it may look that far ahead
TAPS = 7
DILATIONS = (1, 2, 4, 8)
SEEN = 10  # channels of a region
GAIN = 1000.0  # of the change of log colour from sample to sample, about 0.001 for a pulse
DARKEST = 0.5
BRIGHTEST = 5.54  # log of 255
State = tuple[Tensor, ...]


class RegionPulse(nn.Module):
    """(N, T, R + 1, 3) colours, 0–255, the background last -> (N, T, 2): pulse, log odds of it.

    The log odds are those of the pulse being right, by what was seen until then.
    width, hidden: channels of the convolutions and of the recurrent layer.
    """

    def __init__(self, *, width: int = 40, hidden: int = 80, regions: int = len(REGIONS)) -> None:
        super().__init__()
        self.width, self.hidden, self.regions = width, hidden, regions
        channels = [SEEN, *[width] * len(DILATIONS)]
        self.look = nn.ModuleList(
            nn.Conv1d(channels[at], width, TAPS, dilation=dilation)
            for at, dilation in enumerate(DILATIONS)
        )
        self.weigh = nn.Conv1d(width, 1, 1, bias=False)  # a bias would cancel in the softmax
        self.tell = nn.Conv1d(width, width, 1)
        self.join = nn.GRU(2 * width, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 2)

    def state_shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of what is carried, for one clip; all zero at the start."""
        face = self.regions - 1
        shapes: dict[str, tuple[int, ...]] = {"begun": (1,), "level": (self.regions, 3)}
        for at, dilation in enumerate(DILATIONS):
            channels = self.width if at else SEEN
            shapes[f"past{at}"] = (face, channels, (TAPS - 1) * dilation)
        return shapes | {"memory": (1, self.hidden)}

    def start(self, n: int) -> State:
        """State of n clips before their first sample."""
        like = self.out.weight
        return tuple(like.new_zeros(n, *shape) for shape in self.state_shapes().values())

    def carry(self, colours: Tensor, state: State) -> tuple[Tensor, State]:
        """The next samples and the state; what it says of them, and the state after them.

        It does not matter how a clip is cut.
        """
        begun, before, *pasts, memory = state
        seen, level = changes(colours, before, begun)
        n, t, r, c = seen.shape
        x = seen.permute(0, 2, 3, 1).reshape(n * r, c, t)
        after = []
        for layer, past in zip(self.look, pasts, strict=True):
            whole = torch.cat([past.reshape(n * r, *past.shape[2:]), x], dim=-1)
            after.append(whole[..., -past.shape[-1] :].reshape(past.shape))
            x = F.gelu(layer(whole))
        share = torch.softmax(self.weigh(x).reshape(n, r, 1, t), dim=1)
        told = self.tell(x).reshape(n, r, -1, t)
        mean = (share * told).sum(dim=1)
        spread = (share * (told - mean[:, None]).square()).sum(dim=1)
        joined = torch.cat([mean, torch.log(spread + 1e-3)], dim=1).transpose(1, 2)
        found, last = self.join(joined, memory.transpose(0, 1).contiguous())
        state = (torch.ones_like(begun), level, *after, last.transpose(0, 1))
        return self.out(found), state

    def forward(self, colours: Tensor) -> Tensor:
        """(N, T, 2) for (N, T, R + 1, 3)."""
        return self.carry(colours, self.start(len(colours)))[0]


def changes(colours: Tensor, before: Tensor, begun: Tensor) -> tuple[Tensor, Tensor]:
    """(N, T, R, SEEN) what is looked at of (N, T, R + 1, 3) colours; (N, R + 1, 3) their last logs.

    Change of log colour of region, whole face and background, and brightness. A background that is
    not seen has the colours of the whole face, and does not change.
    before: (N, R + 1, 3) log colours of the sample before; begun: (N, 1) whether there was one.
    """
    level = torch.log(colours.clamp(min=DARKEST))
    earlier = torch.where(begun[..., None] > 0, before, level[:, 0])
    change = torch.asinh(GAIN * (level - torch.cat([earlier[:, None], level[:, :-1]], dim=1)))
    face, behind = change[:, :, :-1], change[:, :, -1:]
    apart = (colours[:, :, -1:] - colours[:, :, WHOLE : WHOLE + 1]).abs().sum(-1, keepdim=True)
    behind = torch.where(apart > 0, behind, 0.0)
    whole = face.mean(dim=2, keepdim=True)
    light = level[:, :, :-1].mean(dim=3, keepdim=True) / BRIGHTEST
    seen = torch.cat([face, whole.expand_as(face), behind.expand_as(face), light], dim=3)
    return seen, level[:, -1]


def _build(*, size: Size, **options: Any) -> RegionPulse:
    if size[0] != len(REGIONS):
        raise InputError(f"regionpulse takes the regions {', '.join(REGIONS)}, not {size[0]}")
    return RegionPulse(**options)


def _pulse(output: Tensor, n: int) -> Tensor:
    return output.reshape(n, -1, 2)[..., 0]


REGIONPULSE = Architecture(
    build=_build,
    takes=TRACES,
    gives="pulse",
    size=(len(REGIONS), 3),
    length=450,
    parameters=77_282,
    source="camvitals, 2026",
    wave=_pulse,
    also={"certainty": "(N, T) log odds that the pulse is right"},
)
