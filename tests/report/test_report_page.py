import dataclasses
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from camvitals.records import Finding, Reading, Report, Source, Wave, withheld
from camvitals.report.page import to_page, write_page
from camvitals.report.plots import PLOTS

VOID = {"meta", "link", "img", "br", "path", "use"}
EVIL = '<script>alert("1")</script>&\'"><img src=x onerror=a>'


class Outline(HTMLParser):
    """Checks that tags close in order; keeps tags, ids, references, text and labels."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.tags, self.ids, self.refs, self.labels = [], [], [], [], []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append(tag)
        self.ids += [given["id"]] if "id" in given else []
        self.labels += [given["aria-label"]] if tag == "svg" else []
        self.refs += [v for k, v in attrs if k in ("href", "src", "xlink:href")]
        self.refs += re.findall(r"url\(([^)]*)\)", " ".join(v or "" for v in given.values()))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data


def test_a_page_shows_every_reading_plot_and_reason(make_report, tmp_path):
    path = write_page(tmp_path / "a.html", [make_report(oxygen=True, ecg=True)])
    assert path.stat().st_size < 1.5e6
    page = Outline(path.read_text(encoding="utf-8"))
    for shown in ("72.0", "71.2 – 72.8", "15.1", "RMSSD", "LF power needs 120 s", "Record with"):
        assert shown in page.text
    for plot in PLOTS.values():
        assert plot.title in page.text
    assert page.tags.count("svg") == 2 * len(PLOTS) and len(page.labels) == 2 * len(PLOTS)
    assert "7 of 51 heart rate windows" in page.text and "starts at 3.2 s" in page.text
    assert any("withheld in 7 of 51 windows" in label for label in page.labels)
    assert any("between 92 and 95%" in label for label in page.labels)
    assert any("shown 100% of the time: model output" in label for label in page.labels)
    assert any("red 72 bpm, green 72 bpm, blue 72 bpm, pulse 72 bpm" in s for s in page.labels)


def test_a_page_needs_nothing_from_outside(make_report):
    text = to_page([make_report(seconds=12), make_report(seconds=12, person=1)])
    page = Outline(text)
    assert {"script", "link", "img", "iframe"}.isdisjoint(page.tags)
    assert page.refs and all(ref.startswith("#") for ref in page.refs)
    assert {ref[1:] for ref in page.refs} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert "@import" not in text and "http" not in re.sub(r'xmlns(:\w+)?="[^"]*"', "", text)


def test_every_string_is_escaped():
    span = (0.0, 1.0)
    report = Report(
        (
            Reading(EVIL, 1.0, EVIL, 0.0, 2.0, 0.5, EVIL, span),
            Reading(f"hrv_{EVIL}", 1.0, EVIL, 0.0, 2.0, 0.5, EVIL, span),
            withheld("b", "1", EVIL, method=EVIL, span=span),
        ),
        Source(EVIL, 1, 1, 1, 1, 1.0, 1.0, codec=EVIL, pixel_format=EVIL, warnings=(EVIL,)),
        capture=(Finding(EVIL, 1.0, EVIL, True), Finding(EVIL, None, EVIL, False, EVIL)),
        settings={EVIL: [EVIL]},
        versions={EVIL: EVIL},
    )
    text = to_page([report, report])
    page = Outline(text)
    assert "script" not in page.tags and "img" not in page.tags
    assert page.text.count(EVIL) >= 20 and "<script" not in text and "onerror=a>" not in text


def test_colours_of_plots_follow_the_theme(make_report):
    text = to_page([make_report(seconds=12)])
    body = text[text.index("</style>") :]
    used = set(re.findall(r"var\((--[a-z]+)\)", body))
    assert used and all(f"{name}:" in text for name in used)
    assert not re.search(r"#[0-9a-f]{6}\b", re.sub(r'="#[^"]*"|url\(#[^)]*\)', "", body))


def test_people_of_one_recording_are_told_apart(make_report):
    page = Outline(to_page([make_report(seconds=12), make_report(seconds=12, person=4)]))
    assert page.text.count("person 0") == page.text.count("person 4") == 2
    assert (
        "person"
        not in Outline(to_page([make_report(seconds=12)])).text.lower().split("software")[0]
    )


def test_an_hour_is_decimated(make_report, tmp_path):
    path = write_page(tmp_path / "a.html", [make_report(seconds=3600)])
    assert path.stat().st_size < 1.5e6
    assert "1 h 00 min" in path.read_text(encoding="utf-8")


def test_nothing_to_show_is_still_a_page(bare, make_empty_trace):
    assert "nothing to report" in Outline(to_page([])).text
    page = Outline(to_page([bare]))
    assert page.text.count("No face was seen in any frame.") == 3 and "svg" not in page.tags
    for length in (0, 1, 2):
        trace = make_empty_trace(length)
        wave = Wave(np.full(length, np.nan), trace.time, "pulse")
        report = dataclasses.replace(bare, trace=trace, waves=(wave,), beats=np.zeros(0))
        assert "svg" not in Outline(to_page([report])).tags


@pytest.mark.parametrize("part", ["waves", "beats", "trace", "rolling", "capture", "readings"])
def test_a_report_may_lack_any_part(make_report, part):
    empty = {"beats": np.zeros(0), "trace": None}.get(part, ())
    Outline(to_page([dataclasses.replace(make_report(seconds=12), **{part: empty})]))


def test_one_or_two_samples_are_no_error(make_report):
    whole = make_report(seconds=12)
    for count in (1, 2, 3):
        time = whole.trace.time[:count]
        report = dataclasses.replace(
            whole,
            trace=whole.trace.between(0, time[-1] + 1e-3),
            waves=tuple(Wave(w.values[:count], time, w.name) for w in whole.waves),
            beats=whole.beats[:count],
            rolling=whole.rolling[:count],
        )
        Outline(to_page([report]))


def test_an_all_withheld_rolling_rate_is_drawn(make_report):
    gone = tuple(
        withheld("heart_rate", "bpm", "Dark.", method="pos", span=(t, t + 10.0)) for t in range(9)
    )
    page = Outline(to_page([dataclasses.replace(make_report(seconds=12), rolling=gone)]))
    assert "Heart rate withheld in all 9 windows." in page.labels
