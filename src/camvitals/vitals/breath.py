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
from camvitals.dsp.spectrum import spectrum
from camvitals.dsp.spline import spline
from camvitals.records import Array, Reading, Wave, withheld
from camvitals.vitals.beats import Beats
from camvitals.vitals.quality import THRESHOLD

NAME, UNIT = "respiration_rate", "breaths/min"
RANGE_HZ = (4 / 60, 40 / 60)
CLOCK_HZ = 4.0
WINDOW_S, SHORTEST_S = 40.0, 19.5  # 20 s less what the edges of a recording cost
CYCLES = 3.0  # a rate is only told from this many breaths
GOOD_BEAT = 0.3
HOLE_S = 4.0
NEAR_HZ = 2 / 60  # sources this close agree
FLOOR_HZ = (0.05, 1.0)  # where the noise floor of a source is fitted
LINE_FREE = 0.87  # minus the mean log of exponential noise, of mean 1, less its highest 15 %
CARRIES = 0.5  # chance that a source carries the breath at all
MAYER_HZ = 0.13  # below, intervals swing with blood pressure too: there they say little of breath
ENOUGH = 6.0  # log likelihood ratio above which one source is hardly believed any further
# Of 1 and the facts of a _Window: fitted by recipes/breath_quality.py.
WEIGHTS = np.array([-1.70, 0.05, 0.19, 0.43, -3.31, -0.14])


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
        why = f"a breathing rate needs 20 s but got {span[1] - span[0]:.1f} s; record longer"
        return withheld(NAME, UNIT, why, method=method, span=span), None
    clock = np.arange(span[0], span[1], 1 / CLOCK_HZ)
    given = {
        "baseline": None if colour is None else _from_wave(colour, clock),
        "size": _from_beats(beats, _sizes(pulse, beats), clock),
        "interval": _from_intervals(beats, clock),
        "motion": None if motion is None else _from_wave(motion, clock),
    }
    sources = {name: s for name, s in given.items() if s is not None and np.isfinite(s).any()}
    highest = _highest(beats)
    parts = _starts(clock)
    windows = [w for part in parts if (w := _window(sources, part, highest)) is not None]
    if not windows:
        why = "breathing needs 20 s of clean pulse without a break; keep still and in view"
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


def _highest(beats: Beats) -> float:
    """The fastest breath [Hz] that one value a beat can show: just under half the heart rate."""
    _, interval, _ = beats.intervals()
    return float(np.clip(0.45 / np.median(interval), 0.2, 1.0)) if len(interval) else 0.5


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
    """One stretch: rate [Hz], its standard error [Hz], facts, evidence of each source there.

    facts: (5,) joint evidence, its lead over the next rate, sources that support it, whether it is
    at the edge of the range, log(length / 40 s).
    """

    part: slice
    rate: float
    spread: float
    facts: Array
    weights: dict[str, float]

    @property
    def trust(self) -> float:
        """The probability that the rate is right within NEAR_HZ."""
        return float(1 / (1 + np.exp(-(self.facts @ WEIGHTS[1:] + WEIGHTS[0]))))


def _window(sources: dict[str, Array], part: slice, highest: float) -> _Window | None:
    """Join the sources over one stretch, or None where no source was seen long enough."""
    evidence, rates = {}, np.zeros(0)
    for name, source in sources.items():
        seen = runs(np.isfinite(source[part]))
        if not seen or seen[0].stop - seen[0].start < SHORTEST_S * CLOCK_HZ:
            continue
        x = _flat(source[part][seen[0]])
        if x.std() <= 1e-12:
            continue
        top = highest if name in ("size", "interval") else FLOOR_HZ[1]
        rates, evidence[name] = _evidence(x, top)
        if name == "interval":
            evidence[name][rates < MAYER_HZ] = np.minimum(evidence[name][rates < MAYER_HZ], 1.0)
    if not evidence:
        return None
    joint = np.sum(list(evidence.values()), axis=0)
    seconds = (part.stop - part.start) / CLOCK_HZ
    # A breath that is no sinusoid has its double too: that speaks for the rate, not for the double
    double = np.interp(2 * rates, rates, np.maximum(joint, 0), right=0.0)
    at = int((joint + 0.5 * double).argmax())
    near = np.abs(rates - rates[at]) <= NEAR_HZ
    rate, spread = _centre(rates[near], joint[near])
    weights = {name: float(np.maximum(e[near].max(), 0)) for name, e in evidence.items()}
    edge = float(at in (0, len(rates) - 1))
    rival = float(joint[~near].max())
    support = sum(w > 1 for w in weights.values())
    facts = np.array([joint[at], joint[at] - rival, support, edge, np.log(seconds / 40)])
    return _Window(part, rate, 1.4 * max(spread, 0.1 / seconds), facts, weights)


