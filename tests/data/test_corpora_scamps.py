"""SCAMPS: MATLAB's axes backwards, a part of the pictures at a time, splits in either form."""

import h5py
import numpy as np
import pytest

from camvitals.data.corpora import corpus
from camvitals.data.corpora.scamps import AT_ONCE, read_splits

PICTURES = np.random.default_rng(0).integers(0, 256, (AT_ONCE + 7, 6, 8, 3), dtype=np.uint8)


def put(path, name):
    with h5py.File(path, "w") as file:
        file[name] = (PICTURES / 255).transpose(3, 2, 1, 0)
        file["d_ppg"] = np.arange(len(PICTURES), dtype=float)[None]


@pytest.mark.parametrize("name", ["RawFrames", "Xsub"])
def test_rows_columns_and_colours_come_out_as_they_were(tmp_path, name):
    put(tmp_path / "P000001.mat", name)
    (take,) = corpus("scamps").read(tmp_path)
    with take.pictures() as video:
        shown = list(video)
    assert np.array_equal([frame.rgb() for frame in shown], PICTURES)
    assert [frame.time for frame in shown] == pytest.approx(take.reference("pulse").time)
    assert set(take.references()) == {"pulse"}, "there is no d_br in this file"


@pytest.mark.parametrize(
    "table",
    [
        "File,Split\nP000001.mat,Train\nP000002.mat,Validation\nP000003.mat,Test\n",
        "Train,Validation,Test\nP000001,P000002,P000003\n",
    ],
)
def test_a_row_a_file_and_a_column_a_split(tmp_path, table):
    (tmp_path / "ScampsTrainTestSplit.csv").write_text(table)
    assert read_splits(tmp_path) == {"P000001": "train", "P000002": "val", "P000003": "test"}


def test_no_table_no_splits(tmp_path):
    assert read_splits(tmp_path) == {}
