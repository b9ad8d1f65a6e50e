"""Who was in view and how long, and whether that is enough for a pulse."""

from __future__ import annotations

import numpy as np

from camvitals.dsp.clean import GAP_S, rate_of
from camvitals.records import Array, InputError, Source, Trace
from camvitals.waves.auto import SHORTEST_S, SLOWEST_HZ
from camvitals.waves.learned import CROPS, is_learned
from camvitals.waves.run import find

FASTEST_HZ = 60.0
HOUR_S = 3600.0
BRIEF_S = 2.0


def unmeasurable(trace: Trace) -> str:
    """The sentence that says why a trace cannot hold a heart rate; empty when it can."""
    seen = in_view(trace)
    if not seen.any():
        return "nobody was seen; show the face to the camera, upright and in the light"
    rate = clock_rate(trace)
    if rate < SLOWEST_HZ:
        return (
            f"a pulse needs {SLOWEST_HZ:g} pictures a second but there were {rate:.1f}; "
            "record faster"
        )
    _check_leaps(trace, rate)
    return too_short(trace) if _longest_view(trace) < SHORTEST_S else ""


def too_short_for(trace: Trace, method: str) -> str:
    """The sentence that says why a network cannot read this trace; empty when it can."""
    if not is_learned(method):
        return ""
    chosen = find(method)
    least, view = max(SHORTEST_S, chosen.minimum), _longest_view(trace)
    if chosen.needs == CROPS and method in trace.pulses:
        view = _longest(trace, np.isfinite(trace.pulses[method]))
    if view >= least - 0.1:
        return ""
    return (
        f"{method} needs {least:g} s in view without a break but had {view:.1f} s; keep the face "
        "in the picture, or record longer"
    )


def _longest_view(trace: Trace) -> float:
    """The longest time in view [s], gaps of GAP_S bridged."""
    return _longest(trace, np.isfinite(trace.rgb[:, trace.names.index(trace.main), 0]))


def _longest(trace: Trace, seen_T: Array) -> float:
    seen = trace.time[seen_T]
    breaks = np.flatnonzero(np.diff(seen) > GAP_S) + 1
    spans = [float(np.ptp(part)) for part in np.split(seen, breaks) if len(part)]
    return max(spans) + 1 / clock_rate(trace) if spans else 0.0


def too_short(trace: Trace) -> str:
    """The sentence that says that nobody was in view for long enough."""
    return (
        f"a heart rate needs {SHORTEST_S:g} s in view without a break but there were "
        f"{_longest_view(trace):.1f} s; keep the face in the picture, or record longer"
    )


def _check_leaps(trace: Trace, rate: float) -> None:
    """Refuse times that leap so far that their uniform clock would fill the memory."""
    gaps = np.diff(trace.time)
    if trace.time[-1] - trace.time[0] > HOUR_S + 10 * len(trace.time) / rate:
        at = int(np.argmax(gaps))
        raise InputError(
            f"the times of the pictures leap from {trace.time[at]:.1f} to "
            f"{trace.time[at + 1]:.1f} s; cut the recording there, or pass fps= or time="
        )


def clock_rate(trace: Trace) -> float:
    """The uniform clock of the analysis [Hz]: about that of the pictures, FASTEST_HZ at most.

    Samples move to it by their own times, so it need not be exact; round, it is the same each time
    a live clock is asked.
    """
    return min(round(rate_of(trace.time), 1), FASTEST_HZ) if len(trace.time) > 1 else 0.0


def in_view(trace: Trace) -> Array:
    """(T,) True where any region was seen."""
    return np.asarray(np.isfinite(trace.rgb[:, :, 0]).any(axis=1))


def people(traces: dict[int, Trace], source: Source) -> list[Trace]:
    """The traces of which reports are made, that of the person seen most first."""
    ranked = sorted(traces.values(), key=lambda trace: -_presence(trace))
    lasting = [trace for trace in ranked if in_view(trace).sum() >= BRIEF_S * clock_rate(trace)]
    return lasting or ranked[:1] or [_nobody(source)]


def _presence(trace: Trace) -> float:
    """How much of the recording a person takes: width of the face summed over the pictures."""
    return float(np.nansum(trace.box[:, 2] - trace.box[:, 0]))


def _nobody(source: Source) -> Trace:
    """The trace of a recording in which nobody was seen."""
    time = np.array([0.0, max(source.duration, 1e-3)])
    unseen = np.full((2, 1, 3), np.nan, dtype=np.float32)
    return Trace(unseen, np.zeros((2, 1), dtype=int), time, ("skin",), np.full((2, 4), np.nan))
