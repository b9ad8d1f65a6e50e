"""ECG-Fitness: packets made even, samples met with pictures by their places, signed bytes."""

import numpy as np
import pytest

from camvitals.data.corpora import corpus
from camvitals.data.corpora.ecg_fitness import PICTURES, SIGNALS, even_times, references
from camvitals.data.synthetic.layouts import LAYOUTS, write_corpus
from camvitals.data.synthetic.layouts.ecg_fitness import HEADING, PACKET
from camvitals.data.synthetic.layouts.layout import Person
from camvitals.data.synthetic.scenario import Scenario
from camvitals.records import InputError

EPOCH_MS = 1_500_000_000_000


def put(folder, *, rate=70, pulse=-1, behind=0, places=0):
    """20 s of a ramp at 125 Hz; pictures from 2 s on, whose own clock is `behind` by ms."""
    stamps = EPOCH_MS + 8 * (np.arange(2500) // PACKET * PACKET)
    rows = [f"{s},{n},{rate},{pulse},-1,-1,-1" for n, s in enumerate(stamps)]
    (folder / SIGNALS).write_text("\n".join([HEADING, *rows]))
    times = 2000 + 40 * np.arange(400)
    lines = [f"{EPOCH_MS + t - behind},{t // 8 + places}" for t in times]
    (folder / PICTURES).write_text("\n".join(lines))
    return folder


@pytest.mark.parametrize("behind", [0, 3_600_000])
def test_a_sample_has_the_time_of_the_picture_that_names_it(tmp_path, behind):
    ecg = references(put(tmp_path, behind=behind))["ecg"]
    assert np.interp([0, 1, 15.96], ecg.time, ecg.values) == pytest.approx(
        [250, 375, 2245], abs=0.01
    )
    assert np.diff(ecg.time) == pytest.approx(0.008)
    assert ecg.unit == "1"


@pytest.mark.parametrize(("written", "rate"), [(70, 70), (-100, 156)])
def test_heart_rates_written_as_signed_bytes(tmp_path, written, rate):
    found = references(put(tmp_path, rate=written))
    assert set(found) == {"ecg", "heart_rate"}
    assert (found["heart_rate"].values == rate).all()


def test_what_was_not_recorded_is_not_there(tmp_path):
    assert set(references(put(tmp_path, rate=-1, pulse=40))) == {"ecg", "pulse"}


def test_a_gap_stays_a_gap():
    stamps = np.repeat(np.arange(100) * 0.04, 5)
    stamps[250:] += 3
    time = even_times(stamps)
    assert np.diff(time)[249] == pytest.approx(3.008, abs=0.001)
    assert np.delete(np.diff(time), 249) == pytest.approx(0.008, abs=1e-6)


def test_places_outside_the_ecg_are_an_error(tmp_path):
    with pytest.raises(InputError, match=r"c920\.csv needs ECG samples 0–2499 in column 2"):
        references(put(tmp_path, places=9000))


def test_the_last_places_may_be_outside(tmp_path):
    ecg = references(put(tmp_path, places=300))["ecg"]
    assert np.interp(0, ecg.time, ecg.values) == pytest.approx(550, abs=0.01)


def test_both_cameras_see_the_same_heart_at_the_times_of_the_list(tmp_path):
    scenario = Scenario(seed=2, duration=4, rate=12, size=(64, 48), clock="jitter")
    write_corpus(tmp_path / "fit", LAYOUTS["ecg-fitness"], [scenario])
    one, two = corpus("ecg-fitness").read(tmp_path / "fit")
    take = Person(1, scenario).take(0)
    for recording in (one, two):
        with recording.pictures() as video:
            shown = np.array([frame.time for frame in video])
        assert shown == pytest.approx(take.time - take.time[0], abs=0.0011)
    ecg = one.reference("ecg")
    truth = np.interp(ecg.time + take.time[0], take.body.time, take.body.ecg)
    assert np.corrcoef(truth, ecg.values)[0, 1] > 0.995
