"""What uneven times of the pictures may have put into the intervals between beats.

A camera takes its pictures evenly, but for those that it leaves out. Their times are told by a
driver or a browser that has other things to do, and may be late. Where they are uneven, either the
camera was or its clock: nobody can tell which from the times, so the whole unevenness counts as an
error that a beat time may have. It is followed along the recording, so that what comes late and
what catches up cancel within a beat.
Shape letters: T pictures in time, K beats.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from camvitals.dsp.clean import GAP_S
from camvitals.records import Array
from camvitals.vitals.beats import HALF_S

USUAL = 31  # intervals whose median is the usual one
WHOLE = 0.2  # pictures are missing where an interval is this near to several usual ones
SLOW_S = 5.0  # a clock that runs fast or slow for longer than this is no uneven one
AROUND = 31  # points of the piece of wave that places a beat


def clock_errors(time_T: Array, beat_K: Array) -> Array:
    """(K,) by how much a beat is misplaced if the pictures were taken evenly after all [s].

    time_T: of the pictures, uneven or not [s].   beat_K: beat times [s].
    Only differences between neighbours mean something. Pictures that are missing, a frame rate
    that changes, and one that is not what the camera says, give no error.
    """
    if len(time_T) < 3:
        return np.zeros(len(beat_K))
    late = np.r_[0.0, np.cumsum(_late(time_T))]
    around = np.linspace(-HALF_S, HALF_S, AROUND)
    taper = np.hanning(AROUND + 2)[1:-1]
    return np.asarray(np.interp(beat_K[:, None] + around, time_T, late) @ (taper / taper.sum()))


def _late(time_T: Array) -> Array:
    """(T − 1,) by how much each interval is longer than whole numbers of usual ones [s]."""
    interval = np.diff(time_T)
    width = min(USUAL, 2 * ((len(interval) + 1) // 2) - 1)
    padded = np.pad(interval, width // 2, mode="reflect")
    usual = np.median(sliding_window_view(padded, width), axis=1)
    steps = np.maximum(1.0, np.round(interval / usual))
    steps = np.where(np.abs(interval / usual - steps) <= WHOLE, steps, 1.0)
    whole = interval <= GAP_S  # across a gap no beats are joined
    interval, steps = np.where(whole, interval, 0.0), np.where(whole, steps, 0.0)
    start, stop = _around(time_T[1:], usual)
    taken, told = (np.r_[0.0, np.cumsum(x)] for x in (interval, steps))
    pace = (taken[stop] - taken[start]) / np.maximum(told[stop] - told[start], 1.0)
    return np.asarray(interval - steps * pace)


def _around(end_J: Array, usual_J: Array) -> tuple[Array, Array]:
    """From and to, (J,) each, of the intervals within SLOW_S of each, of the same frame rate."""
    leaps = 1 + np.flatnonzero(np.abs(np.diff(np.log(usual_J))) > np.log(1 + WHOLE))
    edges = np.r_[0, leaps, len(end_J)]
    part = np.searchsorted(edges, np.arange(len(end_J)), side="right") - 1
    start = np.searchsorted(end_J, end_J - SLOW_S)
    stop = np.searchsorted(end_J, end_J + SLOW_S, side="right")
    return np.maximum(start, edges[part]), np.minimum(stop, edges[part + 1])
