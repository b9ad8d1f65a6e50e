"""Video made worse on purpose: fewer pixels on the face, or what a real encoder leaves of it.

One concept for three uses: an augmentation (`train.change_pictures`), the quality that an enhancer
is told, and an axis of evaluation (`Protocol.degrade`). Everything here is deterministic: the same
pictures and level give the same pictures.

Chroma: face sizes are made on RGB, so colour is as fine as brightness (4:4:4). Every encoder here
is given 8-bit 4:2:0, as cameras and sites do: colour has half the rows and columns.
Shape letters: T pictures, H rows, W columns.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from camvitals.data.degrade_size import reduced
from camvitals.records import Array, InputError, check
from camvitals.video import open_video, write_video
from camvitals.video.encoding import CODECS, Encoding

AS_IS = "as is"
# Largest crf; the others take a quantiser of 2 (best) to 31 instead.
CRF = {"h264": 51, "h265": 51, "vp9": 63}
# Our name -> write_video's, the end of the file, and the preset: the encoders' own default where
# it is not far slower than the rest.
ENCODERS = {
    "h264": ("h264", ".mp4", "medium"),
    "h265": ("hevc", ".mp4", "fast"),
    "vp9": ("vp9", ".mp4", "5"),
    "mpeg4": ("mpeg4", ".mp4", ""),
    "mjpeg": ("mjpeg", ".mov", ""),
}
FACE_PX = (2, 4096)
QUANTISER = (2, 31)
BIT_RATE = (8_000, 100_000_000)
FORMS = (
    (r"face-(\d+)", "face"),
    (r"(?:(h264)-)?crf-(\d+)", "crf"),
    (r"(h265|vp9)-crf-(\d+)", "crf"),
    (r"(mpeg4|mjpeg)-q-(\d+)", "quantiser"),
    (r"(h264|h265|vp9|mpeg4|mjpeg)-(\d+)k", "bit_rate"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Degradation:
    """One way to make video worse: a face size, or an encoder with one setting.

    face:      px that the face keeps, down by area and back up linearly; no encoder then.
    encoder:   of ENCODERS, with one of
    crf:       constant quality of h264, h265 (0–51) and vp9 (0–63), small is good; 0 of h264 loses
               nothing but the chroma's detail,
    quantiser: of mpeg4 and mjpeg, 2–31, small is good,
    bit_rate:  [bit/s].
    Raises InputError for what does not go together or is out of range.
    """

    face: int | None = None
    encoder: str = ""
    crf: float | None = None
    quantiser: int | None = None
    bit_rate: int | None = None

    def __post_init__(self) -> None:
        settings = (self.crf, self.quantiser, self.bit_rate)
        given = [value for value in settings if value is not None]
        if self.face is not None:
            if self.encoder or given:
                raise InputError("a degradation needs a face size or an encoder, not both")
            _within("a face size", self.face, *FACE_PX, "px")
            return
        if self.encoder not in ENCODERS:
            known = ", ".join(ENCODERS)
            raise InputError(f"a degradation needs an encoder of {known} but got {self.encoder!r}")
        if len(given) != 1:
            raise InputError(
                f"{self.encoder} needs one of crf, quantiser and bit_rate but got {len(given)}"
            )
        self._check_setting()

    def _check_setting(self) -> None:
        if self.bit_rate is not None:
            _within("a bit rate", self.bit_rate, *BIT_RATE, "bit/s")
        elif self.crf is not None:
            if self.encoder not in CRF:
                raise InputError(f"{self.encoder} has no crf; give a quantiser or bit_rate")
            _within(f"the crf of {self.encoder}", self.crf, 0, CRF[self.encoder], "")
        elif self.quantiser is not None:
            if self.encoder in CRF:
                raise InputError(f"{self.encoder} has no quantiser; give a crf or bit_rate")
            _within(f"the quantiser of {self.encoder}", self.quantiser, *QUANTISER, "")

    @property
    def name(self) -> str:
        """As `degradation` reads it: face-16, crf-36, h265-crf-30, mpeg4-q-12, vp9-250k."""
        if self.face is not None:
            return f"face-{self.face}"
        if self.bit_rate is not None:
            return f"{self.encoder}-{self.bit_rate / 1000:g}k"
        if self.crf is not None:
            return f"{'' if self.encoder == 'h264' else self.encoder + '-'}crf-{self.crf:g}"
        return f"{self.encoder}-q-{self.quantiser}"


def _within(what: str, value: float, low: float, high: float, unit: str) -> None:
    if not low <= value <= high:
        span = f"{low:g} to {high:g} {unit}".strip()
        raise InputError(f"{what} needs {span} but got {value:g}")


# The levels that have a name in tables; `degradation` reads any others of the same forms.
DEGRADATIONS: dict[str, Degradation] = {
    "face-128": Degradation(face=128),
    "face-64": Degradation(face=64),
    "face-32": Degradation(face=32),
    "face-16": Degradation(face=16),
    "face-8": Degradation(face=8),
    "crf-0": Degradation(encoder="h264", crf=0),
    "crf-18": Degradation(encoder="h264", crf=18),
    "crf-24": Degradation(encoder="h264", crf=24),
    "crf-30": Degradation(encoder="h264", crf=30),
    "crf-36": Degradation(encoder="h264", crf=36),
    "h265-crf-24": Degradation(encoder="h265", crf=24),
    "h265-crf-30": Degradation(encoder="h265", crf=30),
    "h265-crf-36": Degradation(encoder="h265", crf=36),
    "vp9-crf-30": Degradation(encoder="vp9", crf=30),
    "vp9-crf-40": Degradation(encoder="vp9", crf=40),
    "vp9-crf-50": Degradation(encoder="vp9", crf=50),
    "mpeg4-q-4": Degradation(encoder="mpeg4", quantiser=4),
    "mpeg4-q-12": Degradation(encoder="mpeg4", quantiser=12),
    "mpeg4-q-31": Degradation(encoder="mpeg4", quantiser=31),
    "h264-1000k": Degradation(encoder="h264", bit_rate=1_000_000),
    "h264-500k": Degradation(encoder="h264", bit_rate=500_000),
    "h264-250k": Degradation(encoder="h264", bit_rate=250_000),
    "h264-125k": Degradation(encoder="h264", bit_rate=125_000),
}
# The two axes of five levels that an enhancer is told of; a level's place is its condition.
AXES: dict[str, tuple[str, ...]] = {
    "face": ("face-128", "face-64", "face-32", "face-16", "face-8"),
    "crf": ("crf-0", "crf-18", "crf-24", "crf-30", "crf-36"),
}


def degradation(level: str | Degradation) -> Degradation:
    """The degradation of this name: of DEGRADATIONS, or of another number in the same form.

    Raises InputError for a name that is none, or a number out of range.
    """
    if isinstance(level, Degradation):
        return level
    for form, setting in FORMS:
        found = re.fullmatch(form, level)
        if found is None:
            continue
        number = int(found[found.lastindex or 1])
        if setting == "face":
            return Degradation(face=number)
        options = {setting: number * 1000 if setting == "bit_rate" else number}
        return Degradation(encoder=found[1] or "h264", **options)
    raise InputError(
        f"no degradation {level!r}; name a face size (face-128 … face-8), a quality (crf-18, "
        "h265-crf-30, vp9-crf-40, mpeg4-q-12) or a bit rate (h264-500k)"
    )


def level_index(level: str | Degradation) -> int:
    """The place of a level in its axis of AXES, 0 (best) to 4: what an enhancer is told.

    Raises InputError for a level that is not on an axis.
    """
    name = degradation(level).name
    for names in AXES.values():
        if name in names:
            return names.index(name)
    known = "; ".join(", ".join(names) for names in AXES.values())
    raise InputError(f"{name} is no quality level of an enhancer; those are {known}")


def degrade_clip(
    images: Array, level: str | Degradation, *, rate: float, face: float | None = None
) -> Array:
    """Pictures in memory made worse.

    images: (T, H, W, 3) uint8 RGB.   level: a name as `degradation` reads it.
    rate:   pictures per second [Hz], which encoders go by.
    face:   width of the face in the pictures [px]; None: as wide as they are, as in crops.
    Returns (T, H, W, 3) uint8; the same array where nothing is to be done, as when the face has no
    more pixels than asked for.
    Raises InputError for pictures, a level or a rate that cannot be.
    """
    wanted = degradation(level)
    check("images", images, (None, None, None, 3))
    if images.dtype != np.uint8 or images.size == 0:
        raise InputError(f"a clip needs uint8 pictures but is {images.dtype} {images.shape}")
    if not 0 < rate < np.inf:
        raise InputError(f"degrade_clip needs a rate > 0 Hz but got {rate:g}")
    width = images.shape[2] if face is None else face
    if not width > 0:
        raise InputError(f"degrade_clip needs a face wider than 0 px but got {width:g}")
    if wanted.face is not None:
        return reduced(images, wanted.face / width)
    return _played(images, wanted, rate)


def _played(images: Array, wanted: Degradation, rate: float) -> Array:
    """The pictures after an encoder and its decoder."""
    suffix = ENCODERS[wanted.encoder][1]
    rows, columns = images.shape[1:3]
    pictures = zip(fitted(images, wanted), (np.arange(len(images)) / rate).tolist(), strict=True)
    with tempfile.TemporaryDirectory(prefix="camvitals-") as folder:
        path = Path(folder) / f"clip{suffix}"
        encode(path, pictures, wanted)
        with open_video(path) as video:
            found = [frame.rgb()[:rows, :columns] for frame in video]
    if len(found) != len(images):
        raise InputError(
            f"{wanted.name} gave back {len(found)} of {len(images)} pictures; take another level"
        )
    return np.stack(found)


def fitted(images: Array, wanted: Degradation) -> Array:
    """The pictures (…, H, W, 3) as large as the encoder needs: even, and not too small for it.

    Their last rows and columns are continued.
    """
    least = max(2, CODECS[ENCODERS[wanted.encoder][0]].least)
    more = [(0, max(n + n % 2, least) - n) for n in images.shape[-3:-1]]
    if not any(after for _, after in more):
        return images
    return np.pad(images, [(0, 0)] * (images.ndim - 3) + [*more, (0, 0)], mode="edge")


def encode(path: Path, pictures: Iterable[tuple[Array, float]], wanted: Degradation) -> int:
    """Write pictures that are `fitted`, with their times [s], by the encoder of a level.

    Returns how many.
    """
    codec, _, preset = ENCODERS[wanted.encoder]
    more = Encoding(threads=1)  # the same bytes whatever the number of cores
    if preset:
        more["preset"] = preset
    if wanted.quantiser is not None:
        more["quality"] = wanted.quantiser
    crf, bits = wanted.crf, wanted.bit_rate
    return write_video(path, pictures, time=None, codec=codec, crf=crf, bit_rate=bits, **more)
