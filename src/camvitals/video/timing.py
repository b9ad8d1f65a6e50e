"""Times given by the caller: a clock of its own or a constant rate."""

from __future__ import annotations

import math

import numpy as np

from camvitals.records import Array, InputError, check


def own_clock(time: object | None, fps: float | None) -> Array | float | None:
    """The caller's `time` (T,) s as float64, or `fps` [Hz], or None when neither is given."""
    if time is not None and fps is not None:
        raise InputError("open_video needs time= or fps=, not both; leave one out")
    if fps is not None:
        if not (math.isfinite(fps) and fps > 0):
            raise InputError(f"fps needs a rate > 0 Hz but got {fps}; pass the camera's frame rate")
        return float(fps)
    if time is None:
        return None
    try:
        clock = np.asarray(time, dtype=float)
    except (TypeError, ValueError):
        raise InputError(
            "time needs one number of seconds per frame but got other things"
        ) from None
    check("time", clock, (None,))
    return clock


def at(clock: Array | float, index: int) -> float:
    """Time of a frame [s]; NaN beyond the end of a clock."""
    if isinstance(clock, float):
        return index / clock
    return float(clock[index]) if index < len(clock) else math.nan
