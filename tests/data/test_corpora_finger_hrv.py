"""Welltory: frame times of the phone, intervals without an offset."""

import numpy as np
import pytest

from camvitals.data.corpora import corpus
from camvitals.data.synthetic.layouts import LAYOUTS, write_corpus
from camvitals.data.synthetic.physiology import simulate_physiology
from camvitals.data.synthetic.scenario import Scenario
from camvitals.records import InputError


def test_frames_keep_their_jitter_and_beats_their_intervals(tmp_path):
    person = Scenario(seed=3, duration=12, rate=30, clock="dropped", sdnn=60)
    write_corpus(tmp_path / "x", LAYOUTS["finger-hrv"], [person])
    (take,) = corpus("finger-hrv").read(tmp_path / "x")
    assert not take.aligned
    trace = take.colours()
    assert np.diff(trace.time).max() > 0.3  # the gap of the phone
    beats = simulate_physiology(person).r_peaks
    beats = beats[(beats >= 0) & (beats <= 12)]
    rr = take.reference("rr")
    assert np.allclose(rr.values, 1e3 * np.diff(beats), atol=0.51)
    assert np.allclose(rr.time, beats[1:] - beats[0], atol=0.02)


def test_a_time_that_comes_twice_counts_once(tmp_path):
    (tmp_path / "PPG.csv").write_text("time,R,G,B\n0,1,2,3\n33,4,5,6\n33,7,8,9\n66,1,1,1\n")
    (tmp_path / "RR.txt").write_text("800 810")
    (take,) = corpus("finger-hrv").read(tmp_path)
    trace = take.colours()
    assert list(trace.time) == [0, 0.033, 0.066]
    assert list(trace.rgb[1, 0]) == [4, 5, 6]


def test_colours_without_times_are_refused(tmp_path):
    (tmp_path / "PPG.csv").write_text("R,G,B\n1,2,3\n4,5,6\n")
    (take,) = corpus("finger-hrv").read(tmp_path)
    with pytest.raises(InputError, match=r"PPG\.csv needs a column time"):
        take.colours()
    assert [path.name for path in take.missing()] == ["RR.txt"]
