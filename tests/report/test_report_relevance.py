"""Drawings of relevance: what they must not hide."""

import numpy as np

from camvitals.report.relevance import over_frequency

BINS = np.arange(0, 5, 0.5)


def test_a_level_beside_which_nothing_is_seen_is_told_in_words():
    spectrum = np.where(BINS == 1.0, 0.5, 0.01)
    tall, low = spectrum.copy(), spectrum.copy()
    tall[0], low[0] = -10.0, 1.0
    left_out, drawn = (over_frequency(BINS, s, pulse=1.0, top=4.0) for s in (tall, low))
    assert "The level has −10 and is not drawn" in left_out.note
    assert "is not drawn" not in drawn.note
    # the axis is that of the pulse, and reaches it
    assert ">−10<" not in left_out.wide and ">0.5<" in left_out.wide
