"""The live page: a wave as text, what it says of people, and that it fits."""

import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from camvitals.records import Finding, Wave, withheld
from camvitals.report.live_view import Status, live_line, live_page
from camvitals.report.strip import BRAILLE, strip

STATUS = Status("camera", (640, 480), 29.97, 12.3, notes=("recording a.traces",))


def drawn(wave, **more):
    options = {"seconds": 10.0, "cells": 40, "rows": 4, "unicode": True}
    return strip(wave, **{**options, **more})


def dots(lines):
    """(Y, C) the dots of braille lines."""
    bits = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
    rows = []
    for line in lines:
        codes = np.array([0 if c == " " else ord(c) - BRAILLE for c in line])
        cells = (codes[:, None, None] & bits) > 0
        rows.append(cells.transpose(1, 0, 2).reshape(4, -1))
    return np.concatenate(rows)


def test_a_wave_crosses_its_height_as_often_as_it_swings():
    time = np.arange(0, 20, 1 / 30)
    picture = dots(drawn(Wave(np.sin(2 * np.pi * 0.5 * time), time, "pulse")))
    assert picture.shape == (16, 80)
    assert picture.any(axis=0).all()
    top, bottom = picture[0], picture[-1]
    peaks = np.count_nonzero(np.diff(np.r_[0, top.astype(int)]) == 1)
    troughs = np.count_nonzero(np.diff(np.r_[0, bottom.astype(int)]) == 1)
    assert (peaks, troughs) == (5, 5)  # 10 s of 0.5 Hz


def test_a_gap_stays_empty_and_a_flat_line_is_one():
    time = np.arange(0, 10, 1 / 30)
    values = np.where((time > 4) & (time < 6), np.nan, np.sin(time))
    columns = dots(drawn(Wave(values, time, "pulse"))).any(axis=0)
    at = np.linspace(time[-1] - 10, time[-1], 80)
    assert not columns[(at > 4.1) & (at < 5.9)].any() and columns[(at > 0.2) & (at < 3.8)].all()
    flat = dots(drawn(Wave(np.ones(300), time, "pulse")))
    assert flat.sum(axis=0).max() == 1
    assert drawn(Wave(np.full(300, np.nan), time, "pulse")) == [" " * 40] * 4


def test_a_young_wave_grows_from_the_right():
    time = np.arange(0, 2, 1 / 30)
    columns = dots(drawn(Wave(np.sin(9 * time), time, "pulse"))).any(axis=0)
    assert not columns[:60].any() and columns[68:].all()


def test_without_unicode_it_is_ascii():
    time = np.arange(0, 10, 1 / 30)
    lines = drawn(Wave(np.sin(3 * time), time, "pulse"), unicode=False)
    assert "".join(lines).isascii() and all(len(line) == 40 for line in lines)
    assert "-" in lines[0] and "|" in "".join(lines)


def shown(reports, status=STATUS, *, width=80, height=24, encoding="utf-8", keys=True):
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(file=file, width=width, height=height, force_terminal=False)
    console.print(live_page(reports, status, console=console, keys=keys))
    file.seek(0)
    return file.read().splitlines()


def test_a_page_has_wave_rate_quality_and_advice(make_report):
    lines = shown([make_report(seconds=30)])
    text = "\n".join(lines)
    assert lines[0].startswith("camera · 640×480 px · 30.0 frames/s · 12.3 s")
    (heart,) = [line for line in lines if "Heart rate" in line]
    assert "72.0" in heart and "71.2 – 72.8" in heart and "93%" in heart and "█" in heart
    assert any(ord(c) > BRAILLE and ord(c) < BRAILLE + 256 for c in text)
    assert "Respiration rate" in text and "SDNN 41.3 ms · RMSSD" in text
    assert "recording a.traces · q ends" in lines[-1]
    assert "Compression" not in text  # nobody before a camera can change it


def test_advice_names_what_can_be_changed_now(make_report):
    findings = (
        Finding("length", 3.0, "s", False, "Record longer."),
        Finding("frame_jitter", 50, "%", False, "Close programs."),
        Finding("motion", 9.0, "%", False, "Sit still."),
        Finding("brightness", 20.0, "level", False, "More light."),
    )
    text = "\n".join(shown([replace(make_report(seconds=30), capture=findings)]))
    assert text.index("More light.") < text.index("Sit still.")
    assert "Record longer." not in text and "Close programs." not in text


def test_a_withheld_rate_has_its_reason_and_no_wave(make_report):
    made = make_report(seconds=30)
    why = "the head moves at the rate found, which could be motion alone; hold still"
    heart = withheld("heart_rate", "bpm", why, method="auto", span=(0.0, 30.0))
    text = "\n".join(shown([replace(made, readings=(heart, *made.readings[1:]))]))
    assert "Heart rate: the head moves at the rate found" in text
    assert not any(BRAILLE < ord(c) < BRAILLE + 256 for c in text)


@pytest.mark.parametrize(("width", "height"), [(20, 10), (40, 12), (60, 20), (80, 24), (200, 50)])
@pytest.mark.parametrize("people", [0, 1, 2, 4])
def test_it_is_never_wider_than_the_terminal(make_report, width, height, people):
    reports = [make_report(seconds=12, person=k + 1) for k in range(people)]
    lines = shown(reports, width=width, height=height)
    assert max(map(len, lines)) <= width
    if width >= 80 and people <= 2:
        assert len(lines) <= height


def test_two_people_have_a_part_each(make_report):
    lines = shown([make_report(seconds=12, person=k) for k in (1, 2)], height=40)
    assert [line for line in lines if line.startswith("Person")] == ["Person 1", "Person 2"]
    assert sum("Heart rate" in line for line in lines) == 2


def test_what_is_wrong_with_the_camera_stands_above_all(make_report):
    status = replace(STATUS, rate=0.0, trouble="camera was lost (gone); try 1 of 8")
    lines = shown([make_report(seconds=12)], status)
    assert "no pictures" in lines[0] and lines[1] == "! camera was lost (gone); try 1 of 8"
    assert "Heart rate" not in "\n".join(lines)  # it would be of another time
    assert "waiting" not in "\n".join(shown([], status))
    assert "waiting for the first seconds" in "\n".join(shown([]))


def test_a_terminal_without_unicode(make_report):
    assert "\n".join(shown([make_report(seconds=12)], encoding="ascii")).isascii()


def test_a_line_for_logs(make_report, bare):
    console = Console(file=io.StringIO(), width=500)
    line = live_line(make_report(seconds=30, person=2), console=console).plain
    assert "60.0 s  person 2  72.0 bpm (71.2 – 72.8, 93%)" in line
    assert "no heart rate: No face was seen" in live_line(bare, console=console).plain
