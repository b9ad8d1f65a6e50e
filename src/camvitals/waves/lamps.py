"""Lamps that flicker with the mains, seen too slowly: found, and taken out of the colours.

A lamp flickers at the frequency of the mains and its multiples. So many pictures a second show that
folded, at |line − k·rate|: 120 Hz at 61 pictures a second is a swing of 2 Hz, which is 120 bpm. No
evidence need decide, for the frequencies of the mains and the times of the pictures are known.

The background has no heart, so a line there is a lamp; where no background is seen, a line that all
colours of the skin have by the same share is one. It is fitted to every region and colour at the
pictures' true times, so that uneven ones neither smear nor move it, and with a phase of its own:
most cameras read one row after the other. All colours here are logarithms of light, in which a lamp
changes red, green and blue alike and blood does not.

Shape letters: T samples in time, S samples of a stretch, K of them seen, R regions, C colours,
P parts of a fit, F frequencies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from camvitals.records import Array, Trace
from camvitals.waves.evidence import BLOOD

LINES_HZ = {50.0: (50.0, 100.0, 200.0), 60.0: (60.0, 120.0, 240.0)}
TOLERANCE = 0.0025  # by which the mains and the clocks of cameras are off
BAND_HZ = (0.6, 3.75)
STRETCH_S, SHORTEST_S, FEWEST = 40.0, 5.0, 40
SEEN = 0.9
AROUND_HZ = 2.0  # where the floor of a line is looked for
LINE_TO_FLOOR = 12.0
ACHROMATIC = 0.8
USUAL = 1.05
SAME_HZ = 0.15
FOLLOW_S = 5.0
BLOODY = 0.25
NEAR_BPM, WIDER = 12.0, 1.5
RIDGE = 1e-6
HIDDEN_MOST = 0.25


@dataclass(frozen=True, slots=True)
class Lamp:
    """Light that flickers at `line` [Hz] on this mains [Hz], seen at `seen` [Hz].

    rate: pictures a second.   amplitude: relative.   span: from, to [s].
    whole: whether all that the face does at this frequency was taken out, and not the lamp alone.
    blood: amplitude of what of it had the colour of blood; beside, doubled: the greatest of that
        colour which is left within `reach` [bpm] of the rate seen, and of its double.
    """

    mains: float
    line: float
    seen: float
    rate: float
    amplitude: float
    span: tuple[float, float]
    whole: bool = True
    blood: float = 0.0
    beside: float = 0.0
    doubled: float = 0.0

    @property
    def reach(self) -> float:
        """How far from the rate seen the fit takes something of other rates too [bpm]."""
        return max(NEAR_BPM, 120 / (self.span[1] - self.span[0]))

    @property
    def covers(self) -> bool:
        """Whether a heart may have been taken out with the lamp."""
        return self.whole and self.blood > self.beside

    def hides(self, rate_bpm: float) -> bool:
        """Whether this rate may be what is left of a heart that beats as the lamp flickers.

        That is the remainder beside it, or the heart's double, where more of the colour of blood
        was taken out than is left there.
        """
        near = abs(rate_bpm - 60 * self.seen) <= WIDER * self.reach
        twice = abs(rate_bpm - 120 * self.seen) <= WIDER * self.reach
        return (near and self.covers) or (twice and self.whole and self.blood > self.doubled)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A piece of a trace: (S,) time [s], (S, R, 3) light, (S, R) seen, (S, 2 or less) place."""

    time: Array
    light: Array
    seen: Array
    place: Array
    main: int
    background: int | None

    @property
    def witness(self) -> int:
        """The region that is asked for lamps: the background where it is seen, or the skin."""
        if self.background is not None and self.seen[:, self.background].mean() >= SEEN:
            return self.background
        return self.main


def picture_rate(time_T: Array) -> float:
    """One over the mean interval [Hz], intervals with a missing frame left out.

    Times in whole milliseconds make the median interval wrong by up to 2 %; the mean is right.
    """
    interval = np.diff(time_T)
    return float(1 / np.mean(interval[interval < 1.75 * np.median(interval)]))


