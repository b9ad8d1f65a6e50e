import dataclasses
import io

import pytest
from rich.console import Console

from camvitals.records import Source
from camvitals.report.terminal import show_many, show_report


def printed(show, what, *, width=80, encoding="utf-8") -> str:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    show(what, console=Console(file=file, width=width))
    file.flush()
    return file.buffer.getvalue().decode(encoding)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_one_report_says_values_intervals_reasons_and_remedies(make_report, width):
    text = printed(show_report, make_report(), width=width)
    assert max(map(len, text.splitlines())) <= width and "\x1b" not in text
    flat = " ".join(text.split())
    for shown in ("72.0", "LF power needs 120 s", "1 other check fine", "starts at 3.2 s"):
        assert shown in flat
    if width >= 80:
        assert "71.2 – 72.8" in text and "93%" in text
        assert "Bits per pixel 0.02 bit/px. Record with a higher bit rate." in text


def test_withheld_readings_share_their_reason(bare):
    text = printed(show_report, bare)
    assert "Heart rate, Respiration rate: No face was seen in any frame." in text
    assert "bpm" not in text


@pytest.mark.parametrize("width", [60, 80, 120])
def test_many_reports_make_a_table_that_fits(make_report, bare, width):
    reports = [make_report(), make_report(person=2, name="a/long/name/" * 5), bare]
    text = printed(show_many, reports, width=width)
    assert max(map(len, text.splitlines())) <= width
    flat = "".join(text.split())
    assert "72.0±0.8" in flat and "93%" in flat
    if width == 120:
        assert "No face was seen in any frame." in text and "bits per pixel; 1 warning" in text


def test_names_are_never_markup_nor_control(make_report):
    name = "[red]a[/min][/]\x1b[2J.mp4"
    source = dataclasses.replace(make_report().source, name=name, warnings=("[/bold]",))
    report = dataclasses.replace(make_report(), source=source)
    for show, what in ((show_report, report), (show_many, [report])):
        text = printed(show, what, width=120)
        assert "[red]a[/min][/]\N{REPLACEMENT CHARACTER}[2J.mp4" in text and "\x1b" not in text
    assert "[/bold]" in printed(show_report, report)


def test_a_terminal_without_unicode_gets_ascii(make_report, bare):
    text = printed(show_report, make_report(), encoding="ascii")
    assert "#########." in text and "71.2 - 72.8" in text and "?" not in text
    assert "+-0.8" in printed(show_many, [make_report(), bare], encoding="ascii")


def test_colour_says_quality(make_report):
    file = io.StringIO()
    console = Console(file=file, width=80, force_terminal=True, color_system="standard")
    show_report(make_report(), console=console)
    assert "\x1b[32m█████████" in file.getvalue() and "\x1b[33m██████" in file.getvalue()


def test_an_unnamed_empty_report_prints(bare):
    empty = dataclasses.replace(bare, readings=(), source=Source(""))
    assert "unnamed recording" in printed(show_report, empty)
    printed(show_many, [])
