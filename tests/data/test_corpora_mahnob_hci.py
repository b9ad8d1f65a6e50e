"""MAHNOB-HCI: the Status channel says when the camera ran, and only its lowest bits do."""

import numpy as np
import pytest

from camvitals.data.corpora import corpus
from camvitals.data.corpora.mahnob_hci import references
from camvitals.data.files import read_bdf
from camvitals.data.synthetic.layouts import LAYOUTS, write_corpus
from camvitals.data.synthetic.layouts.layout import Person
from camvitals.data.synthetic.layouts.mahnob_hci import BEFORE_S, LABELS, RATE
from camvitals.data.synthetic.scenario import Scenario
from camvitals.records import InputError

SCENARIO = Scenario(seed=1, duration=3, rate=12.5, size=(64, 48))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus") / "mahnob"
    write_corpus(path, LAYOUTS["mahnob-hci"], [SCENARIO])
    return path


@pytest.fixture
def bdf(folder):
    return next(iter(sorted(folder.rglob("*_Trial1_emotion.bdf"))))


def with_status(path, target, code):
    """A copy whose Status is `code(its own codes)`."""
    data = np.frombuffer(path.read_bytes(), dtype=np.uint8).copy()
    head = 256 * (len(LABELS) + 1)
    records = data[head:].reshape(-1, len(LABELS), RATE, 3)
    status = records[:, -1].astype(np.int32) @ np.array([1, 1 << 8, 1 << 16], np.int32)
    changed = code(status.ravel()).reshape(status.shape)
    for place in range(3):
        records[:, -1, :, place] = changed >> (8 * place) & 0xFF
    target.write_bytes(data.tobytes())
    return target


def test_signals_have_the_places_of_the_amplifier():
    assert [LABELS.index(name) for name in ("EXG1", "EXG2", "EXG3", "Resp", "Status")] == [
        32, 33, 34, 44, 47,
    ]  # fmt: skip


def test_time_starts_with_the_camera_not_with_the_amplifier(bdf):
    status, rate = read_bdf(bdf, ["Status"])["Status"]
    assert (status < 0).all(), "the amplifier's own bits are set all the time"
    take = Person(1, SCENARIO).take(0)
    ecg = references(bdf)["ecg"]
    assert ecg.time[0] == 0
    assert ecg.time[-1] == pytest.approx(take.time[-1], abs=1 / rate)
    truth = np.interp(ecg.time, take.body.time, take.body.ecg)
    assert np.abs(ecg.values - truth).max() < 0.001  # mV
    assert (
        np.abs(ecg.values - np.interp(ecg.time + 0.02, take.body.time, take.body.ecg)).max() > 0.1
    )


def test_a_trigger_at_each_end_is_as_good_as_one_that_stays(bdf, tmp_path):
    def ends(status):
        on = np.flatnonzero(status & 0xFF)
        status[on[2:-2]] &= ~0xFF
        return status

    ecg = references(with_status(bdf, tmp_path / "ends.bdf", ends))["ecg"]
    assert np.array_equal(ecg.time, references(bdf)["ecg"].time)


def test_no_trigger_is_an_error_that_names_the_file(bdf, tmp_path):
    path = with_status(bdf, tmp_path / "none.bdf", lambda status: status & ~0xFF)
    with pytest.raises(InputError, match=r"none\.bdf needs triggers in Status"):
        references(path)


def test_pictures_keep_their_rate_though_avi_gives_no_times(folder):
    take = corpus("mahnob-hci").read(folder)[0]
    with take.pictures() as video:
        shown = [frame.time for frame in video]
        assert video.source.warnings == ()
    assert shown == pytest.approx(np.arange(38) / 12.5)


def test_a_take_without_a_bdf_is_listed_and_says_which(folder, tmp_path):
    video = next(folder.rglob("*_Section_2.avi"))
    copy = tmp_path / "Sessions" / "2" / video.name
    copy.parent.mkdir(parents=True)
    copy.write_bytes(video.read_bytes())
    (take,) = corpus("mahnob-hci").read(tmp_path)
    assert [path.name for path in take.missing()] == ["Part_1_S_Trial1_emotion.bdf"]
    with pytest.raises(InputError, match=r"Part_1_S_Trial1_emotion\.bdf is missing"):
        take.references()


def test_the_bdf_starts_before_the_video():
    assert BEFORE_S > 2
