"""A decoded picture as a Frame: its planes without a copy, and the map from them to RGB.

Sources: ITU-R BT.601-7, BT.709-6 and BT.2020-2 (luma coefficients, limited range),
ITU-T T.871 (JFIF: BT.601 in full range).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from camvitals.records import RGB_FROM_RGB, Array, Frame

if TYPE_CHECKING:
    from av import VideoFrame

# ISO/IEC 23091-2 matrix coefficients -> (Kr, Kb); 2 is "unspecified"
LUMA_WEIGHTS = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
    10: (0.2627, 0.0593),
}
UNSPECIFIED, LIMITED, FULL = 2, 1, 2
BT601, BT709 = 6, 1
HD_ROWS = 720


@dataclass(frozen=True, slots=True)
class Layout:
    """Where three channels lie in a pixel format.

    views: (plane, offset, step) of each channel, in samples.
    kind:  yuv, rgb, grb (RGB of more than 8 bits, green first) or gray.
    bits:  significant bits; shift: unused low bits below them.   across: columns per chroma sample.
    """

    views: tuple[tuple[int, int, int], ...]
    kind: str = "yuv"
    bits: int = 8
    shift: int = 0
    across: int = 1
    full: bool = False


def _layouts() -> dict[str, Layout]:
    planar = ((0, 0, 1), (1, 0, 1), (2, 0, 1))
    nv12 = ((0, 0, 1), (1, 0, 2), (1, 1, 2))
    found = {
        "nv12": Layout(nv12, across=2),
        "nv21": Layout((nv12[0], nv12[2], nv12[1]), across=2),
        "nv16": Layout(nv12, across=2),
        "nv24": Layout(nv12),
        "p010le": Layout(nv12, bits=10, shift=6, across=2),
        "p210le": Layout(nv12, bits=10, shift=6, across=2),
        "p012le": Layout(nv12, bits=12, shift=4, across=2),
        "p016le": Layout(nv12, bits=16, across=2),
        "yuyv422": Layout(((0, 0, 2), (0, 1, 4), (0, 3, 4)), across=2),
        "yvyu422": Layout(((0, 0, 2), (0, 3, 4), (0, 1, 4)), across=2),
        "uyvy422": Layout(((0, 1, 2), (0, 0, 4), (0, 2, 4)), across=2),
        "gray": Layout(((0, 0, 1),) * 3, "gray", full=True),
        "ya8": Layout(((0, 0, 2),) * 3, "gray", full=True),
        "gbrp": Layout((planar[2], planar[0], planar[1]), "rgb"),
        "gbrap": Layout((planar[2], planar[0], planar[1]), "rgb"),
        "rgb48le": Layout(((0, 1, 3), (0, 0, 3), (0, 2, 3)), "grb", bits=16),
    }
    for name, order, step in (
        *(("rgb24", (0, 1, 2), 3), ("bgr24", (2, 1, 0), 3)),
        *(("rgba", (0, 1, 2), 4), ("rgb0", (0, 1, 2), 4), ("bgra", (2, 1, 0), 4)),
        *(("bgr0", (2, 1, 0), 4), ("argb", (1, 2, 3), 4), ("0rgb", (1, 2, 3), 4)),
        *(("abgr", (3, 2, 1), 4), ("0bgr", (3, 2, 1), 4)),
    ):
        found[name] = Layout(tuple((0, offset, step) for offset in order), "rgb")
    for ratio, across in (("420", 2), ("422", 2), ("444", 1), ("440", 1), ("411", 4), ("410", 4)):
        found[f"yuv{ratio}p"] = Layout(planar, across=across)
    for ratio, across in (("420", 2), ("422", 2), ("444", 1)):
        found[f"yuva{ratio}p"] = Layout(planar, across=across)
    for ratio, across in (("420", 2), ("422", 2), ("444", 1), ("440", 1), ("411", 4)):
        found[f"yuvj{ratio}p"] = Layout(planar, across=across, full=True)
    for bits in (9, 10, 12, 14, 16):
        for ratio, across in (("420", 2), ("422", 2), ("444", 1)):
            found[f"yuv{ratio}p{bits}le"] = Layout(planar, bits=bits, across=across)
        found[f"gray{bits}le"] = Layout(((0, 0, 1),) * 3, "gray", bits=bits, full=True)
        found[f"gbrp{bits}le"] = Layout((planar[0], planar[2], planar[1]), "grb", bits=bits)
    return found


LAYOUTS = _layouts()


@cache
def matrix_of(layout: str, colorspace: int, color_range: int, hd: bool) -> Array:
    """(3, 4) float32 map from the samples of a pixel format to RGB in 0–255.

    layout: name in LAYOUTS.   colorspace, color_range: ISO/IEC 23091-2 codes, 2 and 0 when the
    stream does not say: then BT.709 for `hd` pictures, BT.601 otherwise and for JPEG's formats;
    limited range for YUV, full range for JPEG's formats and for gray.
    """
    form = LAYOUTS[layout]
    unit = 2.0 ** (form.bits - 8)
    if form.kind == "rgb":
        return RGB_FROM_RGB
    if form.kind == "grb":
        swapped = RGB_FROM_RGB[:, [1, 0, 2, 3]] * (255 / (2.0**form.bits - 1))
        return np.asarray(swapped, dtype=np.float32)
    full = color_range == FULL or (color_range != LIMITED and form.full)
    scale = 255 / (2.0**form.bits - 1) if full else 255 / (219 * unit)
    black = 0.0 if full else 16 * unit * scale
    if form.kind == "gray":
        if full and form.bits == 8:
            return RGB_FROM_RGB
        return np.hstack([np.eye(3) * scale, np.full((3, 1), -black)]).astype(np.float32)
    jpeg = form.full and colorspace not in LUMA_WEIGHTS
    kr, kb = LUMA_WEIGHTS.get(colorspace, LUMA_WEIGHTS[BT709 if hd and not jpeg else BT601])
    kg = 1 - kr - kb
    chroma = scale if full else 255 / (224 * unit)
    of_u = np.array([0, -2 * kb * (1 - kb) / kg, 2 * (1 - kb)]) * chroma
    of_v = np.array([2 * (1 - kr), -2 * kr * (1 - kr) / kg, 0]) * chroma
    offset = -black - 128 * unit * (of_u + of_v)
    samples = np.stack([np.full(3, scale), of_u, of_v], axis=1) / 2.0**form.shift
    return np.hstack([samples, offset[:, None]]).astype(np.float32)


def converted(picture: VideoFrame, **wanted: Any) -> VideoFrame:
    """The picture in another format by libswscale; `wanted` as in PyAV's `reformat`.

    One thread: several write past the ends of each other's lines where lines have no padding
    (seen with yuv422p10le), and are not faster.
    """
    return picture.reformat(threads=1, **wanted)


def known(picture: VideoFrame) -> VideoFrame:
    """The picture itself, or one converted by libswscale when its format has no layout here."""
    name = picture.format.name
    if name in LAYOUTS:
        return picture
    little = name[:-2] + "le"
    if name.endswith("be") and little in LAYOUTS:
        return converted(picture, format=little)
    # swscale's own names: 1 is BT.709, 5 BT.601, 9 BT.2020
    hd = picture.height >= HD_ROWS
    code = {1: 1, 9: 9, 10: 9, UNSPECIFIED: 1 if hd else 5}.get(picture.colorspace, 5)
    return converted(picture, format="rgb24", src_colorspace=code)


def turns_of(picture: VideoFrame) -> int:
    """Quarter turns counter-clockwise that make the picture upright, 0–3."""
    return round(picture.rotation / 90) % 4


def frame_of(picture: VideoFrame, time: float) -> Frame:
    """The picture as an upright Frame; its planes are read-only views, valid as long as they live.

    Every view keeps the decoder's reference-counted buffer through its `base`.
    """
    picture = known(picture)
    name = picture.format.name
    layout = LAYOUTS[name]
    turns = turns_of(picture)
    planes = picture.planes
    views: list[Array] = []
    for channel, (index, offset, step) in enumerate(layout.views):
        plane = planes[index]
        stride = plane.line_size
        samples = np.frombuffer(plane, dtype="<u2" if layout.bits > 8 else np.uint8)  # type: ignore[call-overload]
        samples.flags.writeable = False
        rows = samples.reshape(plane.height, -1)
        columns = picture.width if channel == 0 else -(-picture.width // layout.across)
        view = rows[:: 1 if stride > 0 else -1, offset : offset + step * columns : step]
        views.append(np.rot90(view, turns) if turns else view)
    hd = picture.height >= HD_ROWS
    matrix = matrix_of(name, picture.colorspace, picture.color_range, hd)
    return Frame((views[0], views[1], views[2]), matrix, time)
