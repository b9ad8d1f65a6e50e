"""Made people whose pulse was found as in use, with the ECG that they had: what PulseECG learns of.

Their traces pass through the default pulse method with all its faults, so that the network meets
the pulses that it will be given. Nothing here needs torch.
Shape letters: N samples of the network's clock, S parts of each, K beats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from camvitals.data.synthetic.scenario import Scenario, draw
from camvitals.data.synthetic.traces import made_trace
from camvitals.pipeline import Settings, heart_steps
from camvitals.records import Array, Reading, Source, Wave
from camvitals.steps import finish
from camvitals.waves.ecg import FINE_HZ, PARTS, RATE_HZ, marked, prepared

TRAINING = 1_000_000_000  # first number of people to learn from; below are those held out
RATES_HZ = (15.0, 20.0, 25.0, 30.0, 30.0, 30.0, 60.0)
PULSE = (0.4, 1.6)  # relative to an ordinary one
ECTOPIC, MOST_ECTOPIC = 0.25, 0.15  # share of people with premature beats, and of their beats
FIBRILLATING = 0.12


@dataclass(frozen=True, slots=True)
class Person:
    """One made recording.

    pulse: as the default method found it.   heart, rolling: its heart rate, over all and windows.
    ecg: 250 Hz, mV.   beats: (K,) s, R peaks.   ectopic: (K,) premature ventricular.
    scenario: all that made it.
    """

    scenario: Scenario
    pulse: Wave
    heart: Reading
    rolling: tuple[Reading, ...]
    ecg: Wave
    beats: Array
    ectopic: Array


@dataclass(frozen=True, slots=True)
class Stretch:
    """A gapless stretch of one person on the network's clock.

    pulse: (N,).   ecg: (N · S,) mV.   beats: (K,) s from its start.   trusted: (N,) where the pulse
    would be shown.
    """

    pulse: Array
    ecg: Array
    beats: Array
    trusted: Array


def person(seed: int, *, duration: float, **fixed: Any) -> Person:
    """The person of this seed, recorded for `duration` s; fixed: fields of Scenario.

    A quarter have premature beats, an eighth fibrillating atria, unless these are fixed.
    """
    rng = np.random.default_rng([seed, 83])
    drawn: dict[str, Any] = {
        "rate": float(rng.choice(RATES_HZ)),
        "pulse": round(float(np.exp(rng.uniform(*np.log(PULSE)))), 3),
        "ecg": "own",
    }
    ill = rng.random()
    if ill < ECTOPIC:
        drawn["ectopic"] = round(float(rng.uniform(0.02, MOST_ECTOPIC)), 3)
    elif ill < ECTOPIC + FIBRILLATING:
        drawn["rhythm"] = "fibrillation"
    trace, truth = made_trace(draw(seed, duration=duration, **drawn | fixed))
    heart, rolling, wave, _ = finish(
        heart_steps(trace, source=Source("made"), settings=_settings())
    )
    body = truth.physiology
    return Person(
        scenario=truth.scenario,
        pulse=wave,
        heart=heart,
        rolling=rolling,
        ecg=Wave(body.ecg, body.time, "ecg", "mV"),
        beats=body.r_peaks,
        ectopic=body.ectopic,
    )


@cache
def _settings() -> Settings:
    return Settings()


def stretches(found: Person) -> list[Stretch]:
    """What the network is shown of a person; none where the heart rate is withheld."""
    if found.heart.value is None:
        return []
    out = []
    for start, pulse in prepared(found.pulse):
        time = start + np.arange(len(pulse)) / RATE_HZ
        fine = start + np.arange(len(pulse) * PARTS) / FINE_HZ
        trusted = np.zeros(len(pulse), dtype=bool)
        for reading in found.rolling:
            if reading.value is not None:
                trusted |= (time >= reading.span[0]) & (time <= reading.span[1])
        ecg = np.interp(fine, found.ecg.time, found.ecg.values)
        inside = (found.beats > start) & (found.beats < fine[-1])
        out.append(Stretch(pulse, ecg, found.beats[inside] - start, trusted))
    return out


@dataclass(frozen=True, slots=True)
class Clips:
    """Clips of `length` samples, drawn from stretches of which nearly all is trusted.

    late_s: spread of a delay of marks and ECG, for the drawing alone [s]; tilt: largest exponent of
    the frequency that the pulse is changed by, either way; noise: largest share of noise.
    """

    stretches: Sequence[Stretch]
    length: int
    late_s: float = 0.02
    tilt: float = 0.5
    noise: float = 0.2

    def batch(self, count: int, rng: np.random.Generator) -> dict[str, Array]:
        """By name: given (n, N, 1 + S), ecg (n, N, S), both late; marks (n, N, S), on time."""
        clips = [self._clip(rng) for _ in range(count)]
        return {name: np.stack([clip[name] for clip in clips]) for name in clips[0]}

    def _clip(self, rng: np.random.Generator) -> dict[str, Array]:
        spare = round(4 * self.late_s * FINE_HZ / PARTS) + 1
        while True:
            one = self.stretches[int(rng.integers(len(self.stretches)))]
            room = len(one.pulse) - self.length - 2 * spare
            if room < 0:
                continue
            first = spare + int(rng.integers(room + 1))
            part = slice(first, first + self.length)
            if one.trusted[part].mean() > 0.8:
                break
        late = int(np.clip(rng.normal(0, self.late_s), -4 * self.late_s, 4 * self.late_s) * FINE_HZ)
        at = first * PARTS - late
        beats = one.beats - first / RATE_HZ
        pulse = self._changed(one.pulse[part].astype(float), rng)
        drawn = marked(beats + late / FINE_HZ, self.length)
        ecg = one.ecg[at : at + self.length * PARTS].reshape(-1, PARTS)
        return {
            "given": np.concatenate([pulse[:, None], drawn], axis=1).astype(np.float32),
            "ecg": ecg.astype(np.float32),
            "marks": marked(beats, self.length).astype(np.float32),
        }

    def _changed(self, pulse: Array, rng: np.random.Generator) -> Array:
        """Another balance of the harmonics, as of other skins and cameras, and a little noise."""
        frequency = np.fft.rfftfreq(len(pulse), 1 / RATE_HZ)
        gain = np.maximum(frequency, 0.5) ** rng.uniform(-self.tilt, self.tilt)
        gain[0] = 0.0
        out = np.fft.irfft(np.fft.rfft(pulse) * gain, len(pulse))
        band = np.exp(-0.5 * (frequency / 3.0) ** 2) * (frequency > 0.5)
        noise = np.fft.irfft(np.fft.rfft(rng.standard_normal(len(pulse))) * band, len(pulse))
        out = out / (out.std() + 1e-9)
        return np.asarray(out + rng.uniform(0, self.noise) * noise / (noise.std() + 1e-9))
