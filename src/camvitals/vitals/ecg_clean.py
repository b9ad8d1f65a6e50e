"""An electrocardiogram in; without hum and baseline, its beats, its rate, and its quality out.

Shape letters: N samples, K beats, F frequencies, W windows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from camvitals.dsp.clean import bandpass, rate_of, runs, uniform
from camvitals.records import Array, InputError, Reading, Wave, withheld
from camvitals.vitals.beats import Beats
from camvitals.vitals.ecg import SHORTEST_S, SLOWEST_HZ, r_peaks
from camvitals.vitals.quality import RIGHT_BPM, THRESHOLD
from camvitals.vitals.variability import GOOD_BEAT, artefacts

NAME, UNIT, METHOD = "heart_rate", "bpm", "ecg"
# A filter of zero phase leaves the ST segment whole up to 0.67 Hz (Kligfield et al., AHA/ACC/HRS
# recommendations, Circulation 115:1306, 2007), and 150 Hz keeps the QRS complex of an adult.
BASELINE_HZ, FASTEST_HZ = 0.5, 150.0
MAINS_HZ = (50.0, 60.0)
OFF_HZ = 0.5  # how far the grid, and the recorder's clock, may be off
NOTCH_HZ = 1.0  # width at half the power
BESIDE_HZ = (1.5, 6.0)  # where the power beside the line is looked at
STANDS_OUT = 4.0  # a line has this many times the power of anything beside it
LINE_S, LOOK_S = 4.0, 120.0  # less than this shows no line; more is not looked at
END_S = 2.0  # by which a stretch is continued at its ends
OVERTONES = 6
SURE_BEAT = 0.9  # of made beats of this quality, 99 of 100 are right
FEWEST, COVERED = 3, 0.5  # intervals that a rate is the mean of, and their share of the time
LEAST_BPM = 0.1  # half width of the interval, at least
WINDOW_S, HOP_S = 10.0, 1.0


@dataclass(frozen=True, slots=True)
class Ecg:
    """What an ECG says.

    wave: (N,) without hum and baseline, in the unit that came in; NaN in gaps.
    beats: its R peaks.   mains: frequency of the hum that was taken out [Hz], or None.
    heart_rate: of the whole.   rolling: of every ten seconds, one second apart.
    quality: 0–1, the share of the beats of the whole span that were found and are right, as
    expected from the quality of each; a gap counts as beats that were not found.
    """

    wave: Wave
    beats: Beats
    mains: float | None
    heart_rate: Reading
    rolling: tuple[Reading, ...]
    quality: float

    def quality_between(self, start: float, stop: float) -> float:
        """The same of one stretch [s]."""
        return quality_between(self.beats, start, stop)


def read_ecg(ecg: Wave, *, mains: float | str | None = "find") -> Ecg:
    """Clean ECG, beats, heart rate and quality of an ECG of any lead, unit and polarity.

    ecg:   at least 40 samples a second; NaN and gaps above 0.5 s stay gaps.
    mains: frequency of the hum to take out [Hz]; "find" looks for a line near 50 and 60 Hz and
        leaves an ECG without one as it is; None takes nothing out.
    Raises InputError for a slower clock or another `mains`.
    """
    wave, found = clean_ecg(ecg, mains=mains)
    beats = r_peaks(wave) if np.isfinite(wave.values).any() else r_peaks(ecg)
    start, stop = beats.span
    spans = [(at, at + WINDOW_S) for at in np.arange(start, stop - WINDOW_S + 1e-6, HOP_S)]
    whole, *rolling = heart_rates(beats, [beats.span, *spans])
    quality = quality_between(beats, start, stop)
    return Ecg(wave, beats, found, whole, tuple(rolling), quality)


def clean_ecg(ecg: Wave, *, mains: float | str | None = "find") -> tuple[Wave, float | None]:
    """The ECG without hum and baseline, and the frequency of the hum [Hz] or None.

    ecg, mains: as in `read_ecg`. Everything is done without delay, in the frequency domain: the
    baseline goes below 0.5 Hz; hum and its overtones by notches 1 Hz wide, where a line is seen.
    Returns a Wave on a uniform clock of the same rate; a stretch shorter than 2 s is NaN.
    """
    rate = rate_of(ecg.time)
    if rate < SLOWEST_HZ:
        raise InputError(
            f"an ECG needs {SLOWEST_HZ:g} samples a second but got {rate:.1f}; record faster"
        )
    values, time = uniform(ecg.values, ecg.time, rate=rate)
    stretches = [r for r in runs(np.isfinite(values)) if r.stop - r.start >= SHORTEST_S * rate]
    lines = _lines(values, stretches, rate=rate, mains=mains)
    out = np.full(len(values), np.nan)
    high = min(FASTEST_HZ, 0.45 * rate)
    for run in stretches:
        x = without(values[run], rate=rate, lines=lines) if lines else values[run]
        out[run] = bandpass(x, rate=rate, low=BASELINE_HZ, high=high)
    return Wave(out, time, ecg.name, ecg.unit), lines[0] if lines else None


def _lines(
    values: Array, stretches: list[slice], *, rate: float, mains: float | str | None
) -> tuple[float, ...]:
    """Frequencies [Hz] to take out: the hum, then those of its overtones that are there."""
    if mains is None or not stretches:
        return ()
    longest = values[stretches[0]]
    if mains == "find":
        found = find_mains(longest, rate=rate)
        named = found
    elif isinstance(mains, int | float) and 40 <= mains <= 70:
        found = _line(longest, float(mains), rate=rate)
        named = float(mains) if found is None and mains + NOTCH_HZ < rate / 2 else found
    else:
        raise InputError(f"mains needs a frequency of 40–70 Hz, 'find' or None but got {mains!r}")
    if named is None:
        return ()
    over = (_line(longest, k * named, rate=rate) for k in range(2, OVERTONES + 1))
    return (named, *(one for one in over if one is not None))


def find_mains(values: Array, *, rate: float) -> float | None:
    """The frequency [Hz] of hum near 50 or 60 Hz, or None where no line stands out.

    values: (N,) ECG without gaps.   rate: [Hz]. A line is where the spectrum within 0.5 Hz rises
    above four times all that lies 1.5–6 Hz beside it; of two, the stronger.
    """
    lines = {f: _strength(values, f, rate=rate) for f in MAINS_HZ}
    name = max(lines, key=lambda f: lines[f][0])
    return lines[name][1] if lines[name][0] > STANDS_OUT else None


def _line(values: Array, near: float, *, rate: float) -> float | None:
    strength, frequency = _strength(values, near, rate=rate)
    return frequency if strength > STANDS_OUT else None


def _strength(values: Array, near: float, *, rate: float) -> tuple[float, float]:
    """How many times what lies beside it the spectrum near a frequency [Hz] is, and where."""
    if near + OFF_HZ >= rate / 2 or len(values) < LINE_S * rate:
        return 0.0, near
    first = max(0, (len(values) - round(LOOK_S * rate)) // 2)
    x = np.diff(values[first : len(values) - first])  # what drifts would leak far
    length = 1 << (2 * len(x) - 1).bit_length()
    power = np.abs(np.fft.rfft((x - x.mean()) * np.hanning(len(x)), length)) ** 2
    frequency = np.fft.rfftfreq(length, 1 / rate)
    away = np.abs(frequency - near)
    here, beside = away <= OFF_HZ, (away >= BESIDE_HZ[0]) & (away <= BESIDE_HZ[1])
    at = np.flatnonzero(here)[int(np.argmax(power[here]))]
    a, b, c = np.sqrt(power[at - 1 : at + 2]) if at + 1 < len(power) else (0.0, 1.0, 0.0)
    bend = a - 2 * b + c
    shift = 0.5 * (a - c) / bend if bend < 0 else 0.0
    strength = float(power[at] / max(float(power[beside].max()), 1e-300))
    return strength, float(frequency[at] + shift * (frequency[1] - frequency[0]))


def without(values: Array, *, rate: float, lines: tuple[float, ...]) -> Array:
    """(N,) the values without these frequencies [Hz], each with a notch of NOTCH_HZ, no delay.

    values: (N,) without gaps.   rate: [Hz]. The gain is that of a second-order notch run forth and
    back.
    """
    pad = min(len(values) - 1, round(END_S * rate))
    head = _continuation(values[: pad + 1], pad, rate=rate, lines=lines)
    tail = _continuation(values[: -pad - 2 : -1], pad, rate=rate, lines=lines)
    x = np.concatenate([head[::-1], values, tail])
    length = 1 << (len(x) - 1).bit_length()
    frequency = np.fft.rfftfreq(length, 1 / rate)
    gain = np.ones(len(frequency))
    for line in lines:
        off = (frequency**2 - line**2) / np.maximum(frequency * NOTCH_HZ, 1e-12)
        gain *= off**2 / (1 + off**2)
    out = np.fft.irfft(np.fft.rfft(x, length) * gain, length)
    return np.asarray(out[pad : pad + len(values)])


def _continuation(end: Array, count: int, *, rate: float, lines: tuple[float, ...]) -> Array:
    """(count,) samples beyond the first of `end`, outwards: the hum goes on, the rest turns oddly.

    Turned oddly with the rest, the hum would break its phase at the end, and the notch ring there.
    """
    time = np.arange(-count, len(end)) / rate
    phase = 2 * np.pi * np.outer(time, lines)
    waves = np.hstack([np.cos(phase), np.sin(phase)])
    slow = time[:, None] ** np.arange(3)
    best, *_ = np.linalg.lstsq(np.hstack([waves, slow])[count:], end, rcond=None)
    hum = waves @ best[: waves.shape[1]]
    rest = end - hum[count:]
    return np.asarray(2 * rest[0] - rest[1 : count + 1] + hum[:count][::-1])


def quality_between(beats: Beats, start: float, stop: float) -> float:
    """Share of the beats between two times [s] that were found and are right, as expected, 0–1.

    The beats that there should be are those that the mean interval has room for; what was not seen,
    or has no beat, counts as beats that were not found. 0 where nothing was found.
    """
    first, last = np.searchsorted(beats.time, (start, stop + 1e-9))
    inside = slice(int(first), int(last))
    joined = beats.joined
    length = np.diff(beats.time[inside])[joined[inside][: max(0, last - first - 1)]]
    if len(length) < FEWEST:
        length = np.diff(beats.time)[joined]
    if last == first or not len(length) or stop <= start:
        return 0.0
    expected = max(float(last - first), (stop - start) / float(length.mean()))
    return float(min(1.0, beats.quality[inside].sum() / expected))


def heart_rates(beats: Beats, spans: Iterable[tuple[float, float]]) -> tuple[Reading, ...]:
    """Mean rate of the beats in each span [s], of intervals between beats in a row.

    Intervals of beats more likely wrong than right do not count, nor do uneven ones (those that
    variability leaves out: `vitals.variability.artefacts`) unless both beats are sure. The interval
    is what the others leave open: each beat may be wrong by its quality, and off by its jitter.
    Withheld below a quality of 0.7, or three intervals, or when less than half of a span is left,
    or when what does not count would change the rate by more than 5 bpm.
    """
    time, length, sure = beats.intervals()
    good = (sure >= GOOD_BEAT) & (~artefacts(length) | (sure >= SURE_BEAT))
    jitter = float(np.sqrt(np.mean(beats.jitter**2))) if len(beats.time) else 0.0
    out = []
    for start, stop in spans:
        some = (time <= stop) & (time - length >= start)
        kept = some & good
        whole = 60 / float(length[some].mean()) if some.any() else 0.0
        span = (float(start), float(stop))
        out.append(_rate(beats, length[kept], sure[kept], jitter=jitter, whole=whole, span=span))
    return tuple(out)


def _rate(
    beats: Beats,
    length: Array,
    sure: Array,
    *,
    jitter: float,
    whole: float,
    span: tuple[float, float],
) -> Reading:
    """The rate of intervals that count [s]; whole: that of all there are [bpm]."""
    quality, seconds = quality_between(beats, *span), float(length.sum())
    why = _why(len(length), seconds / max(span[1] - span[0], 1e-9), quality)
    if why:
        return withheld(NAME, UNIT, why, method=METHOD, span=span, quality=quality)
    value = 60 * len(length) / seconds
    if abs(value - whole) > RIGHT_BPM:
        why = (
            f"beats that are sure say {value:.0f} bpm and all together {whole:.0f}; "
            "attach the electrodes anew and hold still"
        )
        return withheld(NAME, UNIT, why, method=METHOD, span=span, quality=quality)
    wrong = np.sqrt(float((sure * (1 - sure)).sum())) / len(length)
    off = np.sqrt(2) * jitter / seconds
    half = max(LEAST_BPM, 1.96 * value * float(np.hypot(wrong, off)))
    return Reading(NAME, value, UNIT, value - half, value + half, quality, METHOD, span)


def _why(count: int, covered: float, quality: float) -> str:
    if count < FEWEST:
        return f"a heart rate needs {FEWEST} sure beat intervals but the ECG has {count}"
    if quality < THRESHOLD:
        return (
            f"only {quality:.0%} of the beats that the ECG should have can be relied on; "
            "attach the electrodes anew and hold still"
        )
    if covered < COVERED:
        return (
            f"sure beat intervals cover {covered:.0%} of the time, a heart rate needs "
            f"{COVERED:.0%}; attach the electrodes anew and hold still"
        )
    return ""
