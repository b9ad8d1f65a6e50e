"""R peaks of an electrocardiogram, between samples, each with its quality.

Detection is that of Pan & Tompkins, IEEE Trans Biomed Eng 32:230 (1985): band-pass, slope, square,
moving integral, thresholds that follow the heights of beats and of noise. The beats are those of
vitals.beats, so that rates, intervals and variability are had of either in the same way.
Shape letters: N samples, C candidates, K beats, U samples around a beat.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from camvitals.dsp.clean import bandpass, rate_of, runs, uniform
from camvitals.dsp.peaks import peaks, refine, upsample
from camvitals.records import Array, InputError, Wave
from camvitals.vitals.beats import Beats, no_beats, one_after_another

QRS_HZ = (5.0, 15.0)
SLOWEST_HZ = 40.0  # the band ends at 15 Hz and its slope at twice that
FINE_HZ = 250.0  # beats are placed on a clock at least this fine
SHORTEST_S = 2.0  # the thresholds are learnt from this much
INTEGRAL_S = 0.150
REFRACTORY_S = 0.200
T_WAVE_S = 0.360
T_WAVE_SLOPE = 0.5
NEW, NEW_FROM_SEARCH = 0.125, 0.25  # share that a new height has in the running ones
ABOVE_NOISE = 0.25  # the threshold lies this share of the way from noise to beats
SEARCH_BACK = 1.66  # mean intervals without a beat, after which a lower threshold holds
RECENT = 8  # beats whose intervals are averaged
LOST_S = 4.0  # without a beat for so long, the thresholds are learnt again; 15 bpm
REACH_S = 0.10  # the peak is looked for this far from the middle of the QRS energy
NEAR_S = 0.04  # and then placed this near to that of the detection band
PLACE_HZ = (1.0, 40.0)
OTHER_WAY = 0.5  # less than this of the opposite deflection: the complex goes the other way
MISSED = 1.8  # an interval this many times those around it has lost a beat
HALF_S = 0.08  # half width of the piece of ECG that beats are compared by
# Of 1 and the four facts of _facts: fitted on 33 000 beats of 400 made recordings (45–170 bpm,
# noise of 6 µV–2 mV beside an R wave of 1 mV, in bursts or throughout, ectopic beats). The share of
# right beats was within 0.15 of the quality in every tenth of it, and 0.99 above 0.9.
WEIGHTS = np.array([-0.13, 0.89, -0.61, 1.59, -2.65])


def r_peaks(ecg: Wave) -> Beats:
    """R peaks of an ECG of any lead, unit and polarity; NaN and gaps above 0.5 s break the series.

    ecg: at least 40 samples a second.
    Returns Beats whose times are those of the largest deflection of each QRS complex, the same way
    up throughout; a complex that goes mostly the other way is placed on that. One too short, or
    without a beat, gives none. Raises InputError for a clock too slow for an ECG.
    """
    rate = rate_of(ecg.time)
    if rate < SLOWEST_HZ:
        raise InputError(
            f"R peaks need {SLOWEST_HZ:g} samples a second but got {rate:.1f}; record faster"
        )
    values, time = uniform(ecg.values, ecg.time, rate=rate)
    found = [
        _beats_of_run(values[run], float(time[run.start]), rate=rate)
        for run in sorted(runs(np.isfinite(values)), key=lambda run: run.start)
        if run.stop - run.start >= SHORTEST_S * rate
    ]
    return one_after_another(found, (float(ecg.time[0]), float(ecg.time[-1])))


def _beats_of_run(x: Array, start: float, *, rate: float) -> Beats:
    """Beats of one stretch without a gap that starts at `start` s."""
    factor = int(np.ceil(FINE_HZ / rate))
    if factor > 1:
        x, rate = upsample(x, factor=factor), rate * factor
    span = (start, start + (len(x) - 1) / rate)
    banded = bandpass(x, rate=rate, low=QRS_HZ[0], high=QRS_HZ[1])
    slope, energy = _slope_energy(banded, rate=rate)
    complexes = _complexes(slope, energy, rate=rate)
    if len(complexes) < 3:
        return no_beats(span)
    fine = bandpass(x, rate=rate, low=PLACE_HZ[0], high=min(PLACE_HZ[1], 0.45 * rate))
    at = _placed(fine, banded, complexes, rate=rate)
    ratio = np.diff(at) / _running_median(np.diff(at), 11)
    pieces = fine[_around(np.round(at).astype(int), HALF_S * rate, len(fine))]
    facts = _facts(pieces, energy, at, ratio=ratio, rate=rate)
    return Beats(
        time=start + at / rate,
        quality=1 / (1 + np.exp(-(facts @ WEIGHTS[1:] + WEIGHTS[0]))),
        run=np.r_[0, np.cumsum(ratio > MISSED)],
        jitter=_timing_error(pieces) / rate,
        missing=int(np.maximum(np.round(ratio) - 1, 0)[ratio > MISSED].sum()),
        span=span,
    )


def _slope_energy(banded: Array, *, rate: float) -> tuple[Array, Array]:
    """Slope by five points, and its square averaged over the width of a QRS complex; (N,) each."""
    slope = np.convolve(banded, np.array([1, 2, 0, -2, -1]) * rate / 8, mode="same")
    width = max(1, round(INTEGRAL_S * rate))
    return slope, np.convolve(slope**2, np.ones(width) / width, mode="same")


def _complexes(slope: Array, energy: Array, *, rate: float) -> Array:
    """(K,) samples about the middle of each QRS complex."""
    at = peaks(energy, distance=max(1.0, REFRACTORY_S * rate))
    if len(at) == 0:
        return at
    steepest = np.abs(slope)[_around(at, INTEGRAL_S * rate / 2, len(slope))].max(axis=1)
    return at[_Detector(_Candidates(at, energy[at], steepest, rate)).chosen()]


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Maxima of the moving integral: sample, height, steepest slope within it (each (C,))."""

    at: Array
    height: Array
    slope: Array
    rate: float


