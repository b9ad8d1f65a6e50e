"""A table of one's own recordings: columns, clocks, units, and what is refused."""

import numpy as np
import pytest

from camvitals.data.corpora import corpus
from camvitals.records import InputError

SIGNALS = "time,pulse,ecg\n0,1,0.5\n0.5,2,0.25\n1,3,0.125\n"


def takes_of(folder, table, **files):
    (folder / "recordings.csv").write_text(table)
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)
    return corpus("table").read(folder)


def test_a_row_for_each_video(tmp_path):
    table = (
        "video,reference,subject,session,task,split,roi,light\n"
        "x/a.mp4,a.csv,ann,1,rest,train,skin,lamp\nx/b.mp4,,bob,,,,,\n"
    )
    ann, bob = takes_of(tmp_path, table, a=SIGNALS)
    assert (ann.name, ann.split, ann.roi, ann.attributes) == (
        "ann/1/rest", "train", "skin", {"light": "lamp"},
    )  # fmt: skip
    assert ann.files == (tmp_path / "x/a.mp4", tmp_path / "a.csv")
    assert list(ann.references()) == ["pulse", "ecg"]
    assert (bob.name, bob.roi, bob.attributes, bob.references()) == ("bob", "face", {}, {})
    with pytest.raises(InputError, match=r"no file or folder at .*b\.mp4"):
        bob.pictures()


def test_a_video_without_a_subject_is_its_own(tmp_path):
    takes = takes_of(tmp_path, "video,reference\nx/a.mp4,\nx/b.mp4,\n")
    assert [take.subject for take in takes] == ["x/a", "x/b"]


def test_parquet_by_its_own_path(tmp_path):
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = {"video": ["a.mp4", "b.mp4"], "reference": ["a.csv", None], "age": [31, None]}
    parquet.write_table(pa.table(columns), tmp_path / "mine.parquet")
    one, two = corpus("table").read(tmp_path / "mine.parquet")
    assert one.attributes == {"age": "31"} and two.attributes == {}
    assert one.files[1] == tmp_path / "a.csv" and len(two.files) == 1


def test_clocks_names_and_units_of_the_devices(tmp_path):
    table = (
        "video,reference,time_column,time_unit,offset,ecg_column,ecg_unit,spo2_unit\n"
        "a.mp4,a.csv; b.csv,t,ms,1000,lead,uV,1\n"
    )
    (take,) = takes_of(tmp_path, table, a="t,lead\n1000,250\n1500,500\n", b="t,spo2\n900,0.97\n")
    ecg, spo2 = take.reference("ecg"), take.reference("spo2")
    assert ecg.time.tolist() == [0, 0.5] and ecg.values.tolist() == [0.25, 0.5]
    assert ecg.unit == "mV" and spo2.unit == "%"
    assert np.allclose(spo2.time, [-0.1]) and np.allclose(spo2.values, [97])
    assert take.attributes == {}


def test_slow_signals_beside_fast_ones(tmp_path):
    text = "time,pulse,spo2\n0,1,97\n0.1,2,\n0.2,3,\n0.3,4,96\n"
    (take,) = takes_of(tmp_path, "video,reference\na.mp4,a.csv\n", a=text)
    assert take.reference("spo2").time.tolist() == [0, 0.3]
    assert len(take.reference("pulse").time) == 4


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("film,reference\na,b\n", "needs the columns video and reference but has film"),
        ("video,subject\na,x\nb,x\n", "rows 1 and 2 are both x"),
        ("video,split\na,dev\n", "row 1 needs split train, val or test: 'dev'"),
        ("video,fps\na,fast\n", "row 1 needs a number in fps but has 'fast'"),
        ("video,subject\n,x\n", "row 1 needs a video but its cell is empty"),
    ],
)
def test_tables_that_are_refused(tmp_path, table, told):
    with pytest.raises(InputError, match=told):
        takes_of(tmp_path, table)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("time_column,clock", r"a\.csv needs a column clock but has time, pulse, ecg"),
        ("time_unit,min", "row 1 needs time_unit s, ms, us, ns but has 'min'"),
        ("offset,soon", "row 1 needs a number in offset but has 'soon'"),
        ("ecg_unit,Pa", "row 1 needs ecg_unit mV, uV, V but has 'Pa'"),
        ("pulse_column,ppg", r"row 1 needs the column 'ppg' in .*a\.csv but it is not there"),
    ],
)
def test_references_that_are_refused(tmp_path, more, told):
    column, cell = more.split(",")
    table = f"video,reference,{column}\na.mp4,a.csv,{cell}\n"
    (take,) = takes_of(tmp_path, table, a=SIGNALS)
    with pytest.raises(InputError, match=told):
        take.references()


def test_times_that_go_back_are_refused_with_the_file(tmp_path):
    (take,) = takes_of(tmp_path, "video,reference\na.mp4,a.csv\n", a="time,pulse\n0,1\n2,2\n1,3\n")
    with pytest.raises(InputError, match=r"a\.csv needs increasing times but sample 3 of pulse"):
        take.references()
