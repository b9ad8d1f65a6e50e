import numpy as np
import pytest

from camvitals.data.synthetic.physiology import simulate_physiology
from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.truth import Truth
from camvitals.evaluate.waveform import match_beats
from camvitals.records import InputError, Wave
from camvitals.vitals.ecg import r_peaks

PLAIN = {"seed": 3, "duration": 60.0, "rate": 30.0}


def body(**fields):
    return simulate_physiology(Scenario(**(PLAIN | fields)))


def inside(person):
    return (person.r_peaks > 1) & (person.r_peaks < person.duration - 1)


def around(person, beats, start, stop):
    """(K, U) ECG about each of the beats, from `start` to `stop` [s]."""
    at = np.arange(round(start * person.rate), round(stop * person.rate)) / person.rate
    return np.interp(beats[:, None] + at, person.time, person.ecg), at


def t_end(person, beats):
    """(K,) s after R, where T has come down to a tenth of its height."""
    piece, at = around(person, beats, 0.12, 0.7)
    piece = piece - np.median(person.ecg)
    top = piece[:, : round(0.4 * person.rate)].argmax(axis=1)
    low = piece < 0.1 * piece[np.arange(len(top)), top][:, None]
    low &= np.arange(piece.shape[1]) > top[:, None]
    return at[low.argmax(axis=1)]


def test_the_textbook_is_one_for_all_and_ones_own_is_not():
    def middle(**fields):
        person = body(sdnn=0.0, breath_rate=15.0, **fields)
        return np.median(around(person, person.r_peaks[inside(person)], -0.3, 0.5)[0], axis=0)

    one, other = middle(seed=1), middle(seed=2)
    assert np.abs(one - other).max() < 0.03
    own, others = middle(seed=1, ecg="own"), middle(seed=2, ecg="own")
    assert np.abs(own - others).max() > 0.2
    again = middle(seed=1, ecg="own", tone=6)
    assert np.array_equal(own, again)


def test_ones_own_ecg_leaves_the_beats_where_they_are():
    plain, own = body(), body(ecg="own")
    assert np.array_equal(plain.r_peaks, own.r_peaks)
    assert np.abs(plain.feet - own.feet).max() < 0.12
    assert not np.allclose(plain.feet, own.feet, atol=1e-3)


def test_another_recording_is_of_the_same_heart():
    first = Scenario(seed=3, duration=60.0, rate=30.0, ecg="own", sdnn=10.0)
    people = [simulate_physiology(s) for s in (first, first.again(4), first.again(4).again(5))]
    means = [np.median(around(p, p.r_peaks[inside(p)], -0.3, 0.5)[0], axis=0) for p in people]
    assert all(np.corrcoef(means[0], other)[0, 1] > 0.995 for other in means[1:])
    assert not np.allclose(people[0].r_peaks[:20], people[1].r_peaks[:20], atol=0.01)
    transit = [float((p.feet - p.r_peaks).mean()) for p in people]
    assert np.ptp(transit) < 0.003
    assert first.again(4).person(0) == first.again(4) and Scenario(**PLAIN).again(4).heart is None
    with pytest.raises(InputError, match=r"scenario\.heart needs a whole number >= 0"):
        Scenario(**PLAIN, heart=-1)


@pytest.mark.parametrize("bpm", [50, 75, 120])
def test_p_qrs_and_t_of_every_person_are_there_and_r_is_where_it_is_said(bpm):
    for seed in range(6):
        person = body(seed=seed, ecg="own", heart_rate=bpm, sdnn=10.0)
        beats = person.r_peaks[inside(person)]
        found = r_peaks(Wave(person.ecg, person.time, "ecg", "mV")).time
        match = match_beats(found[(found > 1) & (found < 59)], beats, within=0.05, latest=0)
        assert match.f1 > 0.985 and np.abs(match.time_error).max() < 0.003
        piece, at = around(person, beats, -0.28, 0.45)
        mean = piece.mean(axis=0)
        p, t = (at > -0.25) & (at < -0.07), (at > 0.1) & (at < 0.4)
        between = np.interp(-0.065, at, mean)
        assert mean[p].max() - between > 0.04 and mean[t].max() - between > 0.08


def test_qt_follows_the_cube_root_of_the_interval():
    slow, fast = (body(ecg="own", heart_rate=bpm, sdnn=0.0) for bpm in (50, 100))
    ends = [float(np.median(t_end(p, p.r_peaks[inside(p)]))) for p in (slow, fast)]
    begin = 1.7 * 0.031  # from the begin of QRS to R
    assert (ends[0] + begin) / (ends[1] + begin) == pytest.approx(2 ** (1 / 3), rel=0.08)


