"""Heart rate of a short signal by a threshold over its rolling mean, as heartpy reads it.

van Gent, Farah, van Nes & van Arem, Transportation Research Part F 66:368 (2019). The labels of
system C are made with it. For a reference of one's own `vitals.ecg` is more exact: here a beat
stands on a sample, and which threshold is best is decided by how even the intervals are.
Shape letters: N samples, K peaks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from camvitals.records import Array, InputError

ABOVE_PERCENT = (5, 10, 15, 20, 25, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120, 150, 200, 300)
WINDOW_S = 0.75
RATES_BPM = (40.0, 180.0)
LEAST_SPREAD_MS = 0.1  # intervals more even than this are taken for an artefact
START_S = 0.150  # a peak so soon may be the rest of a beat
OFF_SHARE, OFF_MS = 0.3, 300.0
SCALE = 1024.0


@dataclass(frozen=True, slots=True)
class Fit:
    """What was found: peaks (K,) samples; kept (K,) False where the interval before is odd.

    heart_rate: of the intervals between kept peaks [bpm].   above: of the threshold [%].
    """

    peaks: Array
    kept: Array
    heart_rate: float
    above: int


def scaled(values: Array) -> Array:
    """Values (N,) from 0 to 1024. Raises InputError for a flat signal."""
    low, high = float(np.min(values)), float(np.max(values))
    if not high > low:
        raise InputError("a signal that is flat cannot be scaled; leave it out")
    return np.asarray(SCALE * (values - low) / (high - low))


def threshold_peaks(values: Array, *, rate: float) -> Fit | None:
    """Peaks (N,) → fit by the threshold whose intervals are the most even; None where none does.

    rate: samples a second [Hz]. A threshold is considered where 40–180 beats a minute are above it.
    Raises InputError for a signal shorter than the rolling window.
    """
    x = np.asarray(values, dtype=float)
    width = int(WINDOW_S * rate)
    if len(x) <= width:
        raise InputError(
            f"peaks need more than {WINDOW_S:g} s of signal but got {len(x) / rate:.2f} s"
        )
    x = x + max(0.0, -float(np.percentile(x, 0.1)))
    mean = _rolling_mean(x, width)
    best: tuple[float, int, Array] | None = None
    for above in ABOVE_PERCENT:
        peaks = _peaks_above(x, mean + mean.mean() / 100 * above, rate)
        spread = float(np.std(np.diff(peaks))) / rate * 1e3 if len(peaks) > 1 else np.inf
        known = RATES_BPM[0] <= 60 * len(peaks) / (len(x) / rate) <= RATES_BPM[1]
        if known and LEAST_SPREAD_MS < spread < np.inf and (best is None or spread < best[0]):
            best = spread, above, peaks
    return None if best is None else _fit(best[2], best[1], rate)


def threshold_rate(values: Array, *, rate: float) -> float:
    """Heart rate [bpm] of a signal (N,) scaled to 0–1024; NaN where no threshold finds one."""
    found = threshold_peaks(scaled(values), rate=rate)
    return float("nan") if found is None else found.heart_rate


def _rolling_mean(x: Array, width: int) -> Array:
    """(N,) with the first and the last mean carried on to the ends."""
    mean = sliding_window_view(x, width).mean(axis=1)
    missing = len(x) - len(mean)
    out = np.pad(mean, missing // 2, mode="edge")
    return np.asarray(out if missing % 2 == 0 else np.append(out, 0.0))


def _peaks_above(x: Array, threshold: Array, rate: float) -> Array:
    """(K,) samples: the first highest of each stretch above the threshold.

    As in the public code, a stretch takes the last sample of the one before with it, and leaves its
    own last to the next.
    """
    above = np.flatnonzero(x > threshold)
    if len(above) == 0:
        return above
    starts = np.unique(np.r_[0, np.flatnonzero(np.diff(above) > 1)])
    height = x[above]
    highest = np.maximum.reduceat(height, starts)
    piece = np.repeat(np.arange(len(starts)), np.diff(np.r_[starts, len(above)]))
    _, first = np.unique(np.where(height == highest[piece], piece, -1), return_index=True)
    return _after_start(np.sort(above[first[-len(starts) :]]), rate)


def _after_start(peaks: Array, rate: float) -> Array:
    return peaks[1:] if len(peaks) and peaks[0] <= START_S * rate else peaks


def _fit(peaks: Array, above: int, rate: float) -> Fit:
    peaks = _after_start(peaks, rate)  # the public code does so twice
    interval = np.diff(peaks) / rate * 1e3
    reach = max(OFF_SHARE * interval.mean(), OFF_MS)
    odd = np.abs(interval - interval.mean()) >= reach
    kept = np.r_[True, ~odd]
    both = kept[1:] & kept[:-1]
    heart_rate = 6e4 / interval[both].mean() if both.any() else np.nan
    return Fit(peaks, kept, float(heart_rate), above)
