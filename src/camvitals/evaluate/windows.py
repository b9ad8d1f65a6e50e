"""Windows of a recording, and what a protocol reads off the waves in them, many at once.

Shape letters: W windows, T samples of a clock, N samples of a window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from camvitals.dsp.align import lag
from camvitals.dsp.clean import at_times, bandpass, rate_of
from camvitals.evaluate.estimators import filtered, rates_of
from camvitals.evaluate.protocol import Protocol
from camvitals.evaluate.waveform import SNRS, beat_mae_ms, macc, snr
from camvitals.records import Array, InputError, Wave

SAMPLES_AT_ONCE = 2_000_000  # of all windows worked on together, which bounds the memory
LAG_S = 2.0


def windows_of(protocol: Protocol, start: float, stop: float, *, step: float) -> Array:
    """(W, 2) start and stop [s] of the windows of a recording, W may be 0.

    start, stop: of the recording [s].   step: between its pictures [s], by half of which a window
    may end after it.
    """
    if protocol.span is not None:
        last = start + protocol.span[1]
        if last > stop + step / 2:
            return np.zeros((0, 2))
        start, stop = start + protocol.span[0], last
    if protocol.window is None:
        return np.array([[start, stop]])
    hop = protocol.window if protocol.step is None else protocol.step
    count = int(np.floor((stop + step / 2 - start - protocol.window) / hop)) + 1
    first = start + hop * np.arange(max(0, count))
    return np.column_stack([first, first + protocol.window])


@dataclass(frozen=True, slots=True)
class Clock:
    """The uniform clock that the waves of all methods of one recording share.

    first: a sample of it [s].   rate: [Hz].
    """

    first: float
    rate: float

    def cut(self, wave: Wave, windows_W2: Array) -> Array:
        """(W, N) samples of a wave in windows of one length; NaN where it is not known.

        A wave of this clock gives its own samples, any other is interpolated, its gaps kept.
        """
        index = self.indices(windows_W2)
        offset = (wave.time[0] - self.first) * self.rate
        own = len(wave.time) > 1 and abs(rate_of(wave.time) - self.rate) < 1e-6 * self.rate
        if own and abs(offset - round(offset)) < 1e-3:
            index = index - round(offset)
            inside = (index >= 0) & (index < len(wave.values))
            values = wave.values[np.clip(index, 0, len(wave.values) - 1)]
            return np.where(inside, values, np.nan)
        time = self.first + np.arange(index.min(), index.max() + 1) / self.rate
        found: Array = at_times(wave.values, wave.time, time)[index - index.min()]
        return found

    def indices(self, windows_W2: Array) -> Array:
        """(W, N) which samples of the clock lie in each window."""
        first = np.rint((windows_W2[:, 0] - self.first) * self.rate).astype(int)
        seconds = windows_W2[0, 1] - windows_W2[0, 0]
        return first[:, None] + np.arange(max(1, round(seconds * self.rate)))

    def times(self, windows_W2: Array) -> Array:
        """(W, N) s of the samples of each window."""
        return np.asarray(self.first + self.indices(windows_W2) / self.rate)


def ready(protocol: Protocol, values_WN: Array, *, rate: float) -> tuple[Array, Array]:
    """Windows as the protocol's estimator wants them, and the share of each that was known.

    Gaps of windows known enough are bridged by straight lines; the others are NaN throughout.
    """
    known = np.isfinite(values_WN)
    share = known.mean(axis=1)
    x = np.where((share >= protocol.covered)[:, None], values_WN, np.nan)
    index = np.arange(x.shape[1])
    for w in np.flatnonzero((share >= protocol.covered) & (share < 1)):
        x[w] = np.interp(index, index[known[w]], values_WN[w, known[w]])
    if protocol.estimator == "report":  # the waves of reports are in its band already
        whole = np.isfinite(x).all(axis=1)
        low, high = protocol.band
        x[whole] = bandpass(x[whole].T, rate=rate, low=low, high=min(high, 0.45 * rate)).T
        return x, share
    trend = protocol.detrend
    x = filtered(x, rate=rate, band=protocol.band, order=protocol.order, detrend=trend)
    return x, share


def rates(protocol: Protocol, wave: Wave, windows_W2: Array, clock: Clock) -> tuple[Array, Array]:
    """(W,) heart rates [bpm] that a protocol reads off one wave, and (W,) shares; see all_rates."""
    found, shares = all_rates(protocol, [wave], windows_W2, clock)
    return found[0], shares[0]


def all_rates(
    protocol: Protocol, waves: Sequence[Wave], windows_W2: Array, clock: Clock
) -> tuple[Array, Array]:
    """(M, W) heart rates [bpm] that a protocol reads off M waves, and the shares that were known.

    A rate is NaN where too little of the window is known or no peak is found.
    """
    shape = (len(waves), len(windows_W2))
    found, shares = np.full(shape, np.nan), np.zeros(shape)
    if found.size == 0:
        return found, shares
    length = clock.indices(windows_W2[:1]).shape[1]
    at_once = max(1, SAMPLES_AT_ONCE // (length * len(waves)))
    for at in range(0, len(windows_W2), at_once):
        part = slice(at, at + at_once)
        cut = np.concatenate([clock.cut(wave, windows_W2[part]) for wave in waves])
        values, share = ready(protocol, cut, rate=clock.rate)
        estimate = rates_of(
            values, estimator=protocol.estimator, rate=clock.rate, band=protocol.band
        )
        estimate[~(values.std(axis=1) > 0)] = np.nan
        found[:, part] = estimate.reshape(len(waves), -1)
        shares[:, part] = share.reshape(len(waves), -1)
    return found, shares


def likeness(values_WN: Array, reference_WN: Array, rate_W: Array, *, rate: float) -> Array:
    """(W, SCORES) the wave columns of a result, for windows of a wave and of the reference pulse.

    values_WN, reference_WN: both made ready alike.   rate_W: heart rate of the reference [bpm].
    """
    columns = [snr(values_WN, rate_W, rate=rate, definition=name) for name in SNRS]
    columns.append(macc(values_WN, reference_WN))
    rest = [_one(x, y, rate=rate) for x, y in zip(values_WN, reference_WN, strict=True)]
    return np.column_stack([*columns, np.array(rest).reshape(-1, 3)])


def _one(x: Array, y: Array, *, rate: float) -> tuple[float, float, float]:
    """Correlation at the best lag, that lag [s], error of the beat intervals [ms]."""
    if not (np.isfinite(x).all() and np.isfinite(y).all() and x.std() > 0 and y.std() > 0):
        return np.nan, np.nan, np.nan
    late, r = lag(y, x, rate=rate, limit=LAG_S)
    time = np.arange(len(x)) / rate
    return r, late, beat_mae_ms(Wave(x, time, "pulse"), Wave(y, time, "pulse"))


def check_rate(protocol: Protocol, rate: float) -> None:
    """Raise InputError where the band of a protocol does not fit a frame rate [Hz]."""
    if protocol.estimator != "report" and rate <= 2 * protocol.band[1]:
        raise InputError(
            f"{protocol.name} looks up to {protocol.band[1]:g} Hz, which needs more than "
            f"{2 * protocol.band[1]:g} pictures a second, but there were {rate:.1f}; "
            "choose another protocol"
        )
