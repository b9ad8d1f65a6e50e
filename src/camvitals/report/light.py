"""Light that changes: exposure hunting and mains flicker, told from pulse and from motion.

Shape letters: T samples in time, N on the uniform clock, R regions, C colours, F frequencies.
Both effects change face and background together, and all colours by the same share. The pulse
changes the face alone, and green most; motion changes the regions of a face differently.
"""

from __future__ import annotations

import numpy as np

from camvitals.dsp.clean import rate_of, runs, uniform
from camvitals.records import Array
from camvitals.waves.lamps import picture_rate

LUMA = np.array([0.299, 0.587, 0.114])
MAINS_HZ = (50.0, 60.0)
# The rate of the mains wanders by two tenths of a percent; a flicker line is sought that far away.
MAINS_TOLERANCE_HZ = 0.25
HARMFUL_HZ = (0.5, 4.5)
SEGMENT_S = 20.0
LINE_TO_FLOOR = 12.0
ACHROMATIC = 0.7
CHANGE_S = 1.0
SMOOTH_S = 0.5


def luma_of(rgb: Array) -> Array:
    """Brightness 0–255 of (..., 3) gamma-coded colours (ITU-R BT.601)."""
    return np.asarray(rgb @ LUMA)


def moving_mean(values: Array, *, half: int) -> Array:
    """Mean over 2·half + 1 samples of (N, ...) values, at the ends over those inside; NaN stays."""
    x = np.asarray(values, dtype=float)
    known = np.isfinite(x)
    pad = np.zeros((1, *x.shape[1:]))
    total = np.concatenate([pad, np.cumsum(np.where(known, x, 0), axis=0)])
    count = np.concatenate([pad, np.cumsum(known, axis=0)])
    index = np.arange(len(x))
    start, stop = np.maximum(index - half, 0), np.minimum(index + half + 1, len(x))
    mean = (total[stop] - total[start]) / np.maximum(count[stop] - count[start], 1)
    return np.asarray(np.where(known, mean, np.nan))


def largest_common_change(rgb_TRC: Array, back_TC: Array | None, time_T: Array) -> float | None:
    """Largest change of brightness [%] within one second that all regions and background share.

    At each moment the share is the smallest change among them, zero where their signs differ.
    None when there is less than two seconds of signal.
    """
    signals = [luma_of(rgb_TRC)] + ([] if back_TC is None else [luma_of(back_TC)[:, None]])
    luma_TR = np.concatenate(signals, axis=1)
    luma_TR = luma_TR[:, np.isfinite(luma_TR).any(axis=0)]
    if len(time_T) < 3 or luma_TR.shape[1] == 0 or np.ptp(time_T) < 2 * CHANGE_S:
        return None
    rate = min(rate_of(time_T), 30.0)
    level_NR, _ = uniform(np.log(np.maximum(luma_TR, 1.0)), time_T, rate=rate)
    smooth_NR = moving_mean(level_NR, half=round(SMOOTH_S * rate / 2))
    hop = max(1, round(CHANGE_S * rate))
    change_NR = smooth_NR[hop:] - smooth_NR[:-hop]
    change_NR = change_NR[np.isfinite(change_NR).all(axis=1)]
    if len(change_NR) == 0:
        return None
    same_sign = np.abs(np.sign(change_NR).sum(axis=1)) == change_NR.shape[1]
    shared = np.where(same_sign, np.abs(change_NR).min(axis=1), 0.0)
    return float(100 * np.expm1(shared.max()))


