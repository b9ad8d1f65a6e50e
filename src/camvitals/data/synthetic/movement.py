"""How a head moves while it is filmed. Shape letter: T moments in time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from camvitals.data.synthetic.physiology import band_noise
from camvitals.data.synthetic.scenario import Scenario
from camvitals.records import Array

DRIFT_PX = 0.6  # a head that is held still
DRIFT_HZ = 0.08  # postural sway is about even below this and falls with the cube above
BREATH = (0.00023, 0.0023)  # how far a breath lifts the head, in picture widths


@dataclass(frozen=True, slots=True)
class Movement:
    """The pose at each moment.

    x, y: (T,) px to the right and down of the middle pose.   yaw: (T,) rad, positive towards the
    left of the picture.   mouth: (T,) 0–1 open.   smile: (T,) 0–1.
    """

    x: Array
    y: Array
    yaw: Array
    mouth: Array
    smile: Array


def movement(scenario: Scenario, times: Array, *, breath: Array | None = None) -> Movement:
    """The movement of a scenario at these times (T,) [s].

    breath: (T,) −1–1, up is inhaled, which lifts the head by BREATH; None: nobody breathes.
    still: postural drift, and the breath.   sway: side to side at sway_hz, its period wandering.
    turn: turns of up to 20°, about one in 4 s, held and taken back.   talk: phrases of syllables at
    3–5 Hz with pauses, the head nodding along at 0.5–2 Hz, that is, at the heart's own rates.
    expression: smiles of 1–3 s and their like.   All but the drift grow with motion_scale; a
    picture, a wall and noise do not move at all.
    """
    times = np.asarray(times, dtype=float)
    nothing = np.zeros(len(times))
    if scenario.subject in ("still-picture", "wall", "noise"):
        return Movement(nothing, nothing, nothing, nothing, nothing)
    rng = np.random.default_rng([scenario.seed, 7])
    wander = _Wander(scenario.duration, rng)
    x, y = DRIFT_PX * wander.drift(times), DRIFT_PX * wander.drift(times)
    if breath is not None:
        lift = np.random.default_rng([scenario.seed, 43]).uniform(*np.log(BREATH))
        y = y - np.exp(lift) * scenario.size[0] * breath
    yaw = 0.004 * wander(times, centre=0.0, width=0.1)
    mouth, smile = nothing, nothing
    scale = scenario.motion_scale
    if scenario.motion == "sway":
        early = 0.06 * wander(times, centre=0.0, width=0.05) / scenario.sway_hz
        angle = 2 * np.pi * (scenario.sway_hz * (times + early) + rng.random())
        x = x + scale * scenario.sway_px * (np.sin(angle) + 0.15 * np.sin(2 * angle + 1))
        y = y + scale * scenario.sway_px * 0.15 * np.cos(2 * angle)
        yaw = yaw + scale * scenario.sway_px * 0.004 * np.sin(angle + 0.3)
    elif scenario.motion == "turn":
        turned = _holds(times, scenario.duration, every=4.0, lasting=(0.8, 2.5), rng=rng)
        yaw = yaw + scale * 0.35 * turned
        x = x - scale * 18 * turned
    elif scenario.motion == "talk":
        said = np.abs(_holds(times, scenario.duration, every=3.0, lasting=(1.0, 4.0), rng=rng))
        syllables = 2 * np.pi * (4.0 * times + 0.5 * wander(times, centre=0.5, width=0.4))
        mouth = scale * said * (0.45 - 0.45 * np.cos(syllables))
        y = y + scale * said * 1.5 * wander(times, centre=1.2, width=0.5)
        yaw = yaw + scale * said * 0.03 * wander(times, centre=0.9, width=0.5)
    elif scenario.motion == "expression":
        held = _holds(times, scenario.duration, every=3.5, lasting=(1.0, 3.0), rng=rng)
        smile = scale * np.clip(np.abs(held), 0, 1)
        y = y - 1.5 * smile
    return Movement(x, y, yaw, np.clip(mouth, 0, 1), np.clip(smile, 0, 1))


class _Wander:
    """Gaussian noise of unit variance in bands below 2 Hz, smooth at any frame rate."""

    def __init__(self, duration: float, rng: np.random.Generator) -> None:
        self._coarse = np.arange(-2.0, duration + 3.0, 0.25)
        self._rng = rng

    def drift(self, times: Array) -> Array:
        """Slow swaying without any rate of its own: power even below DRIFT_HZ, then as 1/f³."""
        frequency = np.fft.rfftfreq(len(self._coarse), 0.25)
        gain = (1 + (frequency / DRIFT_HZ) ** 2) ** -0.75
        gain[0] = 0
        phase = np.exp(2j * np.pi * self._rng.random(len(gain)))
        noise = np.fft.irfft(gain * phase, len(self._coarse))
        return self._smooth(noise / max(float(noise.std()), 1e-12), times)

    def __call__(self, times: Array, *, centre: float, width: float) -> Array:
        noise = band_noise(len(self._coarse), centre=centre, width=width, rng=self._rng)
        return self._smooth(noise, times)

    def _smooth(self, noise: Array, times: Array) -> Array:
        fine = np.fft.irfft(np.fft.rfft(noise), 8 * len(noise)) * 8  # band-limited, not kinked
        clock = self._coarse[0] + np.arange(len(fine)) / 32
        return np.asarray(np.interp(times, clock, fine))


def _holds(
    times: Array,
    duration: float,
    *,
    every: float,
    lasting: tuple[float, float],
    rng: np.random.Generator,
) -> Array:
    """(T,) −1–1: smooth excursions to one side or the other, one in about `every` s, held a while.

    Successive excursions do not overlap.
    """
    count = int(duration / lasting[0]) + 2
    held = rng.uniform(*lasting, count)
    pause = rng.uniform(0.5, 1.5, count) * max(every - float(np.mean(lasting)), 0.5)
    start = np.cumsum(pause + np.r_[0, held[:-1]])
    start, held = start[start < duration], held[start < duration]
    height = rng.uniform(0.5, 1.0, len(start)) * rng.choice([-1.0, 1.0], len(start))
    edge = 0.08
    rise = np.clip((times[:, None] - start) / edge, -40, 40)
    fall = np.clip((times[:, None] - start - held) / edge, -40, 40)
    return np.asarray(((np.tanh(rise) - np.tanh(fall)) / 2) @ height)
