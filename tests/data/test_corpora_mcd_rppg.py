"""MCD-rPPG: one wall clock for pictures and pulse."""

import numpy as np
import pytest

from camvitals.data.corpora import corpus
from camvitals.data.synthetic.layouts import LAYOUTS, write_corpus
from camvitals.data.synthetic.layouts.layout import Person
from camvitals.data.synthetic.scenario import Scenario
from camvitals.records import InputError

PERSON = Scenario(seed=6, duration=3, rate=24, size=(64, 48), clock="jitter")


@pytest.fixture
def take(tmp_path):
    write_corpus(tmp_path / "mcd", LAYOUTS["mcd-rppg"], [PERSON])
    return corpus("mcd-rppg").read(tmp_path / "mcd")[0]


def test_pictures_have_the_times_of_meta_not_of_the_container(take):
    made = Person(1, PERSON).take(0)
    with take.pictures() as video:
        shown = np.array([frame.time for frame in video])
    assert np.allclose(shown, made.time - made.time[0], atol=2e-6)
    assert np.diff(shown).std() > 1e-3


def test_the_pulse_starts_before_the_first_picture(take):
    made, pulse = Person(1, PERSON).take(0), take.reference("pulse")
    assert pulse.time[0] == pytest.approx(-0.7, abs=1e-5)
    assert np.allclose(pulse.values, made.body.pulse_at(pulse.time + made.time[0]), atol=1e-4)


def test_without_it_the_pulse_matched_to_the_pictures_is_taken(take, tmp_path):
    (tmp_path / "mcd" / "ppg" / "1020_after.PW").unlink()
    again = corpus("mcd-rppg").read(tmp_path / "mcd")[0]
    assert again.files[2].parent.name == "ppg_sync"
    made, pulse = Person(1, PERSON).take(0), again.reference("pulse")
    assert np.allclose(pulse.time, made.time - made.time[0], atol=2e-6)
    true = made.body.pulse_at(made.time)
    assert np.abs(pulse.values - true).max() < 0.1  # the nearest sample is up to 5 ms away


def test_people_and_state_are_told(take):
    assert dict(take.attributes) == {
        "state": "after exercise",
        "device": "webcam",
        "sex": "M",
        "age": "21",
    }


def test_a_broken_stamp_is_named_with_its_line(take):
    meta = take.files[1]
    lines = meta.read_text().splitlines()
    meta.write_text("\n".join([*lines[:4], "5  yesterday", *lines[5:]]))
    with pytest.raises(InputError, match=r"_after\.txt line 5 needs a picture's number"):
        take.references()
