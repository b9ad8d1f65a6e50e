"""The recordings with the largest errors, each with its pulse and spectrum, to see what went wrong.

A result keeps no waves: they are made again from the recordings, where these are at hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from camvitals.data.recording import Recording
from camvitals.dsp.clean import rate_of, runs
from camvitals.dsp.spectrum import spectrum
from camvitals.evaluate.entrant import Entrant
from camvitals.evaluate.protocol import Protocol
from camvitals.evaluate.reference import Reference
from camvitals.evaluate.seen import see
from camvitals.evaluate.view import side_by_side, under
from camvitals.pipeline import Settings, pulse_of
from camvitals.records import Array, InputError, Wave
from camvitals.report.figure import COLOUR, heading, keys, svg
from camvitals.report.series import thinned
from camvitals.waves.view import unmeasurable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN_S = 20.0
AROUND_S = 30.0  # measured before and after the window, so that long recordings take no longer
BAND_BPM = (40.0, 200.0)
NOT_AT_HAND = "waves are not kept in a result, and the recordings are not at hand"


@dataclass(frozen=True, slots=True)
class Case:
    """One recording by one method. mae, windows, answered: of all its windows.

    start, stop [s], estimate, reference: of its worst window.   pulse: the wave of the method
    there, contact: that of the reference; None with the reason in `why`.
    """

    corpus: str
    recording: str
    method: str
    mae: float
    windows: int
    answered: int
    start: float
    stop: float
    estimate: float
    reference: float
    pulse: Wave | None = None
    contact: Wave | None = None
    why: str = NOT_AT_HAND


def worst(one: Entrant, *, count: int = 10) -> tuple[Case, ...]:
    """The recordings of largest mean absolute error by a method, the largest first."""
    found = []
    for take in dict.fromkeys(one.takes):
        rows = np.flatnonzero(one.takes == take)
        error = np.abs(one.error[rows])
        given = np.isfinite(error)
        if not given.any():
            continue
        at = rows[int(np.where(given, error, -1).argmax())]
        found.append(
            Case(
                str(one.columns["corpus"][at]),
                str(one.columns["recording"][at]),
                one.name,
                float(error[given].mean()),
                len(rows),
                int(given.sum()),
                float(one.start[at]),
                float(one.columns["stop"][at]),
                float(one.estimate[at]),
                float(one.reference[at]),
            )
        )
    return tuple(sorted(found, key=lambda case: -case.mae)[:count])


def with_waves(
    cases: Sequence[Case],
    recordings: Iterable[Recording],
    *,
    protocol: Protocol,
    traces: Path | None = None,
) -> tuple[Case, ...]:
    """The cases with their waves, made again from those recordings that are at hand.

    traces: the folder that the evaluation kept the colours of videos in, or None.
    """
    wanted = {(case.corpus, case.recording) for case in cases}
    at_hand = {(take.corpus, take.name): take for take in recordings}
    held = {key: at_hand[key] for key in wanted if key in at_hand}
    return tuple(
        _seen(case, held[case.corpus, case.recording], protocol, traces)
        if (case.corpus, case.recording) in held
        else case
        for case in cases
    )


def _seen(case: Case, take: Recording, protocol: Protocol, traces: Path | None) -> Case:
    """A case with its waves, measured around its window, or from the colours that were kept."""
    roi = protocol.roi or take.roi
    if protocol.enhance:
        return replace(case, why="its colours were enhanced, and are not made again for the plot")
    if traces is None or take.colours is not None:
        first, last = take.span or (-np.inf, np.inf)
        near = (max(first, case.start - AROUND_S), min(last, case.stop + AROUND_S))
        take = replace(take, span=near)
    try:
        seen = see(take, methods=(case.method,), roi=roi, skin=protocol.skin, folder=traces)
        trace = seen.for_method(case.method)
        why = unmeasurable(trace)
        if why:
            return replace(case, why=why)
        wave = pulse_of(trace, settings=Settings(case.method, roi, protocol.skin))
    except InputError as error:
        return replace(case, why=str(error))
    try:
        contact = _cut(Reference.of(take).pulse(), case)
    except InputError:
        contact = None
    return replace(case, pulse=_cut(wave, case), contact=contact, why="")


def _cut(wave: Wave, case: Case) -> Wave | None:
    inside = (wave.time >= case.start) & (wave.time <= case.stop)
    values = wave.values[inside]
    if np.isfinite(values).sum() < 8:
        return None
    return Wave(values, wave.time[inside], wave.name)


def draw(case: Case, wide: bool) -> Figure | None:
    """Pulse and contact pulse of the worst window, at most 20 s of it, and their spectra."""
    if case.pulse is None:
        return None
    figure, left, right = side_by_side(wide, height=190)
    waves = [("heart", case.method, case.pulse), ("breath", "reference", case.contact)]
    for colour, name, wave in reversed(waves):
        if wave is None:
            continue
        stop = case.start + SHOWN_S
        shown = wave.time <= stop
        time, values = thinned(wave.time[shown], _even(wave.values[shown]), most=900)
        left.plot(time, values, color=COLOUR[colour], lw=1.2, label=name)
        _spectrum(right, wave, colour)
    left.set_yticks([])
    heading(left, "pulse")
    keys(left, columns=2)
    under(left, "time, s")
    for rate, colour in ((case.estimate, "heart"), (case.reference, "breath")):
        right.axvline(rate, color=COLOUR[colour], lw=1, ls=(0, (2, 3)))
    right.set(xlim=BAND_BPM, ylim=(0, 1.06), yticks=[])
    heading(right, "power, highest = 1")
    under(right, "bpm; dotted: what was said, and what is true")
    return figure


def _even(values: Array) -> Array:
    spread = float(np.nanstd(values))
    return (values - float(np.nanmean(values))) / (spread if spread > 0 else 1.0)


def _spectrum(ax: Axes, wave: Wave, colour: str) -> None:
    whole = max(runs(np.isfinite(wave.values)), key=lambda run: run.stop - run.start)
    values, rate = wave.values[whole], rate_of(wave.time)
    if len(values) < 4 * rate:
        return
    frequency, power = spectrum(values - values.mean(), rate=rate)
    inside = (60 * frequency >= BAND_BPM[0]) & (60 * frequency <= BAND_BPM[1])
    top = max(float(power[inside].max(initial=0.0)), 1e-300)
    x, y = thinned(60 * frequency[inside], power[inside] / top, most=600)
    ax.fill_between(x, 0, y, color=COLOUR[colour], alpha=0.1, lw=0)
    ax.plot(x, y, color=COLOUR[colour], lw=1.2)


def drawn(case: Case, *, key: str) -> tuple[str, str] | None:
    """The wide and the narrow SVG, or None without waves."""
    wide, narrow = draw(case, True), draw(case, False)
    if wide is None or narrow is None:
        return None
    said = (
        f"Pulse and spectrum of {case.recording} by {case.method}, {case.start:.1f} to "
        f"{case.stop:.1f} s: {case.estimate:.1f} said, {case.reference:.1f} true."
    )
    return svg(wide, label=said, key=f"{key}-0"), svg(narrow, label=said, key=f"{key}-1")