def folded(line: float, rate: float) -> float:
    """Where a line [Hz] is seen [Hz] at so many pictures a second."""
    return abs(line - rate * round(line / rate))


def hidden_by(lamps: Sequence[Lamp], rate_M: Array, start_M: Array, stop_M: Array) -> Array:
    """(M,) True for windows, from start to stop [s], whose rate [bpm] a lamp of that time hides."""
    found = np.zeros(len(rate_M), bool)
    for lamp in lamps:
        there = (start_M < lamp.span[1]) & (stop_M > lamp.span[0])
        found |= there & np.array([lamp.hides(rate) for rate in rate_M], bool)
    return found


def too_many(hidden_M: Array) -> bool:
    """Whether so many windows are hidden that the others are not to be believed either."""
    return bool(hidden_M.mean() > HIDDEN_MOST)


def without_lamps(trace: Trace) -> tuple[Trace, tuple[Lamp, ...]]:
    """The trace without what lamps do within the heart's band, and the lamps.

    The same trace where there are none: most frame rates fold no lamp into that band.
    """
    time = np.asarray(trace.time, dtype=float)
    change, total = np.zeros(trace.rgb.shape), np.zeros(len(time))
    lamps: list[Lamp] = []
    for part in _parts(time):
        taper = _taper(time[part])
        total[part] += taper
        at_risk = _at_risk(picture_rate(time[part]))
        for lamp, of_lamp in _found(_stretch(trace, part), at_risk) if at_risk else []:
            lamps.append(lamp)
            change[part] += taper[:, None, None] * of_lamp
    if not lamps:
        return trace, ()
    change /= np.maximum(total, 1e-9)[:, None, None]
    rgb = _codes(_light(trace.rgb) - change).astype(trace.rgb.dtype)
    return replace(trace, rgb=rgb), tuple(lamps)


def _parts(time_T: Array) -> list[slice]:
    """Stretches of STRETCH_S that overlap by half, the last one as long as the others."""
    if len(time_T) < FEWEST or time_T[-1] - time_T[0] < SHORTEST_S:
        return []
    last = max(time_T[0], time_T[-1] - STRETCH_S)
    starts = np.append(np.arange(time_T[0], last - STRETCH_S / 4, STRETCH_S / 2), last)
    parts = [slice(*np.searchsorted(time_T, (at - 1e-9, at + STRETCH_S + 1e-9))) for at in starts]
    return [part for part in parts if part.stop - part.start >= FEWEST]


def _at_risk(rate: float) -> list[tuple[float, float]]:
    """Mains and line [Hz] of the lamps that so many pictures a second fold into the band."""
    return [
        (mains, line)
        for mains, lines in LINES_HZ.items()
        for line in lines
        if BAND_HZ[0] <= folded(line, rate) <= BAND_HZ[1]
    ]


def _stretch(trace: Trace, part: slice) -> _Stretch:
    rgb = np.asarray(trace.rgb[part], dtype=float)
    seen = np.isfinite(rgb).all(axis=2)
    light = np.where(seen[..., None], _light(np.where(seen[..., None], rgb, 1.0)), 0.0)
    background = trace.names.index("background") if "background" in trace.names else None
    place = _place(np.asarray(trace.box[part], dtype=float))
    time = np.asarray(trace.time[part], dtype=float)
    return _Stretch(time, light, seen, place, trace.names.index(trace.main), background)


def _place(box_S4: Array) -> Array:
    """(S, 2) centre of the face in its widths about its mean; (S, 0) where it is not known."""
    if not np.isfinite(box_S4).all():
        return np.zeros((len(box_S4), 0))
    centre = (box_S4[:, :2] + box_S4[:, 2:]) / 2
    width = max(1.0, float(np.median(box_S4[:, 2] - box_S4[:, 0])))
    shift = (centre - centre.mean(axis=0)) / width
    return np.asarray(shift[:, shift.std(axis=0) > 1e-4])


