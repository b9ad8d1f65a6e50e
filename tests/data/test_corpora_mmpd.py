"""MMPD: pictures with time innermost, narrowed to 8 bits as they are unpacked; labels in words."""

import numpy as np
import pytest
from scipy.io import savemat

from camvitals.data.corpora import corpus
from camvitals.data.corpora.mmpd import references
from camvitals.data.corpora.stored import AT_ONCE, read_pictures
from camvitals.records import InputError

PICTURES = np.random.default_rng(0).integers(0, 256, (40, 8, 6, 3), dtype=np.uint8)


def put(path, **variables):
    path.parent.mkdir(exist_ok=True)
    savemat(path, variables, do_compression=path.stem != "flat")
    return path


@pytest.mark.parametrize("name", ["packed", "flat"])
@pytest.mark.parametrize("kind", ["uint8", "float32", "float64"])
def test_pictures_are_the_same_whatever_their_numbers(tmp_path, name, kind):
    stored = PICTURES if kind == "uint8" else (PICTURES / 255).astype(kind)
    path = put(tmp_path / f"{name}.mat", GT_ppg=np.zeros((1, 40)), light="LED-low", video=stored)
    assert np.array_equal(read_pictures(path, "video"), PICTURES)


def test_more_pictures_than_are_narrowed_at_once(tmp_path):
    many = np.random.default_rng(1).random((90, 80, 60, 3))
    assert many.size > AT_ONCE
    path = put(tmp_path / "many.mat", video=many)
    assert np.array_equal(read_pictures(path, "video"), np.floor(many * 255 + 0.5).astype(np.uint8))


def test_a_file_cut_short_is_an_error(tmp_path):
    path = put(tmp_path / "cut.mat", video=PICTURES)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(InputError, match=r"cut\.mat ends too early"):
        read_pictures(path, "video")


def test_numbers_that_are_no_colours_are_an_error(tmp_path):
    path = put(tmp_path / "odd.mat", video=PICTURES.astype(float))
    with pytest.raises(InputError, match=r"odd\.mat needs pictures of 0–1 but has 0–255"):
        read_pictures(path, "video")


def test_a_pulse_that_is_not_one_sample_a_picture_is_not_stretched(tmp_path):
    path = put(tmp_path / "p1_0.mat", video=PICTURES, GT_ppg=np.zeros((1, 200)))
    with pytest.raises(InputError, match="for each of 40 pictures but has 200"):
        references(path)


def test_labels_are_words_and_an_old_one_is_put_right(tmp_path):
    labels = {"motion": "Watching Videos", "skin_color": 4, "glasser": "True"}
    put(tmp_path / "subject3" / "p3_11.mat", video=PICTURES, GT_ppg=np.zeros((1, 40)), **labels)
    (take,) = corpus("mmpd").read(tmp_path)
    assert take.name == "p03/11"
    assert dict(take.attributes) == {"motion": "Walking", "tone": "4", "glasses": "True"}


def test_a_broken_file_is_listed_without_labels(tmp_path):
    path = tmp_path / "subject1" / "p1_0.mat"
    path.parent.mkdir()
    path.write_bytes(b"no MATLAB")
    (take,) = corpus("mmpd").read(tmp_path)
    assert dict(take.attributes) == {}
    with pytest.raises(InputError, match=r"p1_0\.mat"):
        take.references()
