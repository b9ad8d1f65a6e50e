"""Labels of pictures from an ECG: who owns which reading, and what is made of them."""

from fractions import Fraction

import numpy as np
import pytest

from camvitals.records import InputError, Wave
from camvitals.train.frame_labels import SCHEMES, frame_labels, owned

RATE, ECG_HZ = 12.0, 2000
PER_PICTURE = Fraction(ECG_HZ, 12)


def wave(values, *, rate=ECG_HZ, start=0.0, name="ecg"):
    return Wave(np.asarray(values, float), start + np.arange(len(values)) / rate, name)


def pictures(count, start=0.0):
    return start + np.arange(count) / RATE


def test_a_picture_owns_the_readings_from_its_time_to_the_next():
    """500/3 each: 167, 167, 166, and after four minutes still those of the right moment."""
    count = 12 * 240
    time_N = np.arange(240 * ECG_HZ) / ECG_HZ
    first, last = owned(time_N, pictures(count), rate=RATE)
    exact = [-(-k * PER_PICTURE // 1) for k in range(count + 1)]
    assert first.tolist() == exact[:-1] and last.tolist() == exact[1:]
    assert np.bincount(last - first)[166:].tolist() == [count // 3, 2 * count // 3]
    assert abs(first[-1] - 166 * (count - 1)) > 0.9 * ECG_HZ  # where whole numbers would have been


def by_hand(values, k):
    low, high = -(-k * PER_PICTURE // 1), -(-(k + 1) * PER_PICTURE // 1)
    return values[low:high]


@pytest.mark.parametrize(
    ("scheme", "how"), [("average", np.mean), ("maximum", np.max), ("closest", lambda v: v[0])]
)
def test_schemes_as_they_are_defined(scheme, how):
    values = np.random.default_rng(1).standard_normal(3 * ECG_HZ)
    found = frame_labels(wave(values), pictures(36), rate=RATE, scheme=scheme, scale="none")
    np.testing.assert_allclose(found, [how(by_hand(values, k)) for k in range(36)])


def test_two_clocks_meet_by_their_times():
    """The ECG starts a third of a second before the pictures, and its sample 667 is at 0.0002 s."""
    values = np.arange(2 * ECG_HZ, dtype=float)
    ecg = wave(values, start=-1 / 3)
    found = frame_labels(ecg, pictures(12), rate=RATE, scheme="closest", scale="none")
    assert found[0] == 667
    np.testing.assert_allclose(ecg.time[found.astype(int)], pictures(12), atol=1 / ECG_HZ)


def test_scales_are_of_the_whole_recording():
    values = np.random.default_rng(2).gamma(2.0, size=5 * ECG_HZ)
    found = {
        scale: frame_labels(wave(values), pictures(60), rate=RATE, scheme="maximum", scale=scale)
        for scale in ("none", "z-score", "min-max")
    }
    plain = found["none"]
    np.testing.assert_allclose(found["z-score"], (plain - plain.mean()) / plain.std())
    assert (found["min-max"].min(), found["min-max"].max()) == (0.0, 1.0)


def beating(rate_bpm, seconds, *, start=0.0):
    """An ECG of narrow beats at exact times, and these times."""
    time = start + np.arange(round(seconds * ECG_HZ)) / ECG_HZ
    at = np.arange(0.31, time[-1] - 0.2, 60 / rate_bpm)
    shape = np.exp(-0.5 * ((time[:, None] - at) / 0.012) ** 2).sum(axis=1)
    return Wave(shape, time, "ecg", "mV"), at


def test_peaks_are_ones_where_beats_fall():
    ecg, at = beating(70, 30, start=-0.4)
    found = frame_labels(ecg, pictures(300), rate=RATE, scheme="peaks")
    inside = at[(at >= 0) & (at < 25)]
    expected = np.zeros(300)
    expected[np.floor(inside * RATE).astype(int)] = 1
    assert set(found) == {0.0, 1.0}
    np.testing.assert_array_equal(found, expected)
    assert found.mean() == pytest.approx(70 / 60 / RATE, abs=0.005)


def test_peaks_of_a_contact_pulse_are_its_feet():
    time = np.arange(20 * 64) / 64
    pulse = Wave(np.maximum(np.sin(2 * np.pi * 1.2 * time), -0.6) ** 3, time, "pulse")
    found = frame_labels(pulse, pictures(216, 1.0), rate=RATE, scheme="peaks")
    assert found.sum() == pytest.approx(1.2 * 18, abs=1)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_picture_without_a_reading_has_no_label(scheme):
    ecg, _ = beating(60, 6)
    found = frame_labels(ecg, pictures(100, -0.5), rate=RATE, scheme=scheme)
    assert np.isnan(found[:6]).all() and np.isnan(found[79:]).all()
    assert np.isfinite(found[6:78]).all()


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"scheme": "median"}, "scheme of average, maximum, closest, peaks .* got 'median'"),
        ({"scheme": "average", "scale": "half"}, "scale of z-score, min-max, none"),
        ({"scheme": "average", "rate": 4000.0}, "more readings than the 4000 pictures"),
    ],
)
def test_what_cannot_be_labelled(more, told):
    with pytest.raises(InputError, match=told):
        frame_labels(wave(np.zeros(4000)), pictures(12), **({"rate": RATE} | more))
