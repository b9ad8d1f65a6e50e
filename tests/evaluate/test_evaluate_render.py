"""The same tables as terminal text, Markdown, LaTeX, CSV and HTML."""

import csv
import io
import re

import pytest
from rich.console import Console

from camvitals.evaluate.cells import Cell, Column, Row, Sheet, Table
from camvitals.evaluate.example import example
from camvitals.evaluate.render import (
    escape_latex,
    html_table,
    latex,
    latex_table,
    markdown,
    markdown_table,
    number,
    terminal,
    text_of,
    to_csv,
)
from camvitals.evaluate.table import sheet_of

MAE = Column("mae", "MAE", "bpm")
ODD = Table(
    "odd",
    "50 % of <b> & #1_a",
    (MAE, Column("what", "$x^2$")),
    (
        Row("a_b|c", (Cell(-1.234, -2.0, 0.5), Cell(text="{~} \\"))),
        Row("none", (Cell(), Cell()), floor=True),
    ),
    ("p ≤ 0.05 – χ² – ±1 – 愛.",),
)


@pytest.fixture(scope="module")
def sheet() -> Sheet:
    return sheet_of(example(subjects=5, windows=4), draws=50)


def test_numbers_are_written_once_for_all():
    assert number(float("nan"), 2) == "–"
    assert number(-1.234, 2) == "−1.23"
    assert number(-0.001, 2) == "0.00"
    assert number(1e-6, 4) == "<0.0001"
    assert text_of(Cell(2.0, 1.0, 3.0), MAE) == "2.00 [1.00–3.00]"
    assert text_of(Cell(-1.0, -2.0, -0.5), MAE) == "−1.00 [−2.00 – −0.50]"


def test_latex_means_what_it_says():
    assert escape_latex("5 % & $x_1$ #2 {a}~^\\") == (
        r"5 \% \& \$x\_1\$ \#2 \{a\}\textasciitilde{}\textasciicircum{}\textbackslash{}"
    )


def test_latex_is_whole(sheet):
    text = latex(sheet) + latex_table(ODD)
    assert text.count(r"\begin{table}") == text.count(r"\end{table}") == len(sheet.tables) + 1
    assert len(set(re.findall(r"\\label\{(.*?)\}", text))) == len(sheet.tables) + 1
    bare = re.sub(r"\\[{}%&#_$\\]", "", text)
    assert bare.count("{") == bare.count("}")
    assert bare.count("$") % 2 == 0
    # what is outside ASCII, LaTeX would have to have glyphs for
    assert re.findall(r"[^\x00-\x7f\u00c0-\u017f]", text) == []
    for block in text.split(r"\begin{tabular}")[1:]:
        columns = len(re.match(r"\{(l(r*))\}", block).group(1))
        body = block.split(r"\end{tabular}")[0]
        for line in re.findall(r"^(.*) \\\\$", body, re.MULTILINE):
            assert len(re.findall(r"(?<!\\)&", line)) == columns - 1


def test_markdown_rows_have_all_cells(sheet):
    for table in (*sheet.tables, ODD):
        lines = [line for line in markdown_table(table).splitlines() if line.startswith("|")]
        bars = {len(re.findall(r"(?<!\\)\|", line)) for line in lines}
        assert bars == {len(table.columns) + 2}
        assert len(lines) == len(table.rows) + 2
    assert "<b>" not in markdown_table(ODD)
    assert sheet.hash[:12] in markdown(sheet)


def test_csv_holds_every_number(sheet):
    rows = list(csv.DictReader(io.StringIO(to_csv(sheet))))
    assert len(rows) == sum(len(t.rows) * len(t.columns) for t in sheet.tables)
    chosen = next(r for r in rows if (r["row"], r["column"]) == ("auto", "mae"))
    assert float(chosen["low"]) <= float(chosen["value"]) <= float(chosen["high"])
    assert {r["protocol"] for r in rows} == {f"{sheet.protocol} {sheet.hash[:12]}"}


def test_html_escapes_and_scrolls_by_keyboard():
    text = html_table(ODD)
    assert "<b>" not in text
    assert "&lt;b&gt;" in text
    assert 'tabindex="0"' in text
    assert text.count('scope="row"') == 2


def test_terminal_shows_protocol_and_chosen_tables(sheet):
    out = io.StringIO()
    terminal(sheet, console=Console(file=out, width=140), only=("agreement",))
    text = out.getvalue()
    assert sheet.hash[:12] in text
    assert "floor: window before" in text
    assert "Heart rate: agreement" in text
    assert "further errors" not in text
