"""iBVPNet: 3-D encoder over space, then time, and decoder (Joshi & Cho, Electronics 13, 2024).

Shape letters: N clips, C channels, T frames, H rows, W columns.
"""

from __future__ import annotations

from torch import Tensor, nn

from camvitals.models.architecture import Architecture, Size, check_size
from camvitals.models.convolved import Differences, Three, block, largest
from camvitals.models.names import renamed

SIZES: tuple[Size, ...] = ((64, 64), (72, 72), (128, 128))
# Names of rPPG-Toolbox's iBVPNet -> names here
NAMES = {
    "ibvpnet.0.spatio_temporal_encoder.": "space.",
    "ibvpnet.0.temporal_encoder.": "time.",
    "ibvpnet.1.decoder_block.": "decoder.",
    "ibvpnet.3.": "last.",
    ".conv_block_3d.": ".",
    ".deconv_block_3d.": ".",
}
AT_LEAST = 8  # two halvings in time, with something left


def encoder_in_space() -> nn.Sequential:
    """Pairs of convolutions, in space and then in both, with two halvings in space."""
    half, flat, full, one = (1, 2, 2), (1, 3, 3), (3, 3, 3), (0, 1, 1)
    return nn.Sequential(
        block((3, 8), flat, padding=one),
        block((8, 16), full, padding=1),
        nn.MaxPool3d(half),
        block((16, 24), flat, padding=one),
        block((24, 40), full, padding=1),
        nn.MaxPool3d(half),
        block((40, 64), flat, padding=one),
        block((64, 64), full, padding=1),
    )


def pair_in_time(reach: int) -> tuple[nn.Sequential, nn.Sequential]:
    """A convolution over `reach` frames, and one over these and 3×3 pixels."""
    middle = reach // 2
    long, thick = (reach, 1, 1), (reach, 3, 3)
    return (
        block((64, 64), long, padding=(middle, 0, 0)),
        block((64, 64), thick, padding=(middle, 1, 1)),
    )


def encoder_in_time() -> nn.Sequential:
    """Long convolutions, with two halvings in time."""
    return nn.Sequential(
        *pair_in_time(11),
        nn.MaxPool3d(2),
        *pair_in_time(11),
        nn.MaxPool3d(2, stride=(2, 1, 1)),
        *pair_in_time(7),
    )


def longer(widths: tuple[int, int]) -> nn.Sequential:
    """Twice as many frames, then half as many pixels.

    The convolution in space also pads time by two frames on each side, as the public code does.
    """
    inward = widths[0]
    up = nn.ConvTranspose3d(inward, inward, (7, 1, 1), stride=(2, 1, 1), padding=(2, 1, 1))
    down: Three = (1, 2, 2)
    return nn.Sequential(
        up,
        nn.Tanh(),
        nn.InstanceNorm3d(inward),
        *block(widths, (1, 3, 3), stride=down, padding=(2, 1, 1)),
    )


class IBVPNet(nn.Module):
    """Differences of pictures, encoded in space, then in time, and decoded to one wave.

    size: of the pictures [px]; no weight depends on it.
    """

    def __init__(self, *, size: Size) -> None:
        super().__init__()
        check_size(size, SIZES, name="ibvpnet")
        self.differences = Differences()
        self.space = encoder_in_space()
        self.time = encoder_in_time()
        self.decoder = nn.Sequential(longer((64, 40)), longer((40, 24)))
        self.last = nn.Conv3d(24, 1, 1)

    def forward(self, clips: Tensor) -> Tensor:
        """(N, 3, T + 1, H, W) pictures -> (N, T)."""
        x = self.decoder(self.time(self.space(self.differences(clips))))
        x = largest(x.amax((3, 4)), length=clips.shape[2] - 1)
        wave: Tensor = self.last(x[..., None, None])
        return wave.flatten(1)


IBVPNET = Architecture(
    build=IBVPNet,
    takes="raw",
    gives="pulse",
    size=(72, 72),
    sizes=SIZES,
    length=160,
    shortest=AT_LEAST,
    layout="CTHW",
    extra=1,
    parameters=1_426_865,
    source="Joshi & Cho, iBVP dataset, Electronics 13 (2024); compared with rPPG-Toolbox",
    keys=renamed(NAMES),
)
