import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camvitals.data.synthetic.physiology import rate_between, simulate_physiology
from camvitals.data.synthetic.scenario import Scenario
from camvitals.dsp.spectrum import peak, spectrum
from camvitals.records import InputError


def scenario(**fields) -> Scenario:
    return Scenario(**({"seed": 1, "duration": 60.0, "rate": 30.0} | fields))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    heart_rate=st.floats(30, 220),
    share=st.floats(0, 0.15),
    breath_rate=st.floats(6, 30),
)
def test_rate_and_sdnn_are_exactly_as_asked(seed, heart_rate, share, breath_rate) -> None:
    sdnn = min(200.0, share * 60e3 / heart_rate)
    body = simulate_physiology(
        scenario(seed=seed, heart_rate=heart_rate, sdnn=sdnn, breath_rate=breath_rate)
    )
    assert body.heart_rate == pytest.approx(heart_rate, rel=1e-6)
    assert body.sdnn == pytest.approx(sdnn, rel=1e-3, abs=1e-6)
    assert np.all(np.diff(body.r_peaks) > 0.3 * 60 / heart_rate)
    assert body.r_peaks[0] < -1 and body.r_peaks[-1] > 61


@pytest.mark.parametrize("lf_hf", [0.5, 3.0])
def test_variability_sits_at_a_tenth_hertz_and_at_the_breath(lf_hf: float) -> None:
    found = []
    for seed in range(4):
        body = simulate_physiology(
            scenario(seed=seed, duration=300.0, sdnn=50.0, lf_hf=lf_hf, breath_rate=18.0)
        )
        beats = body.r_peaks
        grid = np.arange(0, 300, 0.25)
        tachogram = np.interp(grid, (beats[1:] + beats[:-1]) / 2, 1e3 * np.diff(beats))
        frequency, power = spectrum(tachogram, rate=4.0)
        low = (frequency > 0.04) & (frequency < 0.15)
        high = (frequency > 0.15) & (frequency < 0.45)
        found.append(power[low].sum() / power[high].sum())
        assert peak(frequency, power, low=0.04, high=0.15)[0] == pytest.approx(0.1, abs=0.03)
        assert peak(frequency, power, low=0.2, high=0.45)[0] == pytest.approx(0.3, abs=0.03)
    assert np.mean(found) == pytest.approx(lf_hf, rel=0.35)


def test_breathing_in_quickens_the_heart() -> None:
    body = simulate_physiology(scenario(duration=120.0, lf_hf=0.05, sdnn=50.0))
    middle = (body.r_peaks[1:] + body.r_peaks[:-1]) / 2
    inside = (middle > 0) & (middle < 120)
    interval = np.diff(body.r_peaks)[inside]
    assert np.corrcoef(interval, body.breath_at(body.r_peaks[:-1][inside]))[0, 1] < -0.9


@pytest.mark.parametrize("breath_rate", [8.0, 15.0, 27.5])
def test_the_breath_has_its_rate(breath_rate: float) -> None:
    body = simulate_physiology(scenario(breath_rate=breath_rate))
    frequency, power = spectrum(body.breath, rate=body.rate)
    found = 60 * peak(frequency, power, low=0.05, high=0.7)[0]
    assert found == pytest.approx(breath_rate, rel=0.06)  # the rate wanders, the count does not
    inhaled = np.flatnonzero((body.breath[:-1] < 0) & (body.breath[1:] >= 0))
    counted = np.sum((body.time[inhaled] > 0) & (body.time[inhaled] <= 60))
    assert counted == pytest.approx(breath_rate, abs=1)


def test_each_pulse_follows_its_beat() -> None:
    body = simulate_physiology(scenario(sdnn=60.0))
    transit = body.feet - body.r_peaks
    assert np.all((transit > 0.13) & (transit < 0.21))
    assert np.all(body.pulse_peaks > body.feet)
    inside = (body.feet > 0) & (body.pulse_peaks < 60)
    for foot, top in zip(body.feet[inside], body.pulse_peaks[inside], strict=True):
        around = (body.time > top - 0.1) & (body.time < top + 0.1)
        highest = body.time[around][np.argmax(body.pulse[around])]
        assert highest == pytest.approx(top, abs=0.02)
        assert body.pulse_at(np.array(foot)) < body.pulse_at(np.array(top)) - 0.4


def test_premature_beats_are_made_up_for() -> None:
    body = simulate_physiology(scenario(ectopic=0.1, sdnn=20.0))
    assert body.ectopic.sum() == 7  # a tenth of the 72 or 73 beats of a minute
    assert body.heart_rate == pytest.approx(72, rel=1e-6)
    assert body.sdnn == pytest.approx(20, rel=1e-3)
    at = np.flatnonzero(body.ectopic)
    before, after = body.r_peaks[at] - body.r_peaks[at - 1], body.r_peaks[at + 1] - body.r_peaks[at]
    assert np.all(before < 0.7 * 60 / 72) and np.all(after > 1.3 * 60 / 72)
    assert np.allclose(before + after, 2 * 60 / 72, atol=0.08)
    top = [body.pulse_at(np.array(t)) for t in body.pulse_peaks[at]]
    assert max(top) < 0.85  # less time to fill


def test_a_course_is_followed() -> None:
    course = ((0.0, 60.0), (20.0, 60.0), (40.0, 120.0), (60.0, 120.0))
    body = simulate_physiology(scenario(heart_rate_course=course, sdnn=10.0))
    assert body.rate_between(2, 18) == pytest.approx(60, abs=1)
    assert body.rate_between(29, 31) == pytest.approx(90, abs=4)
    assert body.rate_between(42, 58) == pytest.approx(120, abs=1)


def test_spo2_follows_its_course() -> None:
    body = simulate_physiology(scenario(spo2_course=((0.0, 98.0), (60.0, 80.0))))
    assert body.spo2_at(np.array([30.0])) == pytest.approx([89.0], abs=0.01)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_the_same_seed_is_the_same_body_and_another_is_not(seed: int) -> None:
    one, same = (simulate_physiology(scenario(seed=seed, duration=8.0)) for _ in range(2))
    other = simulate_physiology(scenario(seed=seed + 1, duration=8.0))
    assert np.array_equal(one.pulse, same.pulse) and np.array_equal(one.ecg, same.ecg)
    assert not np.allclose(one.pulse, other.pulse, atol=0.01)


@pytest.mark.parametrize("heart_rate", [55.0, 80.0, 120.0])
def test_an_independent_detector_finds_the_r_peaks(heart_rate: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import neurokit2

        body = simulate_physiology(scenario(heart_rate=heart_rate))
        _, found = neurokit2.ecg_peaks(body.ecg, sampling_rate=int(body.rate))
    beats = body.time[found["ECG_R_Peaks"]]
    beats = beats[(beats > 1) & (beats < 59)]
    true = body.r_peaks[(body.r_peaks > 1) & (body.r_peaks < 59)]
    assert len(beats) == len(true)
    assert np.abs(beats - true).max() < 0.02


def test_a_rate_needs_beats_around_its_span() -> None:
    beats = np.arange(10.0)
    assert rate_between(beats, 1.25, 7.75) == pytest.approx(60)
    for start, stop in ((-1, 5), (5, 20), (5, 5)):
        with pytest.raises(InputError, match="span inside the beats"):
            rate_between(beats, start, stop)


def test_a_second_is_enough() -> None:
    body = simulate_physiology(scenario(duration=0.5))
    assert np.isfinite(body.pulse).all() and body.sdnn == 0.0
    assert body.rate_between(0.0, 0.5) == pytest.approx(72, rel=0.2)
