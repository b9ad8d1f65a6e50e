"""PhysNet: a 3-D convolutional encoder and decoder (Yu, Li & Zhao, BMVC 2019).

Shape letters: N clips, C channels, T frames, H rows, W columns.
"""

from __future__ import annotations

from torch import Tensor, nn

from camvitals.models.architecture import Architecture, Size, check_size
from camvitals.models.names import renamed

Three = tuple[int, int, int]
SIZES: tuple[Size, ...] = ((36, 36), (72, 72), (128, 128))
# Names of rPPG-Toolbox's PhysNet_padding_Encoder_Decoder_MAX -> names here
NAMES = {f"ConvBlock{at}.": f"block{at}." for at in range(1, 10)} | {
    "ConvBlock10.": "last.",
    "upsample.": "up1.",
    "upsample2.": "up2.",
}


def block(inward: int, outward: int, kernel: Three = (3, 3, 3)) -> nn.Sequential:
    """Convolution that keeps the shape, batch norm, ReLU."""
    conv = nn.Conv3d(inward, outward, kernel, padding="same")
    return nn.Sequential(conv, nn.BatchNorm3d(outward), nn.ReLU())


def doubled(width: int) -> nn.Sequential:
    """Twice as many frames, by a transposed convolution, batch norm, ELU."""
    conv = nn.ConvTranspose3d(width, width, (4, 1, 1), stride=(2, 1, 1), padding=(1, 0, 0))
    return nn.Sequential(conv, nn.BatchNorm3d(width), nn.ELU())


class PhysNet(nn.Module):
    """Three halvings in space, two in time, and back in time; any number of frames that 4 divides.

    size: of the pictures [px]; no weight depends on it.
    """

    def __init__(self, *, size: Size) -> None:
        super().__init__()
        check_size(size, SIZES, name="physnet")
        self.block1 = block(3, 16, (1, 5, 5))
        self.block2 = block(16, 32)
        self.block3 = block(32, 64)
        self.block4, self.block5 = block(64, 64), block(64, 64)
        self.block6, self.block7 = block(64, 64), block(64, 64)
        self.block8, self.block9 = block(64, 64), block(64, 64)
        self.up1, self.up2 = doubled(64), doubled(64)
        self.last = nn.Conv3d(64, 1, 1)
        self.halve_space = nn.MaxPool3d((1, 2, 2))
        self.halve = nn.MaxPool3d(2)

    def forward(self, clips: Tensor) -> Tensor:
        """(N, 3, T, H, W) -> (N, T)."""
        x = self.halve_space(self.block1(clips))
        x = self.halve(self.block3(self.block2(x)))
        x = self.halve(self.block5(self.block4(x)))
        x = self.halve_space(self.block7(self.block6(x)))
        x = self.up2(self.up1(self.block9(self.block8(x))))
        wave: Tensor = self.last(x.mean((3, 4), keepdim=True))
        return wave.flatten(1)


PHYSNET = Architecture(
    build=PhysNet,
    takes="normalised difference",
    gives="derivative",
    size=(72, 72),
    sizes=SIZES,
    length=128,
    step=4,
    shortest=4,
    layout="CTHW",
    parameters=768_577,
    source="Yu, Li & Zhao, PhysNet, BMVC (2019); compared with rPPG-Toolbox",
    keys=renamed(NAMES),
)
