"""Mean colours of a face: microseconds in, three lines beside them."""

import numpy as np
import pytest
from scipy.io import savemat

from camvitals.data.corpora import corpus
from camvitals.records import InputError

TIME = np.arange(5) / 30


def take_of(folder, *, rgb, truth):
    savemat(folder / "mean_rgb.mat", {"mean_rgb": rgb, "timestamps": 5e5 + 1e6 * TIME[:, None]})
    (folder / "ground_truth.txt").write_text(truth)
    (take,) = corpus("face-trace").read(folder)
    return take


def line(values):
    return " ".join(f"{v:.7e}" for v in values)


def test_the_clock_is_in_seconds_from_the_first_picture(tmp_path):
    truth = "\n".join([line(np.sin(TIME)), line(TIME + 70), line([0, 0.03, 0.03, 0.1, 0.13])])
    take = take_of(tmp_path, rgb=np.full((5, 3), 90.0), truth=truth)
    assert np.allclose(take.colours().time, TIME)
    assert take.subject == tmp_path.name
    # the device gives one time twice
    assert list(take.reference("pulse").time) == [0, 0.03, 0.1, 0.13]


def test_lines_of_different_lengths_are_refused(tmp_path):
    truth = "\n".join([line(TIME), line(TIME[:4]), line(TIME)])
    take = take_of(tmp_path, rgb=np.full((5, 3), 90.0), truth=truth)
    with pytest.raises(InputError, match=r"ground_truth\.txt needs three .* of 5, 4, 5 numbers"):
        take.references()


def test_colours_must_be_as_many_as_times(tmp_path):
    take = take_of(tmp_path, rgb=np.full((4, 3), 90.0), truth=line(TIME))
    with pytest.raises(InputError, match=r"mean_rgb\.mat needs red, .* 4×3 values for 5 times"):
        take.colours()
