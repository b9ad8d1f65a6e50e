"""How much later a reference is than the pictures, measured on the pulse that both hold.

The skin of the face and a finger do not see a beat at the same time: what is measured is the offset
of the clocks plus the difference in the time that the blood takes to both places.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from camvitals.dsp.align import wave_lag
from camvitals.dsp.clean import rate_of
from camvitals.evaluate.reference import Reference
from camvitals.records import Array, InputError, Trace, Wave
from camvitals.waves.run import wave_of

METHODS = ("pos", "green")
LIMIT_S = 2.0  # clocks further apart than this are a fault of the reader, or of the corpus
WINDOW_S, HOP_S = 15.0, 7.5
SHORTEST_S = 10.0
AROUND_BPM = 20.0  # the band reaches this far below the rate and above its double
FASTEST_HZ = 60.0
# Settled on 2 000 made takes and judged on 800 others, of which 186 lags were told: of 127 contact
# pulses none was off by 0.05 s, of 59 ECGs none by 0.2 s.
LEAST_LIKE = 0.5  # correlation at the best lag
EDGE_S = 0.05  # this near to the limit the best lag may lie beyond
LOWEST_HZ = 0.65
DEFAULT_BEAT_S = 0.8  # where the reference does not tell its rate
FEWEST = 4  # windows that tell a standard error
SURE = 1.5  # mean lead over its standard error across windows
LEAD, LEAD_IF_SURE = 0.2, 0.1  # over the next best beat, in parts of what is missing to 1
MOST_SPREAD_S = 0.1  # standard deviation over windows
MOST_APART_S = 0.15  # between methods


@dataclass(frozen=True, slots=True)
class Lag:
    """How much later the reference is than the pictures, or why that cannot be said.

    seconds: positive when the reference is late; None when not measurable, and then `why`.
    spread:  standard deviation over windows [s], from their median deviation; NaN for one window.
    likeness: correlation at that lag.   lead: over that of the next beat either way.
    windows: how many there were.   of: the reference wave.   method: the pulse of the pictures.
    """

    seconds: float | None
    spread: float
    likeness: float
    lead: float
    windows: int
    of: str
    method: str
    why: str = ""


def reference_lag(trace: Trace, reference: Reference, *, limit: float = LIMIT_S) -> Lag:
    """The lag of the reference's pulse behind the pulse of a trace, up to `limit` s either way.

    Of POS and the band-passed green the one is taken that is more like the reference; they must
    agree. With an ECG the pulse starts its rise at the R peak, so that the lag holds the transit
    time to the skin: it is negative by that when the clocks agree.
    """
    try:
        contact = reference.pulse()
    except InputError:
        return unknown("there is no pulse, ECG or beat interval to compare with", reference.source)
    name = contact.name if contact.name in reference.waves else reference.source
    found = []
    for method in METHODS:
        try:
            found.append(_measured(trace, method, contact, reference, limit))
        except InputError:
            continue
    if not found:
        return unknown("green does not vary, or shares too little time with the reference", name)
    best = max(found, key=lambda one: one.likeness)
    others = [one for one in found if one is not best and one.likeness >= LEAST_LIKE]
    why = best.why
    if not why and any(abs(one.seconds - best.seconds) > MOST_APART_S for one in others):
        why = "POS and green disagree about it"
    return Lag(
        seconds=None if why else best.seconds,
        spread=best.spread,
        likeness=best.likeness,
        lead=best.lead,
        windows=best.windows,
        of=name,
        method=best.method,
        why=why,
    )


def unknown(why: str, of: str) -> Lag:
    """A lag that could not be looked for, and why."""
    return Lag(None, np.nan, np.nan, np.nan, 0, of, "", why)


@dataclass(frozen=True, slots=True)
class _Measured:
    """What one method says, whether or not it is to be trusted."""

    seconds: float
    spread: float
    likeness: float
    lead: float
    sureness: float
    windows: int
    method: str
    at_limit: bool

    @property
    def why(self) -> str:
        if self.likeness < LEAST_LIKE:
            return "the pulse of the pictures is too unlike the reference"
        if self.at_limit:
            return "it may be more than was looked for"
        least = LEAD_IF_SURE if self.sureness > SURE else LEAD
        if self.lead < least * (1 - self.likeness):
            return "another beat fits as well"
        return "it differs from window to window" if self.spread > MOST_SPREAD_S else ""


def _measured(
    trace: Trace, method: str, contact: Wave, reference: Reference, limit: float
) -> _Measured:
    """The lag by one method; raises InputError when too little overlaps."""
    rate = min(round(rate_of(trace.time), 1), FASTEST_HZ)
    skin = wave_of(trace, method=method, rate=rate)
    start = max(skin.time[0], contact.time[0])
    stop = min(skin.time[-1], contact.time[-1])
    if stop - start < SHORTEST_S:
        raise InputError(f"a lag needs {SHORTEST_S:g} s of both but got {stop - start:.1f} s")
    bpm = reference.rate_between(start, stop)
    band = _band(bpm, rate)
    beat = 60 / bpm if np.isfinite(bpm) else DEFAULT_BEAT_S
    seconds, likeness = _near(skin, contact, 0.0, limit, band)
    centres = seconds + beat * np.array([0.0, -1.0, 1.0])
    lead = likeness - _rival(skin, contact, seconds, beat, limit, band)
    windows = np.arange(start, stop - WINDOW_S + 1e-6, HOP_S)
    found = [_in_window(skin, contact, first, centres, beat, band) for first in windows]
    lags, leads = (np.array([one[k] for one in found if one is not None]) for k in (0, 1))
    return _Measured(
        seconds=seconds,
        spread=1.4826 * float(np.median(np.abs(lags - seconds))) if len(lags) > 1 else np.nan,
        likeness=likeness,
        lead=lead,
        sureness=_sureness(leads),
        windows=len(lags),
        method=method,
        at_limit=abs(seconds) > limit - EDGE_S,
    )


def _rival(
    skin: Wave,
    contact: Wave,
    seconds: float,
    beat: float,
    limit: float,
    band: tuple[float, float],
) -> float:
    """Correlation at the best lag that is another beat's."""
    # Those just past the limit count too, so that it cannot make a lag sure
    before = (min(-limit, seconds - 1.5 * beat), seconds - 0.5 * beat)
    after = (seconds + 0.5 * beat, max(limit, seconds + 1.5 * beat))
    return max(
        _near(skin, contact, (start + stop) / 2, (stop - start) / 2, band)[1]
        for start, stop in (before, after)
    )


