"""Compare every pulse method on one made person whose heart rate is known."""

import numpy as np

from camvitals import InputError, Settings, Source, Wave, measure_trace
from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.traces import made_trace
from camvitals.dsp.spectrum import HEART_BAND_HZ, peak, spectrum
from camvitals.waves.run import METHODS, wave_of

RATE_HZ = 30.0


def rate_of_wave(wave: Wave) -> float:
    """The highest spectral peak of a wave [bpm], without gaps."""
    values = wave.values[np.isfinite(wave.values)]
    frequency, power = spectrum(values, rate=RATE_HZ)
    low, high = HEART_BAND_HZ
    return 60 * peak(frequency, power, low=low, high=high)[0]


def main() -> None:
    """Print the rate of each method beside the truth."""
    scenario = Scenario(seed=1, duration=20, rate=RATE_HZ, heart_rate=78, motion="talk")
    trace, truth = made_trace(scenario)
    print(f"{'truth':24} {truth.heart_rate:6.1f} bpm")
    for method in METHODS:
        try:
            print(f"{method:24} {rate_of_wave(wave_of(trace, method=method, rate=RATE_HZ)):6.1f}")
        except InputError as error:
            print(f"{method:24} {error}")
    width, height = scenario.size
    source = Source("made", width, height, len(trace.time), scenario.duration, RATE_HZ)
    heart = measure_trace(trace, source=source, settings=Settings()).reading("heart_rate")
    print(f"{'auto':24} {heart.why if heart.value is None else f'{heart.value:6.1f}'}")


if __name__ == "__main__":
    main()
