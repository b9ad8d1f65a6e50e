"""Who is learnt from, who is chosen by, who is tested: the protocols of oxygen saturation.

Shape letters: W windows, S seconds of a reference.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from camvitals.dsp.peaks import peaks
from camvitals.records import Array, InputError
from camvitals.train.oxygen.windows import Take, Windows

SMOOTH_S = 10.0
LEAST_DROP = 1.5  # % that a breath-hold takes off at least
APART_S = 20.0  # between the lowest points of two cycles
BIN_PERCENT = 2.0


@dataclass(frozen=True, slots=True)
class Split:
    """Indices of windows to learn from, to choose by, and to test on; no two overlap in time.

    name: what is tested.
    """

    name: str
    train: Array
    validation: Array
    test: Array


def cycles(take: Take) -> tuple[tuple[float, float], ...]:
    """(start, stop) s of each fall and recovery of the reference, one after the other.

    The lowest points of the reference, smoothed over ten seconds, count the cycles; they are
    parted where it is highest between two of them. Raises InputError where there is none, or where
    the reference has a gap, in which nobody knows whether there was one.
    """
    if take.gap:
        raise InputError(
            f"the reference of {take.name} has a gap of {take.gap:.0f} s, in which nobody counted "
            "cycles; leave it out"
        )
    step = float(np.median(np.diff(take.time)))
    width = max(1, round(SMOOTH_S / step))
    padded = np.pad(take.spo2, (width // 2, (width - 1) // 2), mode="edge")
    smooth = np.convolve(padded, np.full(width, 1 / width), "valid")
    low = peaks(-smooth, distance=APART_S / step, prominence=LEAST_DROP)
    if len(low) == 0:
        raise InputError(f"the reference of {take.name} never falls and recovers: no cycle in it")
    parts = [a + int(np.argmax(smooth[a:b])) for a, b in itertools.pairwise(low)]
    edges = [take.time[0], *take.time[parts], take.time[-1]]
    return tuple(zip(map(float, edges[:-1]), map(float, edges[1:]), strict=True))


def participant_specific(windows: Windows, *, first: int, second: int) -> Split:
    """One person: cycles 1 and 2 of the first recording to learn, 3 to choose, the second to test.

    first, second: index of their takes.   Windows that straddle two cycles are dropped.
    Raises InputError unless the first has three cycles, and both are of one subject.
    """
    one, other = windows.takes[first], windows.takes[second]
    if one.subject != other.subject or first == second:
        raise InputError("a participant's protocol needs two recordings of one person")
    found = cycles(one)
    if len(found) < 3:
        raise InputError(f"{one.name} needs 3 cycles of the reference but has {len(found)}")
    inside = [
        (windows.take == first) & (windows.start >= start) & (windows.end < stop)
        for start, stop in found[:3]
    ]
    return Split(
        name=one.subject,
        train=np.flatnonzero(inside[0] | inside[1]),
        validation=np.flatnonzero(inside[2]),
        test=np.flatnonzero(windows.take == second),
    )


def leave_one_subject_out(windows: Windows) -> Iterator[Split]:
    """Each subject tested once; the one after it, in the order of names, is chosen by."""
    subjects = np.unique(windows.subject)
    if len(subjects) < 3:
        raise InputError(f"leaving one out and choosing needs 3 subjects but got {len(subjects)}")
    for k, subject in enumerate(subjects):
        judge = subjects[(k + 1) % len(subjects)]
        tested, chosen = windows.subject == subject, windows.subject == judge
        yield Split(
            name=str(subject),
            train=np.flatnonzero(~tested & ~chosen),
            validation=np.flatnonzero(chosen),
            test=np.flatnonzero(tested),
        )


def other_hand(windows: Windows, *, learn: str, test: str) -> Iterator[Split]:
    """As `leave_one_subject_out`, but learnt on one hand and tested on the other."""
    for split in leave_one_subject_out(windows):
        yield Split(
            split.name,
            _of_hand(windows, split.train, learn),
            _of_hand(windows, split.validation, learn),
            _of_hand(windows, split.test, test),
        )


def _of_hand(windows: Windows, rows: Array, hand: str) -> Array:
    return np.asarray(rows[windows.hand[rows] == hand])


def own_blocks(windows: Windows, *, block: float, gap: float) -> Iterator[Split]:
    """Each take by itself: blocks of time dealt in turns to learning, testing, learning, choosing.

    block, gap: [s]; windows that come nearer than `gap` to another block are dropped.
    What drifts slowly is alike in neighbouring blocks: this flatters, and is a bound from above.
    """
    for k, take in enumerate(windows.takes):
        rows = np.flatnonzero(windows.take == k)
        number = (windows.start[rows] // block).astype(int)
        inside = (windows.start[rows] % block >= gap) & (windows.end[rows] < (number + 1) * block)
        turn = number % 4
        yield Split(
            take.name,
            rows[inside & (turn % 2 == 0)],
            rows[inside & (turn == 3)],
            rows[inside & (turn == 1)],
        )


def oversampled(spo2_W: Array, rng: np.random.Generator, *, count: int | None = None) -> Array:
    """Indices drawn with replacement so that every 2 % of saturation is equally frequent.

    spo2_W: labels.   count: how many; as many as there are if None.
    """
    if len(spo2_W) == 0 or not np.isfinite(spo2_W).all():
        raise InputError("oversampling needs windows, each with a label")
    number = (np.asarray(spo2_W) // BIN_PERCENT).astype(int)
    _, code, size = np.unique(number, return_inverse=True, return_counts=True)
    chance = 1 / size[code]
    return rng.choice(len(spo2_W), size=count or len(spo2_W), p=chance / chance.sum())
