"""Messages of a live socket as bytes: pictures and colours in, between processes and from clients.

Everything is little-endian. Shape letters: N samples, R regions.
"""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from camvitals.records import Array, Frame, InputError

if TYPE_CHECKING:
    from camvitals.video.picture import Pictures

TIME = struct.Struct("<d")
RAW = struct.Struct("<4sHH")
RAW_MARK = b"RGB8"
MOST_SAMPLES = 1000  # in one message
MOST_REGIONS = 32

# between the server and its monitors: kind, number of the session, when it was heard [s]
HEAD = struct.Struct("<BId")
OPEN, BINARY, TEXT, CLOSE, READY, DONE, TOLD, WRONG, LATE = range(9)


@dataclass(frozen=True, slots=True)
class Samples:
    """Colours of several pictures: time (N,) s, rgb (N, R, 3), box (N, 4) px or None."""

    time: Array
    rgb: Array
    box: Array | None


def picture_of(data: bytes, pictures: Pictures, *, megapixels: float) -> Frame:
    """Eight bytes of time [s], then JPEG, PNG or WebP; or RGB8, width, height and the pixels."""
    import numpy as np

    if len(data) < TIME.size + RAW.size:
        raise InputError("a picture needs 8 bytes of time before it, and then the picture")
    time, body = _time_of(data), data[TIME.size :]
    if not body.startswith(RAW_MARK):
        return pictures.frame(body, time)
    _, width, height = RAW.unpack_from(body)
    if len(body) != RAW.size + 3 * width * height or not width * height:
        raise InputError(
            f"a picture of {width}×{height} needs {3 * width * height} bytes of RGB but has "
            f"{len(body) - RAW.size}"
        )
    if width * height > megapixels * 1e6:
        raise InputError(
            f"{width}×{height} is more than {megapixels:g} megapixels; send it smaller"
        )
    pixels = np.frombuffer(body, np.uint8, offset=RAW.size)
    return Frame.of_rgb(pixels.reshape(height, width, 3), time)


def samples_of(data: bytes, *, regions: int, box: bool) -> Samples:
    """N records of: time as float64 [s], R × 3 colours as float32, and the box as 4 float32."""
    import numpy as np

    fields: list[Any] = [("time", "<f8"), ("rgb", "<f4", (regions, 3))]
    record = np.dtype([*fields, ("box", "<f4", (4,))] if box else fields)
    count, rest = divmod(len(data), record.itemsize)
    if rest or not 1 <= count <= MOST_SAMPLES:
        raise InputError(
            f"a trace needs 1 to {MOST_SAMPLES} records of {record.itemsize} bytes for {regions} "
            f"regions{' and a box' if box else ''} but got {len(data)} bytes"
        )
    found = np.frombuffer(data, record)
    return Samples(found["time"], found["rgb"], found["box"] if box else None)


def samples_in(message: dict[str, Any], *, regions: int) -> Samples:
    """The same as JSON: time [N], rgb [N][R][3] and perhaps box [N][4]; null is unseen."""
    import numpy as np

    try:
        time = np.asarray(message["time"], dtype=float)
        rgb = np.asarray(message["rgb"], dtype=float)
        box = np.asarray(message["box"], dtype=float) if "box" in message else None
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise InputError(f"a trace needs time, rgb and perhaps box as numbers ({error})") from None
    shapes = time.ndim == 1 and rgb.shape == (len(time), regions, 3)
    if not shapes or (box is not None and box.shape != (len(time), 4)):
        raise InputError(f"a trace needs time [N], rgb [N][{regions}][3] and box [N][4] if any")
    if not 1 <= len(time) <= MOST_SAMPLES:
        raise InputError(f"a trace needs 1 to {MOST_SAMPLES} samples but has {len(time)}")
    return Samples(time, rgb, box)


def parsed(text: str) -> dict[str, Any]:
    """A message of words: a JSON object with a `type`. Raises InputError for anything else."""
    try:
        found = json.loads(text, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        raise InputError("a text message needs to be JSON") from None
    if not isinstance(found, dict) or not isinstance(found.get("type"), str):
        raise InputError('a text message needs to be a JSON object with a "type"')
    return found


def _time_of(data: bytes) -> float:
    time: float = TIME.unpack_from(data)[0]
    if not math.isfinite(time):
        raise InputError("a picture needs a finite time in seconds before it")
    return time
