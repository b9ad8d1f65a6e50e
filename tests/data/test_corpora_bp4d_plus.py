"""BP4D+: pictures that stay in their zip."""

import shutil

import numpy as np
import pytest

from camvitals.data.corpora import corpus
from camvitals.data.synthetic.layouts import LAYOUTS, write_corpus
from camvitals.data.synthetic.scenario import Scenario
from camvitals.records import InputError


@pytest.fixture
def folder(tmp_path):
    person = Scenario(seed=2, duration=0.6, rate=30, size=(64, 48))
    write_corpus(tmp_path / "bp4d", LAYOUTS["bp4d+"], [person])
    return tmp_path / "bp4d"


def pictures_of(take):
    with take.pictures() as video:
        return [(frame.time, frame.rgb()) for frame in video]


def test_zipped_and_unpacked_pictures_are_the_same_at_25_a_second(folder):
    zipped = pictures_of(corpus("bp4d+").read(folder)[0])
    assert np.allclose([time for time, _ in zipped], np.arange(15) / 25)
    shutil.unpack_archive(folder / "2D+3D" / "F001.zip", folder / "2D+3D")
    take = corpus("bp4d+").read(folder)[0]
    assert take.files[0].is_dir()
    for (_, ours), (_, theirs) in zip(zipped, pictures_of(take), strict=True):
        assert np.array_equal(ours, theirs)


def test_a_task_that_is_not_in_the_zip_is_named(folder):
    (folder / "Physiology" / "F001" / "T9").mkdir()
    take = next(take for take in corpus("bp4d+").read(folder) if take.task == "T9")
    assert [path.name for path in take.missing()] == ["BP_mmHg.txt"]
    with pytest.raises(InputError, match=r"F001\.zip needs pictures in F001/T9/"):
        take.pictures()


def test_a_broken_zip_is_named(folder):
    archive = folder / "2D+3D" / "F001.zip"
    archive.write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"F001\.zip needs to be a zip file"):
        corpus("bp4d+").read(folder)[0].pictures()


def test_the_pressure_has_a_thousand_samples_a_second_from_the_first_picture(folder):
    pressure = corpus("bp4d+").read(folder)[0].reference("blood_pressure")
    assert np.allclose(pressure.time, np.arange(600) / 1000)
    assert pressure.unit == "mmHg" and 60 < pressure.values.mean() < 120
