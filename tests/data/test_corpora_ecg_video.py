"""The layout of system A: two clocks, three sessions, a heart that calms down."""

import numpy as np
import pytest

from camvitals.data.corpora import CORPORA
from camvitals.data.corpora.ecg_video import clocks
from camvitals.data.synthetic import scene
from camvitals.data.synthetic.camera import time_stamps
from camvitals.data.synthetic.layouts import LAYOUTS, write_corpus
from camvitals.data.synthetic.layouts.ecg_video import take
from camvitals.data.synthetic.layouts.layout import Person
from camvitals.data.synthetic.scenario import Scenario, draw
from camvitals.records import InputError
from camvitals.vitals.ecg import r_peaks

LAYOUT = LAYOUTS["ecg-video"]
HEADING = "stream,first_s,samples,seconds\n"


def grey(scenario):
    for time in time_stamps(scenario):
        yield np.full((scenario.size[1], scenario.size[0], 3), 90, np.uint8), float(time)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Eleven people of 3 s: the last is seen three times."""
    made = tmp_path_factory.mktemp("ecg") / "made"
    people = [Scenario(seed=k, duration=3, rate=12, size=(32, 24)) for k in range(11)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scene, "frames", grey)
        write_corpus(made, LAYOUT, people)
    return made


def test_from_the_eleventh_person_on_there_is_a_third_video(folder):
    takes = CORPORA["ecg-video"].read(folder)
    assert len(takes) == 23
    assert [one.name for one in takes[-3:]] == ["P11/exercise", "P11/later", "P11/rest"]
    assert [one.attributes["state"] for one in takes[-3:]] == [
        "after exercise",
        "later after exercise",
        "rest",
    ]


def test_22_people_give_56_videos():
    assert sum(2 + (number >= LAYOUT.more_from) for number in range(1, 23)) == 56


def test_each_stream_has_its_own_clock(folder):
    one = CORPORA["ecg-video"].read(folder)[0]
    ecg = one.reference("ecg")
    known = clocks(folder / "P01" / "exercise")
    assert known["ecg"].rate / known["video"].rate == pytest.approx(500 / 3, rel=1e-12)
    assert 1 / np.median(np.diff(ecg.time)) == pytest.approx(2000)
    assert (ecg.time[0], ecg.time[-1]) == pytest.approx((-0.7, 3.6), abs=1e-3)
    with one.pictures() as video:
        times = [frame.time for frame in video]
    np.testing.assert_allclose(times, np.arange(36) / 12, atol=1e-9)


def test_the_heart_calms_down_after_exercise():
    person = Person(3, draw(5, duration=60, rate=12, heart_rate=70))
    rest, after, later = (take(person, k) for k in range(3))

    def rate(one, start, stop):
        return one.body.rate_between(start, stop)

    assert rate(rest, 0, 60) == pytest.approx(70, abs=2)
    assert rate(after, 0, 10) > 100
    assert rate(after, 50, 60) < rate(after, 0, 10) - 20
    assert rate(rest, 0, 60) < rate(later, 0, 60) < rate(after, 20, 60)
    assert after.body.breath_rate > rest.body.breath_rate


def test_a_fast_draw_rests_slower():
    rates = [
        take(Person(1, draw(k, duration=20, rate=12)), 0).scenario.heart_rate for k in range(40)
    ]
    assert min(rates) > 44 and max(rates) <= 95


def test_the_ecg_is_of_the_beats_that_the_body_had(folder):
    person = Person(1, Scenario(seed=0, duration=3, rate=12, size=(32, 24)))
    truth = take(person, 0).body.r_peaks
    one = next(t for t in CORPORA["ecg-video"].read(folder) if t.name == "P01/rest")
    found = r_peaks(one.reference("ecg")).time
    inside = truth[(truth > -0.5) & (truth < 3.4)]
    assert len(found) >= len(inside) >= 3
    nearest = np.abs(found[:, None] - inside).min(axis=0)
    assert nearest.max() < 0.004


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("stream,first\n", "needs the heading stream,first_s,samples,seconds"),
        (HEADING + "video,0,12,1\n", "has no line for ecg"),
        (HEADING + "video,0,12,0\n", "but has 'video,0,12,0'; mend that line"),
        (HEADING + "video,soon,12,1\n", "but has 'video,soon,12,1'"),
        (HEADING + "video,0,-12,1\n", "mend that line"),
    ],
)
def test_a_clock_that_cannot_be_read_is_named(tmp_path, text, told):
    (tmp_path / "clocks.csv").write_text(text)
    with pytest.raises(InputError, match=told):
        clocks(tmp_path)
