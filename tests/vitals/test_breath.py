import numpy as np
import pytest

from camvitals.records import Wave
from camvitals.vitals.beats import beats
from camvitals.vitals.breath import respiration


def coloured(rng, count, power):
    """Noise of unit variance whose amplitude falls with frequency to this power."""
    f = np.fft.rfftfreq(count)
    f[0] = f[1]
    x = np.fft.irfft(np.fft.rfft(rng.standard_normal(count)) * f**-power, count)
    return x / x.std()


@pytest.mark.parametrize("per_minute", [7, 12, 18, 28])
def test_rate_from_pulse_and_colour(made_pulse, per_minute):
    wave, _ = made_pulse(rate=30.0, breath_hz=per_minute / 60, bpm=80)
    drift = 0.3 * coloured(np.random.default_rng(0), len(wave.time), 0.8)
    baseline = np.sin(2 * np.pi * per_minute / 60 * wave.time) + drift
    colour = Wave(120 + 0.2 * baseline + 0.1 * wave.values, wave.time, "colour")
    reading, breath = respiration(wave, beats(wave), colour=colour)
    assert reading.value == pytest.approx(per_minute, abs=1.0)
    assert reading.low <= per_minute <= reading.high
    assert reading.quality > 0.7
    assert breath.name == "breath"
    seen = breath.values[8:-8]
    truth = np.sin(2 * np.pi * per_minute / 60 * breath.time)[8:-8]
    quarter = np.cos(2 * np.pi * per_minute / 60 * breath.time)[8:-8]
    assert np.hypot(np.corrcoef(seen, truth)[0, 1], np.corrcoef(seen, quarter)[0, 1]) > 0.7


def test_the_fundamental_is_found_where_its_double_is_stronger(made_pulse):
    wave, _ = made_pulse(rate=30.0, breath_hz=0.2, bpm=80)
    phase = 2 * np.pi * 0.2 * wave.time
    motion = Wave(np.sin(phase) + 1.3 * np.sin(2 * phase), wave.time, "motion")
    reading, _ = respiration(wave, beats(wave), motion=motion)
    assert reading.value == pytest.approx(12, abs=1.0)


def test_motion_has_its_own_clock_and_gaps(made_pulse):
    wave, _ = made_pulse(rate=30.0, breath_hz=0.3, bpm=80)
    time = np.arange(-2, 65, 1 / 24)
    place = np.sin(2 * np.pi * 0.3 * time)
    place[(time > 50) & (time < 55)] = np.nan
    with_motion, _ = respiration(wave, beats(wave), motion=Wave(place, time, "motion"))
    without, _ = respiration(wave, beats(wave))
    assert with_motion.value == pytest.approx(18, abs=1.0)
    assert with_motion.quality > without.quality


def test_noise_is_rarely_answered():
    answered = 0
    for seed in range(25):
        rng = np.random.default_rng(seed)
        time = np.arange(1350) / 30
        wave = Wave(rng.standard_normal(1350), time, "pulse")
        colour = Wave(coloured(rng, 1350, 1.0), time, "colour")
        motion = Wave(coloured(rng, 1350, 0.7), time, "motion")
        reading, _ = respiration(wave, beats(wave), colour=colour, motion=motion)
        answered += reading.value is not None
        if reading.value is None:
            assert "keep still" in reading.why
    assert answered <= 2


def test_sources_that_disagree_are_not_believed(made_pulse):
    wave, _ = made_pulse(rate=30.0, breath_hz=0.2, bpm=80, sdnn_ms=60, duration=40.0)
    colour = Wave(np.sin(2 * np.pi * 0.36 * wave.time), wave.time, "colour")
    motion = Wave(np.sin(2 * np.pi * 0.52 * wave.time), wave.time, "motion")
    apart, _ = respiration(wave, beats(wave), colour=colour, motion=motion)
    together, _ = respiration(wave, beats(wave))
    assert apart.quality < together.quality


def test_too_short_says_how_long(made_pulse):
    wave, _ = made_pulse(rate=30.0, duration=12.0)
    reading, breath = respiration(wave, beats(wave))
    assert reading.value is None and breath is None
    assert "needs 20 s but got 12.0 s" in reading.why


def test_a_wave_never_seen_gives_a_reason():
    time = np.arange(1200) / 30
    wave = Wave(np.full(1200, np.nan), time, "pulse")
    reading, breath = respiration(wave, beats(wave), colour=wave)
    assert reading.value is None and breath is None
    assert "clean pulse" in reading.why
