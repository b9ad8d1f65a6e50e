"""Beat times of a pulse wave, between samples, each with its quality.

Where a beat is: candidates are the upslopes of the wave; those that keep the rhythm of the spectrum
are chosen together; each is then placed where a tapered median beat fits best. On made pulses at
30 samples a second that placed beats better than the systolic peak, the steepest upslope, the foot
or the phase of the fundamental at noise levels from -3 to 10 dB, and as well at 15 and 30 dB.
Shape letters: N samples, C candidates, K beats, U samples around a beat, M windows, F rates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from camvitals.dsp.clean import bandpass, rate_of, runs, uniform
from camvitals.dsp.peaks import peaks, refine
from camvitals.dsp.spectrum import HEART_BAND_HZ, spectrum
from camvitals.records import Array, InputError, Wave, check, check_clock

FINE_HZ = 200.0  # beats are placed on a clock at least this fine
SHORTEST_S = 4.0  # shorter stretches hold too few beats to know the rhythm
HIGHEST_HZ = 8.0
WINDOW_S, HOP_S = 8.0, 2.0
AT_ONCE = 32  # windows, which bounds the memory
HALF_S = 0.3  # half width of the piece of wave that places a beat
RHYTHM = 2.0  # what an interval twice too long costs, in beats
MISSED = 1.7  # an interval this many times too long has lost a beat
# Of 1, atanh likeness, strength, log(jitter / 20 ms), unevenness, lack of size: fitted by
# recipes/beat_quality.py, which also says how often beats of each probability are right.
WEIGHTS = np.array([-3.04, 1.39, 2.88, -0.67, -5.27, -0.16])
FACTOR = 1.6  # how far the rate may be from the expected one, either way


@dataclass(frozen=True, slots=True)
class Beats:
    """Beat times of one pulse wave.

    time:    (K,) s, steepest upslope of the pulse.
    quality: (K,) 0–1, probability that this is a beat and not more than 50 ms off.
    run:     (K,) numbers; beats of one number follow each other without gap or lost beat.
    jitter:  (K,) standard error of the beat times, from the noise of the wave around each [s].
    missing: beats that the rhythm expects inside the stretches but that were not found.
    span:    (start, stop) of the wave [s].
    """

    time: Array
    quality: Array
    run: Array
    jitter: Array
    missing: int
    span: tuple[float, float]

    def __post_init__(self) -> None:
        check_clock("beats", self.time, len(self.time))
        check("beats.quality", self.quality, (len(self.time),))
        check("beats.run", self.run, (len(self.time),))
        check("beats.jitter", self.jitter, (len(self.time),))

    @property
    def joined(self) -> Array:
        """(K − 1,) True where a beat and the next follow each other directly."""
        return np.asarray(np.diff(self.run) == 0)

    def intervals(self) -> tuple[Array, Array, Array]:
        """Intervals between beats that follow each other directly, none across a gap.

        Returns (J,) time of the beat that ends each [s], (J,) length [s], (J,) quality 0–1, which
        is that of the worse of the two beats.
        """
        joined = self.joined
        worse = np.minimum(self.quality[1:], self.quality[:-1])
        return self.time[1:][joined], np.diff(self.time)[joined], worse[joined]


def beats(wave: Wave, *, rate_hz: float | None = None) -> Beats:
    """Beats of a pulse wave; NaN and clock gaps above 0.5 s break the series.

    wave:    pulse of any unit and either sign, at least 8 samples a second.
    rate_hz: heart rate expected [Hz]; None takes it from the spectrum of the wave itself.
    A wave without a pulse gives beats of low quality, one too short gives none.
    Raises InputError for a clock too slow for a pulse.
    """
    rate = rate_of(wave.time)
    if rate < 8:
        raise InputError(f"beats need 8 samples a second but got {rate:.1f}; record faster")
    fine = rate * int(np.ceil(FINE_HZ / rate))
    values, time = uniform(wave.values, wave.time, rate=fine)
    found = [
        _beats_of_run(values[run], time[run], rate=fine, rate_hz=rate_hz)
        for run in sorted(runs(np.isfinite(values)), key=lambda run: run.start)
        if run.stop - run.start >= SHORTEST_S * fine
    ]
    return one_after_another(found, (float(wave.time[0]), float(wave.time[-1])))


def one_after_another(pieces: Sequence[Beats], span: tuple[float, float]) -> Beats:
    """The beats of all gapless stretches of a wave, in order of time; none joined across a gap.

    span: (start, stop) of the whole wave [s].
    """
    found = [piece for piece in pieces if len(piece.time)]
    if not found:
        return no_beats(span)
    first = np.cumsum([0] + [piece.run[-1] + 1 for piece in found[:-1]])
    return Beats(
        time=np.concatenate([piece.time for piece in found]),
        quality=np.concatenate([piece.quality for piece in found]),
        run=np.concatenate([p.run + n for p, n in zip(found, first, strict=True)]),
        jitter=np.concatenate([piece.jitter for piece in found]),
        missing=sum(piece.missing for piece in found),
        span=span,
    )


def no_beats(span: tuple[float, float]) -> Beats:
    """The beats of a wave over this span [s] that holds none."""
    none = np.zeros(0)
    return Beats(none, none, none.astype(int), none, 0, span)


def _beats_of_run(x: Array, time: Array, *, rate: float, rate_hz: float | None) -> Beats:
    """Beats of one stretch without a gap, on its fine clock."""
    expected = _expected_rate(x, rate=rate, rate_hz=rate_hz)
    low, high = 0.5 * expected.min(), min(HIGHEST_HZ, 0.45 * rate)
    x = bandpass(x, rate=rate, low=low, high=high)
    slope = np.gradient(bandpass(x, rate=rate, low=low, high=min(3 * expected.max(), high)))
    if np.mean(slope**3) < 0:  # a pulse rises faster than it falls; this one is upside down
        x, slope = -x, -slope
    chosen, strength = _in_rhythm(slope, expected, rate=rate)
    span = (float(time[0]), float(time[-1]))
    if len(chosen) < 3:
        return no_beats(span)
    half = min(HALF_S, 0.4 / float(np.median(expected)))
    placed = _placed(x, refine(slope, chosen), half=half * rate)
    inside = (placed.position >= 0.5 * half * rate) & (
        placed.position <= len(x) - 1 - 0.5 * half * rate
    )
    inside[1:] &= np.diff(placed.position) > 0.1 * rate
    at, jitter = placed.position[inside], placed.jitter[inside] / rate
    if len(at) < 3:
        return no_beats(span)
    period = rate / np.interp(at, np.arange(len(x)), expected)
    ratio = np.diff(at) / (0.5 * (period[1:] + period[:-1]))
    return Beats(
        time=time[0] + at / rate,
        quality=_quality(
            placed.likeness[inside],
            strength[inside],
            jitter,
            uneven=_unevenness(np.diff(at)),
            size=placed.size[inside],
        ),
        run=np.r_[0, np.cumsum(ratio > MISSED)],
        jitter=jitter,
        missing=int(np.maximum(np.round(ratio) - 1, 0)[ratio > MISSED].sum()),
        span=span,
    )


def _expected_rate(x: Array, *, rate: float, rate_hz: float | None) -> Array:
    """(N,) heart rate along the stretch [Hz]: the smoothest way through the spectra of windows.

    A rate scores by the amplitude at it and half of that at its double, so that a strong second
    harmonic does not pass for the pulse.
    """
    low, high = HEART_BAND_HZ
    if rate_hz is not None:
        low, high = rate_hz / FACTOR, rate_hz * FACTOR
    step = max(1, int(rate // 25))
    slow = bandpass(x, rate=rate, low=0.5 * low, high=HIGHEST_HZ)[::step].copy()
    width = min(len(slow), round(WINDOW_S * rate / step))
    hop = max(1, round(HOP_S * rate / step))
    windows = sliding_window_view(slow, width)[::hop]
    rates_F = np.geomspace(low, high, 100)
    score_MF = np.concatenate(
        [
            _scores(windows[at : at + AT_ONCE], rates_F, rate=rate / step)
            for at in range(0, len(windows), AT_ONCE)
        ]
    )
    path = _smoothest(2 * np.log(score_MF + 1e-3), np.log(rates_F))
    centre = (np.arange(len(path)) * hop + 0.5 * (width - 1)) * step
    return np.asarray(np.interp(np.arange(len(x)), centre, rates_F[path]))


def _scores(windows: Array, rates_F: Array, *, rate: float) -> Array:
    """(M, F) amplitude at each rate and half of that at its double, at most 1."""
    frequency, power = spectrum(windows.T, rate=rate, step=0.02)
    amplitude = np.sqrt(power)
    score = _at(amplitude, frequency, rates_F) + 0.5 * _at(amplitude, frequency, 2 * rates_F)
    return np.asarray((score / (score.max(axis=0) + 1e-300)).T)


def _at(amplitude_FM: Array, frequency: Array, wanted: Array) -> Array:
    index = np.clip(np.round(wanted / frequency[1]).astype(int), 0, len(frequency) - 1)
    return np.asarray(amplitude_FM[index])


def _smoothest(score_MF: Array, log_rate_F: Array) -> Array:
    """The path of highest score, where a change of the rate by 10 % costs 1 (Viterbi)."""
    cost = ((log_rate_F[:, None] - log_rate_F[None]) / 0.1) ** 2
    best, back = score_MF[0], np.zeros(score_MF.shape, dtype=int)
    for m in range(1, len(score_MF)):
        total = best[:, None] - cost
        back[m] = total.argmax(axis=0)
        best = total.max(axis=0) + score_MF[m]
    path = np.empty(len(score_MF), dtype=int)
    path[-1] = best.argmax()
    for m in range(len(path) - 1, 0, -1):
        path[m - 1] = back[m, path[m]]
    return path


def _in_rhythm(slope: Array, expected: Array, *, rate: float) -> tuple[Array, Array]:
    """The upslopes that are strong and in rhythm together, and their strength 0–1.

    Maximises the sum of strengths less RHYTHM · log₂(interval / expected)², by dynamic programming
    over candidates (the idea of Ellis, 2007, with a rhythm that follows the spectrum): a weak true
    beat is kept and a strong false one is not, without thresholds.
    """
    at = peaks(slope)
    at = at[slope[at] > 0]
    if len(at) == 0:
        return at, np.zeros(0)
    strength = np.minimum(1.0, slope[at] / (2 * _rms(slope, round(4 * rate))[at]))
    period = rate / expected[at]
    total, before = np.array(strength), np.full(len(at), -1)
    first = np.searchsorted(at, at - 2.5 * period)
    for i in range(1, len(at)):
        reach = slice(first[i], i)
        octaves = np.log2((at[i] - at[reach]) / period[i])
        through = total[reach] - RHYTHM * octaves**2
        if len(through) and through.max() > 0:
            before[i] = first[i] + through.argmax()
            total[i] += through.max()
    chosen = [int(total.argmax())]
    while before[chosen[-1]] >= 0:
        chosen.append(int(before[chosen[-1]]))
    index = np.array(chosen[::-1])
    return at[index], strength[index]


def _rms(x: Array, width: int) -> Array:
    """Root mean square over `width` samples around each sample."""
    total = np.r_[0.0, np.cumsum(x**2)]
    start = np.clip(np.arange(len(x)) - width // 2, 0, max(0, len(x) - width))
    stop = np.minimum(start + width, len(x))
    return np.asarray(np.sqrt((total[stop] - total[start]) / (stop - start)) + 1e-300)


@dataclass(frozen=True, slots=True)
class _Placed:
    """Of every beat (K,): position and timing error [samples], likeness to the median beat, size.

    Likeness is −1…1; size is over that of the beats around, 0 when it is no pulse at all.
    """

    position: Array
    likeness: Array
    size: Array
    jitter: Array


def _placed(x: Array, position: Array, *, half: float) -> _Placed:
    """Move every beat to where the tapered median beat fits best (matched filter), three times."""
    around = np.arange(-int(half), int(half) + 1)
    taper = np.hanning(len(around) + 2)[1:-1]
    lags = np.arange(-int(half / 3), int(half / 3) + 1)
    start = np.array(position)
    for _ in range(3):
        median = np.median(_pieces(x, position, around), axis=0)
        template = (median - np.average(median, weights=taper)) * taper
        wide = np.arange(around[0] + lags[0], around[-1] + lags[-1] + 1)
        fit = sliding_window_view(_pieces(x, position, wide), len(around), axis=1) @ template
        best = fit.argmax(axis=1)
        row = np.arange(len(fit)) * fit.shape[1]
        inner = (best > 0) & (best < fit.shape[1] - 1)
        moved = np.where(inner, refine(fit.ravel(), row + best) - row, best)
        position = np.clip(position + moved + lags[0], start - half / 2, start + half / 2)
    rise = np.where(np.abs(around) <= half / 2, np.gradient(median), -np.inf)
    pieces = _pieces(x, position, around)
    likeness, size = _correlation(pieces * taper, median * taper), pieces @ template
    nearby = _running_median(size, 11)
    size = np.maximum(size, 0) / np.maximum(nearby, 1e-300)
    jitter = _timing_error(x, position, template, half=half)
    return _Placed(position + around[rise.argmax()], likeness, size, jitter)


def _pieces(x: Array, position_K: Array, around_U: Array) -> Array:
    """(K, U) samples of x around each position."""
    return np.asarray(np.interp(position_K[:, None] + around_U, np.arange(len(x)), x))


def _timing_error(x: Array, position: Array, template: Array, *, half: float) -> Array:
    """(K,) standard error of each beat's place [samples], from what the median beat leaves over.

    A beat is placed where the slope of its fit to the template is zero. Noise of slope n moves that
    by n / (curvature of the fit). Where it was placed that slope is zero by construction, so its
    size is taken beside it, 2/3 to 4/3 of `half` away, where the noise is the same.
    """
    reach = int(4 * half / 3)
    wide = np.arange(-(len(template) // 2) - reach, len(template) // 2 + reach + 1)
    pieces = _pieces(x, position, wide)
    shape = np.median(pieces, axis=0)
    size = pieces @ shape / max(float(shape @ shape), 1e-300)
    rest = pieces - size[:, None] * shape
    noise = np.gradient(sliding_window_view(rest, len(template), axis=1) @ template, axis=1)
    beside = np.abs(np.arange(-reach, reach + 1)) >= 2 * half / 3
    fit = sliding_window_view(shape, len(template)) @ template
    curvature = np.gradient(np.gradient(fit))[reach]
    square = (noise[:, beside] ** 2).mean(axis=1)
    near = np.pad(square, 1, mode="edge")
    square = (near[:-2] + square + near[2:]) / 3
    return np.asarray(np.sqrt(square) / max(abs(float(curvature)), 1e-300))


def _correlation(pieces_KU: Array, template_U: Array) -> Array:
    """Pearson correlation of each piece with the template, (K,)."""
    a = pieces_KU - pieces_KU.mean(axis=1, keepdims=True)
    b = template_U - template_U.mean()
    scale = np.sqrt((a**2).sum(axis=1) * (b**2).sum())
    return np.asarray(a @ b / np.maximum(scale, 1e-300))


def _unevenness(interval: Array) -> Array:
    """(K,) how far, in octaves, the intervals at each beat are from the median of those around."""
    off = np.abs(np.log2(interval / _running_median(interval, 11)))
    return np.asarray(np.maximum(np.r_[off[0], off], np.r_[off, off[-1]]))


def _running_median(x: Array, width: int) -> Array:
    """The median of the values around each, the same number everywhere."""
    width = min(width, 2 * ((len(x) + 1) // 2) - 1)
    padded = np.pad(x, width // 2, mode="reflect")
    return np.asarray(np.median(sliding_window_view(padded, width), axis=1))


def _quality(
    likeness: Array, strength: Array, jitter: Array, *, uneven: Array, size: Array
) -> Array:
    """(K,) probability that each is a beat and at most 50 ms off: a logistic of five facts."""
    facts = _facts(likeness, strength, jitter, uneven=uneven, size=size)
    return np.asarray(1 / (1 + np.exp(-(facts @ WEIGHTS[1:] + WEIGHTS[0]))))


def _facts(likeness: Array, strength: Array, jitter: Array, *, uneven: Array, size: Array) -> Array:
    return np.stack(
        [
            np.arctanh(np.clip(likeness, 0, 0.995)),
            strength,
            np.log(np.clip(jitter / 0.02, 0.05, 20)),
            np.minimum(uneven, 0.7),
            np.maximum(0.5 - size, 0),
        ],
        axis=1,
    )
