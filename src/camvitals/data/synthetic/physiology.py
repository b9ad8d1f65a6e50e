"""Heart, vessels and lungs of one person: waves that agree with one another and are known exactly.

Shape letters: T samples of the internal clock, K heart beats.
One breath drives everything it drives in the body: respiratory sinus arrhythmia, the strength and
baseline of the pulse, the transit time, and the baseline of the ECG.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from camvitals.data.synthetic.ecg import (
    LEAST_S,
    Rhythm,
    f_waves,
    own_ecg,
    textbook_ecg,
    transit_change,
    uneven,
)
from camvitals.data.synthetic.scenario import Scenario
from camvitals.records import Array, InputError

RATE_HZ = 250.0
MARGIN_S = 1.0

# Systolic wave, dicrotic wave and run-off of the pulse, in parts of a beat of 0.8 s.
PULSE_CENTRE = np.array([0.20, 0.47, 0.72])
PULSE_WIDTH = np.array([0.085, 0.12, 0.15])
PULSE_HEIGHT = np.array([1.0, 0.42, 0.14])

TRANSIT_S = (0.14, 0.20)  # from R to the foot of the pulse in the face
# The strength of a beat is this power of its filling; without the atria more hangs on the time.
FILLS = {"sinus": 0.5, "fibrillation": 0.8}
PREMATURE = 0.35  # an ectopic beat comes this part of an interval early, the next one on time


@dataclass(frozen=True, slots=True)
class Physiology:
    """What a person's body did, on a clock that starts one second before the recording.

    time:   (T,) s at `rate` Hz, from −1 s to duration + 1 s, so that no time stamp falls outside.
    pulse:  (T,) blood volume in the skin: 0 at the foot, 1 at the top of an average beat, plus the
            respiratory baseline; up is more blood.
    ecg:    (T,) mV.   breath: (T,) −1–1, up is inhaled.   spo2: (T,) %.
    r_peaks, feet, pulse_peaks: (K,) s; ectopic: (K,) True for a premature beat.
    duration: of the recording [s]; only beats in 0–duration are counted by the rates.
    rhythm: one of scenario.RHYTHMS.
    """

    time: Array
    rate: float
    pulse: Array
    ecg: Array
    breath: Array
    spo2: Array
    r_peaks: Array
    feet: Array
    pulse_peaks: Array
    ectopic: Array
    breath_rate: float
    duration: float
    rhythm: str = "sinus"

    @property
    def irregular(self) -> bool:
        """True for a rhythm without order: fibrillating atria; ectopic beats are told apart."""
        return self.rhythm == "fibrillation"

    @property
    def heart_rate(self) -> float:
        """Beats per minute from the first to the last beat in the recording."""
        beats = self._counted(self.r_peaks)
        return float(60 * (len(beats) - 1) / (beats[-1] - beats[0])) if len(beats) > 1 else np.nan

    @property
    def normal_intervals(self) -> Array:
        """Intervals between successive normal beats in the recording [ms]."""
        inside = (self.r_peaks >= 0) & (self.r_peaks <= self.duration)
        beats, ectopic = self.r_peaks[inside], self.ectopic[inside]
        return np.asarray(1e3 * np.diff(beats)[~(ectopic[1:] | ectopic[:-1])])

    @property
    def sdnn(self) -> float:
        """Standard deviation of the normal intervals [ms]; 0 for fewer than two."""
        intervals = self.normal_intervals
        return float(np.std(intervals, ddof=1)) if len(intervals) > 1 else 0.0

    def rate_between(self, start: float, stop: float) -> float:
        """Mean heart rate [bpm] over a span [s], counting parts of beats at both ends."""
        return rate_between(self.r_peaks, start, stop)

    def pulse_at(self, times: Array) -> Array:
        """The pulse at these times [s], any shape."""
        return np.asarray(np.interp(times, self.time, self.pulse))

    def breath_at(self, times: Array) -> Array:
        """The breath at these times [s], any shape."""
        return np.asarray(np.interp(times, self.time, self.breath))

    def spo2_at(self, times: Array) -> Array:
        """The oxygen saturation [%] at these times [s], any shape."""
        return np.asarray(np.interp(times, self.time, self.spo2))

    def _counted(self, beats: Array) -> Array:
        return np.asarray(beats[(beats >= 0) & (beats <= self.duration)])


def rate_between(beats_K: Array, start: float, stop: float) -> float:
    """Mean rate [per minute] of beats [s] over a span [s], counting parts of beats at both ends.

    Raises InputError when the span is empty or not covered by the beats.
    """
    if not stop > start or len(beats_K) < 2 or start < beats_K[0] or stop > beats_K[-1]:
        known = f"{beats_K[0]:.2f}–{beats_K[-1]:.2f} s" if len(beats_K) else "no time"
        raise InputError(
            f"a heart rate needs a span inside the beats ({known}) but got {start:.2f}–{stop:.2f} s"
        )
    counted = np.interp([start, stop], beats_K, np.arange(len(beats_K)))
    return float(60 * (counted[1] - counted[0]) / (stop - start))


def simulate_physiology(scenario: Scenario) -> Physiology:
    """The physiology of a scenario, exactly reproducible from it.

    Beats follow the scenario's heart-rate course; the deviations of the normal intervals are a
    band around 0.1 Hz (McSharry et al., 2003) plus the breath itself, scaled to give exactly the
    scenario's SDNN and, for a constant course, exactly its heart rate between the first and the
    last beat. A pulse starts one transit time after its R peak.
    """
    rng = np.random.default_rng([scenario.seed, 1])
    count = int(np.ceil((scenario.duration + 2 * MARGIN_S) * RATE_HZ)) + 1
    time = -MARGIN_S + np.arange(count) / RATE_HZ
    lungs = _Breath(scenario, rng)
    breath = lungs(time)
    rhythm = Rhythm(*_beats(scenario, lungs, rng), scenario.rhythm == "fibrillation")
    beats, ectopic = rhythm.beats, rhythm.ectopic
    transit = rng.uniform(*TRANSIT_S) + 0.004 * lungs(beats)
    if scenario.ecg == "own":
        transit = _own_transit(scenario, rhythm) + 0.004 * lungs(beats)
    feet = beats + transit
    pulse, peaks = _pulse(feet, ectopic, time, fills=FILLS[scenario.rhythm])
    pulse = pulse * (1 + 0.08 * breath) + 0.12 * lungs(time - 0.3)
    return Physiology(
        time=time,
        rate=RATE_HZ,
        pulse=pulse,
        ecg=_ecg(scenario, rhythm, lungs, time) + 0.04 * breath,
        breath=breath,
        spo2=np.asarray(scenario.spo2_at(time)),
        r_peaks=beats[:-1],
        feet=feet[:-1],
        pulse_peaks=peaks,
        ectopic=ectopic[:-1],
        breath_rate=float(scenario.breath_rate),
        duration=float(scenario.duration),
        rhythm=scenario.rhythm,
    )


class _Breath:
    """The breath at any time: quicker in than out, its rate wandering, its count exact."""

    def __init__(self, scenario: Scenario, rng: np.random.Generator) -> None:
        span = scenario.duration + 120.0
        self._time = -60.0 + np.arange(int(span * 4) + 2) / 4
        rate = scenario.breath_rate / 60
        wander = np.cumsum(band_noise(len(self._time), centre=0.0, width=0.03, rng=rng))
        wander *= 0.06 * rate / 4
        ends = np.interp([0.0, scenario.duration], self._time, wander)
        slope = (ends[1] - ends[0]) / scenario.duration
        self._phase = rate * self._time + wander - slope * self._time + rng.random()
        self._depth = 1 + 0.08 * band_noise(len(self._time), centre=0.0, width=0.03, rng=rng)

    def __call__(self, time: Array) -> Array:
        angle = 2 * np.pi * np.interp(time, self._time, self._phase)
        depth = np.clip(np.interp(time, self._time, self._depth), 0.7, 1.3)
        return np.asarray(depth / 1.3 * np.sin(angle + 0.3 * np.sin(angle)))


def band_noise(length: int, *, centre: float, width: float, rng: np.random.Generator) -> Array:
    """(length,) Gaussian noise at 4 Hz of unit variance, in a Gaussian band [Hz]."""
    frequency = np.fft.rfftfreq(length, 0.25)
    gain = np.exp(-0.25 * ((frequency - centre) / width) ** 2)
    gain[0] = 0
    phase = rng.random(len(gain))
    noise = np.fft.irfft(gain * np.exp(2j * np.pi * phase), length)
    return np.asarray(noise / max(float(noise.std()), 1e-12))


def _beats(scenario: Scenario, lungs: _Breath, rng: np.random.Generator) -> tuple[Array, Array]:
    """R peaks [s] from before the margin to after it, and which of them are ectopic."""
    ideal, first, last = _even_beats(scenario, rng)
    if scenario.rhythm == "fibrillation":
        return _fibrillating(scenario, ideal, first, last)
    ectopic = _ectopic(scenario.ectopic, len(ideal), first, last, rng)
    disturbed = ectopic.copy()
    disturbed[:-1] |= ectopic[1:]  # interval k runs from beat k to k + 1
    counted = np.zeros(len(ideal), dtype=bool)
    counted[first:last] = True
    slow_time = -60 + np.arange(int((scenario.duration + 120) * 4) + 2) / 4
    slow = band_noise(len(slow_time), centre=0.1, width=0.01, rng=rng)
    share = scenario.lf_hf / (1 + scenario.lf_hf)
    beats = ideal
    for _ in range(3):  # the deviation of an interval is that at the time where its beat falls
        normal = counted & ~disturbed
        low = _standard(np.interp(beats, slow_time, slow), normal)
        high = _standard(-lungs(beats), normal)
        mixed = _standard(np.sqrt(share) * low + np.sqrt(1 - share) * high, normal)
        mixed[disturbed] = 0
        for edge in (first - 1, last):  # so that no further beat slips into the recording
            mixed[edge] = abs(mixed[edge])
        moved = np.concatenate([[0.0], np.cumsum(mixed[:-1])]) * scenario.sdnn / 1e3
        beats = ideal + moved - moved[first]
    early = PREMATURE * np.diff(beats, prepend=beats[0] - 1)
    return np.where(ectopic, beats - early, beats), ectopic


def _fibrillating(scenario: Scenario, ideal: Array, first: int, last: int) -> tuple[Array, Array]:
    """The same of fibrillating atria, where only ventricular beats are ectopic."""
    rng = np.random.default_rng([scenario.seed, 1, 4])
    beats = uneven(ideal, first, last, rng)
    ectopic = _ectopic(scenario.ectopic, len(ideal), first, last, rng)
    interval = np.diff(beats, prepend=beats[0] - 1)
    early = np.clip(interval - LEAST_S, 0, PREMATURE * interval)
    return np.where(ectopic, beats - early, beats), ectopic


def _even_beats(scenario: Scenario, rng: np.random.Generator) -> tuple[Array, int, int]:
    """Beats of the bare course [s], and the indices of the first and last in the recording."""
    grid = np.linspace(-6.0, scenario.duration + 6.0, int((scenario.duration + 12) * 10) + 1)
    clamped = np.clip(grid, 0, scenario.duration)
    speed = np.asarray(scenario.heart_rate_at(clamped)) / 60
    phase = np.concatenate([[0], np.cumsum((speed[1:] + speed[:-1]) / 2 * np.diff(grid))])
    begin, end = np.interp([0.0, scenario.duration], grid, phase)
    whole = max(0, int(np.ceil(end - begin - 1e-6)) - 1)  # a beat on the very edge may fall off it
    start = begin + rng.random() * (end - begin - whole)
    before = int(np.floor(start))
    after = int(np.floor(phase[-1] - start))
    count = np.arange(-before, after + 1)
    return np.interp(start + count, phase, grid), before, before + whole


def _ectopic(share: float, n_beats: int, first: int, last: int, rng: np.random.Generator) -> Array:
    """(K,) True for the premature beats: the asked share, none next to another or at an end."""
    chosen = np.zeros(n_beats, dtype=bool)
    candidates = rng.permutation(np.arange(first + 2, last - 1))
    wanted = round(share * (last - first + 1))
    for beat in candidates:
        if wanted <= 0:
            break
        if not chosen[beat - 2 : beat + 3].any():
            chosen[beat] = True
            wanted -= 1
    return chosen


def _standard(values: Array, counted: Array) -> Array:
    """Zero mean and unit deviation over the counted ones, none beyond ±2.5; 0 if there are two."""
    if counted.sum() < 3:
        return np.zeros(len(values))
    for _ in range(3):
        chosen = values[counted]
        deviation = max(float(chosen.std(ddof=1)), 1e-9)
        values = np.clip((values - chosen.mean()) / deviation, -2.5, 2.5)
    chosen = values[counted]
    return np.asarray((values - chosen.mean()) / max(float(chosen.std(ddof=1)), 1e-9))


def _template() -> Array:
    """(1025,) one beat of the pulse, 0 at both feet, 1 at the top."""
    part = np.arange(1024) / 1024
    shape = np.zeros(1024)
    for turn in (-1, 0, 1):
        distance = (part[:, None] + turn - PULSE_CENTRE) / PULSE_WIDTH
        shape += np.exp(-0.5 * distance**2) @ PULSE_HEIGHT
    shape = np.roll(shape - shape.min(), -int(np.argmin(shape)))
    return np.asarray(np.append(shape, shape[0]) / shape.max())


TEMPLATE = _template()


def _pulse(feet: Array, ectopic: Array, time: Array, *, fills: float) -> tuple[Array, Array]:
    """(T,) pulse and (K − 1,) tops [s] of the beats between the feet [s]."""
    interval = np.diff(feet)
    # The upstroke lasts as the square root of the interval; the run-off fills the rest.
    bend = np.sqrt(interval / 0.8) - 1
    filling = np.concatenate([[interval[0]], interval[:-1]]) / np.median(interval)
    strength = np.clip(filling, 0.3, 1.5) ** fills * np.where(ectopic[:-1], 0.7, 1.0)
    beat = np.clip(np.searchsorted(feet, time, side="right") - 1, 0, len(interval) - 1)
    part = np.clip((time - feet[beat]) / interval[beat], 0, 1)
    part = part * (1 + bend[beat]) / (1 + bend[beat] * part)
    pulse = strength[beat] * np.interp(part, np.linspace(0, 1, len(TEMPLATE)), TEMPLATE)
    top = float(np.argmax(TEMPLATE)) / (len(TEMPLATE) - 1)
    return pulse, feet[:-1] + interval * top / (1 + bend - bend * top)


def _own_transit(scenario: Scenario, rhythm: Rhythm) -> Array:
    """(K,) s from each beat to its pulse, but for the breath: a person's mean, and what changes."""
    heart, chance = _of_heart(scenario, 5), np.random.default_rng([scenario.seed, 1, 3])
    return heart.uniform(*TRANSIT_S) + transit_change(rhythm, chance)


def _of_heart(scenario: Scenario, at: int) -> np.random.Generator:
    """Chance that is the same in all recordings of one heart."""
    return np.random.default_rng(
        [scenario.seed if scenario.heart is None else scenario.heart, 1, at]
    )


def _ecg(scenario: Scenario, rhythm: Rhythm, lungs: _Breath, time: Array) -> Array:
    """(T,) mV, without the baseline that the breath makes."""
    if scenario.ecg == "own":
        breath, shape = lungs(rhythm.beats), _of_heart(scenario, 1)
        ecg = own_ecg(rhythm, time, rate=RATE_HZ, breath_K=breath, rng=shape)
    else:
        ecg = textbook_ecg(rhythm, time, rate=RATE_HZ)
    if rhythm.fibrillating:
        ecg = ecg + f_waves(time, np.random.default_rng([scenario.seed, 1, 2]))
    return ecg
