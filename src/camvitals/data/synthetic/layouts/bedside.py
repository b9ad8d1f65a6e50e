"""What devices at the side of a made person would show of the body."""

from __future__ import annotations

import numpy as np

from camvitals.data.synthetic.physiology import Physiology
from camvitals.records import Array

DIASTOLIC, PULSE_PRESSURE = 76.0, 42.0  # mmHg at the foot, and added at the top of an average beat


def heart_rate_at(body: Physiology, time: Array) -> Array:
    """Heart rate [bpm] of the beat interval that each time [s] falls into."""
    rates = 60 / np.diff(body.r_peaks)
    index = np.searchsorted(body.r_peaks, time, side="right") - 1
    return np.asarray(rates[np.clip(index, 0, len(rates) - 1)])


def breath_rate_at(body: Physiology, time: Array) -> Array:
    """Breathing rate [breaths/min] at each time [s]."""
    return np.full(np.shape(time), body.breath_rate)


def pressure_at(body: Physiology, time: Array) -> Array:
    """Arterial pressure [mmHg] at each time [s]: the pulse on a pressure scale."""
    return DIASTOLIC + PULSE_PRESSURE * body.pulse_at(time)
