"""A pulse wave made of beats at known times."""

import numpy as np
import pytest

from camvitals.records import Wave


def _beat_times(duration, bpm, sdnn_ms, breath_hz, rng):
    times, period = [0.3], 60 / bpm
    phase = rng.uniform(0, 2 * np.pi, 2)
    while times[-1] < duration:
        t = times[-1]
        swing = np.sin(2 * np.pi * breath_hz * t + phase[0]) + np.sin(
            2 * np.pi * 0.09 * t + phase[1]
        )
        times.append(t + period + 1e-3 * sdnn_ms * (0.9 * swing + 0.4 * rng.standard_normal()))
    return np.array(times[:-1])


@pytest.fixture
def made_pulse():
    """(wave, true beat times): systolic and two later Gaussian lobes a beat, white noise."""

    def make(*, rate, duration=60.0, bpm=70.0, sdnn_ms=40.0, snr_db=20.0, breath_hz=0.25, seed=0):
        rng = np.random.default_rng(seed)
        beats = _beat_times(duration, bpm, sdnn_ms, breath_hz, rng)
        time = np.arange(int(duration * rate)) / rate
        after = time[:, None] - beats
        late = np.sqrt(70 / bpm)  # a fast heart has its later lobes closer
        lobes = ((1, 0.16, 0.07), (0.45, 0.16 + 0.2 * late, 0.09), (0.2, 0.16 + 0.39 * late, 0.15))
        x = sum(a * np.exp(-0.5 * ((after - c) / s) ** 2) for a, c, s in lobes).sum(axis=1)
        x = (x - x.mean()) / x.std() * (1 + 0.15 * np.sin(2 * np.pi * breath_hz * time))
        noise = 10 ** (-snr_db / 20) * rng.standard_normal(len(time))
        return Wave(x + noise, time, "pulse"), beats

    return make
