"""Waves of a report on even clocks that begin together, for formats that know no other.

Shape letters: T samples of a wave, N samples of a signal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

import numpy as np

from camvitals.dsp.clean import GAP_S, rate_of, runs
from camvitals.records import Array, InputError, Report, Wave
from camvitals.report.csv_file import wave_column

EVEN_S = 1e-4  # how far from an even clock a sample may be and still be taken to lie on it
STARTED = "started"  # key of Report.settings: when second 0 of the clock was, ISO 8601


@dataclass(frozen=True, slots=True)
class Signal:
    """A wave: `values` (N,), NaN in gaps, `rate` [Hz], first sample at the signals' start."""

    name: str
    unit: str
    values: Array
    rate: float

    def gaps(self) -> list[tuple[float, float]]:
        """Start and length [s] of each stretch without a value, from the signal's start on."""
        missing = runs(~np.isfinite(self.values))
        return [(run.start / self.rate, (run.stop - run.start) / self.rate) for run in missing]


def signals_of(
    report: Report, *, rates: Sequence[float] | None = None
) -> tuple[float, list[Signal]]:
    """Where the signals start [s], and every wave of two samples or more as one.

    rates: one for each of these waves [Hz]; None keeps that of the wave, its median where it is
    uneven. A wave that lies on the clock asked for keeps its samples as they are; another is
    interpolated, and what is further from a sample than half a gap stays unknown.
    """
    waves = [wave for wave in report.waves if len(wave.time) > 1]
    if not waves:
        return 0.0, []
    start = min(float(wave.time[0]) for wave in waves)
    chosen = rates if rates is not None else natural_rates(report)
    return start, [
        Signal(wave_column(wave), wave.unit, _even(wave, start, rate), rate)
        for wave, rate in zip(waves, chosen, strict=True)
    ]


def natural_rates(report: Report) -> list[float]:
    """The sampling rate [Hz] of every wave of two samples or more."""
    return [_rate(wave) for wave in report.waves if len(wave.time) > 1]


def _rate(wave: Wave) -> float:
    """The mean rate where the clock is even, which is more exact; else the median."""
    time = wave.time
    mean = (len(time) - 1) / float(time[-1] - time[0])
    even = np.abs(time - time[0] - np.arange(len(time)) / mean).max() < EVEN_S
    return round(mean if even else rate_of(time), 4)


def _even(wave: Wave, start: float, rate: float) -> Array:
    time, values = wave.time, np.asarray(wave.values, dtype=float)
    place = (time - start) * rate
    slot = np.rint(place).astype(int)
    count = int(slot[-1]) + 1
    if np.all(np.diff(slot) > 0) and np.abs(place - slot).max() < EVEN_S * rate:
        out = np.full(count, np.nan)
        out[slot] = values
        return out
    at = start + np.arange(count) / rate
    after = np.clip(np.searchsorted(time, at), 1, len(time) - 1)
    nearest = np.minimum(np.abs(at - time[after - 1]), np.abs(at - time[after]))
    out = np.asarray(np.interp(at, time, values))
    out[(nearest > GAP_S / 2) | (at < time[0] - 0.5 / rate) | (at > time[-1] + 0.5 / rate)] = np.nan
    return out


def started(report: Report) -> datetime | None:
    """When second 0 of the report's clock was, with its time zone; None where nobody said.

    Raises InputError for what is no such time.
    """
    told = report.settings.get(STARTED)
    return None if told is None else moment(str(told))


def moment(text: str) -> datetime:
    """A date and time with its zone, that of this computer where it has none, of ISO 8601 text."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            f"a start needs a date and time but got {text!r}; give 2026-05-04T09:30:00+02:00"
        ) from None
    return when if when.tzinfo is not None else when.astimezone()


def missing(library: str, error: ImportError) -> NoReturn:
    """Raise the InputError that says how to install a library."""
    raise InputError(
        f"this form needs {library}; install it with pip install 'camvitals[formats]'"
    ) from error
