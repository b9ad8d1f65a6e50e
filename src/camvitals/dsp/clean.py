"""Samples with their own times -> one uniform clock, gaps kept; detrending and band-pass.

Shape letters: T samples in, N samples on the uniform clock, C channels (any trailing shape).
Time is always the first axis. Only numpy is imported; scipy is reached for where named.
"""

from __future__ import annotations

import numpy as np

from camvitals.records import Array, InputError

GAP_S = 0.5
AT_S = 1e-6  # nearer than this to a sample, a grid point is that sample, however times are rounded
AT_ONCE = 3  # columns interpolated together, which bounds the memory


def rate_of(time_T: Array) -> float:
    """Median sampling rate [Hz] of a clock of at least two samples [s]."""
    if len(time_T) < 2:
        raise InputError(f"a rate needs 2 samples but got {len(time_T)}; record longer")
    return float(1.0 / np.median(np.diff(time_T)))


def uniform(
    values: Array, time_T: Array, *, rate: float, gap: float = GAP_S
) -> tuple[Array, Array]:
    """Samples on a uniform clock by linear interpolation; gaps stay gaps.

    values: (T,) or (T, ...); NaN means not seen.   time_T: (T,) s, increasing.
    rate:   samples per second wanted [Hz].         gap: longest stretch bridged [s].
    Returns (N, ...) float64 and (N,) s. A grid point between two seen samples further apart than
    `gap`, or outside the seen samples, is NaN.
    """
    if rate <= 0 or len(time_T) < 2:
        raise InputError(f"uniform needs rate > 0 and 2 samples, got {rate} and {len(time_T)}")
    count = int(np.floor((time_T[-1] - time_T[0]) * rate + 1e-6)) + 1
    grid = time_T[0] + np.arange(count) / rate
    return at_times(values, time_T, grid, gap=gap), grid


def at_times(values: Array, time_T: Array, wanted_N: Array, *, gap: float = GAP_S) -> Array:
    """Samples at other times, by lines between those that were seen; gaps stay gaps.

    values: (T,) or (T, ...); NaN means not seen.   time_T: (T,) s, increasing.
    wanted_N: (N,) s, in any order.   gap: longest stretch bridged [s].
    Returns (N, ...) float64, NaN between two seen samples further apart than `gap`, and outside the
    seen samples.
    """
    flat = np.asarray(values, dtype=float).reshape(len(time_T), -1)
    out = np.full((len(wanted_N), flat.shape[1]), np.nan)
    seen = np.isfinite(flat)
    columns_of: dict[bytes, list[int]] = {}
    for column, pattern in enumerate(np.packbits(seen, axis=0).T):
        columns_of.setdefault(pattern.tobytes(), []).append(column)
    for alike in columns_of.values():
        for at in range(0, len(alike), AT_ONCE):
            columns = alike[at : at + AT_ONCE]
            known = seen[:, columns[0]]
            out[:, columns] = _interpolate(flat[:, columns], time_T, known, wanted_N, gap)
    return out.reshape((len(wanted_N), *np.shape(values)[1:]))


def held(wanted_N: Array, time_T: Array, *, hold: float = GAP_S) -> Array:
    """(N,) the same times, where those at most `hold` [s] off the samples' ends are these ends.

    So the first and the last sample last a little longer when looked up with `at_times`.
    """
    near = np.clip(wanted_N, time_T[0], time_T[-1])
    return np.where(np.abs(near - wanted_N) <= hold, near, wanted_N)


def _interpolate(flat: Array, time_T: Array, seen: Array, grid: Array, gap: float) -> Array:
    if seen.sum() < 2:
        return np.full((len(grid), flat.shape[1]), np.nan)
    known, points = time_T[seen], flat[seen]
    left = np.clip(np.searchsorted(known, grid, side="right") - 1, 0, len(known) - 2)
    span = known[left + 1] - known[left]
    share = ((grid - known[left]) / span)[:, None]
    out = points[left] * (1 - share) + points[left + 1] * share
    outside = (grid < known[0] - AT_S) | (grid > known[-1] + AT_S)
    between = (grid > known[left] + AT_S) & (grid < known[left + 1] - AT_S)
    out[outside | ((span > gap) & between)] = np.nan
    return np.asarray(out)


