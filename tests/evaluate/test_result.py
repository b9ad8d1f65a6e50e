import csv
import json
from pathlib import Path

import numpy as np
import pytest

from camvitals.evaluate.example import example
from camvitals.evaluate.result import NUMBERS, Result, joined
from camvitals.records import InputError


def same(first: Result, second: Result) -> bool:
    return all(
        np.allclose(column, second.columns[name], rtol=0, atol=1e-6, equal_nan=True)
        if name in NUMBERS
        else list(column) == list(second.columns[name])
        for name, column in first.columns.items()
    )


def test_saved_and_loaded_is_the_same(tmp_path: Path) -> None:
    first = example(subjects=3, windows=2)
    second = Result.load(first.save(tmp_path / "a.json"))
    assert same(first, second)
    assert second.protocol == first.protocol
    assert second.excluded == first.excluded
    assert second.skipped == first.skipped
    assert second.versions == first.versions


def test_an_empty_result_survives_too(tmp_path: Path) -> None:
    none = example(subjects=1, windows=0)
    assert len(Result.load(none.save(tmp_path / "a.json"))) == 0


def test_a_changed_protocol_is_noticed(tmp_path: Path) -> None:
    path = example(subjects=1).save(tmp_path / "a.json")
    document = json.loads(path.read_text())
    document["protocol"]["window"] = 30.0
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match="it was changed, or written by another version"):
        Result.load(path)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("not JSON", "is not JSON"),
        ("[]", "needs schema camvitals.result/1 but has 'list'"),
        ('{"schema": "camvitals.result/1"}', "is not a whole camvitals.result/1 document"),
        ('{"schema": NaN}', "NaN is no JSON number"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(InputError, match=why):
        Result.load(path)


def test_csv_has_a_line_a_row_and_the_protocol_beside_it(tmp_path: Path) -> None:
    result = example(subjects=2, windows=2, methods=("pos",))
    result.save_csv(tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(result)
    for row, estimate in zip(rows, result.columns["estimate"], strict=True):
        assert (row["estimate"] == "") == np.isnan(estimate)
    assert rows[0]["stratum.tone"] == result.columns["stratum.tone"][0]
    assert result.protocol.hash in (tmp_path / "a.protocol.txt").read_text()


def test_times_of_a_unix_clock_are_written_whole(tmp_path: Path) -> None:
    result = example(subjects=1, windows=3, methods=("pos",))
    for name in ("start", "stop"):
        result.columns[name][:] += 1_763_700_000.25
    result.save_csv(tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for name in ("start", "stop"):
        written = [float(row[name]) for row in rows]
        assert written == pytest.approx(list(result.columns[name]), abs=1e-6, rel=0)


def test_parquet_holds_the_same_and_the_protocol(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    result = example(subjects=2)
    table = parquet.read_table(result.save_parquet(tmp_path / "a.parquet"))
    assert table.column("estimate").to_numpy() == pytest.approx(
        result.columns["estimate"], nan_ok=True
    )
    assert table.column("method").to_pylist() == list(result.columns["method"])
    hash_of_it = table.schema.metadata[b"camvitals.protocol_hash"].decode()
    assert hash_of_it == result.protocol.hash


def test_columns_are_checked() -> None:
    columns = dict(example(subjects=1).columns)
    with pytest.raises(InputError, match="a result needs the columns quality"):
        Result(example().protocol, {n: c for n, c in columns.items() if n != "quality"})
    with pytest.raises(InputError, match="column start needs"):
        Result(example().protocol, columns | {"start": columns["start"][1:]})


def test_rows_are_chosen_by_words() -> None:
    result = example(subjects=3, windows=4)
    assert len(result.of(method="pos", subject="02")) == 4
    assert result.names("method") == ("auto", "pos", "chrom", "green")
    assert result.strata == ("tone", "light", "motion")


def test_strata_that_a_part_lacks_are_empty_there() -> None:
    first, second = (dict(example(subjects=1, windows=1).columns) for _ in range(2))
    del second["stratum.tone"]
    tones = joined([first, second])["stratum.tone"]
    assert list(tones) == ["2"] * 4 + [""] * 4
