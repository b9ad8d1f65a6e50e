import numpy as np
import pytest

from camvitals.data.synthetic.physiology import simulate_physiology
from camvitals.data.synthetic.recordings import made_recording
from camvitals.data.synthetic.scenario import Scenario
from camvitals.evaluate.reference import Reference
from camvitals.records import InputError, Wave

STARTS = np.arange(2.0, 85.0, 7.0)


@pytest.fixture(scope="module")
def body():
    scenario = Scenario(
        seed=4, duration=100, rate=30.0, heart_rate=78, heart_rate_slope=6, sdnn=40, spo2=96
    )
    return simulate_physiology(scenario)


def waves(body, *names, every=2):
    units = {"ecg": "mV", "pulse": "1", "breath": "1", "spo2": "%"}
    return {
        n: Wave(getattr(body, n)[::every].copy(), body.time[::every], n, units[n]) for n in names
    }


def changed(wave, values):
    return Wave(values, wave.time, wave.name, wave.unit)


@pytest.mark.parametrize(("name", "most"), [("ecg", 0.3), ("pulse", 0.5)])
def test_rates_are_those_of_the_beats(body, name, most):
    reference = Reference.of_waves(waves(body, name))
    off = [reference.rate_between(a, a + 10) - body.rate_between(a, a + 10) for a in STARTS]
    assert np.abs(off).max() < most
    assert reference.source == name
    assert all(reference.usable(a, a + 10) == (True, "") for a in STARTS)


def test_a_window_may_begin_with_the_recording(body):
    inside = (body.time >= 0) & (body.time <= 100)
    ecg = Wave(body.ecg[inside], body.time[inside], "ecg", "mV")
    reference = Reference.of_waves({"ecg": ecg})
    assert reference.rate_between(0, 10) == pytest.approx(body.rate_between(0, 10), abs=0.3)
    assert np.isnan(reference.rate_between(-5, 5))


def test_given_intervals_are_beats(body):
    rr = Wave(1e3 * np.diff(body.r_peaks), body.r_peaks[1:], "rr", "ms")
    reference = Reference.of_waves({"rr": rr})
    assert reference.rate_between(10, 40) == pytest.approx(body.rate_between(10, 40), abs=1e-6)
    assert reference.usable(10, 40)[0]
    torn = Wave(np.delete(rr.values, 40), np.delete(rr.time, 40), "rr", "ms")
    assert Reference.of_waves({"rr": torn}).usable(20, 50) == (False, "the rr lost beats")


def test_a_rate_that_is_shown_is_the_last_resort(body):
    shown = Wave(np.full(100, 71.0), np.arange(100.0), "heart_rate", "bpm")
    alone = Reference.of_waves({"heart_rate": shown})
    assert alone.source == "heart_rate" and alone.beats is None
    assert alone.rate_between(10, 20) == 71
    assert alone.usable(10, 20) == (True, "")  # a rate shown may stay the same
    assert "mean over the span" in alone.estimator
    both = Reference.of_waves({"heart_rate": shown, **waves(body, "ecg")})
    assert both.source == "ecg" and "Pan & Tompkins" in both.estimator


def test_variability_breath_and_saturation(body):
    reference = Reference.of_waves(waves(body, "ecg", "breath", "spo2", every=1))
    assert reference.sdnn_between(0, 100) == pytest.approx(body.sdnn, rel=0.05)
    intervals = 1e3 * np.diff(body.r_peaks[(body.r_peaks >= 0) & (body.r_peaks <= 100)])
    rmssd = np.sqrt(np.mean(np.diff(intervals) ** 2))
    assert reference.rmssd_between(0, 100) == pytest.approx(rmssd, rel=0.05)
    assert reference.value("respiration_rate", 10, 70) == pytest.approx(body.breath_rate, abs=0.7)
    assert reference.usable(10, 70, vital="respiration_rate") == (True, "")
    assert reference.spo2_between(0, 60) == pytest.approx(96)
    with pytest.raises(InputError, match="no reference of 'glucose'"):
        reference.value("glucose", 0, 10)


