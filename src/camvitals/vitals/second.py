"""A second look at a heart: what enhanced colours say where those of the recording say nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from camvitals.records import Reading, Trace, Wave, withheld
from camvitals.vitals.beats import Beats, no_beats

MARK = "of enhanced colours"
# Share of the bits a pulse needs below which there is nothing to enhance: a pulse was regained in
# made films that had 0.22 to 0.31 of them (CRF 24), not where they had 0.05 to 0.09 (CRF 30, 36);
# of 48 such films one was told a wrong rate.
LEAST_BITS = 0.15
SPAN_S = 1e-3  # by which the spans of one window may differ
Look = tuple[Reading, tuple[Reading, ...], Wave, Beats]  # whole, sliding, pulse, its beats


def enhanced_of(trace: Trace) -> Trace:
    """The trace with its enhanced colours as its colours; itself where there are none."""
    if trace.enhanced is None:
        return trace
    return replace(trace, rgb=trace.enhanced, enhanced=None)


def looked_twice(first: Look, second: Look) -> Look:
    """One look of two: at the colours as recorded, and at enhanced ones.

    Pulse and beats are of the colours that the rate of the whole was read from.
    """
    heart, rolling = of_both(first[0], second[0]), of_windows(first[1], second[1])
    if heart.value is None:
        return heart, rolling, first[2], no_beats(heart.span)
    if first[0].value is None:
        return heart, rolling, marked_wave(second[2]), second[3]
    return heart, rolling, first[2], first[3]


def of_both(first: Reading, second: Reading) -> Reading:
    """One reading of two looks at the same span.

    first: of the colours as recorded, which is told where it can be trusted.   second: of enhanced
    ones, which is told in its place.   Two whose intervals do not meet deny each other.
    """
    if second.value is None:
        return first
    if first.value is None:
        return marked(second)
    if not _apart(first, second):
        return first
    why = (
        f"the colours as recorded say {first.value:.0f} {first.unit} and enhanced ones "
        f"{second.value:.0f}, of which one must be wrong; record with more light and fewer losses"
    )
    return withheld(first.name, first.unit, why, method=first.method, span=first.span)


def of_windows(first: Sequence[Reading], second: Sequence[Reading]) -> tuple[Reading, ...]:
    """The sliding readings of both looks by their spans, those of one look alone too."""
    others = {_key(reading): reading for reading in second}
    found = []
    for reading in first:
        other = others.pop(_key(reading), None)
        found.append(reading if other is None else of_both(reading, other))
    alone = [marked(reading) for reading in others.values()]
    return tuple(sorted([*found, *alone], key=lambda reading: reading.span))


def marked(reading: Reading) -> Reading:
    """The reading, its method told to have seen enhanced colours."""
    return reading if is_marked(reading) else replace(reading, method=f"{reading.method}, {MARK}")


def marked_wave(wave: Wave) -> Wave:
    """The wave, its unit told to be of enhanced colours."""
    return wave if wave.unit.endswith(MARK) else replace(wave, unit=f"{wave.unit}, {MARK}")


def is_marked(reading: Reading) -> bool:
    """Whether a reading is of enhanced colours."""
    return reading.method.endswith(MARK)


def _apart(first: Reading, second: Reading) -> bool:
    assert first.low is not None and first.high is not None
    assert second.low is not None and second.high is not None
    return first.low > second.high or second.low > first.high


def _key(reading: Reading) -> tuple[int, int]:
    start, stop = reading.span
    return round(start / SPAN_S), round(stop / SPAN_S)