def _flat(x: Array) -> Array:
    ramp = np.arange(len(x)) - (len(x) - 1) / 2
    x = x - x.mean()
    return np.asarray(x - ramp * (ramp @ x / (ramp @ ramp)))


def _evidence(x: Array, top: float) -> tuple[Array, Array]:
    """Rates [Hz] and log likelihood ratio of a breath there against coloured noise.

    The floor of the spectrum is a power of the frequency, fitted to its logarithm with the highest
    lines left out. Over the floor, noise is exponentially distributed with mean 1, and a breath of
    unknown strength with a larger mean; each source may also carry none, or a line of other origin.
    """
    frequency, power = spectrum(x, rate=CLOCK_HZ, step=0.004)
    inside = (frequency >= FLOOR_HZ[0]) & (frequency <= top)
    log_f, log_p = np.log(frequency[inside]), np.log(power[inside] + 1e-300)
    keep = np.ones(len(log_f), dtype=bool)
    line = np.zeros(2)
    for _ in range(4):
        line = np.polyfit(log_f[keep], log_p[keep], 1)
        rest = log_p - np.polyval(line, log_f)
        keep = rest <= np.quantile(rest, 0.85)
    over = np.exp(rest - rest[keep].mean() - LINE_FREE)
    over = np.minimum(over, 300)
    strength = np.geomspace(2, 100, 12)[:, None]
    ratio = np.log(np.mean(np.exp(over * strength / (1 + strength)) / (1 + strength), axis=0))
    ratio = np.logaddexp(np.log(1 - CARRIES), np.log(CARRIES) + np.minimum(ratio, 700))
    out = np.zeros(len(frequency))
    out[inside] = np.minimum(ratio, ENOUGH) + np.log1p(np.maximum(ratio - ENOUGH, 0))
    wanted = (frequency >= RANGE_HZ[0]) & (frequency <= RANGE_HZ[1])
    return frequency[wanted], out[wanted]


def _centre(rates: Array, joint: Array) -> tuple[float, float]:
    """Mean and standard deviation of the rate [Hz] under exp(evidence)."""
    weight = np.exp(joint - joint.max())
    weight /= weight.sum()
    centre = float(weight @ rates)
    return centre, float(np.sqrt(weight @ (rates - centre) ** 2))


def _reading(windows: list[_Window], method: str, span: tuple[float, float]) -> Reading:
    """The weighted mean of the trusted windows' rates, less those far off their median."""
    trust = np.array([w.trust for w in windows])
    quality = float(np.clip(trust.mean(), 0, 1))
    used = [w for w in windows if w.trust >= min(THRESHOLD, trust.max())]
    middle = np.median([w.rate for w in used])
    used = [w for w in used if abs(w.rate - middle) <= 2 * NEAR_HZ] or used
    rates = np.array([w.rate for w in used])
    weight = np.array([w.trust for w in used]) + 1e-9
    rate = float(np.average(rates, weights=weight))
    if quality < THRESHOLD:
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
    weight = {n: float(np.mean([w.weights.get(n, 0.0) for w in windows])) + 1e-3 for n in sources}
    banded = {}
    for name, source in sources.items():
        whole = np.full(len(clock), np.nan)
        for run in runs(np.isfinite(source)):
            if run.stop - run.start >= SHORTEST_S * CLOCK_HZ:
                x = bandpass(_flat(source[run]), rate=CLOCK_HZ, low=RANGE_HZ[0], high=RANGE_HZ[1])
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
