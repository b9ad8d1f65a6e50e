"""What methods say in the windows of a recording: readings of reports, or rates read off waves.

Shape letters: W windows, M methods.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from camvitals.evaluate.protocol import Protocol
from camvitals.evaluate.seen import Seen
from camvitals.evaluate.windows import Clock, all_rates
from camvitals.pipeline import Settings, heart_steps, measure_trace, pulse_of
from camvitals.records import Array, InputError, Reading, Wave, withheld
from camvitals.steps import finish
from camvitals.waves.evidence import HOP_S, WINDOW_S
from camvitals.waves.view import unmeasurable

HEART = "heart_rate"
VITALS = {
    HEART: "bpm",
    "respiration_rate": "breaths/min",
    "hrv_sdnn": "ms",
    "hrv_rmssd": "ms",
    "spo2": "%",
}
FIELDS = ("estimate", "low", "high", "quality")
BROKEN = "the face is not in view, or the signal broken, for a part of the window"
UNSEEN = "nobody is in the picture; show the face to the camera"
UNKNOWN = "the pulse is not known in enough of the window"
STILL = "the pulse has no peak in the band"
NOT_MEASURED = "the window could not be measured"


@dataclass(frozen=True, slots=True)
class Answers:
    """Of one method for one vital sign: (W, 4) numbers, columns FIELDS, and (W,) why not."""

    numbers: Array
    why: Array

    @classmethod
    def of(cls, readings: Sequence[Reading]) -> Answers:
        """Readings as columns; None becomes NaN."""
        rows = [(reading.value, reading.low, reading.high, reading.quality) for reading in readings]
        numbers = np.array(rows, dtype=float).reshape(-1, len(FIELDS))
        return cls(numbers, np.array([reading.why for reading in readings], dtype=object))

    @classmethod
    def none(cls, windows: int, why: str) -> Answers:
        """The same reason in every window."""
        nothing = np.full((windows, len(FIELDS)), np.nan)
        return cls(nothing, np.full(windows, why, dtype=object))


def pulse(seen: Seen, settings: Settings) -> Wave | str:
    """The pulse of the report, or why there is none."""
    try:
        trace = seen.for_method(settings.method)
        wave = pulse_of(trace, settings=settings)
        known = np.isfinite(wave.values).any()
        return wave if known else unmeasurable(trace) or BROKEN
    except InputError as error:
        return str(error)


def read(
    protocol: Protocol, pulses: Mapping[str, Wave | str], windows_W2: Array, clock: Clock
) -> dict[str, Answers]:
    """What a protocol reads off the pulses of several methods, all at once.

    pulses: by method, or why there is none.
    """
    waves = {method: wave for method, wave in pulses.items() if isinstance(wave, Wave)}
    found, known = all_rates(protocol, list(waves.values()), windows_W2, clock)
    row = {method: k for k, method in enumerate(waves)}
    answers = {}
    for method, wave in pulses.items():
        said = Answers.none(len(windows_W2), "" if isinstance(wave, Wave) else wave)
        if method in row:
            said.numbers[:, 0] = found[row[method]]
            none = np.isnan(said.numbers[:, 0])
            enough = known[row[method]] >= protocol.covered
            said.why[none & enough], said.why[none & ~enough] = STILL, UNKNOWN
        answers[method] = said
    return answers


def sliding(seen: Seen, settings: Settings, windows_W2: Array) -> Answers:
    """For each window of WINDOW_S the sliding heart rate of the report that is nearest to it.

    It starts half a hop from the window's start at most; where there is none it is withheld.
    """
    missing = BROKEN
    rolling: tuple[Reading, ...] = ()
    try:
        trace = seen.for_method(settings.method)
        heart, rolling, _, _ = finish(heart_steps(trace, source=seen.source, settings=settings))
        missing = missing if rolling else heart.why
    except InputError as error:
        missing = str(error)
    starts = np.array([reading.span[0] for reading in rolling])
    found = []
    for start, stop in windows_W2.tolist():
        at = int(np.abs(starts - start).argmin()) if len(starts) else -1
        if at >= 0 and abs(starts[at] - start) <= 0.5 * HOP_S + 1e-6 and _long(rolling[at]):
            found.append(rolling[at])
        else:
            found.append(_none(HEART, missing, settings.method, (start, stop)))
    return Answers.of(found)


def cut_out(seen: Seen, settings: Settings, windows_of: Mapping[str, Array]) -> dict[str, Answers]:
    """For each window the report of it cut out, as if it were the recording.

    windows_of: (W, 2) s by vital sign. What these reports do not have has no answers.
    """
    wanted = {vital: [(a, b) for a, b in w.tolist()] for vital, w in windows_of.items()}
    spans = dict.fromkeys(span for spans in wanted.values() for span in spans)
    read_in = {span: _readings(seen, settings, span, tuple(wanted)) for span in spans}
    had = {HEART}.union(*read_in.values())
    return {
        vital: Answers.of(
            [
                read_in[span].get(vital) or _none(vital, NOT_MEASURED, settings.method, span)
                for span in spans
            ]
        )
        for vital, spans in wanted.items()
        if vital in had
    }


def _readings(
    seen: Seen, settings: Settings, span: tuple[float, float], vitals: tuple[str, ...]
) -> dict[str, Reading]:
    start, stop = span
    try:
        trace = seen.for_method(settings.method)
        if start > seen.start or stop < seen.stop:
            trace = trace.between(start - 1e-9, stop - 1e-9)
        if len(trace.time) < 2:
            return {HEART: _none(HEART, UNSEEN, settings.method, span)}
        if vitals == (HEART,):
            return {HEART: finish(heart_steps(trace, source=seen.source, settings=settings))[0]}
        report = measure_trace(trace, source=seen.source, settings=settings)
    except InputError as error:
        return {HEART: _none(HEART, str(error), settings.method, span)}
    return {reading.name: reading for reading in report.readings}


def _long(reading: Reading) -> bool:
    """A stretch shorter than a window gives one reading that is shorter too."""
    return reading.span[1] - reading.span[0] >= WINDOW_S - 0.5 * HOP_S


def _none(vital: str, why: str, method: str, span: tuple[float, float]) -> Reading:
    return withheld(vital, VITALS[vital], why, method=method, span=span)
