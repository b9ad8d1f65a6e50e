"""Heart rate of a pulse wave as papers read it, over many windows at once.

Shape letters: N windows, T samples of a window, F frequencies, L samples of a Welch segment.
A rate read off whole bins can be no better than a bin: 7 bpm for 6 s of 30 Hz by `fft`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from camvitals.dsp import clean, peaks, spectrum
from camvitals.records import Array, InputError

AT_ONCE = 256  # windows transformed together, which bounds the memory
LI_SEGMENTS, LI_BINS = 16, 8192


def filtered(
    values: Array,
    *,
    rate: float,
    band: tuple[float, float],
    order: int,
    detrend: float | None = None,
    difference: bool = False,
) -> Array:
    """Windows made ready for an estimator, as rPPG-Toolbox does.

    values: (N, T) or (T,), uniform; a window with NaN stays NaN throughout.   rate: [Hz].
    band, order: Butterworth band-pass [Hz], forth and back; order 0 is no filter.
    detrend: λ of smoothness priors (100 in the toolbox), or None.
    difference: True for a wave that was predicted as its first difference: summed up first.
    Raises InputError when the band does not fit the rate or the windows are too short to filter.
    """
    x = np.array(np.atleast_2d(values), dtype=float)
    whole = np.isfinite(x).all(axis=1)
    good = x[whole]
    if difference:
        good = np.cumsum(good, axis=1)
    if detrend is not None and len(good):
        good = clean.detrend(good.T, smoothness=detrend).T
    if order and len(good):
        good = _butterworth(good, rate=rate, band=band, order=order)
    x[whole], x[~whole] = good, np.nan
    return x.reshape(np.shape(values))


def _butterworth(x: Array, *, rate: float, band: tuple[float, float], order: int) -> Array:
    from scipy.signal import butter, filtfilt

    low, high = band
    if not 0 < low < high < rate / 2:
        raise InputError(
            f"a band of {low:g}–{high:g} Hz needs more than {2 * high:g} samples a second but got "
            f"{rate:g}; score at a higher rate"
        )
    padded = 3 * (2 * order + 1)
    if x.shape[1] <= padded:
        raise InputError(
            f"a Butterworth filter of order {order} needs more than {padded} samples but got "
            f"{x.shape[1]}; use longer windows"
        )
    b, a = butter(order, [low / rate * 2, high / rate * 2], btype="bandpass")
    return np.asarray(filtfilt(b, a, x, axis=1))


def rates_of(values: Array, *, estimator: str, rate: float, band: tuple[float, float]) -> Array:
    """Heart rate of every window [bpm]; NaN for a window with NaN, or where there is no peak.

    values: (N, T), uniform.   estimator: a name of ESTIMATORS.   rate: samples per second [Hz].
    band: where a peak of the spectrum may lie [Hz].
    """
    if estimator not in ESTIMATORS:
        raise InputError(f"no estimator {estimator!r}; choose one of {', '.join(ESTIMATORS)}")
    x = np.asarray(values, dtype=float)
    found = np.full(len(x), np.nan)
    whole = np.isfinite(x).all(axis=1)
    if whole.any():
        found[whole] = ESTIMATORS[estimator](x[whole], rate=rate, band=band)
    return found


def next_power_of_two(count: int) -> int:
    """The least power of two >= count; 1 for 0."""
    return 1 if count == 0 else 1 << (count - 1).bit_length()


def fft(values: Array, *, rate: float, band: tuple[float, float]) -> Array:
    """The highest bin of a plain periodogram, padded to the next power of two (rPPG-Toolbox).

    values: (N, T) without NaN. Returns (N,) bpm.
    """
    length = next_power_of_two(values.shape[1])
    frequency = np.fft.rfftfreq(length, 1 / rate)
    inside = _bins(frequency, band)
    found = [
        (np.abs(np.fft.rfft(part, length, axis=1)[:, inside]) ** 2).argmax(axis=1)
        for part in _parts(values)
    ]
    return np.asarray(60 * frequency[inside][np.concatenate(found)])


def by_peaks(
    values: Array,
    *,
    rate: float,
    band: tuple[float, float],  # noqa: ARG001  as the others take it
) -> Array:
    """60 over the mean interval between all local maxima (rPPG-Toolbox: no distance, no height).

    values: (N, T) without NaN. Returns (N,) bpm; NaN below two maxima. The band is not used.
    """
    rise = np.diff(values, axis=1)
    flat = (rise == 0).any(axis=1)
    top = (rise[:, :-1] > 0) & (rise[:, 1:] < 0)
    count = top.sum(axis=1)
    first = top.argmax(axis=1)
    last = top.shape[1] - 1 - top[:, ::-1].argmax(axis=1)
    for n in np.flatnonzero(flat):  # a flat top counts once, at its middle
        at = peaks.peaks(values[n])
        count[n] = len(at)
        first[n], last[n] = (at[0], at[-1]) if len(at) else (0, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = 60 * rate * (count - 1) / (last - first)
    return np.asarray(np.where(count > 1, found, np.nan))


def interpolated(values: Array, *, rate: float, band: tuple[float, float]) -> Array:
    """The highest peak of a Hann-windowed spectrum, between its bins (ours: `dsp.spectrum`).

    values: (N, T) without NaN. Returns (N,) bpm.
    """
    found = []
    for part in _parts(values):
        frequency, power = spectrum.spectrum(part.T, rate=rate)
        near = _bins(frequency, (band[0] - 2 * frequency[1], band[1] + 2 * frequency[1]))
        for row in np.ascontiguousarray(power[near].T):
            found.append(spectrum.peak(frequency[near], row, low=band[0], high=band[1])[0])
    return 60 * np.array(found)


def welch(values: Array, *, rate: float, band: tuple[float, float]) -> Array:
    """The highest bin of Welch's spectrum, 16 half-overlapping segments, 8192 bins (Li, 2014).

    values: (N, T) without NaN. Returns (N,) bpm.
    Meant for a recording of 30 s; the segments of a window of 10 s last 1.2 s and resolve little.
    The mean power of the segments is the transform of their mean autocorrelation, of which one is
    needed where there are 16 segments.
    """
    size = 2 * values.shape[1] // (LI_SEGMENTS + 1)
    if size < 8:
        raise InputError(
            f"Welch's method needs {4 * (LI_SEGMENTS + 1)} samples but got {values.shape[1]}; "
            "use longer windows"
        )
    frequency = np.fft.rfftfreq(LI_BINS, 1 / rate)
    inside = frequency[_bins(frequency, band)]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    phase = 2 * np.pi * np.arange(size)[:, None] * inside / rate
    cosine = np.where(np.arange(size)[:, None] > 0, 2.0, 1.0) * np.cos(phase)
    found = []
    for part in _parts(values):
        pieces = sliding_window_view(part, size, axis=1)[:, :: size - size // 2]
        shaped = (pieces - pieces.mean(axis=2, keepdims=True)) * hann
        power = (np.abs(np.fft.rfft(shaped, 2 * size, axis=2)) ** 2).mean(axis=1)
        found.append((np.fft.irfft(power, axis=1)[:, :size] @ cosine).argmax(axis=1))
    return np.asarray(60 * inside[np.concatenate(found)])


# By the names that protocols use; `report` is not here, as it needs more than a wave.
ESTIMATORS: dict[str, Callable[..., Array]] = {
    "fft": fft,
    "fft_refined": interpolated,
    "welch": welch,
    "peaks": by_peaks,
}


def _bins(frequency_F: Array, band: tuple[float, float]) -> Array:
    inside = np.flatnonzero((frequency_F >= band[0]) & (frequency_F <= band[1]))
    if len(inside) == 0:
        raise InputError(
            f"no bin of {frequency_F[1]:.3f} Hz lies in {band[0]:g}–{band[1]:g} Hz; use longer "
            "windows or a higher rate"
        )
    return inside


def _parts(values: Array) -> list[Array]:
    return [values[at : at + AT_ONCE] for at in range(0, len(values), AT_ONCE)]
