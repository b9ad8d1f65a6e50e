"""The four columns of papers on MAHNOB-HCI: by hand, with withheld sequences counted."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import pearsonr

from camvitals.evaluate.protocol import PROTOCOLS
from camvitals.evaluate.result import Result, columns_of
from camvitals.evaluate.sequences import BEFORE, p_of_r
from camvitals.evaluate.table import sheet_of, tables_of

TRUTH = {"P01/2": 60.0, "P01/10": 64.0, "P02/132": 80.0, "P02/134": 90.0, "P03/262": 70.0}
SAID = {"P01/2": 61.0, "P01/10": 69.0, "P02/132": 77.0, "P02/134": np.nan, "P03/262": 74.0}
UNKNOWN = "the pulse is not known in enough of the window"


def result(**said: dict[str, float]) -> Result:
    rows = [
        {
            "corpus": "mahnob-hci",
            "subject": take[:3],
            "recording": take,
            "method": method,
            "vital": "heart_rate",
            "start": 5.0,
            "stop": 35.0,
            "estimate": found[take],
            "reference": rate,
            "why": "" if np.isfinite(found[take]) else UNKNOWN,
        }
        for method, found in said.items()
        for take, rate in TRUTH.items()
    ]
    return Result(PROTOCOLS["li2014"], columns_of(rows))


@pytest.fixture(scope="module")
def table():
    return tables_of(result(li=SAID), "heart_rate", draws=200)[0]


def value(table, row: str, column: str) -> float:
    at = [one.key for one in table.columns].index(column)
    return next(one for one in table.rows if one.name == row).cells[at].value


def test_of_the_answers(table):
    error, truth = np.array([1, 5, -3, 4.0]), np.array([60, 64, 80, 70.0])
    assert value(table, "li", "coverage") == pytest.approx(80)
    assert value(table, "li", "mae") == pytest.approx(13 / 4)
    assert value(table, "li", "rmse_percent") == pytest.approx(
        100 * np.sqrt(((error / truth) ** 2).mean())
    )
    assert value(table, "li", "below_5") == pytest.approx(75)  # 5.0 is not below 5
    r = pearsonr(truth + error, truth)
    assert value(table, "li", "pearson_r") == pytest.approx(r.statistic)
    assert value(table, "li", "p") == pytest.approx(r.pvalue)
    assert value(table, "li", "answers") == 4


def test_a_withheld_sequence_counts_as_missed(table):
    blind = 90 - (60 + 64 + 70) / 3  # P02 is not among the others
    assert value(table, "li", "all_mae") == pytest.approx((1 + 5 + 3 + 4 + blind) / 5)
    assert value(table, "li", "all_below_5") == pytest.approx(60)


def test_a_lucky_mean_is_no_answer():
    # The mean of the others would be right for P03, but a withheld sequence is never below 5 bpm.
    silent = SAID | {"P03/262": np.nan}
    table = tables_of(result(li=silent), "heart_rate", draws=20)[0]
    assert abs(np.mean([60, 64, 80, 90]) - 70) < 5
    assert value(table, "li", "all_below_5") == pytest.approx(40)


def test_floors_are_the_mean_and_the_sequence_before(table):
    assert [row.name for row in table.rows if row.floor] == ["mean of the others", BEFORE]
    assert value(table, BEFORE, "coverage") == pytest.approx(40)  # P01/10 follows P01/2
    assert value(table, BEFORE, "mae") == pytest.approx((4 + 10) / 2)
    assert np.isnan(value(table, BEFORE, "p"))


def test_intervals_are_over_people(table):
    rows = {row.name: row for row in table.rows}
    found = rows["li"].cells[1]
    assert found.low <= found.value <= found.high
    assert found.low < found.high


def test_what_is_left_of_the_usual_columns_stands_below(table):
    below = tables_of(result(li=SAID), "heart_rate", draws=20)[1]
    assert {"rmse", "within_5", "ccc"} <= {column.key for column in below.columns}


def test_readings_of_the_report_have_the_same_table():
    told = replace(result(auto=SAID), protocol=PROTOCOLS["li2014-report"])
    assert value(tables_of(told, "heart_rate", draws=20)[0], "auto", "all_below_5") == 60


def test_other_protocols_keep_their_table():
    ours = replace(result(li=SAID), protocol=PROTOCOLS["ours"])
    assert "p" not in {column.key for column in tables_of(ours, "heart_rate", draws=20)[0].columns}


def test_a_method_without_any_answer_says_why():
    why = "samc needs a grid of regions, which this trace does not have"
    found = result(li=SAID, samc=dict.fromkeys(TRUTH, np.nan))
    found.columns["why"][found.columns["method"] == "samc"] = why
    notes = sheet_of(found, draws=20).tables[0].notes
    assert f"No answer of samc: {why.replace('samc', 'it')}." in notes
    assert not any("No answer of li" in note for note in notes)


def test_p_needs_three_answers():
    assert np.isnan(p_of_r(np.array([60.0, 70.0, np.nan]), np.array([61.0, 69.0, 80.0])))
    assert p_of_r(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0])) == 0
