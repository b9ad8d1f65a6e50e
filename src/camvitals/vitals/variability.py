"""Heart-rate variability from beat times, each measure only where the recording supports it.

Definitions: Task Force of the ESC and NASPE, Circulation 93:1043 (1996). Shortest recordings:
Shaffer & Ginsberg, Front Public Health 5:258 (2017), section "ultra-short-term". Beat times of a
camera pulse jitter by milliseconds, which adds to every measure; the variance that the jitter must
have added is taken off again, and where it is most of what was measured nothing is said. What
uneven times of the pictures may have added is not taken off, for it may be true: it widens the
interval downwards, and counts as noise.
Shape letters: J intervals, P pairs of intervals that follow each other, B resamplings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from camvitals.dsp.spectrum import spectrum
from camvitals.dsp.spline import spline
from camvitals.records import Array, Reading, withheld
from camvitals.vitals.beats import Beats
from camvitals.vitals.quality import THRESHOLD, log_odds
from camvitals.vitals.variability_clock import clock_errors

LF_HZ, HF_HZ = (0.04, 0.15), (0.15, 0.4)
TACHOGRAM_HZ = 4.0
SEGMENT_S = 120.0
GOOD_BEAT = 0.5  # beats less likely right than this are not used
MOST_BAD = 0.2  # share of intervals that may be left out
MOST_NOISE = 0.5  # share of a measured variance that beat timing noise may make up
UNTOLD = 2.0  # timing noise has up to this many times the variance that wave (0 dB) or times tell
HOLE_S = 5.0  # longest stretch without a good interval that a tachogram spans
BLOCK, RESAMPLINGS = 8, 400
# Bias and slope that turn the share of trustworthy variance into the probability of a value within
# 25 % (or 10 ms, 10 %) of the true one; time domain and bands: fitted by
# recipes/variability_quality.py, which also says how often each probability is right.
TIME_ODDS, BAND_ODDS = (1.05, 2.14), (-1.26, 1.54)

UNITS = {
    "hrv_sdnn": "ms",
    "hrv_rmssd": "ms",
    "hrv_pnn50": "%",
    "hrv_sd1": "ms",
    "hrv_sd2": "ms",
    "hrv_lf": "ms²",
    "hrv_hf": "ms²",
    "hrv_lf_hf": "1",
}
NEEDS_S = {
    "hrv_sdnn": 30.0,
    "hrv_rmssd": 30.0,
    "hrv_pnn50": 60.0,
    "hrv_sd1": 30.0,
    "hrv_sd2": 60.0,
    "hrv_lf": 120.0,
    "hrv_hf": 60.0,
    "hrv_lf_hf": 120.0,
}
NAMES = tuple(UNITS)


def variability(
    beats: Beats, *, method: str = "beats", pictures: Array | None = None
) -> tuple[Reading, ...]:
    """SDNN, RMSSD, SD1, SD2 [ms], pNN50 [%], LF, HF [ms²] and LF/HF, in the order of NAMES.

    Intervals of doubtful beats, and ectopic or artefact intervals (by the adaptive thresholds of
    Lipponen & Tarvainen, 2019), are left out; a difference is taken only between two good
    neighbours. Each reading has a 95 % interval: moving-block bootstrap (time domain) or the
    chi-square spread of a spectrum (frequency domain), widened by the jitter of the beats.
    Withheld with the reason when clean beats are too few, or timing noise is most of the variance.
    method: named in the readings.
    pictures: (T,) times of the pictures that the beats were seen in [s], see `clock_errors`; None
        for beats whose times are beyond doubt.
    """
    clean = _Clean.of(beats, pictures)
    return tuple(
        _time_reading(name, clean, method) if name in TIME else _band_reading(name, clean, method)
        for name in NAMES
    )


@dataclass(frozen=True, slots=True)
class _Clean:
    """The intervals that can be used.

    time (J,) s, interval (J,) ms; pairs (P, 2) ms: an interval and the one after it.
    bad: share of intervals left out.   noise: variance of one beat time [ms²].
    clock: variance of one beat time that uneven times of the pictures may make up at most [ms²].
    """

    time: Array
    interval: Array
    pairs: Array
    bad: float
    noise: float
    clock: float
    quality: float
    span: tuple[float, float]

    @classmethod
    def of(cls, beats: Beats, pictures: Array | None = None) -> _Clean:
        time, interval, quality = beats.intervals()
        good = (quality >= GOOD_BEAT) & ~artefacts(interval)
        neighbours = np.isclose(time[:-1], time[1:] - interval[1:], rtol=0, atol=1e-9)
        both = good[:-1] & good[1:] & neighbours
        ms = 1e3 * interval
        jitter = beats.jitter[beats.quality >= GOOD_BEAT]
        uneven = np.zeros(len(interval))
        if pictures is not None:
            uneven = 1e3 * np.diff(clock_errors(pictures, beats.time))[beats.joined]
        return cls(
            time=time[good],
            interval=ms[good],
            pairs=np.stack([ms[:-1][both], ms[1:][both]], axis=1),
            bad=1 - good.sum() / max(1, len(interval) + beats.missing),
            noise=float(1e6 * np.mean(jitter**2)) if len(jitter) else 0.0,
            clock=float(UNTOLD * np.mean(uneven[good] ** 2) / 2) if good.any() else 0.0,
            quality=float(quality[good].mean()) if good.any() else 0.0,
            span=beats.span,
        )

    @property
    def seconds(self) -> float:
        """Sum of the clean intervals [s]."""
        return float(self.interval.sum() / 1e3)

    @property
    def doubt(self) -> float:
        """Variance of one beat time, of whatever origin [ms²]."""
        return self.noise + self.clock


def artefacts(interval: Array) -> Array:
    """(J,) True where an interval is ectopic or a detection error.

    interval: (J,) s. Off from the median of the 11 around it by more than 5.2 quartile deviations
    (3.5 standard deviations) of such offs in the 91 around, and so is the step to it or from it
    (Lipponen & Tarvainen, 2019, eq. 1–5); never for less than 10 % of the interval.
    """
    if len(interval) < 5:
        return np.zeros(len(interval), dtype=bool)
    off = interval - np.median(_around(interval, 11), axis=1)
    step = np.r_[0.0, np.diff(interval)]
    floor = 0.1 * interval
    far = np.abs(off) > np.maximum(5.2 * _quartile_deviation(off), floor)
    jump = np.abs(step) > np.maximum(5.2 * _quartile_deviation(step), floor)
    return np.asarray(far & (jump | np.r_[jump[1:], False]))


def _around(x: Array, width: int) -> Array:
    """(J, width) the values around each, cut to what there is and mirrored at the ends."""
    width = min(width, 2 * (len(x) // 2) - 1)
    return sliding_window_view(np.pad(x, width // 2, mode="reflect"), width)


def _quartile_deviation(x: Array) -> Array:
    high, low = np.percentile(_around(x, 91), [75, 25], axis=1)
    return np.asarray((high - low) / 2)


# Every time-domain measure is a function of intervals (..., J) and pairs (..., P, 2), so that the
# bootstrap computes all resamplings at once. All but pNN50 are the root of a variance, to which a
# variance s² of the beat times adds the given multiple of s².
def sdnn(interval: Array) -> Array:
    """Standard deviation of the intervals."""
    return np.asarray(interval.std(axis=-1, ddof=1))


def rmssd(pairs: Array) -> Array:
    """Root mean square of successive differences."""
    return np.asarray(np.sqrt((np.diff(pairs, axis=-1)[..., 0] ** 2).mean(axis=-1)))


def pnn50(pairs: Array) -> Array:
    """Share of intervals more than 50 ms off the one before [%]."""
    differing = np.abs(np.diff(pairs, axis=-1)[..., 0]) > 50 + 1e-6  # exactly 50 ms does not count
    return np.asarray(100 * differing.sum(axis=-1) / (pairs.shape[-2] + 1))


def sd1(pairs: Array) -> Array:
    """Width of the Poincaré plot."""
    return np.asarray(np.diff(pairs, axis=-1)[..., 0].std(axis=-1, ddof=1) / np.sqrt(2))


def sd2(pairs: Array) -> Array:
    """Length of the Poincaré plot."""
    return np.asarray(pairs.sum(axis=-1).std(axis=-1, ddof=1) / np.sqrt(2))


TIME: dict[str, tuple[Callable[[Array], Array], float]] = {
    "hrv_sdnn": (sdnn, 2.0),
    "hrv_rmssd": (rmssd, 6.0),
    "hrv_pnn50": (pnn50, 6.0),
    "hrv_sd1": (sd1, 3.0),
    "hrv_sd2": (sd2, 1.0),
}


def _time_reading(name: str, clean: _Clean, method: str) -> Reading:
    unit, (measure, multiple) = UNITS[name], TIME[name]
    data = clean.interval if name == "hrv_sdnn" else clean.pairs
    why = _lacking(name, clean, clean.seconds) or _too_few(name, len(data))
    if why:
        return withheld(name, unit, why, method=method, span=clean.span)
    index = _blocks(len(data))
    total = float((rmssd(data) if name == "hrv_pnn50" else measure(data)) ** 2)
    known, share = (
        min(1.0, multiple * variance / max(total, 1e-12)) for variance in (clean.noise, clean.doubt)
    )
    if name == "hrv_pnn50":
        value = float(measure(_narrow(data, known)))
        low = float(np.quantile(measure(_narrow(data, share)[index]), 0.025))
    else:
        value = float(np.sqrt(total * (1 - known)))
        lowest = float(np.quantile(measure(data[index]), 0.025))
        most = multiple * (UNTOLD * clean.noise + clean.clock)
        low = float(np.sqrt(max(0.0, lowest**2 - most)))
    high = float(np.quantile(measure(data[index]), 0.975))
    quality = _trust(clean, share, TIME_ODDS)
    if why := _unsure(name, clean, share, quality):
        return withheld(name, unit, why, method=method, span=clean.span, quality=quality)
    low, high = min(low, value), max(high, value)
    return Reading(name, value, unit, low, high, quality, method, clean.span)


def _narrow(pairs: Array, share: float) -> Array:
    """(P, 2) pairs as they would be without this share of the variance of their differences."""
    centre = pairs.mean(axis=1, keepdims=True)
    return np.asarray(centre + (pairs - centre) * np.sqrt(1 - share))


def _blocks(count: int) -> Array:
    """(B, count) indices of moving blocks drawn with replacement, the same at every call."""
    rng = np.random.default_rng(0)
    block = min(BLOCK, count)
    starts = rng.integers(0, count - block + 1, (RESAMPLINGS, -(-count // block)))
    index = starts[..., None] + np.arange(block)
    return np.asarray(index.reshape(RESAMPLINGS, -1)[:, :count])


def _band_reading(name: str, clean: _Clean, method: str) -> Reading:
    unit = UNITS[name]
    time, interval = _longest(clean)
    seconds = float(time[-1] - time[0]) if len(time) else 0.0
    why = _lacking(name, clean, seconds)
    if why:
        return withheld(name, unit, why, method=method, span=clean.span)
    frequency, density = _tachogram_spectrum(time, interval, name)
    period = interval.mean() / 1e3
    floor = 8 * period * np.sin(np.pi * frequency * period) ** 2  # of a variance of one [ms²]
    bands = {"hrv_lf": [LF_HZ], "hrv_hf": [HF_HZ]}.get(name, [LF_HZ, HF_HZ])
    found = [_band(frequency, density, clean.noise * floor, band, seconds) for band in bands]
    doubt = [_band(frequency, density, clean.doubt * floor, band, seconds) for band in bands]
    known, share = (max(band.share for band in those) for those in (found, doubt))
    quality = _trust(clean, share, BAND_ODDS)
    if why := _unsure(name, clean, share, quality):
        return withheld(name, unit, why, method=method, span=clean.span, quality=quality)
    value = found[0].power / (found[1].power if len(found) == 2 else 1.0)
    spread = float(np.sqrt(sum(band.spread**2 for band in found)))
    # Beyond the chi-square spread, the noise that was taken off may be half too much or too little,
    # and what the clock may have added was not
    off = 0.5 * known + share - known
    low = value * np.exp(-1.96 * spread) * (1 - off)
    high = value * np.exp(1.96 * spread) * (1 + off)
    span = (float(time[0] - interval[0] / 1e3), float(time[-1]))
    return Reading(name, value, unit, float(low), float(high), quality, method, span)


def _longest(clean: _Clean) -> tuple[Array, Array]:
    """The longest stretch whose good intervals never lie more than HOLE_S apart."""
    if len(clean.time) < 4:
        return np.zeros(0), np.zeros(0)
    close = np.r_[np.diff(clean.time) - clean.interval[1:] / 1e3 <= HOLE_S, False]
    edges = np.flatnonzero(~close)
    starts = np.r_[0, edges[:-1] + 1]
    at = int(np.argmax(clean.time[edges] - clean.time[starts]))
    part = slice(int(starts[at]), int(edges[at]) + 1)
    return clean.time[part], clean.interval[part]


def _tachogram_spectrum(time: Array, interval: Array, name: str) -> tuple[Array, Array]:
    """Welch density [ms²/Hz] of the intervals on a 4-Hz clock, a line through each segment off."""
    grid = np.arange(time[0], time[-1], 1 / TACHOGRAM_HZ)
    tachogram = spline(interval, time, grid)
    width = min(len(grid), round((NEEDS_S[name] if name == "hrv_hf" else SEGMENT_S) * TACHOGRAM_HZ))
    count = max(1, round((len(grid) - width) / (width / 2)) + 1)
    starts = np.linspace(0, len(grid) - width, count).astype(int)
    segments = tachogram[starts + np.arange(width)[:, None]]
    ramp = np.arange(width) - (width - 1) / 2
    segments = segments - segments.mean(axis=0)
    segments = segments - ramp[:, None] * (ramp @ segments / (ramp @ ramp))
    frequency, power = spectrum(segments, rate=TACHOGRAM_HZ, step=0.002)
    window = np.hanning(width + 2)[1:-1]
    bandwidth = TACHOGRAM_HZ * (window**2).sum() / window.sum() ** 2
    return frequency, np.asarray(power.mean(axis=1) / bandwidth)


@dataclass(frozen=True, slots=True)
class _Band:
    """Power [ms²] with the noise taken off, share the noise had, spread of log power."""

    power: float
    share: float
    spread: float


def _band(
    frequency: Array, density: Array, floor: Array, band: tuple[float, float], seconds: float
) -> _Band:
    inside = (frequency >= band[0]) & (frequency < band[1])
    step = frequency[1] - frequency[0]
    total = float(density[inside].sum() * step)
    share = min(1.0, float(floor[inside].sum() * step) / max(total, 1e-12))
    width = step * density[inside].sum() ** 2 / max((density[inside] ** 2).sum(), 1e-300)
    freedom = max(2.0, 2 * float(width) * seconds)
    return _Band(max(total * (1 - share), 1e-12), share, float(np.sqrt(2 / freedom)))


def _lacking(name: str, clean: _Clean, seconds: float) -> str:
    """Why there is too little to measure `name`, or nothing."""
    need = NEEDS_S[name]
    if clean.bad > MOST_BAD and len(clean.interval):
        return (
            f"{_plain(name)} needs {1 - MOST_BAD:.0%} clean beat intervals but "
            f"{clean.bad:.0%} were doubtful; keep still in even light"
        )
    if seconds < need:
        return (
            f"{_plain(name)} needs {need:.0f} s of clean beats but got {seconds:.0f} s; "
            "record longer"
        )
    return ""


def _too_few(name: str, count: int) -> str:
    if count >= 2 * BLOCK:
        return ""
    return f"{_plain(name)} needs {2 * BLOCK} beats in a row but got {count}; keep still"


def _plain(name: str) -> str:
    plain = {"hrv_pnn50": "pNN50", "hrv_lf_hf": "LF/HF"}
    return plain.get(name, name.removeprefix("hrv_").upper())


def _trust(clean: _Clean, share: float, odds: tuple[float, float]) -> float:
    kept = clean.quality * (1 - clean.bad) * (1 - share)
    return float(1 / (1 + np.exp(-(odds[0] + odds[1] * log_odds(kept)))))


def _unsure(name: str, clean: _Clean, share: float, quality: float) -> str:
    """Why a value is not to be trusted, or nothing."""
    if share <= MOST_NOISE and quality >= THRESHOLD:
        return ""
    if clean.clock > clean.noise:
        return (
            f"{_plain(name)} would be {share:.0%} timing noise, as uneven times of the pictures "
            f"move a beat by ±{np.sqrt(clean.clock):.0f} ms; close other programs, or record to a "
            "file and measure that"
        )
    return (
        f"{_plain(name)} would be {share:.0%} timing noise from {clean.bad:.0%} doubtful beats and "
        f"the rest known to ±{np.sqrt(clean.noise):.0f} ms; use more light, a higher frame rate or "
        "less compression"
    )
