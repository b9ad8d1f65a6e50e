"""What the recording itself was like: each fact measured, judged by a stated limit, with a remedy.

Shape letters: T samples in time, N samples on the uniform clock, R regions of skin, F frequencies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from camvitals.dsp.clean import rate_of, uniform
from camvitals.records import Array, Finding, Source, Trace
from camvitals.report.light import (
    common_flicker,
    largest_common_change,
    luma_of,
    moving_mean,
)
from camvitals.waves.lamps import picture_rate

BACKGROUND, GRID = "background", "grid_"
NEAR_BLACK, NEAR_WHITE = 6.0, 245.0
MOVING_WIDTHS_PER_S = 0.25


@dataclass(frozen=True, slots=True)
class Limit:
    """Fine means at_least <= value <= at_most (None: no bound); `remedy` is said when it is not."""

    unit: str
    remedy: str
    at_least: float | None = None
    at_most: float | None = None

    def holds(self, value: float) -> bool:
        """Whether the value is fine."""
        above = self.at_least is None or value >= self.at_least
        return above and (self.at_most is None or value <= self.at_most)

    @property
    def text(self) -> str:
        """The bound as printed: `≥ 15`."""
        least = "" if self.at_least is None else f"≥ {self.at_least:g}"
        most = "" if self.at_most is None else f"≤ {self.at_most:g}"
        return " and ".join(part for part in (least, most) if part)


LIMITS = {
    "length": Limit("s", "Record at least 30 s; heart rate variability needs 60 s.", at_least=15),
    "complete": Limit(
        "%",
        "The file is cut short or damaged: copy it again, or record anew.",
        at_least=99,
    ),
    "frame_rate": Limit("Hz", "Set the camera to 25 frames per second or more.", at_least=15),
    "frame_jitter": Limit(
        "%",
        "Frames come unevenly: close other programs, or record to a file and measure that.",
        at_most=30,
    ),
    "dropped_frames": Limit(
        "%",
        "Frames are missing: add light, so that the camera keeps its rate, close other programs, "
        "or choose a smaller picture.",
        at_most=2,
    ),
    "compression": Limit(
        "bit/px",
        "Compression wipes out the pulse: record with a higher bit rate, "
        "or measure the original instead of a re-encoded copy.",
        at_least=0.05,
    ),
    "face_seen": Limit(
        "%",
        "Keep the whole face in view, uncovered and turned to the camera.",
        at_least=90,
    ),
    "face_size": Limit("px", "Move closer, or record a larger picture.", at_least=80),
    "motion": Limit("%", "Sit still and lean the head against something.", at_most=3),
    "moving_share": Limit("%", "Hold still for at least 20 s without a break.", at_most=20),
    "brightness": Limit(
        "level",
        "The face is dark: put a soft light in front of it, or lengthen the exposure.",
        at_least=35,
    ),
    "saturation": Limit(
        "%",
        "Colour is clipped: lower the exposure, or move the lamp away from the face; "
        "if a channel is black, use whiter light.",
        at_most=1,
    ),
    "exposure": Limit(
        "%",
        "The brightness of the whole picture jumps: lock exposure, gain and white balance, "
        "and keep screens and passers-by from lighting the face.",
        at_most=2,
    ),
    "mains_flicker": Limit(
        "%",
        "The lamp flickers within the heart band: use daylight or a lamp that does not flicker, "
        "or set the camera's anti-flicker to the local mains (50 or 60 Hz).",
        at_most=0.1,
    ),
}
# Codecs of the 2010s need about half the bits of H.264 and older ones for the same picture;
# intra-only codecs spend bits on what the others predict.
BITS_PER_PIXEL = {"hevc": 0.03, "h265": 0.03, "vp9": 0.03, "av1": 0.03, "mjpeg": 0.8}
ENOUGH_BITS = 2.0
LOSSLESS = frozenset({"rawvideo", "ffv1", "huffyuv", "ffvhuff", "png", "utvideo", "v210", "bmp"})


def limit_of(name: str, source: Source) -> Limit:
    """The limit that a finding of this recording is held to."""
    limit = LIMITS[name]
    if name != "compression":
        return limit
    at_least = BITS_PER_PIXEL.get(source.codec.lower(), limit.at_least)
    return Limit(limit.unit, limit.remedy, at_least=at_least)


def bits_share(source: Source) -> float:
    """Share 0–1 of the bits a pulse needs that a film has; 1 where it is not known or lossless.

    Enough is ENOUGH_BITS times the limit of `compression`.
    """
    found, least = _bits_per_pixel(source), limit_of("compression", source).at_least
    if found is None or least is None:
        return 1.0
    return min(1.0, found / (ENOUGH_BITS * least))


def _bits_per_pixel(source: Source) -> float | None:
    """Bits for each pixel of each picture; None where they are not known, or nothing is lost."""
    # the mean rate: the median of a clock that changes is that of one half
    rate = source.frames / source.duration if source.frames and source.duration else source.rate
    pixels_per_s = source.width * source.height * rate
    if not (source.bit_rate and pixels_per_s) or source.codec.lower() in LOSSLESS:
        return None
    return source.bit_rate / pixels_per_s


def capture(trace: Trace, source: Source) -> tuple[Finding, ...]:
    """Judge a recording by its colour trace and its facts; the limits stand in `LIMITS`.

    What cannot be measured (no bit rate, too short, no face) is left out, but `length` and
    `face_seen` are always there. Regions count as skin unless named `background`.
    """
    measured = {**_of_file(trace, source), **_of_face(trace), **_of_light(trace)}
    findings = []
    for name in LIMITS:
        value = measured.get(name)
        if value is not None and np.isfinite(value):
            limit = limit_of(name, source)
            fine = limit.holds(value)
            findings.append(
                Finding(name, float(value), limit.unit, fine, "" if fine else limit.remedy)
            )
    return tuple(findings)


def _of_file(trace: Trace, source: Source) -> dict[str, float]:
    time = np.asarray(trace.time, dtype=float)
    out = {"length": source.duration or (float(np.ptp(time)) if len(time) else 0.0)}
    if source.claimed:
        out["complete"] = min(100.0, 100 * source.frames / source.claimed)
    if source.rate:
        out["frame_rate"] = source.rate
    if len(time) >= 3:
        out |= _clock(time)
    bits = _bits_per_pixel(source)
    if bits is not None:
        out["compression"] = bits
    return out


def _clock(time_T: Array) -> dict[str, float]:
    """Missing frames [%], and how uneven the intervals between the others are [% of interval]."""
    interval = np.diff(time_T)
    usual = float(np.median(interval))
    # Uneven frames come up to 1.75 intervals apart without one missing between them.
    steps = np.maximum(1, np.floor(interval / usual + 0.25))
    regular = interval[steps == 1]
    missing = float(np.sum(steps - 1))
    return {
        "frame_rate": picture_rate(time_T),
        "frame_jitter": 100 * float(np.std(regular)) / usual,
        "dropped_frames": 100 * missing / (len(time_T) + missing),
    }


def _skin(trace: Trace) -> Array:
    """(T, R, 3) colours of the regions that are skin, else of the grid cells."""
    around = [at for at, name in enumerate(trace.names) if name != BACKGROUND]
    named = [at for at in around if not trace.names[at].startswith(GRID)]
    return np.asarray(trace.rgb[:, named or around], dtype=float)


def _of_face(trace: Trace) -> dict[str, float]:
    skin_TRC = _skin(trace)
    seen_TR: Array = np.all(np.isfinite(skin_TRC), axis=2)
    seen_T: Array = np.any(seen_TR, axis=1)
    out = {"face_seen": 100 * float(np.mean(seen_T)) if len(seen_T) else 0.0}
    colours = skin_TRC[seen_TR]
    if len(colours):
        clipped = (colours <= NEAR_BLACK) | (colours >= NEAR_WHITE)
        out["saturation"] = 100 * float(np.mean(clipped.any(axis=1)))
        out["brightness"] = float(np.median(luma_of(colours)))
    box = np.asarray(trace.box, dtype=float)
    width = box[:, 2] - box[:, 0]
    known = np.isfinite(box).all(axis=1) & (width > 0)
    if known.any():
        out["face_size"] = float(np.median(width[known]))
    if known.sum() >= 3:
        out |= _motion(box, np.asarray(trace.time, dtype=float), known)
    return out


def _motion(box: Array, time_T: Array, known_T: Array) -> dict[str, float]:
    """Box centre: RMS about its 2-s mean, and share of time faster than a limit [% of width]."""
    rate = min(rate_of(time_T), 30.0)
    width = float(np.median((box[:, 2] - box[:, 0])[known_T]))
    centre = np.stack([box[:, 0] + box[:, 2], box[:, 1] + box[:, 3]], axis=1) / (2 * width)
    centre[~known_T] = np.nan
    centre_N, _ = uniform(centre, time_T, rate=rate)
    smooth = moving_mean(centre_N, half=round(rate / 4))
    around = centre_N - moving_mean(centre_N, half=round(rate))
    hop = max(1, round(rate / 4))
    speed = np.linalg.norm(smooth[hop:] - smooth[:-hop], axis=1) * rate / hop
    out = {}
    if np.isfinite(around).any():
        out["motion"] = 100 * float(np.sqrt(np.nanmean(np.sum(around**2, axis=1))))
    if np.isfinite(speed).any():
        out["moving_share"] = 100 * float(np.mean(speed[np.isfinite(speed)] > MOVING_WIDTHS_PER_S))
    return out


def _of_light(trace: Trace) -> dict[str, float]:
    skin_TRC = _skin(trace)
    time_T = np.asarray(trace.time, dtype=float)
    back_TC = None
    if BACKGROUND in trace.names:
        around_TC = np.asarray(trace.region(BACKGROUND), dtype=float)
        # A face that fills the picture leaves no background to compare with.
        back_TC = around_TC if np.mean(np.isfinite(around_TC)) > 0.5 else None
    found: dict[str, float | None] = {
        "exposure": largest_common_change(skin_TRC, back_TC, time_T),
        "mains_flicker": common_flicker(skin_TRC, back_TC, time_T),
    }
    return {name: value for name, value in found.items() if value is not None}
