"""The lag between two signals, on one uniform clock or on two clocks of their own.

Shape letters: N, M samples; L lags.
"""

from __future__ import annotations

import numpy as np

from camvitals.dsp.clean import bandpass, rate_of, runs, uniform
from camvitals.dsp.peaks import refine, upsample
from camvitals.records import Array, InputError, Wave, check

FINE = 16  # lags per sample when the best one is placed between samples
MARGIN = 8  # samples of correlation kept on both sides of `limit`, so that its ends do not ring


def lag(
    a: Array,
    b: Array,
    *,
    rate: float,
    limit: float,
    band: tuple[float, float] | None = None,
) -> tuple[float, float]:
    """How many seconds `b` is later than `a`, and their Pearson correlation at that lag.

    a, b:  (N,), (M,) uniform, both starting at the same instant; NaN marks gaps.
    rate:  samples per second [Hz].   limit: longest lag looked at, either way [s].
    band:  (low, high) Hz to compare in, or None for the signals as they are.
    The correlation at a lag is that of the samples seen in both, of which there must be half as
    many as in the shorter signal; it is interpolated band-limited, so that the lag is not bound to
    whole samples. Raises InputError when too little overlaps.
    """
    x, y = (_banded(s, rate=rate, band=band) for s in (a, b))
    reach = int(np.ceil(limit * rate)) + MARGIN
    lags, correlation = _correlations(x, y, reach)
    if np.isfinite(correlation).sum() < 3:
        raise InputError(
            f"lag needs two signals that vary and overlap, but of {len(x)} and {len(y)} samples "
            f"too few are seen together within {limit:g} s; record longer or allow a longer limit"
        )
    stretch = max(runs(np.isfinite(correlation)), key=lambda s: np.nanmax(correlation[s]))
    fine = upsample(correlation[stretch], factor=FINE)
    position = lags[stretch][0] + np.arange(len(fine)) / FINE
    allowed = np.flatnonzero(np.abs(position) <= limit * rate + 1e-9)
    at = int(allowed[np.argmax(fine[allowed])])
    best = position[0] + refine(fine, np.array([at]))[0] / FINE
    best = float(np.clip(best / rate, -limit, limit))
    return best, float(np.clip(fine[at], -1, 1))


def wave_lag(
    a: Wave, b: Wave, *, limit: float, band: tuple[float, float] | None = None
) -> tuple[float, float]:
    """How many seconds wave `b` is later than wave `a`, and their correlation at that lag.

    Each wave has its own clock; both are put on one uniform clock at the higher of their rates.
    limit, band: as in `lag`.
    """
    rate = max(rate_of(a.time), rate_of(b.time))
    start = min(a.time[0], b.time[0])
    on_clock = []
    for wave in (a, b):
        values, time = uniform(wave.values, wave.time, rate=rate)
        # Whole samples that this wave starts after the other; what is left over is added at the end
        head = int(np.floor((time[0] - start) * rate + 1e-9))
        on_clock.append((np.r_[np.full(head, np.nan), values], time[0] - start - head / rate))
    (x, x_rest), (y, y_rest) = on_clock
    rest = y_rest - x_rest
    seconds, correlation = lag(x, y, rate=rate, limit=limit + abs(rest), band=band)
    return float(np.clip(seconds + rest, -limit, limit)), correlation


def _banded(values: Array, *, rate: float, band: tuple[float, float] | None) -> Array:
    x = np.array(values, dtype=float)
    check("signal", x, (None,))
    if band is None:
        return x
    out = np.full(len(x), np.nan)
    for run in runs(np.isfinite(x)):
        if (run.stop - run.start) * band[0] >= rate:
            out[run] = bandpass(x[run], rate=rate, low=band[0], high=band[1])
    return out


def _correlations(x: Array, y: Array, reach: int) -> tuple[Array, Array]:
    """Pearson correlation of x[n] with y[n + lag] over what both saw, for every lag (L,)."""
    length = 1 << int(np.ceil(np.log2(len(x) + len(y))))
    seen_x, seen_y = np.isfinite(x), np.isfinite(y)
    nothing = np.array([np.nan])
    if not seen_x.any() or not seen_y.any():
        return np.zeros(1), nothing
    x = np.where(seen_x, x - x[seen_x].mean(), 0.0)
    y = np.where(seen_y, y - y[seen_y].mean(), 0.0)
    first = np.conj(np.fft.rfft(np.stack([seen_x, x, x**2]), length))
    second = np.fft.rfft(np.stack([seen_y, y, y**2]), length)
    pairs = ((0, 0), (1, 0), (0, 1), (2, 0), (0, 2), (1, 1))
    sums = np.fft.irfft(np.stack([first[i] * second[j] for i, j in pairs]), length)
    lags = np.arange(-min(reach, len(x) - 1), min(reach, len(y) - 1) + 1)
    count, sum_x, sum_y, square_x, square_y, product = sums[:, lags % length]
    enough = count >= max(4, 0.5 * min(seen_x.sum(), seen_y.sum()))
    n = np.maximum(count, 1)
    spread_x, spread_y = square_x - sum_x**2 / n, square_y - sum_y**2 / n
    varied = (spread_x > 1e-9 * square_x.max()) & (spread_y > 1e-9 * square_y.max())
    scale = np.sqrt(np.where(varied & enough, spread_x * spread_y, np.nan))
    return lags, np.asarray((product - sum_x * sum_y / n) / scale)
