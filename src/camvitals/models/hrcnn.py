"""HR-CNN: one network makes a signal out of frames, a second one a heart rate out of the signal.

Špetlík et al., "Visual heart rate estimation with convolutional neural network", BMVC 2018.

Shape letters: N clips, C channels, T frames, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from camvitals.models.architecture import Architecture, Size, check_size
from camvitals.models.names import renamed
from camvitals.records import InputError

WIDTH = 64
FRAME = (192, 128)
POOL = (15, 10)
# Kernel, stride of the pool, and dropout before each convolution of the extractor.
LAYERS = (((15, 10), 2, 0.0), ((15, 10), 1, 0.0), ((15, 10), 1, 0.0), ((12, 10), 1, 0.2))
ESTIMATOR_DROPOUT = (0.1, 0.15, 0.2, 0.3)  # before each layer of one triple


class HRCNNExtractor(nn.Module):
    """One number for each frame; over time they are the signal."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3)
        layers: list[nn.Module] = []
        for at, (kernel, stride, dropout) in enumerate(LAYERS):
            layers.append(
                nn.Sequential(
                    nn.Dropout2d(dropout),
                    nn.Conv2d(WIDTH if at else 3, WIDTH, kernel),
                    nn.MaxPool2d(POOL, stride),
                    nn.BatchNorm2d(WIDTH),
                    nn.ELU(),
                )
            )
        self.layers = nn.Sequential(*layers)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Conv2d(WIDTH, 1, 1)
        _start(self)

    def forward(self, x: Tensor) -> Tensor:
        """The signal (N, T) of clips (N, T, 3, H, W) in 0–1; frames become 192×128."""
        frames = F.adaptive_avg_pool2d(x.flatten(0, 1), FRAME)
        values: Tensor = self.head(self.drop(self.layers(self.norm(frames))))
        return values.reshape(x.shape[:2])


class HRCNNEstimator(nn.Module):
    """Heart rate of a signal.

    active: which of the twelve layers are there; the first always is. The authors chose them, with
        width, kernel and pool, by random search.
    width:  channels.   kernel: taps of a convolution.   pool: samples of the pool in every third.
    """

    def __init__(
        self,
        *,
        active: Sequence[bool] = (True,) * 12,
        width: int = 32,
        kernel: int = 8,
        pool: int = 8,
    ) -> None:
        super().__init__()
        if len(active) != 12 or not active[0]:
            raise InputError("active needs 12 values, the first of them true")
        self.norm = nn.BatchNorm1d(1)
        layers: list[nn.Module] = []
        for at in (at for at, on in enumerate(active) if on):
            parts: list[nn.Module] = [
                nn.Dropout(ESTIMATOR_DROPOUT[at // 3]),
                nn.Conv1d(width if at else 1, width, kernel),
            ]
            if at % 3 == 2:
                parts.append(nn.MaxPool1d(pool, 1))
            layers.append(nn.Sequential(*parts, nn.BatchNorm1d(width), nn.ELU()))
        self.layers = nn.Sequential(*layers)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Conv1d(width, 1, 1)
        _start(self)

    def forward(self, x: Tensor) -> Tensor:
        """Heart rate (N,) [bpm] of signals (N, T)."""
        signal = self.norm((x - x.mean(-1, keepdim=True))[:, None])
        out: Tensor = self.head(self.drop(self.layers(signal)))
        return out.mean((-2, -1))


class HRCNN(nn.Module):
    """Heart rate (N,) [bpm] of clips: extractor, then estimator; options are the estimator's."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.extractor = HRCNNExtractor()
        self.estimator = HRCNNEstimator(**options)

    def forward(self, x: Tensor) -> Tensor:
        """Heart rate (N,) of clips (N, T, 3, H, W) in 0–1."""
        rate: Tensor = self.estimator(self.extractor(x))
        return rate


def _start(module: nn.Module) -> None:
    """Start as the authors do: Xavier for convolutions, small random scales of batch norms."""
    for part in module.modules():
        if isinstance(part, nn.Conv1d | nn.Conv2d):
            nn.init.xavier_normal_(part.weight)
        elif isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.normal_(part.weight, std=0.1)


def _names() -> dict[str, str]:
    """From the names of the authors' release to ours: convolution, then norm, of each layer."""
    names = {"bn_input.": "norm.", "conv_last.": "head."}
    for at, public in enumerate(("00", "01", "10", "20")):
        names |= {f"conv_{public}.": f"layers.{at}.1.", f"bn_{public}.": f"layers.{at}.3."}
    return names


def _extractor(*, size: Size, **options: Any) -> HRCNNExtractor:
    check_size(size, SIZES, name="HR-CNN")
    return HRCNNExtractor(**options)


SIZES = (FRAME, (96, 64), (128, 128), (36, 36))  # every frame is brought to the first
EXTRACTOR = Architecture(
    build=_extractor,
    takes="unit",
    gives="pulse",
    size=FRAME,
    length=300,
    parameters=1_749_959,
    source="Špetlík et al., BMVC 2018; radimspetlik/hr-cnn",
    keys=renamed(_names()),
    sizes=SIZES,
    shortest=1,
)