def test_what_is_not_there_is_not_known(body):
    reference = Reference.of_waves(waves(body, "breath"))
    assert np.isnan(reference.rate_between(0, 10)) and np.isnan(reference.spo2_between(0, 10))
    assert reference.usable(0, 10) == (False, "there is no reference of the heart")
    with pytest.raises(InputError, match="a pulse needs an ECG"):
        reference.pulse()


def test_a_lost_finger_is_no_saturation(body):
    spo2 = waves(body, "spo2", every=250)["spo2"]
    lost = changed(spo2, np.where((spo2.time > 30) & (spo2.time < 45), 0.0, spo2.values))
    reference = Reference.of_waves({"spo2": lost})
    assert np.isnan(reference.spo2_between(25, 55))
    assert reference.spo2_between(50, 80) == pytest.approx(96)
    assert not reference.usable(25, 55, vital="spo2")[0]


def flat(x, inside):
    return np.where(inside, x[inside][0], x)


def clipped(x, inside):
    low, high = np.quantile(x, [0.2, 0.8])
    return np.clip(x, low, high)


def lost(x, inside):
    return np.where(inside, np.nan, x)


def noise(x, inside):
    return np.where(inside, x + 3 * np.random.default_rng(0).standard_normal(len(x)), x)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (flat, "the pulse is flat"),
        (clipped, "the pulse is clipped"),
        (lost, "the pulse is not known throughout"),
        (noise, "the pulse "),
    ],
)
def test_bad_spans_are_named_and_good_ones_stay(body, spoil, why):
    pulse = waves(body, "pulse")["pulse"]
    inside = (pulse.time > 40) & (pulse.time < 50)
    reference = Reference.of_waves({"pulse": changed(pulse, spoil(pulse.values, inside))})
    usable, said = reference.usable(40, 50)
    assert not usable and said.startswith(why)
    if spoil is not clipped:
        assert reference.usable(10, 30) == (True, "")
        assert reference.usable(20, 60, least=0.7)[0] == np.isfinite(reference.rate_between(20, 60))


def test_two_sensors_that_disagree_are_no_truth(body):
    pulse = waves(body, "pulse")["pulse"]
    slower = Wave(pulse.values, 1.15 * pulse.time, "pulse")
    good = Reference.of_waves(waves(body, "ecg", "pulse"))
    bad = Reference.of_waves({**waves(body, "ecg"), "pulse": slower})
    assert good.usable(30, 40) == (True, "")
    assert bad.usable(30, 40) == (False, "the ecg and pulse disagree")


def test_a_bad_second_sensor_does_not_cost_a_good_first(body):
    pulse = waves(body, "pulse")["pulse"]
    noisy = changed(pulse, np.random.default_rng(0).standard_normal(len(pulse.time)))
    reference = Reference.of_waves({**waves(body, "ecg"), "pulse": noisy})
    assert reference.usable(30, 40) == (True, "")


def test_owners_own_quality_counts(body):
    pulse = waves(body, "pulse")["pulse"]
    own = Wave((pulse.time < 50).astype(float), pulse.time, "signal_quality")
    reference = Reference.of_waves({"pulse": pulse, "signal_quality": own})
    assert reference.usable(20, 40)[0]
    assert reference.usable(60, 80)[1] == "the pulse is bad by its owners' own quality"


def test_a_pulse_is_made_of_an_ecg(body):
    made = Reference.of_waves(waves(body, "ecg")).pulse()
    true = np.interp(made.time - 0.17, body.time, body.pulse)  # the pulse follows the R peak
    shifted = np.interp(made.time + 0.17, body.time, body.pulse)
    inside = (made.time > 0) & (made.time < 99)
    assert np.corrcoef(made.values[inside], shifted[inside])[0, 1] > 0.9
    assert np.corrcoef(made.values[inside], true[inside])[0, 1] < 0.5


def test_a_recording_has_a_reference():
    recording = made_recording(Scenario(seed=1, duration=20, rate=20.0, heart_rate=66))
    reference = Reference.of(recording)
    assert reference.source == "ecg" and reference.second[0] == "pulse"
    assert reference.rate_between(2, 18) == pytest.approx(66, abs=4)
    with pytest.raises(InputError, match="start < stop"):
        reference.usable(5, 5)
