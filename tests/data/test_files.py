"""Files of other people's making, right and wrong."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from camvitals.data.files import read_bdf, read_columns, read_hdf5, read_mat, read_rows
from camvitals.records import InputError

h5py = pytest.importorskip("h5py")
pyedflib = pytest.importorskip("pyedflib")


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    ["t,b\n1,2\n3,4\n", "1;2\n3;4", "1 2\n\n3   4\n", "\ufefft\tb\n1\t2\n3\t4", "t, b\n1 2\n3 4"],
)
def test_columns_whatever_stands_between(tmp_path, text):
    found = read_columns(written(tmp_path / "a.csv", text), names=["t", "b"])
    assert list(found) == ["t", "b"]
    assert found["t"].tolist() == [1, 3] and found["b"].tolist() == [2, 4]


def test_columns_by_place_and_after_a_preamble(tmp_path):
    path = written(tmp_path / "a.csv", "made by hand\n1,2,\n3,,\n")
    found = read_columns(path, skip=1)
    assert list(found) == ["0", "1", "2"]
    assert found["0"].tolist() == [1, 3]
    assert found["1"][0] == 2 and np.isnan(found["1"][1]) and np.isnan(found["2"]).all()


def test_columns_say_file_line_and_cell(tmp_path):
    path = written(tmp_path / "a.csv", "t,b\n1,2\n\n3,four\n")
    with pytest.raises(InputError, match=r"a\.csv line 4 needs numbers but has 'four'"):
        read_columns(path)
    with pytest.raises(InputError, match=r"a\.csv needs a column c but has t, b"):
        read_columns(path, names=["c"])
    with pytest.raises(InputError, match=r"b\.csv line 2 needs 2 columns but has 1"):
        read_columns(written(tmp_path / "b.csv", "1,2\n3\n"))
    with pytest.raises(InputError, match=r"c\.csv is missing"):
        read_columns(tmp_path / "c.csv")
    with pytest.raises(InputError, match=r"d\.csv is empty"):
        read_columns(written(tmp_path / "d.csv", ""))
    with pytest.raises(InputError, match="none"):
        read_columns(written(tmp_path / "e.csv", "t,b\n"))


def test_rows_of_different_lengths(tmp_path):
    rows = read_rows(written(tmp_path / "a.txt", " 1e0  2 3\n4\n"))
    assert [row.tolist() for row in rows] == [[1, 2, 3], [4]]
    with pytest.raises(InputError, match="line 2 needs numbers but has 'x'"):
        read_rows(written(tmp_path / "b.txt", "1\nx\n"))


def matlab_73(path: Path, values: np.ndarray) -> None:
    """What MATLAB's save -v7.3 leaves: axes turned round, text as codes, cells as references."""
    with h5py.File(path, "w", userblock_size=512) as file:
        file.create_dataset("wave", data=values.T).attrs["MATLAB_class"] = b"double"
        codes = np.array([[ord(c)] for c in "lamp"], np.uint16)
        file.create_dataset("light", data=codes).attrs["MATLAB_class"] = b"char"
        file["who/age"] = np.array([[30.0]])
        file["#refs#/a"] = np.array([[7.0]])
        cells = file.create_dataset("cells", (1, 1), h5py.ref_dtype)
        cells[0, 0] = file["#refs#/a"].ref
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64")


@pytest.mark.parametrize("kind", ["5", "7.3"])
def test_both_kinds_of_matlab_files_read_alike(tmp_path, kind):
    from scipy.io import savemat

    values = np.arange(6.0).reshape(2, 3)
    path = tmp_path / "a.mat"
    if kind == "5":
        cells = np.empty(1, object)
        cells[0] = 7.0
        savemat(path, {"wave": values, "light": "lamp", "who": {"age": 30.0}, "cells": cells})
    else:
        matlab_73(path, values)
    mat = pickle.loads(pickle.dumps(read_mat(path)))
    assert set(mat) == {"wave", "light", "who", "cells"}
    assert np.array_equal(mat["wave"], values)
    assert mat["light"] == "lamp" and mat["who"]["age"] == 30
    assert np.ravel(mat["cells"]).tolist() == [7]
    with pytest.raises(InputError, match=r"a\.mat needs a variable 'pulse' but has"):
        mat["pulse"]


def test_what_is_no_matlab_file(tmp_path):
    with pytest.raises(InputError, match="needs to be a MATLAB file"):
        list(read_mat(written(tmp_path / "a.mat", "hello " * 100)))
    with pytest.raises(InputError, match="is missing"):
        read_mat(tmp_path / "b.mat")


def test_hdf5_whole_and_in_part(tmp_path):
    with h5py.File(tmp_path / "a.hdf5", "w") as file:
        file["g/x"] = np.arange(5)
        file.attrs["sample-rate-hz"] = 256.0
    data = pickle.loads(pickle.dumps(read_hdf5(tmp_path / "a.hdf5")))
    assert list(data) == ["g/x"] and data.shape("g/x") == (5,)
    assert data["g/x"].tolist() == [0, 1, 2, 3, 4] and data.part("g/x", slice(2)).tolist() == [0, 1]
    assert data.attributes()["sample-rate-hz"] == 256
    with pytest.raises(InputError, match=r"a\.hdf5 needs 'pulse' but has g/x"):
        data["pulse"]
    with pytest.raises(InputError, match="needs to be HDF5"):
        read_hdf5(written(tmp_path / "b.hdf5", "no"))["x"]


def test_bdf_by_label_and_by_place(tmp_path):
    path = tmp_path / "a.bdf"
    wave = np.round(100 * np.sin(np.arange(512) / 9))
    kind = pyedflib.FILETYPE_BDFPLUS
    with pyedflib.EdfWriter(str(path), 2, file_type=kind) as file:
        for k, (label, rate) in enumerate((("EXG1", 256), ("GSR", 64))):
            file.setSignalHeader(k, {
                "label": label, "dimension": "uV", "sample_frequency": rate,
                "physical_min": -200, "physical_max": 200, "digital_min": -8388608,
                "digital_max": 8388607, "transducer": "", "prefilter": "",
            })  # fmt: skip
        file.writeSamples([wave, wave[:128]])
    found = read_bdf(path, ["GSR", 0])
    assert list(found) == ["GSR", "EXG1"]
    assert found["EXG1"][1] == 256 and found["GSR"][1] == 64
    assert found["EXG1"][0] == pytest.approx(wave, abs=1e-3)
    with pytest.raises(InputError, match=r"a\.bdf needs signal 'ECG' but has EXG1, GSR"):
        read_bdf(path, ["ECG"])
    with pytest.raises(InputError, match="needs to be BDF or EDF"):
        read_bdf(written(tmp_path / "b.bdf", "no"), [0])


def test_a_library_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    path = written(tmp_path / "a.hdf5", "x")
    with pytest.raises(InputError, match=r"needs h5py; install it with pip install 'camvitals\[fo"):
        read_hdf5(path)["x"]
