"""Reference waves from the columns that a corpus gives, with faults of their clocks treated."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from camvitals.data.recording import REFERENCES
from camvitals.records import Array, InputError, Wave


def reference_wave(
    name: str, values: Array, time: Array, *, path: Path, repeats: bool = False
) -> Wave:
    """A wave called `name`, one of REFERENCES, with its unit there.

    values, time: (T,) and (T,) s on the pictures' clock.   path: the file they are from.
    repeats: the device is known to give a time twice or to step back: of such samples the first is
        kept. Otherwise, and when values and times differ in number, InputError names the file.
    """
    values, time = np.asarray(values, dtype=float).ravel(), np.asarray(time, dtype=float).ravel()
    if len(values) != len(time) or not len(values):
        raise InputError(
            f"{path} needs as many times as values of {name}, at least one, but has {len(time)} "
            f"and {len(values)}; copy it again"
        )
    known = np.isfinite(time)
    before = np.maximum.accumulate(np.where(known, time, -np.inf))
    rising = known & (time > np.concatenate([[-np.inf], before[:-1]]))
    if not rising.all() and not repeats:
        at = int(np.argmin(rising))
        raise InputError(
            f"{path} needs increasing times but sample {at + 1} of {name} comes at {time[at]:g} s "
            f"after {before[at - 1] if at else 0:g} s; copy it again or sort it"
        )
    return Wave(values[rising], time[rising], name, REFERENCES[name])


def evenly(count: int, *, rate: float, start: float = 0.0) -> Array:
    """(count,) s: times of samples at a constant rate [Hz], the first at `start` [s]."""
    return start + np.arange(count) / rate


def shown_by_oximeter(name: str, values: Array) -> Array:
    """What a fingertip oximeter shows, with NaN where it shows that it has lost the finger.

    It then gives 0 or, for saturations, a number above 100 %. A pulse wave is left as it is.
    """
    values = np.asarray(values, dtype=float)
    if name not in ("heart_rate", "spo2"):
        return values
    lost = (values <= 0) | (values > (100 if name == "spo2" else 254))
    return np.where(lost, np.nan, values)
