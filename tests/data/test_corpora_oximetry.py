"""Oximetry: the shifted heading, the unfilled oximeter, the clock on the wall."""

import numpy as np
import pytest

from camvitals.data.corpora import corpus
from camvitals.data.corpora.oximetry import ecg_heart_rate, references
from camvitals.data.synthetic.layouts import LAYOUTS, write_corpus
from camvitals.data.synthetic.scenario import Scenario
from camvitals.records import InputError

COURSE = ((0.0, 98.0), (20.0, 78.0))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus") / "oximetry"
    person = Scenario(seed=4, duration=20, rate=30, heart_rate=72, spo2_course=COURSE)
    write_corpus(path, LAYOUTS["oximetry"], [person])
    return path


def changed(folder, tmp_path, old, new):
    text = (folder / "gt" / "100001.csv").read_text("utf-8-sig")
    assert old in text
    path = tmp_path / "100001.csv"
    path.write_text(text.replace(old, new), "utf-8-sig")
    return path


def test_oxygen_is_the_mean_of_the_four_oximeters_that_are_filled(folder):
    spo2 = references(folder / "gt" / "100001.csv")["spo2"]
    assert np.allclose(spo2.values, np.interp(spo2.time, *np.transpose(COURSE)), atol=0.051)


def test_the_ecg_stands_five_columns_right_of_its_name(folder):
    path = folder / "gt" / "100001.csv"
    heading, first = path.read_text("utf-8-sig").splitlines()[:2]
    place = heading.split(",").index("ECG 3")
    assert first.split(",")[place] == ""
    assert ecg_heart_rate(path).values[0] == float(first.split(",")[place + 5])


def test_seconds_that_are_missing_stay_missing(folder, tmp_path):
    text = (folder / "gt" / "100001.csv").read_text("utf-8-sig").splitlines()
    path = tmp_path / "100001.csv"
    path.write_text("\n".join(text[:5] + text[8:]), "utf-8-sig")
    time = references(path)["heart_rate"].time
    assert list(time[:6]) == [0, 1, 2, 3, 7, 8]


def test_a_recording_goes_on_past_midnight(folder, tmp_path):
    lines = (folder / "gt" / "100001.csv").read_text("utf-8-sig").splitlines()
    for k, line in enumerate(lines[1:-1]):
        second = (23 * 3600 + 59 * 60 + 50 + k) % 86400
        clock = f" {second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
        lines[1 + k] = ",".join([clock, *line.split(",")[1:]])
    path = tmp_path / "100001.csv"
    path.write_text("\n".join(lines), "utf-8-sig")
    assert list(references(path)["spo2"].time) == list(range(21))


def test_a_device_that_shows_nothing_is_a_gap(folder, tmp_path):
    lines = (folder / "gt" / "100001.csv").read_text("utf-8-sig").splitlines()
    cells = lines[3].split(",")
    cells[1:11] = ["0"] * 10
    path = tmp_path / "100001.csv"
    path.write_text("\n".join([*lines[:3], ",".join(cells), *lines[4:]]), "utf-8-sig")
    found = references(path)
    assert list(np.flatnonzero(np.isnan(found["spo2"].values))) == [2]
    assert list(np.flatnonzero(np.isnan(found["heart_rate"].values))) == [2]


def test_a_broken_clock_is_named_with_its_line(folder, tmp_path):
    path = changed(folder, tmp_path, " 09:25:04", " 09:xx:04")
    with pytest.raises(InputError, match=r"100001\.csv line 4 needs a time"):
        references(path)


def test_the_hands_share_the_body_but_not_the_colours(folder):
    left, right = corpus("oximetry").read(folder)
    assert (left.roi, left.task, right.task) == ("finger", "Left", "Right")
    ours, theirs = left.colours().region("finger"), right.colours().region("finger")
    assert not np.allclose(ours, theirs)
    assert np.array_equal(left.reference("spo2").values, right.reference("spo2").values)