def runs(seen_N: Array) -> list[slice]:
    """The stretches of True, longest first."""
    edges = np.flatnonzero(np.diff(np.r_[0, np.asarray(seen_N, dtype=np.int8), 0]))
    found = [slice(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
    return sorted(found, key=lambda s: s.start - s.stop)


def bandpass(values: Array, *, rate: float, low: float, high: float, order: int = 3) -> Array:
    """Zero-phase band-pass with the gain of a Butterworth filter run forth and back.

    values: (N, ...) without gaps, uniformly sampled.   rate, low, high: [Hz].
    Applied in the frequency domain on the signal continued oddly at both ends, so that it needs no
    start-up and no scipy. Returns the same shape, float64.
    """
    if not 0 < low < high < rate / 2:
        raise InputError(
            f"bandpass needs 0 < low < high < rate/2 but got {low:g}, {high:g} at {rate:g} Hz; "
            "use a higher frame rate or a lower band"
        )
    x = np.asarray(values, dtype=float)
    pad = min(len(x) - 1, int(np.ceil(2 * rate / low)))
    x = _continue_oddly(x, pad)
    # A line from end to end is below any band, and off it the ends meet the zeros of the padding
    x = x - np.linspace(x[0], x[-1], len(x))
    frequency = np.fft.rfftfreq(_fast_length(len(x)), 1 / rate)
    with np.errstate(divide="ignore"):
        detuning = (frequency**2 - low * high) / (frequency * (high - low))
        gain = 1 / (1 + detuning ** (2 * order))
    shape = (len(gain),) + (1,) * (x.ndim - 1)
    spectrum = np.fft.rfft(x, _fast_length(len(x)), axis=0) * gain.reshape(shape)
    out = np.fft.irfft(spectrum, _fast_length(len(x)), axis=0)[pad : pad + len(values)]
    return np.asarray(out)


def _continue_oddly(x: Array, pad: int) -> Array:
    if pad == 0:
        return x
    head = 2 * x[:1] - x[pad:0:-1]
    tail = 2 * x[-1:] - x[-2 : -pad - 2 : -1]
    return np.concatenate([head, x, tail])


def _fast_length(length: int) -> int:
    """The next length whose only factors are 2, 3 and 5."""
    best = 1 << (length - 1).bit_length()
    for fives in (1, 5, 25):
        for threes in (1, 3, 9, 27):
            odd = fives * threes
            twos = 1 << max(0, int(np.ceil(np.log2(length / odd))))
            if odd * twos >= length:
                best = min(best, odd * twos)
    return best


def detrend(values: Array, *, smoothness: float = 100.0) -> Array:
    """Remove the slow trend by smoothness priors (Tarvainen et al., 2002).

    values: (N, ...) uniformly sampled, no gaps.   smoothness: λ of the source, in samples².
    Returns values − (I + λ² D₂ᵀD₂)⁻¹ values, same shape. Solved as a banded system (scipy).
    """
    from scipy.linalg import solveh_banded

    x = np.asarray(values, dtype=float)
    n = len(x)
    if n < 3:
        return np.zeros_like(x)  # one or two samples are all trend
    bands = np.zeros((3, n))
    weight = smoothness**2
    bands[2] = 1 + weight * (_outer_count(n, 0) + 4 * _outer_count(n, 1) + _outer_count(n, 2))
    bands[1, 1:] = -2 * weight * (_pair_count(n, 0) + _pair_count(n, 1))
    bands[0, 2:] = weight
    trend = solveh_banded(bands, x.reshape(n, -1)).reshape(x.shape)
    return np.asarray(x - trend)


def _outer_count(n: int, offset: int) -> Array:
    """1 where a second difference has its `offset`-th tap on sample i."""
    index = np.arange(n) - offset
    return np.asarray((index >= 0) & (index <= n - 3), dtype=float)


def _pair_count(n: int, offset: int) -> Array:
    """1 where a second difference joins taps `offset` and `offset` + 1 on samples i, i + 1."""
    index = np.arange(n - 1) - offset
    return np.asarray((index >= 0) & (index <= n - 3), dtype=float)


def normalized(values: Array, *, rate: float, window: float) -> Array:
    """Relative change: values / moving mean over `window` seconds − 1.

    values: (N, ...) > 0, uniform, no gaps.   rate [Hz].   Edges use the part of the window inside.
    """
    x = np.asarray(values, dtype=float)
    half = max(1, round(window * rate / 2))
    total = np.concatenate([np.zeros((1, *x.shape[1:])), np.cumsum(x, axis=0)])
    start = np.clip(np.arange(len(x)) - half, 0, len(x))
    stop = np.clip(np.arange(len(x)) + half + 1, 0, len(x))
    count = (stop - start).reshape((-1,) + (1,) * (x.ndim - 1))
    mean = (total[stop] - total[start]) / count
    return np.asarray(x / np.maximum(mean, 1e-9) - 1)