def _found(part: _Stretch, at_risk: list[tuple[float, float]]) -> list[tuple[Lamp, Array]]:
    """The lamps of a stretch, and (S, R, C) what each does to the light of regions and colours."""
    seen = part.seen[:, part.witness]
    if seen.mean() < SEEN:
        return []
    time, level = part.time[seen], _without_course(part.time, part.light[:, part.witness], seen)
    behind = part.witness != part.main
    hits = [(mains, *_line(level, time, line, behind=behind)) for mains, line in at_risk]
    hits = [hit for hit in hits if hit[2] > 0]
    rate, span = picture_rate(part.time), (float(part.time[0]), float(part.time[-1]))
    out: list[tuple[Lamp, Array]] = []
    for mains, line, amplitude in sorted(hits, key=lambda hit: -_likely(*hit)):
        at = folded(line, rate)
        if all(abs(at - lamp.seen) > SAME_HZ for lamp, _ in out):
            cycle = _cycle(level, time, line, part.time, follow=behind)
            lamp = Lamp(mains, line, at, rate, amplitude, span)
            out.append(_taken(part, cycle, lamp))
    return out


def _likely(mains: float, line: float, amplitude: float) -> float:
    """Even times cannot tell lines that fold alike: most lamps flicker twice a cycle."""
    return amplitude * (USUAL if abs(line / mains - 2) < 2 * TOLERANCE else 1.0)


def _line(level_KC: Array, time_K: Array, line: float, *, behind: bool) -> tuple[float, float]:
    """Exact frequency [Hz] and relative amplitude of a lamp near this one; 0 where none is."""
    frequency = np.arange(line - AROUND_HZ, line + AROUND_HZ, 0.25 / np.ptp(time_K))
    size = np.abs(_amplitudes(level_KC, time_K, frequency))
    near = np.abs(frequency - line) <= TOLERANCE * line
    floor = np.median(size[~near] ** 2, axis=0)
    at = int(np.flatnonzero(near)[np.argmax(size[near].mean(axis=1))])
    clear = bool((size[at] ** 2 > LINE_TO_FLOOR * np.maximum(floor, 1e-18)).all())
    like_light = behind or bool(size[at].min() > ACHROMATIC * size[at].max())
    return float(frequency[at]), float(size[at].mean()) if clear and like_light else 0.0


def _cycle(level_KC: Array, time_K: Array, line: float, time_S: Array, *, follow: bool) -> Array:
    """(S,) complex cycle of the lamp: even, or with the phase that the background shows.

    The mains wander, by a cycle within a minute or so; the skin has a pulse, and is not followed.
    """
    even = np.exp(2j * np.pi * line * (time_S - time_S[0]))
    if not follow:
        return np.asarray(even)
    turned = level_KC.mean(axis=1) * np.exp(-2j * np.pi * line * (time_K - time_S[0]))
    width = max(3, round(FOLLOW_S * len(time_K) / np.ptp(time_K)))
    slow = np.convolve(turned, np.hanning(min(len(time_K), width) + 2)[1:-1], mode="same")
    phase = np.interp(time_S, time_K, np.unwrap(np.angle(slow)))
    return np.asarray(even * np.exp(1j * phase))


def _taken(part: _Stretch, cycle_S: Array, lamp: Lamp) -> tuple[Lamp, Array]:
    """The lamp with what is found of blood, and (S, R, C) what to take out.

    Its part in the cycle may change with the place of the face: other rows are read later. What has
    the colour of blood, and not that which the lamp has, stays where it is BLOODY of the lamp's or
    more: a heart may beat there. Cameras are known too little to tell less of it apart.
    """
    shifts = np.column_stack([np.ones(len(part.time)), part.place])
    swings = np.concatenate([cycle_S.real[:, None] * shifts, cycle_S.imag[:, None] * shifts], 1)
    fit = _fitted(part, swings)
    half = shifts.shape[1]
    phasor = fit[:, 0] - 1j * fit[:, half]
    light = np.ones(3) if part.witness == part.main else np.abs(phasor[part.witness])
    of_lamp, of_blood = np.abs(_unmixed(phasor[[part.main]], light))[0]
    whole = bool(of_blood < BLOODY * of_lamp)
    if not whole:
        kept = _unmixed(phasor, light)[:, 1:] * BLOOD
        kept[[] if part.background is None else [part.background]] = 0
        fit[:, 0] -= kept.real
        fit[:, half] += kept.imag
    change = np.einsum("sp,rpc->src", swings, fit)
    left = [_left(part, change, light, times * lamp.seen, lamp.reach) for times in (1, 2)]
    blood = float(of_blood)
    return replace(lamp, whole=whole, blood=blood, beside=left[0], doubled=left[1]), change