class _Detector:
    """The thresholds, and the beats so far, as they go along the candidates."""

    def __init__(self, candidates: _Candidates) -> None:
        self._all = candidates
        self._beats: list[int] = []
        self._learn(0)

    def _learn(self, first: int) -> None:
        """Heights of beats and noise from SHORTEST_S of candidates, the first of them given."""
        at, height = self._all.at, self._all.height
        stop = np.searchsorted(at, at[first] + SHORTEST_S * self._all.rate)
        self._beat = float(height[first:stop].max())
        self._noise = float(0.5 * height[first:stop].mean()) if stop - first > 2 else 0.0
        self._noise = min(self._noise, 0.5 * self._beat)
        self._learnt = int(at[first])

    @property
    def _threshold(self) -> float:
        return self._noise + ABOVE_NOISE * (self._beat - self._noise)

    def chosen(self) -> Array:
        """(K,) indices of the candidates that are beats."""
        for i in range(len(self._all.at)):
            self._look_back(i)
            if self._all.height[i] > self._threshold and not self._is_t_wave(i):
                self._beat += NEW * (self._all.height[i] - self._beat)
                self._beats.append(i)
            else:
                self._noise += NEW * (self._all.height[i] - self._noise)
        return np.array(self._beats, dtype=int)

    def _is_t_wave(self, i: int) -> bool:
        if not self._beats:
            return False
        last = self._beats[-1]
        soon = self._all.at[i] - self._all.at[last] <= T_WAVE_S * self._all.rate
        return bool(soon and self._all.slope[i] < T_WAVE_SLOPE * self._all.slope[last])

    def _look_back(self, i: int) -> None:
        """Before candidate i: beats that the threshold was too high for."""
        at, height = self._all.at, self._all.height
        while len(self._beats) > 1:
            recent = at[self._beats[-RECENT - 1 :]]
            since, first = at[i] - recent[-1], self._beats[-1] + 1
            if since <= SEARCH_BACK * np.diff(recent).mean() or first >= i:
                break
            passed = [k for k in range(first, i) if not self._is_t_wave(k)]
            best = max(passed, key=lambda k: height[k], default=None)
            if best is None or height[best] <= 0.5 * self._threshold:
                break
            self._beat += NEW_FROM_SEARCH * (height[best] - self._beat)
            self._beats.append(best)
        lost = max(self._learnt, at[self._beats[-1]] if self._beats else 0)
        if at[i] - lost > LOST_S * self._all.rate:
            self._learn(i)


