"""Where an ECG that a network gives may be shown, and the heart rate that is read off it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from camvitals.dsp.clean import rate_of
from camvitals.records import Array, Reading, Wave, withheld
from camvitals.vitals.beats import beats
from camvitals.vitals.ecg import SLOWEST_HZ, r_peaks
from camvitals.waves.ecg import Drawn

NAME, UNIT = "ecg_heart_rate", "bpm"
APART_BPM = 2.0
FEWEST = 3  # intervals
MISSED = 1.7  # an interval this many times the median is one across a hole


def shown(
    drawn: Drawn, heart: Reading, rolling: Sequence[Reading], *, method: str
) -> tuple[Wave, Reading]:
    """The ECG where the pulse is trusted, NaN elsewhere, and its heart rate.

    heart, rolling: the pulse's heart rate over all, and over windows.   method: the network.
    The rate is that between R peaks found in the trace, and is held against the pulse's: where the
    two are more than APART_BPM apart both the rate and the trace are withheld.
    """
    nothing = replace(drawn.wave, values=np.full(len(drawn.wave.time), np.nan))

    def without(why: str) -> tuple[Wave, Reading]:
        return nothing, withheld(NAME, UNIT, why, method=method, span=heart.span)

    if heart.value is None:
        return without("an ECG is drawn from the pulse, and the heart rate itself is withheld")
    trusted = [r.span for r in rolling if r.value is not None] or [heart.span]
    time = drawn.wave.time
    inside = np.zeros(len(time), dtype=bool)
    for start, stop in trusted:
        inside |= (time >= start - 1e-6) & (time <= stop + 1e-6)
    wave = replace(drawn.wave, values=np.where(inside, drawn.wave.values, np.nan))
    found = _rate(_peaks(wave))
    if found is None:
        return without("too few beats could be drawn to count them; record longer")
    if abs(found - heart.value) > APART_BPM:
        return without(
            f"the ECG that was drawn beats {found:.0f} times a minute but the pulse "
            f"{heart.value:.0f}; it is not to be trusted"
        )
    assert heart.low is not None and heart.high is not None
    low, high = min(heart.low, found), max(heart.high, found)
    reading = Reading(NAME, found, UNIT, low, high, heart.quality, method, heart.span)
    return wave, reading


def _peaks(ecg: Wave) -> Array:
    """(K,) s the R peaks of a trace; of one too slow to show them, its steepest rises."""
    if not np.isfinite(ecg.values).any():
        return np.zeros(0)
    rate = rate_of(ecg.time)
    if rate >= SLOWEST_HZ:
        return r_peaks(ecg).time
    return beats(ecg).time if rate >= 8 else np.zeros(0)


def _rate(time_K: Array) -> float | None:
    """Mean rate between beats that follow each other [bpm]; None where there are too few."""
    length = np.diff(time_K)
    if len(length) < FEWEST:
        return None
    length = length[length < MISSED * np.median(length)]
    return float(60 * len(length) / length.sum())
