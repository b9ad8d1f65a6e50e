"""V4V: two phases, three splits, rates in one file for all or in one for each."""

import numpy as np
import pytest

from camvitals.data.corpora import corpus
from camvitals.data.synthetic.layouts import LAYOUTS, write_corpus
from camvitals.data.synthetic.scenario import Scenario
from camvitals.records import InputError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus") / "v4v"
    people = [Scenario(seed=s, duration=0.6, rate=25, size=(64, 48)) for s in (1, 2, 3)]
    write_corpus(path, LAYOUTS["v4v"], people)
    return path


def test_the_folders_tell_the_split(folder):
    takes = corpus("v4v").read(folder)
    assert {take.subject: take.split for take in takes} == {
        "F001": "train",
        "M001": "val",
        "F002": "test",
    }
    assert [path for take in takes for path in take.missing()] == []


def test_every_picture_has_its_rates(folder):
    for take in corpus("v4v").read(folder):
        with take.pictures() as video:
            shown = [frame.time for frame in video]
        found = take.references()
        assert set(found) == {"blood_pressure", "heart_rate", "respiration_rate"}
        assert np.allclose(found["heart_rate"].time, shown, atol=1e-3)


def with_rates(folder, text):
    (folder / "F007_T1.mkv").write_bytes(b"0")
    files = {"BP_raw_1KHz/F007-T1-BP.txt": "80\n81\n", "Physiology/F007_T1.txt": text}
    for name, content in files.items():
        path = folder / "Ground truth" / name
        path.parent.mkdir(parents=True)
        path.write_text(content)
    (take,) = corpus("v4v").read(folder)
    return take


def test_rates_of_another_video_are_not_taken(tmp_path):
    take = with_rates(tmp_path, "F008_T1.mkv, HR, 70, 71\n")
    with pytest.raises(InputError, match=r"F007_T1\.txt needs lines of HR and RR for F007_T1\.mkv"):
        take.references()


def test_words_among_the_rates_are_named(tmp_path):
    take = with_rates(tmp_path, "F007_T1.mkv, HR, 70, lost\n")
    with pytest.raises(InputError, match=r"F007_T1\.txt line 1 needs a rate for every picture"):
        take.references()
