"""Variability from a fingertip on a phone against a chest strap, over the same minute."""

import numpy as np
import pytest

from camvitals.records import Wave
from camvitals.vitals.beats import Beats, beats
from camvitals.vitals.variability import variability

pytestmark = pytest.mark.real
SUBJECTS = range(1, 12)


def strap(folder):
    """Intervals [s] of the chest strap and its readings."""
    interval = np.loadtxt(folder / "RR.txt") / 1e3
    time = np.r_[0, np.cumsum(interval)]
    sure, none = np.ones(len(time)), np.zeros(len(time))
    truth = Beats(time, sure, none.astype(int), none, 0, (0.0, float(time[-1])))
    return interval, {r.name: r for r in variability(truth)}


def phone(folder):
    """Beats of the colour channel whose beats are best, by their own quality."""
    table = np.genfromtxt(folder / "PPG.csv", delimiter=",", skip_header=1)
    time, colour = table[:, 0] / 1e3, table[:, 1:]
    alive = [c for c in colour.T if c.std() > 1e-6]
    return max((beats(Wave(c, time, "pulse")) for c in alive), key=lambda b: b.quality.sum())


def interval_errors(found, interval):
    """Differences [s] of good intervals from the strap's, at the offset that fits best."""
    time, length, quality = found.intervals()
    good = quality > 0.5
    reference = np.cumsum(interval)
    fits = []
    for offset in np.arange(-8, 8, 0.02):
        nearest = np.abs(time[good][:, None] - offset - reference).argmin(axis=1)
        fits.append(np.abs(length[good] - interval[nearest]))
    best = min(fits, key=np.median)
    return best


@pytest.fixture(scope="module")
def table(real_data):
    rows = {}
    for subject in SUBJECTS:
        folder = real_data / f"finger-hrv/subject_{subject:02d}"
        interval, truth = strap(folder)
        found = phone(folder)
        rows[subject] = (found, {r.name: r for r in variability(found)}, interval, truth)
    return rows


def test_intervals_are_those_of_the_strap(table):
    middle = [np.median(interval_errors(found, rr)) for found, _, rr, _ in table.values()]
    assert np.median(middle) < 0.012
    assert max(middle) < 0.04


def test_mean_interval_is_that_of_the_strap(table):
    off = []
    for found, _, interval, _ in table.values():
        _, length, quality = found.intervals()
        off.append(abs(length[quality > 0.5].mean() - interval.mean()))
    assert np.median(off) < 0.008 and max(off) < 0.03


@pytest.mark.parametrize(
    ("name", "middle", "most", "least"),
    [
        ("hrv_sdnn", 0.06, 0.2, 7),
        ("hrv_rmssd", 0.12, 0.3, 6),
        ("hrv_sd1", 0.12, 0.3, 6),
        ("hrv_sd2", 0.08, 0.2, 6),
    ],
)
def test_what_is_said_is_right(table, name, middle, most, least):
    """middle, most: median and largest relative error; least: how many must be answered."""
    pairs = [(mine[name], truth[name].value) for _, mine, _, truth in table.values()]
    said = [(mine, true) for mine, true in pairs if mine.value is not None]
    off = [abs(mine.value - true) / true for mine, true in said]
    assert len(said) >= least
    assert np.median(off) < middle and max(off) < most
    assert np.mean([m.low <= true <= m.high for m, true in said]) >= 0.85


def test_what_is_disturbed_is_withheld(table):
    for subject in (1, 11):  # weak and saturated; a third of the minute moved
        reading = table[subject][1]["hrv_rmssd"]
        assert reading.value is None
        assert "doubtful" in reading.why


def test_hf_is_of_the_right_size(table):
    pairs = [(mine["hrv_hf"], truth["hrv_hf"].value) for _, mine, _, truth in table.values()]
    said = [(m, t) for m, t in pairs if m.value is not None]
    assert len(said) >= 5
    assert np.median([abs(m.value - t) / t for m, t in said]) < 0.2
    assert np.mean([m.low <= t <= m.high for m, t in said]) >= 0.85
