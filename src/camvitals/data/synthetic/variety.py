"""Made people to learn from: wider than life, so that what is met in life lies well inside.

Rates from 42 to 185 bpm and changing, weak and strong pulses, rhythmic sway, pictures 12 to 60
times a second, traces of one region alone, and one of three without a pulse at all.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from camvitals.data.synthetic.scenario import Scenario, draw
from camvitals.data.synthetic.traces import made_trace
from camvitals.data.synthetic.truth import Truth
from camvitals.records import Trace

LENGTH_S = (6.0, 45.0)
RATES_HZ = (12.0, 15.0, 20.0, 24.0, 25.0, 30.0, 30.0, 30.0, 50.0, 60.0)
PULSE = (0.25, 1.6)  # relative to an ordinary one
DEAD = ("face", "face", "painted-face", "painted-face", "still-picture", "wall", "noise")
ALONE = 0.2  # share of traces that have one region only


def varied(seed: int, *, duration: float | None = None) -> Scenario:
    """The scenario of this seed. duration: [s]; None draws one of LENGTH_S."""
    rng = np.random.default_rng([seed, 1])
    fixed: dict[str, Any] = {"pulse": round(float(np.exp(rng.uniform(*np.log(PULSE)))), 3)}
    if rng.random() < 0.3:
        fixed["heart_rate"] = round(float(rng.uniform(42, 185)), 2)
        fixed["heart_rate_slope"] = 0.0
        fixed["sdnn"] = 15.0
    elif rng.random() < 0.4:
        fixed |= {"heart_rate_course": restless(rng), "sdnn": 15.0}
    if rng.random() < 0.15:
        hertz = float(np.exp(rng.uniform(np.log(0.4), np.log(2.6))))
        fixed |= {"motion": "sway", "sway_hz": round(hertz, 3)}
    if rng.random() < 0.35:
        fixed["subject"] = str(rng.choice(DEAD))
        if fixed["subject"] == "face":
            fixed["pulse"] = 0.0
    rate = float(rng.choice(RATES_HZ))
    drawn = float(np.round(rng.uniform(*LENGTH_S), 1))
    return draw(seed, duration=drawn if duration is None else duration, rate=rate, **fixed)


def restless(rng: np.random.Generator) -> tuple[tuple[float, float], ...]:
    """A heart rate that rises and falls by up to 1.5 bpm a second, as after exercise or a start."""
    rates = [float(rng.uniform(55, 150))]
    times = [0.0]
    while times[-1] < 50:
        times.append(round(times[-1] + float(rng.uniform(4, 12)), 1))
        step = rng.uniform(-1.5, 1.5) * rng.random() * (times[-1] - times[-2])
        rates.append(round(float(np.clip(rates[-1] + step, 45, 180)), 1))
    return tuple(zip(times, rates, strict=True))


def of_one_region(trace: Trace) -> Trace:
    """The whole skin alone, as of a trace recorded by somebody else."""
    skin = trace.names.index("skin")
    unknown = np.full_like(trace.box, np.nan)
    return Trace(trace.rgb[:, [skin]], trace.pixels[:, [skin]], trace.time, ("skin",), unknown)


def varied_trace(seed: int, *, duration: float) -> tuple[Trace, Truth]:
    """A face of this seed as a face finder would see it; ALONE of them show one region only."""
    trace, truth = made_trace(varied(seed, duration=duration))
    alone = np.random.default_rng([seed, 2]).random() < ALONE
    return (of_one_region(trace) if alone else trace), truth
