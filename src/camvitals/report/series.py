"""What the plots show, as arrays: lines thinned to the width of a page, spectra, beat intervals.

Shape letters: T samples in time, F frequencies, K beats, C colours.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from camvitals.dsp.clean import normalized, rate_of, runs, uniform
from camvitals.dsp.spectrum import spectrum
from camvitals.records import Array, Reading, Report, Trace, Wave

SEGMENT_S = 60.0
SHORTEST_S = 6.0
DRIFT_S = 2.0
INTERVAL_MS = (300.0, 2000.0)
BACKGROUND = "background"
CHANNELS = ("red", "green", "blue")


def thinned(time_T: Array, values_T: Array, *, most: int) -> tuple[Array, Array]:
    """At most `most` samples that keep every extreme: lowest and highest of each slice, in order.

    Slices without any seen sample stay NaN, so gaps stay gaps.
    """
    values = np.asarray(values_T, dtype=float)
    if len(values) <= most:
        return np.asarray(time_T, dtype=float), values
    size = -(-2 * len(values) // most)
    sliced = np.r_[values, np.full(-len(values) % size, np.nan)].reshape(-1, size)
    unseen = ~np.isfinite(sliced)
    lowest = np.where(unseen, np.inf, sliced).argmin(axis=1)
    highest = np.where(unseen, -np.inf, sliced).argmax(axis=1)
    pair = np.sort(np.stack([lowest, highest], axis=1), axis=1)
    index = np.minimum(pair + size * np.arange(len(sliced))[:, None], len(values) - 1).ravel()
    return np.asarray(time_T, dtype=float)[index], values[index]


def banded(time_T: Array, values_T: Array, *, most: int) -> tuple[Array, Array, Array, Array]:
    """Middle time, lowest, median and highest seen value of each of at most `most` slices."""
    size = -(-len(values_T) // most)
    spare = np.full(-len(values_T) % size, np.nan)
    sliced = np.r_[np.asarray(values_T, dtype=float), spare].reshape(-1, size)
    time = median_seen(np.r_[np.asarray(time_T, dtype=float), spare].reshape(-1, size))
    return time, np.fmin.reduce(sliced, axis=1), median_seen(sliced), np.fmax.reduce(sliced, axis=1)


def rolling_arrays(rolling: Sequence[Reading]) -> dict[str, Array]:
    """Time (middle of each window), value, low, high (NaN when withheld) and quality."""
    numbers = [
        (sum(r.span) / 2, r.value, r.low, r.high, r.quality)
        for r in sorted(rolling, key=lambda r: r.span)
    ]
    table = np.array(numbers, dtype=float).reshape(-1, 5)
    return dict(zip(("time", "value", "low", "high", "quality"), table.T, strict=True))


def pooled(arrays: dict[str, Array], *, most: int) -> dict[str, Array]:
    """Rolling arrays of at most `most` points: medians of neighbours, NaN where all are."""
    count = len(arrays["time"])
    if count <= most:
        return arrays
    size = -(-count // most)
    padded = {name: np.r_[x, np.full(-count % size, np.nan)] for name, x in arrays.items()}
    return {name: median_seen(x.reshape(-1, size)) for name, x in padded.items()}


def median_seen(values: Array) -> Array:
    """Median of the finite numbers of each row, NaN for a row without any."""
    ordered = np.sort(values, axis=1)
    count = np.isfinite(values).sum(axis=1)
    last = np.maximum(count - 1, 0)
    rows = np.arange(len(values))
    middle = (ordered[rows, last // 2] + ordered[rows, (last + 1) // 2]) / 2
    return np.asarray(np.where(count > 0, middle, np.nan))


def shown_region(trace: Trace) -> str | None:
    """`skin` when there, else the first region that is not the background."""
    names = [name for name in trace.names if name != BACKGROUND]
    return trace.main if names else None


def colour_of(trace: Trace | None) -> tuple[Array, Array] | None:
    """Time (T,) s and mean colour (T, 3) of the shown region; None when nothing was seen."""
    name = shown_region(trace) if trace is not None else None
    if trace is None or name is None:
        return None
    rgb = np.asarray(trace.region(name), dtype=float)
    seen = np.isfinite(rgb).all(axis=1)
    return (np.asarray(trace.time, dtype=float), rgb) if seen.sum() >= 2 else None


def channel_spectra(trace: Trace | None) -> tuple[Array, Array] | None:
    """Frequency (F,) Hz and power (F, 3) of the relative change of red, green and blue."""
    colour = colour_of(trace)
    if colour is None:
        return None
    return _mean_spectrum(colour[1], colour[0], relative=True)


def wave_spectrum(wave: Wave | None) -> tuple[Array, Array] | None:
    """Frequency (F,) Hz and power (F, 1) of a wave."""
    if wave is None or len(wave.time) < 2:
        return None
    return _mean_spectrum(wave.values[:, None], wave.time, relative=False)


def _mean_spectrum(
    values_TC: Array, time_T: Array, *, relative: bool
) -> tuple[Array, Array] | None:
    """Mean power over unbroken stretches of up to a minute, weighted by their length."""
    rate = min(rate_of(time_T), 60.0)
    even, _ = uniform(values_TC, time_T, rate=rate)
    size = round(SEGMENT_S * rate)
    total: Array = np.zeros(1)
    frequency, weight = None, 0
    for run in runs(np.all(np.isfinite(even), axis=1)):
        for start in range(run.start, run.stop, size):
            part = even[start : min(start + size, run.stop)]
            if len(part) < SHORTEST_S * rate:
                continue
            x = normalized(np.maximum(part, 1), rate=rate, window=DRIFT_S) if relative else part
            frequency, power = spectrum(x, rate=rate, step=1 / (2 * SEGMENT_S))
            total, weight = total + power * len(part), weight + len(part)
    return None if frequency is None else (frequency, np.asarray(total / weight))


def beat_intervals(beats_K: Array) -> tuple[Array, Array]:
    """Time of each beat [s] and the interval to the one before [ms].

    NaN where no heart beats so slow or fast, and where the interval is 1.6 times the median: there
    a beat or a stretch is missing.
    """
    beats = np.asarray(beats_K, dtype=float)
    interval = 1000 * np.diff(beats)
    if len(interval) == 0:
        return np.zeros(0), np.zeros(0)
    low, high = INTERVAL_MS
    odd = (interval < low) | (interval > min(high, 1.6 * float(np.median(interval))))
    return beats[1:], np.where(odd, np.nan, interval)


def poincare(interval_K: Array) -> tuple[Array, Array, float, float]:
    """Interval and the next one [ms], and the widths SD1 and SD2 of their cloud [ms]."""
    this, following = interval_K[:-1], interval_K[1:]
    known = np.isfinite(this) & np.isfinite(following)
    this, following = this[known], following[known]
    if len(this) < 3:
        return this, following, 0.0, 0.0
    sd1 = float(np.std(following - this, ddof=1) / np.sqrt(2))
    sd2 = float(np.std(following + this, ddof=1) / np.sqrt(2))
    return this, following, sd1, sd2


def wave_named(report: Report, name: str) -> Wave | None:
    """The wave of this name when it has at least two seen samples, else None."""
    for wave in report.waves:
        if wave.name == name and np.isfinite(wave.values).sum() >= 2:
            return wave
    return None


def best_start(report: Report, wave: Wave, *, length: float) -> float:
    """Where the `length` seconds of highest mean quality begin; the wave's start when unknown."""
    first, last = float(wave.time[0]), float(wave.time[-1])
    rolling = report.over_time("heart_rate")
    if last - first <= length or not rolling:
        return first
    arrays = rolling_arrays(rolling)
    starts = np.arange(first, last - length + 1e-9, length / 4)
    inside = (arrays["time"] >= starts[:, None]) & (arrays["time"] < starts[:, None] + length)
    mean = (inside * arrays["quality"]).sum(axis=1) / np.maximum(inside.sum(axis=1), 1)
    return float(starts[int(np.argmax(mean))])
