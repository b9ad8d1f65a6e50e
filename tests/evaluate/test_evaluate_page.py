"""The page of an evaluation: one file, nothing from outside, every string escaped."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from camvitals.data.synthetic.recordings import made_corpus
from camvitals.data.synthetic.scenario import draw
from camvitals.evaluate.entrant import entrants
from camvitals.evaluate.example import example
from camvitals.evaluate.page import to_page, write_page
from camvitals.evaluate.result import Result
from camvitals.evaluate.run import evaluate
from camvitals.evaluate.worst import worst

VOID = {"meta", "link", "br", "img", "input", "hr", "path", "use", "rect", "line", "circle"}


class Balance(HTMLParser):
    """Every element closed in order; ids gathered."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.ids += [value for name, value in attrs if name == "id"]

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag


@pytest.fixture(scope="module")
def result() -> Result:
    return example(subjects=6, windows=4)


@pytest.fixture(scope="module")
def page(result) -> str:
    return to_page(result, draws=50)


def test_page_is_one_whole_file(page, result):
    reader = Balance()
    reader.feed(page)
    assert reader.open == []
    assert len(reader.ids) == len(set(reader.ids))
    assert not re.search(r"(?:src|href)=\"(?!#)", page)
    assert "url(" not in page.replace("url(#", "")
    assert "@import" not in page
    assert "<script" not in page
    assert result.protocol.hash in page
    assert "floor" in page


def test_both_themes_and_paper(page):
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


def test_names_from_files_are_escaped(result):
    columns = dict(result.columns)
    columns["recording"] = np.array(["<script>1</script>"] * len(result), dtype=object)
    columns["stratum.tone"] = np.array(
        [f"<i>{word}&" for word in columns["stratum.tone"]], dtype=object
    )
    text = to_page(Result(result.protocol, columns), draws=20)
    assert "<script" not in text
    assert "<i>1" not in text
    assert "&lt;i&gt;1&amp;" in text


def test_worst_are_the_largest_errors(result):
    auto = entrants(result, "heart_rate")[0]
    cases = worst(auto, count=3)
    error = np.abs(auto.error)
    means = sorted(
        (np.nanmean(error[auto.takes == take]) for take in set(auto.takes)), reverse=True
    )
    assert [case.mae for case in cases] == pytest.approx(means[:3])
    assert abs(cases[0].estimate - cases[0].reference) == pytest.approx(
        np.nanmax(error[auto.takes == f"made/{cases[0].recording}"])
    )


def test_worst_are_drawn_where_the_recordings_are_at_hand(tmp_path):
    takes = made_corpus(draw(seed, duration=15.0, rate=30.0, motion="still") for seed in (1, 2))
    result = evaluate(takes, methods=("pos", "green"), jobs=1)
    given = list(worst(entrants(result, "heart_rate")[0]))
    path = write_page(tmp_path / "page.html", result, recordings=takes)
    text = path.read_text("utf-8")
    assert given
    assert text.count('aria-label="Pulse and spectrum of') == 2 * len(given)
    without = to_page(result, draws=20)
    assert "the recordings are not at hand" in without
