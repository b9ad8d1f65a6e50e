"""VIPL-HR: pictures by time.txt and not by the container; impossible numbers; no infrared."""

import shutil

import numpy as np
import pytest

from camvitals.data.corpora import corpus
from camvitals.data.synthetic.layouts import LAYOUTS, write_corpus
from camvitals.data.synthetic.scenario import Scenario

SCENARIO = Scenario(seed=1, duration=3, rate=16, size=(64, 48), clock="jitter")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus") / "vipl"
    write_corpus(path, LAYOUTS["vipl-hr"], [SCENARIO])
    return path


def shown(take):
    with take.pictures() as video:
        return [frame.time for frame in video]


def test_pictures_have_the_times_of_the_text_file(folder):
    timed, phone = corpus("vipl-hr").read(folder)
    listed = np.loadtxt(timed.files[0].with_name("time.txt")) / 1e3
    assert np.std(np.diff(listed)) > 0.002
    assert shown(timed) == pytest.approx(listed)
    assert timed.attributes["clock"] == "time.txt"
    assert phone.attributes["clock"] == "container"
    assert shown(phone) == pytest.approx(np.arange(48) / 16)


def test_infrared_is_left_out_and_numbers_no_body_has_are_not_known(folder, tmp_path):
    root = tmp_path / "vipl"
    shutil.copytree(folder, root)
    part = root / "data" / "p1" / "v1"
    (part / "source2").rename(part / "source4")
    (part / "source1" / "gt_SpO2.csv").write_text("SpO2\n98\n103.79\n44\n")
    (part / "source1" / "gt_HR.csv").unlink()
    (take,) = corpus("vipl-hr").read(root)
    found = take.references()
    assert set(found) == {"pulse", "spo2"}
    assert found["spo2"].time.tolist() == [0, 1, 2]
    assert np.array_equal(found["spo2"].values, [98, np.nan, 44], equal_nan=True)
