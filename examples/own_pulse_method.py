"""Bring a pulse method of your own: a function from colours to a wave."""

import numpy as np

from camvitals import Settings, Source, measure_trace
from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.traces import made_trace
from camvitals.waves.run import METHODS, Method

RATE_HZ = 30.0


def green_over_red(rgb: np.ndarray, *, rate: float) -> np.ndarray:  # noqa: ARG001
    """(T,) pulse, up with more blood, from (T, 3) colours: log red less log green."""
    logs = np.log(np.maximum(rgb, 1.0))
    wave = logs[:, 0] - logs[:, 1]
    return wave - wave.mean()


def main() -> None:
    """Add the method under a name, and measure with it as with any other."""
    METHODS["green_over_red"] = Method(green_over_red, "rgb", 1.6, "our own")
    try:
        scenario = Scenario(seed=2, duration=20, rate=RATE_HZ, heart_rate=66)
        trace, truth = made_trace(scenario)
        width, height = scenario.size
        source = Source("made", width, height, len(trace.time), scenario.duration, RATE_HZ)
        report = measure_trace(trace, source=source, settings=Settings("green_over_red"))
    finally:
        del METHODS["green_over_red"]
    heart = report.reading("heart_rate")
    told = f"withheld: {heart.why}" if heart.value is None else f"{heart.value:.1f} bpm"
    print(f"{told}; the truth is {truth.heart_rate:.1f} bpm")


if __name__ == "__main__":
    main()
