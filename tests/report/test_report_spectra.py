"""Power spectra for each channel: the rate told stands where the report has it, or nowhere."""

from dataclasses import replace

import numpy as np
import pytest

from camvitals.records import Reading, withheld
from camvitals.report.over_rate import say_spectra, spectra

WIDE = pytest.mark.parametrize("wide", [True, False])


def marks(figure):
    """The upright lines of each panel [bpm]."""
    return [
        [line.get_xdata()[0] for line in ax.lines if len(set(line.get_xdata())) == 1]
        for ax in figure.axes
    ]


@WIDE
def test_the_rate_told_is_marked_in_every_panel(make_report, wide):
    figure = spectra(make_report(), wide)
    assert marks(figure) == [[72.04], [72.04]]
    assert [line.get_label() for line in figure.axes[0].lines[:3]] == ["red", "green", "blue"]
    assert figure.axes[-1].get_xlabel() == "beats per minute"
    assert len(figure.axes[0].patches) == 1  # the interval


def test_a_withheld_rate_is_not_marked(make_report):
    report = make_report()
    nothing = withheld("heart_rate", "bpm", "The head moved.", method="pos", span=(0.0, 60.0))
    silent = replace(report, readings=(nothing, *report.readings[1:]))
    assert marks(spectra(silent, True)) == [[], []]
    assert "withheld" in say_spectra(silent)
    assert "72.0 bpm" in say_spectra(report)


def test_a_fast_heart_is_not_off_the_axis(make_report):
    report = make_report()
    fast = Reading("heart_rate", 212.0, "bpm", 210.0, 214.0, 0.9, "pos", (0.0, 60.0))
    figure = spectra(replace(report, readings=(fast,)), True)
    assert figure.axes[-1].get_xlim()[1] > 214
    assert spectra(report, True).axes[-1].get_xlim()[1] == 200


@WIDE
def test_heading_and_key_do_not_meet(make_report, wide):
    figure = spectra(make_report(), wide)
    figure.canvas.draw()
    ax = figure.axes[0]
    heading = max(text.get_window_extent().x1 for text in ax.texts)
    assert heading < ax.get_legend().get_window_extent().x0
    assert np.isfinite(heading)
