"""AMIGOS: films in an order of their own, arms in columns, empty cells."""

import numpy as np
import pytest
from scipy.io import savemat

from camvitals.data.corpora.amigos import references
from camvitals.data.synthetic.layouts.amigos import FILMS
from camvitals.records import InputError


@pytest.fixture
def mat(tmp_path):
    """Film k of a shuffled list has the ECG k on the left arm and −k on the right."""
    names, trials = np.empty((1, 20), dtype=object), np.empty((1, 20), dtype=object)
    for place, film in enumerate(reversed(FILMS)):
        trial = np.zeros((256, 17))
        trial[:, 14], trial[:, 15] = -FILMS.index(film), FILMS.index(film)
        names[0, place], trials[0, place] = film, trial
    trials[0, 3] = np.zeros((0, 0))
    path = tmp_path / "Data_Preprocessed_P08.mat"
    savemat(path, {"joined_data": trials, "VideoIDs": names})
    return path


@pytest.mark.parametrize("film", ["10", "4", "U1"])
def test_the_ecg_is_that_of_the_film_and_of_the_left_arm(mat, film):
    ecg = references(mat, film)["ecg"]
    assert (ecg.values == FILMS.index(film)).all()
    assert ecg.time[[0, 128]].tolist() == [0, 1]


def test_an_empty_cell_is_an_error(mat):
    with pytest.raises(InputError, match=r"P08\.mat needs samples×17 of video N1 .* nothing"):
        references(mat, "N1")


def test_a_film_that_was_not_shown_is_an_error(mat):
    with pytest.raises(InputError, match=r"P08\.mat needs video 99 in VideoIDs"):
        references(mat, "99")