def _placed(fine: Array, banded: Array, middle: Array, *, rate: float) -> Array:
    """(K,) samples, with fractions: the largest deflection of each complex, one way up for all.

    Which way is decided on all but baseline and hum: an R wave is narrower than an S wave, so that
    the band of detection takes too much from it.
    """
    index = _around(middle, REACH_S * rate, len(fine))
    up, down = fine[index].max(axis=1), -fine[index].min(axis=1)
    way = 1.0 if np.median(up - down) >= 0 else -1.0
    mostly = np.where(way > 0, up < OTHER_WAY * down, down < OTHER_WAY * up)
    sign = np.where(mostly, -way, way)[:, None]
    near = _highest(sign * banded[index], index)
    index = _around(near, NEAR_S * rate, len(fine))
    at = _highest(sign * fine[index], index)
    return np.unique(np.where(sign[:, 0] > 0, refine(fine, at), refine(-fine, at)))


def _around(at: Array, reach: float, length: int) -> Array:
    """(K, U) samples within `reach` of each."""
    steps = np.arange(-round(reach), round(reach) + 1)
    return np.asarray(np.clip(at[:, None] + steps, 0, length - 1))


def _highest(height: Array, index: Array) -> Array:
    """(K,) the index at which each row is highest."""
    return np.asarray(np.take_along_axis(index, height.argmax(axis=1)[:, None], axis=1)[:, 0])


def _facts(pieces: Array, energy: Array, at: Array, *, ratio: Array, rate: float) -> Array:
    """(K, 4): likeness to the median beat, lack of size, log of energy over that around, evenness.

    ratio: (K − 1,) of intervals to the median of those around.
    """
    here = np.round(at).astype(int)
    height = energy[_around(here, REACH_S * rate, len(energy))].max(axis=1)
    size = np.sqrt(height / np.maximum(_running_median(height, 11), 1e-300))
    step = max(1, int(0.02 * rate))
    nearby = energy[_around(here, rate, len(energy))[:, ::step]]
    clear = np.log(height / np.maximum(np.median(nearby, axis=1), 1e-300))
    off = np.abs(np.log2(ratio))
    return np.stack(
        [
            np.arctanh(np.clip(_correlation(pieces, np.median(pieces, axis=0)), 0, 0.995)),
            np.minimum(np.abs(np.log(np.maximum(size, 1e-3))), 1.5),
            np.clip(clear, 0, 6),
            np.minimum(np.maximum(np.r_[off[0], off], np.r_[off, off[-1]]), 1.0),
        ],
        axis=1,
    )


def _correlation(pieces: Array, template: Array) -> Array:
    """(K,) Pearson correlation of each piece with the template."""
    a, b = pieces - pieces.mean(axis=1, keepdims=True), template - template.mean()
    scale = np.sqrt((a**2).sum(axis=1) * (b**2).sum())
    return np.asarray(a @ b / np.maximum(scale, 1e-300))


def _timing_error(pieces: Array) -> Array:
    """(K,) standard error of each beat's place [samples].

    A peak lies where the slope is zero. What a beat has over the median beat, scaled to it, moves
    that by the slope of the rest over the curvature of the peak.
    """
    median = np.median(pieces, axis=0)
    size = pieces @ median / max(float(median @ median), 1e-300)
    rest = np.gradient(pieces - size[:, None] * median, axis=1)
    middle = pieces.shape[1] // 2
    curvature = np.abs(np.gradient(np.gradient(median))[middle] * size)
    error = np.sqrt((rest**2).mean(axis=1)) / np.maximum(curvature, 1e-300)
    return np.asarray(np.minimum(error, middle))


def _running_median(x: Array, width: int) -> Array:
    """The median of the values around each, the same number everywhere."""
    width = min(width, 2 * ((len(x) + 1) // 2) - 1)
    padded = np.pad(x, width // 2, mode="reflect")
    return np.asarray(np.median(sliding_window_view(padded, width), axis=1))