def test_r_waves_swell_with_the_breath_by_each_ones_axis():
    person = body(ecg="own", sdnn=10.0, duration=120.0)
    beats = person.r_peaks[inside(person)]
    height = np.interp(beats, person.time, person.ecg) - 0.04 * person.breath_at(beats)
    assert np.corrcoef(height, person.breath_at(beats))[0, 1] > 0.95
    assert 0.01 < height.std() / height.mean() < 0.15


def test_transit_is_of_plausible_size_and_varies_by_milliseconds():
    means = {}
    for bpm in (55, 120):
        people = [body(seed=s, ecg="own", heart_rate=bpm, sdnn=20.0) for s in range(8)]
        transit = [p.feet - p.r_peaks for p in people]
        assert all(t.min() > 0.08 and t.max() < 0.26 for t in transit)
        assert all(0.002 < t.std() < 0.015 for t in transit)
        means[bpm] = np.mean([t.mean() for t in transit])
    assert 0.015 < means[55] - means[120] < 0.04  # 0.4 ms a bpm


def test_premature_beats_are_wide_have_no_p_and_a_weaker_later_pulse():
    person = body(ecg="own", ectopic=0.1, sdnn=10.0, duration=120.0)
    counted = inside(person)
    early, normal = person.ectopic & counted, ~person.ectopic & counted
    wide, narrow = (
        np.abs(around(person, person.r_peaks[which], 0.0, 0.03)[0]).mean(axis=1)
        / np.abs(np.interp(person.r_peaks[which], person.time, person.ecg))
        for which in (early, normal)
    )
    assert wide.min() > 1.2 * narrow.max()
    p_wave = [
        np.median(np.ptp(around(person, person.r_peaks[which], -0.2, -0.1)[0], axis=1))
        for which in (early, normal)
    ]
    assert p_wave[0] < p_wave[1]
    transit = person.feet - person.r_peaks
    assert transit[early].mean() - transit[normal].mean() > 0.015
    top = person.pulse_at(person.pulse_peaks)
    assert top[early].mean() < 0.8 * top[normal].mean()
    interval = np.diff(person.r_peaks)
    at = np.flatnonzero(early)
    assert np.all(interval[at] > 1.3 * interval[at - 1])  # the pause makes up for it


def test_fibrillation_has_no_order_no_p_and_uneven_pulses():
    order, none = (
        body(rhythm=rhythm, ecg="own", sdnn=30.0, duration=120.0, seed=5)
        for rhythm in ("sinus", "fibrillation")
    )
    assert none.irregular and not order.irregular
    assert none.heart_rate == pytest.approx(72, rel=1e-6)
    interval = np.diff(none.r_peaks[inside(none)])
    assert 0.18 < interval.std() / interval.mean() < 0.32 and interval.min() >= 0.3
    after = np.corrcoef(interval[1:], interval[:-1])[0, 1]
    assert abs(after) < 0.3  # each for itself
    averaged = [
        np.ptp(around(p, p.r_peaks[inside(p)], -0.25, -0.08)[0].mean(axis=0)) for p in (order, none)
    ]
    assert averaged[1] < 0.5 * averaged[0]
    top = [p.pulse_at(p.pulse_peaks[inside(p)]).std() for p in (order, none)]
    assert top[1] > 1.5 * top[0]


@pytest.mark.parametrize("bpm", [40, 90, 180])
def test_fibrillation_keeps_the_rate_and_can_have_ventricular_beats(bpm):
    for seed in range(5):
        person = body(rhythm="fibrillation", heart_rate=bpm, sdnn=10.0, ectopic=0.05, seed=seed)
        assert person.heart_rate == pytest.approx(bpm, rel=1e-6)
        assert person.ectopic.any()
        assert np.diff(person.r_peaks).min() > 0.28
        assert person.r_peaks[0] < -1 and person.r_peaks[-1] > 61


def test_truth_says_which_rhythm_it_was(tmp_path):
    scenario = Scenario(seed=1, duration=5.0, rate=10.0, rhythm="fibrillation", ecg="own")
    truth = Truth.of(scenario, np.arange(50) / 10)
    truth.save(tmp_path / "clip.mp4")
    again = Truth.load(tmp_path / "clip.mp4")
    assert again.physiology.irregular and again.scenario == scenario
    with pytest.raises(InputError, match="rhythm needs one of sinus, fibrillation"):
        Scenario(seed=1, duration=5.0, rate=10.0, rhythm="flutter")