def _fitted(part: _Stretch, swings_SP: Array) -> Array:
    """(R, P, C) weighted least squares of every region, beside its slow course."""
    design = np.concatenate([swings_SP, _course(part.time)], axis=1)
    weight = _taper(part.time)[:, None] * part.seen
    gram = np.einsum("sp,sr,sq->rpq", design, weight, design, optimize=True)
    gram += (RIDGE * weight.sum(axis=0) + 1e-12)[:, None, None] * np.eye(design.shape[1])
    target = np.einsum("sp,sr,src->rpc", design, weight, part.light, optimize=True)
    return np.asarray(np.linalg.solve(gram, target)[:, : swings_SP.shape[1]])


def _left(part: _Stretch, change: Array, light_C: Array, centre: float, reach: float) -> float:
    """The greatest amplitude of the colour of blood within `reach` [bpm] of a frequency [Hz]."""
    seen = part.seen[:, part.main]
    level = _without_course(part.time, (part.light - change)[:, part.main], seen)
    time = part.time[seen]
    frequency = centre + np.arange(-reach / 60, reach / 60, 0.25 / np.ptp(time))
    return float(np.abs(_unmixed(_amplitudes(level, time, frequency), light_C)[:, 1]).max())


def _unmixed(phasor_NC: Array, light_C: Array) -> Array:
    """(N, 2) how much of each line is the lamp's, and how much has the colour of blood."""
    both = np.column_stack([light_C / np.linalg.norm(light_C), BLOOD])
    return np.asarray(phasor_NC @ np.linalg.pinv(both).T)


def _amplitudes(level_KC: Array, time_K: Array, frequency_F: Array) -> Array:
    """(F, C) complex amplitudes at evenly spaced frequencies [Hz], from the pictures' own times.

    A wave is the product of one of few coarse and one of few fine ones, which saves most of both.
    """
    taper, time = _taper(time_K), time_K - time_K[0]
    many = int(np.ceil(np.sqrt(len(frequency_F))))
    fine = np.exp(-2j * np.pi * (frequency_F[:many] - frequency_F[0])[:, None] * time)
    coarse = np.exp(-2j * np.pi * frequency_F[::many, None] * time)
    weighed = (level_KC * taper[:, None]).T
    found = (coarse[None] * weighed[:, None]) @ fine.T
    flat = found.reshape(len(weighed), -1)[:, : len(frequency_F)]
    return np.asarray(2 * flat.T / taper.sum())


def _without_course(time_S: Array, light_SC: Array, seen_S: Array) -> Array:
    """(K, C) light of what was seen, without its slow course."""
    course, light = _course(time_S)[seen_S], light_SC[seen_S]
    return np.asarray(light - course @ np.linalg.lstsq(course, light, rcond=None)[0])


def _course(time_S: Array) -> Array:
    return np.vander((time_S - time_S[0]) / np.ptp(time_S) - 0.5, 3)


def _taper(time_S: Array) -> Array:
    share = (time_S - time_S[0] + 1e-3) / (time_S[-1] - time_S[0] + 2e-3)
    return np.asarray(np.sin(np.pi * share) ** 2)


def _light(codes: Array) -> Array:
    """Logarithm of the light that made codes 0–255 (IEC 61966-2-1, sRGB)."""
    v = np.maximum(np.asarray(codes, dtype=float), 1.0) / 255
    return np.asarray(np.log(np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)))


def _codes(light: Array) -> Array:
    """The codes of such a logarithm."""
    x = np.exp(light)
    return np.asarray(255 * np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055))
