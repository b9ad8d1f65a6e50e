"""Tables say what the metrics say, beside floors, with intervals, on the same windows."""

from dataclasses import replace

import numpy as np
import pytest

from camvitals.evaluate.entrant import FLOOR_NAMES, entrants, lead_of
from camvitals.evaluate.example import example
from camvitals.evaluate.result import Result
from camvitals.evaluate.table import sheet_of, tables_of
from camvitals.evaluate.verdict import ranked, verdict
from camvitals.records import InputError


@pytest.fixture(scope="module")
def result() -> Result:
    return example(subjects=8, windows=6)


@pytest.fixture(scope="module")
def tables(result):
    found = tables_of(result, "heart_rate", draws=200)
    return {table.key.removeprefix("heart_rate."): table for table in found}


def cell(table, row: str, column: str):
    index = [c.key for c in table.columns].index(column)
    return next(r for r in table.rows if r.name == row).cells[index]


def test_every_table_of_methods_has_floors(tables):
    assert {"agreement", "errors", "waves", "trust", "mae.tone", "coverage.light", "tests"} <= set(
        tables
    )
    for table in tables.values():
        assert any(row.floor for row in table.rows), table.key
        assert all(len(row.cells) == len(table.columns) for row in table.rows)
    assert {row.name for row in tables["agreement"].rows if row.floor} == set(FLOOR_NAMES.values())


def test_agreement_is_that_of_the_answers_given(result, tables):
    c = result.of(method="pos").columns
    error = np.abs(c["estimate"] - c["reference"])
    given = np.isfinite(error)
    table = tables["agreement"]
    assert cell(table, "pos", "mae").value == pytest.approx(error[given].mean())
    assert cell(table, "pos", "answers").value == given.sum()


def test_withheld_answers_count_in_coverage(result, tables):
    given = np.isfinite(result.of(method="green").columns["estimate"]).mean()
    assert 0 < given < 1
    assert cell(tables["agreement"], "green", "coverage").value == pytest.approx(100 * given)


def test_numbers_have_intervals_around_them(tables):
    for key in ("agreement", "errors"):
        for row in tables[key].rows:
            if not row.floor:
                for found in row.cells[:-1]:
                    assert found.low - 1e-9 <= found.value <= found.high + 1e-9


def test_one_subject_has_no_interval():
    table = tables_of(example(subjects=1, windows=6), "heart_rate", draws=50)[0]
    for row in table.rows:
        assert all(np.isnan(found.low) for found in row.cells)
    assert any("no interval" in note for note in table.notes)


def test_what_was_left_out_is_counted(result):
    sheet = sheet_of(result, draws=50)
    assert sheet.hash == result.protocol.hash
    last = sheet.tables[-1]
    assert {row.name for row in last.rows} == {
        "the reference is not usable",
        "its video is missing",
    }
    assert any("2 windows without" in note for note in sheet.tables[0].notes)


def test_gap_is_between_the_strata_shown(tables):
    table = tables["mae.light"]
    lamp, day = (cell(table, "green", level).value for level in ("lamp", "daylight"))
    assert cell(table, "green", "gap").value == pytest.approx(abs(lamp - day))


def test_tests_hold_methods_against_the_lead(tables):
    table = tables["tests"]
    assert np.isnan(cell(table, "auto", "p").value)
    assert cell(table, "green", "difference").value > 0
    assert cell(table, "green", "holm").value >= cell(table, "green", "p").value


def test_ranks_charge_withheld_windows_with_the_floor(result):
    among = entrants(result, "heart_rate")
    silent = replace(among[0], name="silent", estimate=np.full(len(among[0].estimate), np.nan))
    found = ranked((*among, silent))
    assert found is not None
    ranks = dict(zip(found.methods, found.ranks, strict=True))
    assert ranks["silent"] == ranks[FLOOR_NAMES["constant_mean"]]
    assert ranks["auto"] < ranks["silent"]


def test_without_auto_the_best_leads():
    among = entrants(example(methods=("green", "pos"), subjects=6), "heart_rate")
    assert lead_of(among).name == "pos"


def test_wrong_names_are_told(result):
    with pytest.raises(InputError, match="no spo2; it has heart_rate"):
        tables_of(result, "spo2")
    with pytest.raises(InputError, match="no method 'best'"):
        verdict(entrants(result, "heart_rate"), against="best")
