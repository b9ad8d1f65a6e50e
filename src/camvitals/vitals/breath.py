"""Breathing rate and wave from what breathing does to a pulse, and from motion.

Breathing moves the baseline of the skin colour, the size of the beats and the intervals between
them (Charlton et al., IEEE Rev Biomed Eng 11:2, 2018), and it moves head and chest. Each source
gives a spectrum; sources are weighed by how much of their power is in one peak, added, and believed
where they agree. Shape letters: N samples on the 4-Hz clock, S sources, W windows, F frequencies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from camvitals.dsp.clean import bandpass, runs, uniform
from camvitals.dsp.spectrum import peak, spectrum
from camvitals.dsp.spline import spline
from camvitals.records import Array, Reading, Wave, withheld
from camvitals.vitals.beats import Beats

NAME, UNIT = "respiration_rate", "breaths/min"
RANGE_HZ = (4 / 60, 40 / 60)
CLOCK_HZ = 4.0
WINDOW_S, SHORTEST_S = 40.0, 20.0
CYCLES = 3.0  # a rate is only told from this many breaths
GOOD_BEAT = 0.3
HOLE_S = 4.0
NEAR_HZ = 2 / 60  # sources this close agree
TRUSTED = 0.5


def respiration(
    pulse: Wave,
    beats: Beats,
    *,
    colour: Wave | None = None,
    motion: Wave | None = None,
    method: str = "fusion",
) -> tuple[Reading, Wave | None]:
    """Breathing rate [breaths/min, 4–40] and a breath wave at 4 Hz, or why there is none.

    pulse:  the pulse wave the beats were found in.   beats: as vitals.beats gives them.
    colour: raw skin brightness, unfiltered, for its baseline; None where there is only a pulse.
    motion: vertical place of the face or of points on the chest, any unit; None where not known.
    Withheld when shorter than 20 s or three breaths, or when the sources do not agree.
    """
    span = (float(pulse.time[0]), float(pulse.time[-1]))
    if span[1] - span[0] < SHORTEST_S:
        why = (
            f"a breathing rate needs {SHORTEST_S:.0f} s but got {span[1] - span[0]:.0f} s; "
            "record longer"
        )
        return withheld(NAME, UNIT, why, method=method, span=span), None
    clock = np.arange(span[0], span[1], 1 / CLOCK_HZ)
    given = {
        "baseline": None if colour is None else _from_wave(colour, clock),
        "size": _from_beats(beats, _sizes(pulse, beats), clock),
        "interval": _from_intervals(beats, clock),
        "motion": None if motion is None else _from_wave(motion, clock),
    }
    sources = {name: s for name, s in given.items() if s is not None and np.isfinite(s).any()}
    windows = [w for start in _starts(clock) if (w := _window(sources, start)) is not None]
    if not windows:
        why = (
            f"breathing needs {SHORTEST_S:.0f} s of clean pulse without a break; "
            "keep still and in view"
        )
        return withheld(NAME, UNIT, why, method=method, span=span), None
    return _reading(windows, method, span), _breath(sources, windows, clock)


def _from_wave(wave: Wave, clock: Array) -> Array:
    """A raw signal on the clock, short gaps bridged, long ones NaN."""
    fast, time = uniform(wave.values, wave.time, rate=4 * CLOCK_HZ)
    kernel = np.ones(4) / 4
    seen = np.isfinite(fast)
    if seen.sum() < 2:
        return np.full(len(clock), np.nan)
    smooth = np.convolve(np.where(seen, fast, np.mean(fast[seen])), kernel, mode="same")
    on_clock = np.interp(clock, time, smooth)
    hidden = np.interp(clock, time, (~seen).astype(float), left=1.0, right=1.0) > 0
    return np.where(hidden, np.nan, on_clock)


def _from_beats(beats: Beats, values: Array, clock: Array) -> Array:
    """One value a beat, smoothly joined; NaN where good beats are more than HOLE_S apart."""
    good = (beats.quality >= GOOD_BEAT) & np.isfinite(values)
    return _joined(beats.time[good], values[good], clock)


def _from_intervals(beats: Beats, clock: Array) -> Array:
    time, interval, quality = beats.intervals()
    good = quality >= GOOD_BEAT
    return _joined(time[good] - interval[good] / 2, interval[good], clock)


def _joined(time: Array, values: Array, clock: Array) -> Array:
    if len(time) < 4:
        return np.full(len(clock), np.nan)
    middle = np.median(values)
    spread = 1.4826 * np.median(np.abs(values - middle)) + 1e-12
    out = spline(np.clip(values, middle - 4 * spread, middle + 4 * spread), time, clock)
    after = np.searchsorted(time, clock)
    apart = np.diff(time)[np.clip(after - 1, 0, len(time) - 2)]
    far = (apart > HOLE_S) | (clock < time[0] - 2) | (clock > time[-1] + 2)
    return np.where(far, np.nan, out)


def _sizes(pulse: Wave, beats: Beats) -> Array:
    """(K,) height of the pulse at each beat: highest after its upslope less lowest before it."""
    seen = np.isfinite(pulse.values)
    if len(beats.time) < 2 or seen.sum() < 2:
        return np.full(len(beats.time), np.nan)
    half = min(0.3, 0.4 * float(np.median(np.diff(beats.time))))
    around = np.linspace(0, half, 20)
    time, values = pulse.time[seen], pulse.values[seen]
    after = np.interp(beats.time[:, None] + around, time, values)
    before = np.interp(beats.time[:, None] - around, time, values)
    up, down = after.max(axis=1) - before.min(axis=1), before.max(axis=1) - after.min(axis=1)
    # The larger of the two is the upslope whichever way up the wave is
    return np.asarray(up if np.median(up) >= np.median(down) else down)


def _starts(clock: Array) -> list[slice]:
    width = min(len(clock), round(WINDOW_S * CLOCK_HZ))
    count = max(1, int(np.ceil((len(clock) - width) / (width / 2))) + 1)
    starts = np.linspace(0, len(clock) - width, count).astype(int)
    return [slice(int(s), int(s) + width) for s in starts]


@dataclass(frozen=True, slots=True)
class _Window:
    """One stretch: rate [Hz], its standard error [Hz], trust 0–1, weight of each source."""

    part: slice
    rate: float
    spread: float
    trust: float
    weights: dict[str, float]


def _window(sources: dict[str, Array], part: slice) -> _Window | None:
    """Join the sources over one stretch, or None where no source was seen long enough."""
    rates, weights, powers, frequency = {}, {}, {}, np.zeros(0)
    for name, source in sources.items():
        x = source[part]
        seen = runs(np.isfinite(x))
        if not seen or seen[0].stop - seen[0].start < SHORTEST_S * CLOCK_HZ:
            continue
        x = _banded(x[seen[0]])
        if x.std() <= 1e-12:
            continue
        frequency, power = spectrum(x, rate=CLOCK_HZ, step=0.002)
        inside = (frequency >= RANGE_HZ[0]) & (frequency <= RANGE_HZ[1])
        powers[name] = np.where(inside, power, 0.0) / power[inside].sum()
        rates[name], _ = peak(frequency, power, low=RANGE_HZ[0], high=RANGE_HZ[1])
        weights[name] = _concentration(frequency, powers[name], rates[name], len(x) / CLOCK_HZ)
    if not powers:
        return None
    joint = np.sum([weights[n] ** 2 * powers[n] for n in powers], axis=0)
    joint /= joint.sum()
    rate, _ = peak(frequency, joint, low=RANGE_HZ[0], high=RANGE_HZ[1])
    seconds = (part.stop - part.start) / CLOCK_HZ
    near = np.array([abs(rates[n] - rate) <= NEAR_HZ for n in powers])
    w = np.array([weights[n] ** 2 for n in powers])
    agreement = float(w[near].sum() / w.sum())
    clear = _concentration(frequency, joint, rate, seconds)
    offs = np.array([rates[n] - rate for n in powers])[near]
    own = float(np.sqrt(np.average(offs**2, weights=w[near]))) if near.any() else NEAR_HZ
    spread = float(np.hypot(own, 0.15 / seconds / max(clear, 0.2)))
    return _Window(part, rate, spread, _trust(agreement, clear, int(near.sum())), weights)


def _banded(x: Array) -> Array:
    ramp = np.arange(len(x)) - (len(x) - 1) / 2
    x = x - x.mean()
    x = x - ramp * (ramp @ x / (ramp @ ramp))
    return bandpass(x, rate=CLOCK_HZ, low=RANGE_HZ[0] * 0.9, high=RANGE_HZ[1] * 1.1)


def _concentration(frequency: Array, power: Array, rate: float, seconds: float) -> float:
    """Share of the power within the width of one spectral line around `rate`."""
    near = np.abs(frequency - rate) <= 2 / seconds
    inside = (frequency >= RANGE_HZ[0]) & (frequency <= RANGE_HZ[1])
    return float(power[near & inside].sum() / power[inside].sum())


def _trust(agreement: float, clear: float, n_near: int) -> float:
    support = 1.0 if n_near >= 2 else 0.6
    return float(np.clip(support * agreement * np.clip((clear - 0.2) / 0.5, 0, 1), 0, 1))


def _reading(windows: list[_Window], method: str, span: tuple[float, float]) -> Reading:
    """The weighted mean of the trusted windows' rates."""
    trust = np.array([w.trust for w in windows])
    quality = float(np.clip(trust.mean(), 0, 1))
    used = [w for w in windows if w.trust >= min(TRUSTED, trust.max())]
    rates = np.array([w.rate for w in used])
    weight = np.array([w.trust for w in used]) + 1e-9
    rate = float(np.average(rates, weights=weight))
    if quality < TRUSTED:
        found = ", ".join(f"{60 * r:.0f}" for r in rates[:4])
        why = (
            f"breathing was not clear: pulse, colour and motion do not agree on one rate "
            f"(nearest {found} breaths/min); keep still, breathe calmly and record 60 s"
        )
        return withheld(NAME, UNIT, why, method=method, span=span, quality=quality)
    if rate * (span[1] - span[0]) < CYCLES:
        why = (
            f"a breathing rate needs {CYCLES:.0f} breaths but {span[1] - span[0]:.0f} s held "
            f"{rate * (span[1] - span[0]):.1f}; record longer"
        )
        return withheld(NAME, UNIT, why, method=method, span=span, quality=quality)
    own = np.average([w.spread for w in used], weights=weight)
    across = np.sqrt(np.average((rates - rate) ** 2, weights=weight))
    half = 1.96 * float(np.hypot(own, across) / np.sqrt(max(1, len(used) / 2)))
    low, high = max(0.0, rate - half), rate + half
    return Reading(NAME, 60 * rate, UNIT, 60 * low, 60 * high, quality, method, span)


def _breath(sources: dict[str, Array], windows: list[_Window], clock: Array) -> Wave:
    """The sources, each the same way up as the strongest, added by their weights."""
    weight = {n: float(np.mean([w.weights.get(n, 0.0) for w in windows])) ** 2 for n in sources}
    banded = {}
    for name, source in sources.items():
        whole = np.full(len(clock), np.nan)
        for run in runs(np.isfinite(source)):
            if run.stop - run.start >= SHORTEST_S * CLOCK_HZ:
                x = _banded(source[run])
                whole[run] = x / (x.std() + 1e-12)
        banded[name] = whole
    best = max(weight, key=lambda n: weight[n])
    total, norm = np.zeros(len(clock)), np.zeros(len(clock))
    for name, x in banded.items():
        both = np.isfinite(x) & np.isfinite(banded[best])
        sign = -1.0 if both.any() and float(x[both] @ banded[best][both]) < 0 else 1.0
        seen = np.isfinite(x)
        total[seen] += sign * weight[name] * x[seen]
        norm[seen] += weight[name]
    values = np.where(norm > 0, total / np.where(norm > 0, norm, 1), np.nan)
    return Wave(values, clock, "breath")
