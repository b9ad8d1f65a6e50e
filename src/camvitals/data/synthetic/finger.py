"""Made fingertips on a phone's lens: light through the finger, without a picture.

Shape letters: T pictures; the last axis is R, G, B.
"""

from __future__ import annotations

import numpy as np

from camvitals.data.synthetic.camera import time_stamps
from camvitals.data.synthetic.optics import skin
from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.truth import Truth
from camvitals.records import Array, Trace

LEVEL = ((150.0, 254.0), (1.0, 110.0), (0.5, 70.0))  # code values with the flash on
DEPTH = ((0.003, 0.03), (0.008, 0.07), (0.005, 0.06))  # pulse / level
DRIFT = (0.003, 0.06)  # of pressure, warmth and the camera's own control, relative
NOISE = (0.01, 0.15)  # of a mean of many pixels, code values
FLASH, USUAL = "dim", 98.0  # a white LED; the saturation [%] at which the pulse has its depth
LOST = 0.15  # chance that a channel is clipped at its end and carries nothing


def made_finger(scenario: Scenario) -> tuple[Trace, Truth]:
    """The trace of a fingertip on the lens, one region "finger", exactly reproducible.

    Only seed, clock, physiology, tone, `pulse` and `subject` of the scenario matter. Every channel
    has its own level and pulse depth; red is often near its end, and a channel may be lost there.
    With the saturation the depths change as the skin's optics have it, from those at USUAL.
    """
    time = time_stamps(scenario)
    truth = Truth.of(scenario, time)
    rng = np.random.default_rng([scenario.seed, 31])
    level = np.array([rng.uniform(*limits) for limits in LEVEL])
    depth = np.array([np.exp(rng.uniform(*np.log(limits))) for limits in DEPTH])
    change = drift(len(time), rate=scenario.rate, rng=rng)[:, None] * rng.uniform(0.5, 1.5, 3)
    if scenario.alive:
        beat = truth.physiology.pulse_at(time)
        look = skin(scenario.tone, FLASH, "phone")
        darker = look.pulsatile(truth.physiology.spo2_at(time)) / look.pulsatile(USUAL)
        change = change - scenario.pulse * depth * darker * beat[:, None]
    noise = np.exp(rng.uniform(*np.log(NOISE))) * rng.standard_normal((len(time), 3))
    rgb = np.clip(level * (1 + change) + noise, 0, 255)
    lost = rng.random(3) < LOST
    if lost.all():
        lost[rng.integers(3)] = False
    rgb[:, lost] = np.where(level > 128, 255.0, 0.0)[lost] + 0.0
    count = len(time)
    box = np.tile([0.0, 0.0, *scenario.size], (count, 1))
    pixels = np.full((count, 1), scenario.size[0] * scenario.size[1])
    return Trace(rgb[:, None].astype(np.float32), pixels, time, ("finger",), box), truth


def drift(length: int, *, rate: float, rng: np.random.Generator) -> Array:
    """(T,) slow change with a power law of exponent 2–3.5, flat below 0.05 Hz."""
    frequency = np.fft.rfftfreq(length, 1 / rate)
    shape = np.maximum(frequency, 0.05) ** (-rng.uniform(2.0, 3.5) / 2)
    shape[0] = 0
    noise = rng.standard_normal(len(shape)) + 1j * rng.standard_normal(len(shape))
    wave = np.fft.irfft(noise * shape, length)
    size = np.exp(rng.uniform(*np.log(DRIFT)))
    return np.asarray(size * wave / (wave.std() + 1e-12))