def common_flicker(rgb_TRC: Array, back_TC: Array | None, time_T: Array) -> float | None:
    """Amplitude [%] of lamp flicker that the frame rate folds into the heart band.

    Lamps flicker at twice the mains frequency; at `rate` frames a second that is seen at
    |2·mains mod rate|, folded. A line there counts when face and background have it at the same
    frequency, or, without a background, when all colours of the face have it by the same share.
    Folded frequencies outside 0.5–4.5 Hz do no harm and count as zero. None: too short to tell.
    """
    if len(time_T) < 3 or np.ptp(time_T) < SEGMENT_S / 4:
        return None
    face_TC = _mean_of_seen(rgb_TRC)
    rate = picture_rate(time_T)
    folded = [(2 * mains, abs(2 * mains - rate * round(2 * mains / rate))) for mains in MAINS_HZ]
    low, high = HARMFUL_HZ
    at_risk = [line for line, seen_at in folded if low <= seen_at <= high]
    signals = face_TC if back_TC is None else np.concatenate([face_TC, back_TC], axis=1)
    segments = _segments(signals, time_T, rate)
    if not segments:
        return None
    found = [_line(segments, line, with_back=back_TC is not None) for line in at_risk]
    return max(found, default=0.0)


def _mean_of_seen(rgb_TRC: Array) -> Array:
    """(T, 3) mean colour of the regions seen at each moment; NaN where none is."""
    known = np.isfinite(rgb_TRC)
    total = np.where(known, rgb_TRC, 0).sum(axis=1)
    count = known.sum(axis=1)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def _segments(signals_TC: Array, time_T: Array, rate: float) -> list[tuple[Array, Array]]:
    """Unbroken stretches of up to SEGMENT_S: times and relative change without slow drift."""
    seen: Array = np.all(np.isfinite(signals_TC), axis=1)
    seen[1:] &= np.diff(time_T) < 0.5
    half = max(1, round(rate))
    size = max(1, round(SEGMENT_S * rate))
    out = []
    for run in runs(seen):
        for start in range(run.start, run.stop, size):
            part = slice(start, min(start + size, run.stop))
            if time_T[part.stop - 1] - time_T[part.start] >= SEGMENT_S / 4:
                x = np.maximum(signals_TC[part], 1.0)
                out.append((time_T[part], x / moving_mean(x, half=half) - 1))
    return out


def _line(segments: list[tuple[Array, Array]], line: float, *, with_back: bool) -> float:
    """Median over segments of the amplitude [%] of a line near `line` Hz, 0 when not common."""
    return float(np.median([_line_of(*segment, line, with_back=with_back) for segment in segments]))


def _line_of(time_T: Array, change_TC: Array, line: float, *, with_back: bool) -> float:
    step = 0.25 / max(float(np.ptp(time_T)), 1.0)
    frequency_F = np.arange(line - 2.0, line + 2.0, step)
    amplitude_FC = _amplitudes(time_T, change_TC, frequency_F)
    near = np.abs(frequency_F - line) <= MAINS_TOLERANCE_HZ
    floor_C = np.median(amplitude_FC[~near] ** 2, axis=0)
    face_F = amplitude_FC[:, :3].mean(axis=1)
    at = int(np.flatnonzero(near)[np.argmax(face_F[near])])
    clear_C = amplitude_FC[at] ** 2 > LINE_TO_FLOOR * np.maximum(floor_C, 1e-18)
    if not clear_C[:3].all():
        return 0.0
    red_green_blue = amplitude_FC[at, :3]
    if with_back:
        common = bool(clear_C[3:].all())
    else:
        common = bool(red_green_blue.min() >= ACHROMATIC * red_green_blue.max())
    return 100 * float(red_green_blue.mean()) if common else 0.0


def _amplitudes(time_T: Array, change_TC: Array, frequency_F: Array) -> Array:
    """(F, C) amplitudes at given frequencies, from the frames' own times.

    Taken at the lamp's true frequency, so uneven frames neither smear nor move the line.
    """
    window_T = np.hanning(len(time_T) + 2)[1:-1]
    turns = np.exp(-2j * np.pi * frequency_F[:, None] * (time_T - time_T[0])[None])
    return np.asarray(2 * np.abs(turns @ (change_TC * window_T[:, None])) / window_T.sum())