def _in_window(
    skin: Wave, contact: Wave, first: float, centres: Array, beat: float, band: tuple[float, float]
) -> tuple[float, Array] | None:
    """Lag in one window [s], and its lead over the beats (2,) before and after."""
    piece = _cut(skin, first, first + WINDOW_S)
    try:
        fits = [_near(piece, contact, at, beat / 2, band) for at in centres]
    except InputError:
        return None
    return fits[0][0], fits[0][1] - np.array([fits[1][1], fits[2][1]])


def _sureness(leads_W2: Array) -> float:
    """Mean lead over its standard error, of the worse side; windows overlap by half."""
    if len(leads_W2) < FEWEST:
        return 0.0
    error = leads_W2.std(axis=0, ddof=1) / np.sqrt(len(leads_W2) / 2)
    return float((leads_W2.mean(axis=0) / np.maximum(error, 1e-9)).min())


def _band(bpm: float, rate: float) -> tuple[float, float]:
    """From AROUND_BPM below the heart rate to that above its double [Hz]."""
    if not np.isfinite(bpm):
        return LOWEST_HZ, min(4.0, 0.45 * rate)
    low = max(LOWEST_HZ, (bpm - AROUND_BPM) / 60)
    return low, max(low + 0.3, min((2 * bpm + AROUND_BPM) / 60, 0.45 * rate))


def _near(
    skin: Wave, contact: Wave, centre: float, reach: float, band: tuple[float, float]
) -> tuple[float, float]:
    """Best lag within `reach` of `centre` [s], and the correlation there."""
    moved = Wave(contact.values, contact.time - centre, contact.name)
    near = _cut(moved, skin.time[0] - reach - 2, skin.time[-1] + reach + 2)
    seconds, likeness = wave_lag(skin, near, limit=reach, band=band)
    return centre + seconds, likeness


def _cut(wave: Wave, start: float, stop: float) -> Wave:
    inside = (wave.time >= start) & (wave.time < stop)
    return Wave(wave.values[inside], wave.time[inside], wave.name)
