"""How good a wave is: signal-to-noise ratio by four published definitions, likeness, beats.

Shape letters: N windows, T samples of a window, F frequencies, K beats.
The four ratios share a name in papers and differ by several dB; each has its own name here. The one
of `dsp.spectrum.snr_db`, which counts both harmonics inside the band only, is `snr_heartratenet`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from camvitals.dsp.clean import rate_of
from camvitals.dsp.spectrum import snr_db, spectrum
from camvitals.evaluate.estimators import next_power_of_two
from camvitals.records import Array, InputError, Wave, check
from camvitals.vitals.beats import beats

TOOLBOX_BAND_HZ = (0.6, 3.3)
TOOLBOX_HALF_HZ = 6 / 60
DEHAAN_BAND_HZ, DEHAAN_HALF_HZ, DEHAAN_STEP_BPM = (0.5, 4.0), (0.1, 0.2), 0.5
HEARTRATENET_BAND_HZ, HEARTRATENET_HALF_HZ = (0.7, 4.0), 0.1
CONTRAST_HALF_HZ = (5 / 60, 10 / 60)
AT_ONCE = 256  # windows transformed together, which bounds the memory
MATCH_S = 0.15
BEAT_HZ = 8.0  # slower waves have no beat times


def snr_toolbox(
    values: Array, rate_hz: Array, *, rate: float, band: tuple[float, float] = TOOLBOX_BAND_HZ
) -> Array:
    """Ratio of rPPG-Toolbox [dB]: power within 0.1 Hz of the rate and of its double, over the rest.

    values: (N, T) filtered waves without NaN.   rate_hz: (N,) heart rate of the reference [Hz].
    rate: samples per second [Hz].   band: where the rest is counted.
    Plain periodogram padded to a power of two; power at the double counts outside the band too.
    Returns (N,), 0 where there is no rest.
    Some releases take 20 log10 of the same ratio and print twice this number.
    """
    length = next_power_of_two(values.shape[1])
    frequency = np.fft.rfftfreq(length, 1 / rate)
    power = np.abs(np.fft.rfft(values, length, axis=1)) ** 2
    power[:, 1 : (length + 1) // 2] *= 2  # of both sides
    first = _near(frequency, rate_hz, TOOLBOX_HALF_HZ)
    second = _near(frequency, 2 * rate_hz, TOOLBOX_HALF_HZ)
    inside = (frequency >= band[0]) & (frequency <= band[1])
    signal = (power * first).sum(axis=1) + (power * second).sum(axis=1)
    rest = (power * (inside & ~first & ~second)).sum(axis=1)
    return np.asarray(np.where(rest > 0, _decibel(signal, rest), 0.0))


def snr_dehaan(values: Array, rate_hz: Array, *, rate: float) -> Array:
    """Ratio of de Haan & Jeanne (2013) as iPhys computes it [dB].

    values, rate_hz, rate: as in `snr_toolbox`. Hamming window, bins of 0.5 bpm; power within 0.1 Hz
    of the rate and 0.2 Hz of its double, over the other power in 0.5–4 Hz. Where the second mask
    reaches above 4 Hz, power there counts as signal and is not taken from the rest, while iPhys
    subtracts it from a total that it is not part of.
    """
    length = round(60 * rate / DEHAAN_STEP_BPM)
    shaped = values * np.hamming(values.shape[1])
    folds = -(-values.shape[1] // length)  # folding samples the same transform, cutting would not
    padded = np.pad(shaped, ((0, 0), (0, folds * length - values.shape[1])))
    folded = padded.reshape(len(values), folds, length).sum(axis=1)
    frequency = np.fft.rfftfreq(length, 1 / rate)
    power = np.abs(np.fft.rfft(folded, axis=1)) ** 2
    signal = _near(frequency, rate_hz, DEHAAN_HALF_HZ[0])
    signal |= _near(frequency, 2 * rate_hz, DEHAAN_HALF_HZ[1])
    inside = (frequency >= DEHAAN_BAND_HZ[0]) & (frequency <= DEHAAN_BAND_HZ[1])
    return _decibel((power * signal).sum(axis=1), (power * (inside & ~signal)).sum(axis=1))


def snr_heartratenet(values: Array, rate_hz: Array, *, rate: float) -> Array:
    """Ratio of the HeartRateNet model card [dB]: bins of 0.2 Hz at the rate and its double.

    values, rate_hz, rate: as in `snr_toolbox`. Both harmonics and the rest are those in 0.7–4 Hz;
    the window is not stated, ours is Hann (`dsp.spectrum`).
    """
    frequency, power = spectrum(values.T, rate=rate)
    low, high = HEARTRATENET_BAND_HZ
    inside = (frequency >= low) & (frequency <= high)
    found = [
        snr_db(frequency[inside], row, f, half_width=HEARTRATENET_HALF_HZ, band=(low, high))
        for row, f in zip(np.ascontiguousarray(power[inside].T), rate_hz, strict=True)
    ]
    return np.array(found)


def snr_contrast(values: Array, rate_hz: Array, *, rate: float) -> Array:
    """Ratio of Contrast-Phys (Sun & Li, 2022) [dB]: against all power at any frequency.

    values, rate_hz, rate: as in `snr_toolbox`. Hann window, not padded; whole bins from the one
    nearest to the rate less 5 bpm up to, without, that plus 5 bpm, likewise 10 bpm about the
    double, on both sides of the spectrum. An unfiltered wave scores far below a filtered one.
    """
    count = values.shape[1]
    shaped = values * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(count) / (count - 1)))
    power = np.abs(np.fft.rfft(shaped, axis=1)) ** 2
    total = count * (shaped**2).sum(axis=1)  # Parseval: the sum over both sides
    index = np.arange(power.shape[1])
    signal = np.zeros(len(values))
    for multiple, half_hz in zip((1, 2), CONTRAST_HALF_HZ, strict=True):
        centre = np.round(multiple * rate_hz * count / rate)[:, None]
        half = round(half_hz * count / rate)
        mask = (index >= centre - half) & (index < centre + half)
        signal += 2 * (power * mask).sum(axis=1)
    return _decibel(signal, total - signal)


SNRS: dict[str, Callable[..., Array]] = {
    "snr_toolbox": snr_toolbox,
    "snr_dehaan": snr_dehaan,
    "snr_heartratenet": snr_heartratenet,
    "snr_contrast": snr_contrast,
}


def snr(values: Array, rate_bpm: Array, *, rate: float, definition: str) -> Array:
    """Signal-to-noise ratio of every window [dB], by a name of SNRS; NaN where anything is NaN.

    values: (N, T) uniform.   rate_bpm: (N,) heart rate of the reference [bpm].   rate: [Hz].
    """
    if definition not in SNRS:
        raise InputError(f"no ratio {definition!r}; choose one of {', '.join(SNRS)}")
    x = np.asarray(values, dtype=float)
    rate_hz = np.asarray(rate_bpm, dtype=float) / 60
    check("rate_bpm", rate_hz, (len(x),))
    found = np.full(len(x), np.nan)
    whole = np.flatnonzero(np.isfinite(x).all(axis=1) & np.isfinite(rate_hz))
    for at in range(0, len(whole), AT_ONCE):
        part = whole[at : at + AT_ONCE]
        found[part] = SNRS[definition](x[part], rate_hz[part], rate=rate)
    return found


def _near(frequency_F: Array, centre_N: Array, half: float) -> Array:
    """(N, F) True within `half` of each centre; ends as rPPG-Toolbox compares them."""
    low, high = (centre_N - half)[:, None], (centre_N + half)[:, None]
    return np.asarray((frequency_F >= low) & (frequency_F <= high))


def _decibel(signal: Array, rest: Array) -> Array:
    return np.asarray(10 * np.log10(np.maximum(signal, 1e-300) / np.maximum(rest, 1e-300)))


def macc(values: Array, reference: Array) -> Array:
    """Largest |Pearson correlation| over circular lags 0 … T − 2 (rPPG-Toolbox), (N,).

    values, reference: (N, T) or (T,), one clock, already filtered. NaN where either has NaN or
    does not vary. The sign is free and any lag is allowed, so noise scores well above 0 too.
    """
    x, y = (np.atleast_2d(np.asarray(a, dtype=float)) for a in (values, reference))
    check("reference", y, x.shape)
    x = x - x.mean(axis=1, keepdims=True)
    y = y - y.mean(axis=1, keepdims=True)
    count = x.shape[1]
    product = np.fft.irfft(np.fft.rfft(x, axis=1) * np.conj(np.fft.rfft(y, axis=1)), count, axis=1)
    scale = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.abs(product[:, : count - 1]).max(axis=1) / scale
    return np.asarray(np.where(scale > 0, found, np.nan))


@dataclass(frozen=True, slots=True)
class BeatMatch:
    """Beats found against true ones, both (K,) s.

    pairs: (P, 2) indices into found and true that belong together.   delay: median lateness [s].
    time_error: (P,) s, without the delay.   interval_error: (J,) s, of intervals between beats that
    follow each other in both.
    precision, recall, f1: 0–1.
    """

    pairs: Array
    delay: float
    time_error: Array
    interval_error: Array
    precision: float
    recall: float
    f1: float


def match_beats(
    found_K: Array, true_K: Array, *, within: float = MATCH_S, latest: float = 0.3
) -> BeatMatch:
    """Pair each found beat with the true one that is nearest, if it is its nearest too.

    found_K, true_K: increasing [s].   within: furthest apart that a pair may be, the common delay
    taken off [s].   latest: largest common delay believed [s]; 0 compares the times as they are.
    """
    found, true = np.asarray(found_K, dtype=float), np.asarray(true_K, dtype=float)
    none = np.zeros(0)
    if len(found) == 0 or len(true) == 0:
        return BeatMatch(none.reshape(0, 2).astype(int), 0.0, none, none, 0.0, 0.0, 0.0)
    lateness = found - true[_nearest(found, true)]
    near = np.abs(lateness) <= latest
    delay = float(np.median(lateness[near])) if near.any() and latest > 0 else 0.0
    there = _nearest(found - delay, true)
    back = _nearest(true, found - delay)
    error = found - delay - true[there]
    mutual = back[there] == np.arange(len(found))
    pair = np.flatnonzero(mutual & (np.abs(error) <= within))
    pairs = np.column_stack([pair, there[pair]])
    follow = (np.diff(pairs, axis=0) == 1).all(axis=1)
    precision, recall = len(pair) / len(found), len(pair) / len(true)
    f1 = 2 * len(pair) / (len(found) + len(true))
    intervals = np.diff(error[pair])[follow]
    return BeatMatch(pairs, delay, error[pair], intervals, precision, recall, f1)


def _nearest(of_K: Array, among: Array) -> Array:
    """Index of the nearest of `among` (increasing), for each."""
    right = np.clip(np.searchsorted(among, of_K), 0, len(among) - 1)
    left = np.maximum(right - 1, 0)
    nearer = np.abs(of_K - among[left]) <= np.abs(among[right] - of_K)
    return np.asarray(np.where(nearer, left, right))


def beat_mae_ms(found: Wave, reference: Wave, *, within: float = MATCH_S) -> float:
    """Mean absolute error of beat intervals [ms], of beats that follow each other in both waves.

    NaN when no two neighbouring beats can be paired or a wave is slower than 8 samples a second.
    """
    if min(rate_of(found.time), rate_of(reference.time)) < BEAT_HZ:
        return float("nan")
    matched = match_beats(beats(found).time, beats(reference).time, within=within)
    if len(matched.interval_error) == 0:
        return float("nan")
    return float(1e3 * np.abs(matched.interval_error).mean())
