"""Power spectra and peaks between their bins. Time is the first axis; F frequencies."""

from __future__ import annotations

import numpy as np

from camvitals.records import Array, InputError

HEART_BAND_HZ = (0.65, 4.0)
BREATH_BAND_HZ = (0.08, 0.7)


def spectrum(values: Array, *, rate: float, step: float = 0.005) -> tuple[Array, Array]:
    """Power spectrum of a Hann-windowed signal, zero-padded so that bins are <= `step` Hz apart.

    values: (N, ...) uniform, no gaps.   rate [Hz].
    Returns frequency (F,) Hz and power (F, ...), in units of the signal squared.
    Zero-padding interpolates; it does not add resolution: two rates closer than about 2/duration
    still melt into one peak.
    """
    x = np.asarray(values, dtype=float)
    if len(x) < 4:
        raise InputError(f"a spectrum needs 4 samples but got {len(x)}; record longer")
    x = x - x.mean(axis=0)
    window = np.hanning(len(x) + 2)[1:-1]
    length = 1 << int(np.ceil(np.log2(max(len(x), rate / step))))
    shaped = x * window.reshape((-1,) + (1,) * (x.ndim - 1))
    power = np.abs(np.fft.rfft(shaped, length, axis=0)) ** 2
    power *= 2 / (window.sum() ** 2)
    return np.fft.rfftfreq(length, 1 / rate), power


def peak(frequency_F: Array, power_F: Array, *, low: float, high: float) -> tuple[float, float]:
    """The highest peak in [low, high] Hz, placed between bins by a parabola through log power.

    Returns frequency [Hz] and power. Raises InputError when no bin lies in the band.
    """
    inside = np.flatnonzero((frequency_F >= low) & (frequency_F <= high))
    if len(inside) == 0:
        raise InputError(f"no spectrum between {low:g} and {high:g} Hz; use a higher frame rate")
    at = int(inside[np.argmax(power_F[inside])])
    if at in (0, len(power_F) - 1):
        return float(frequency_F[at]), float(power_F[at])
    a, b, c = np.log(np.maximum(power_F[at - 1 : at + 2], 1e-300))
    curve = a - 2 * b + c
    shift = 0.0 if curve >= 0 else float(np.clip(0.5 * (a - c) / curve, -0.5, 0.5))
    step = frequency_F[1] - frequency_F[0]
    return float(frequency_F[at] + shift * step), float(np.exp(b - 0.25 * (a - c) * shift))


def band_power(
    frequency_F: Array, power_F: Array, centre: float | Array, half_width: float
) -> float:
    """Sum of power within `half_width` Hz of any of the centres [Hz]."""
    distance = np.abs(frequency_F[:, None] - np.atleast_1d(centre)[None])
    return float(power_F[(distance <= half_width).any(axis=1)].sum())


def snr_db(
    frequency_F: Array,
    power_F: Array,
    centre: float,
    *,
    half_width: float = 0.1,
    band: tuple[float, float] = HEART_BAND_HZ,
) -> float:
    """Signal-to-noise ratio [dB] of a pulse of frequency `centre` [Hz] (de Haan & Jeanne, 2013).

    Power within ±half_width of the rate and its double, against the rest of `band`.
    """
    inside = (frequency_F >= band[0]) & (frequency_F <= band[1])
    total = float(power_F[inside].sum())
    signal = band_power(
        frequency_F[inside], power_F[inside], np.array([centre, 2 * centre]), half_width
    )
    return float(10 * np.log10(max(signal, 1e-300) / max(total - signal, 1e-300)))
