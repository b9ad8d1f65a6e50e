"""The default pulse: every region and several methods at once, joined by evidence.

Shape letters: N samples of a stretch, R regions, K candidates, M windows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from camvitals.dsp.clean import GAP_S, bandpass, normalized, runs, uniform
from camvitals.records import Array, InputError, Trace, Wave
from camvitals.steps import Steps, finish
from camvitals.waves.classical import channel, chrom, green, pos
from camvitals.waves.evidence import HOP_S, RATES_BPM, WINDOW_S, Candidates, Evidence, windows
from camvitals.waves.guide import guided_steps
from camvitals.waves.lamps import Lamp, without_lamps
from camvitals.waves.learned import is_learned
from camvitals.waves.run import wave_of

AUTO = "auto"
MIXED: tuple[Callable[..., Array], ...] = (pos, chrom, green)
FINGER = "finger"
OF_FINGER: tuple[Callable[..., Array], ...] = (
    *(partial(channel, index=index) for index in range(3)),
    pos,
    chrom,
)
BAND_HZ = (0.65, 4.0)
SHORTEST_S = 5.0
SLOWEST_HZ = 8.0
TYPICAL_STRENGTH = 0.003
NEAR_BPM = 6.0
GUIDE_VOTES = 0.5
REGRESSION_S = 10.0
CHAPTER_S = 60.0
RIDGE = 1e-3
AT_ONCE = 8  # windows, which bounds the memory


@dataclass(frozen=True, slots=True)
class Part:
    """A gapless piece of a trace on its uniform clock, at most about CHAPTER_S long.

    time: (N,) s; wave: (N,) of the one method asked for, or None.   rate: of the clock [Hz].
    learned: whether that method is a network.   lamps: what was taken out of the trace.
    Colours and boxes come to that clock when they are asked for, so that many parts of a long trace
    take no more memory than the trace.
    """

    trace: Trace
    time: Array
    wave: Array | None
    rate: float
    learned: bool = False
    lamps: tuple[Lamp, ...] = ()

    @property
    def colour(self) -> Array:
        """(N, R, 3) colours of the regions."""
        return _on_clock(self.trace.rgb, self.trace.time, self.time, rate=self.rate)

    @property
    def box(self) -> Array:
        """(N, 4) box [px]."""
        return _on_clock(self.trace.box, self.trace.time, self.time, rate=self.rate)


def _on_clock(values: Array, time_T: Array, clock_N: Array, *, rate: float) -> Array:
    """(N, ...) of (T, ...) values on a piece of their uniform clock, from the samples about it."""
    lead = round(2 * GAP_S * rate)
    first = clock_N[0] - lead / rate
    near = slice(*np.searchsorted(time_T, (first, clock_N[-1] + 2 * GAP_S)))
    # the clock begins with the first sample, so one that is unseen stands where it is to begin
    unseen = np.full((1, *values.shape[1:]), np.nan, dtype=values.dtype)
    found, _ = uniform(
        np.concatenate([unseen, values[near]]), np.r_[first, time_T[near]], rate=rate
    )
    return found[lead : lead + len(clock_N)]


def parts_of(trace: Trace, *, method: str, rate: float) -> list[Part]:
    """The gapless stretches of a trace of at least SHORTEST_S, long ones in chapters.

    method: "auto" for MIXED over all regions, or a name of METHODS for that wave alone.
    rate:   of the uniform clock [Hz], at least SLOWEST_HZ.
    Chapters overlap by so much that the sliding windows go on evenly across them; each is worked
    on alone, so that an hour takes the memory of a minute. Lamps are taken out of the trace before.
    Raises InputError for an unknown method or too low a rate.
    """
    if rate < SLOWEST_HZ:
        raise InputError(f"a pulse needs {SLOWEST_HZ:g} pictures a second but got {rate:.1f}")
    trace, lamps = without_lamps(trace)
    main, time = uniform(trace.region(trace.main)[:, 0], trace.time, rate=rate)
    seen = np.isfinite(main)
    wave = None
    if method != AUTO:
        wave = wave_of(trace, method=method, rate=rate).values
        seen &= np.isfinite(wave)
    learned = is_learned(method)
    return [
        Part(trace, time[cut], None if wave is None else wave[cut], rate, learned, lamps)
        for cut in _cuts(seen, rate)
    ]


def _cuts(seen_N: Array, rate: float) -> list[slice]:
    """Where the parts lie on the clock, in order of time."""
    return [
        cut
        for run in sorted(runs(seen_N), key=lambda run: run.start)
        if run.stop - run.start >= SHORTEST_S * rate
        for cut in _chapters(run, rate)
    ]


def _chapters(run: slice, rate: float) -> list[slice]:
    hop, width = max(1, round(HOP_S * rate)), round(WINDOW_S * rate)
    length = max(1, round(CHAPTER_S / HOP_S)) * hop
    overlap = width - hop
    starts = list(range(run.start, run.stop, length))
    while len(starts) > 1 and run.stop - starts[-1] < 2 * width:
        starts.pop()
    stops = [start + overlap for start in starts[1:]] + [run.stop]
    return [slice(start, stop) for start, stop in zip(starts, stops, strict=True)]


def stretches(trace: Trace, *, method: str, rate: float) -> list[Candidates]:
    """The candidates of every part of a trace, see `parts_of`."""
    parts = parts_of(trace, method=method, rate=rate)
    return [finish(candidates_steps(part)) for part in parts]


def candidates_steps(part: Part) -> Steps[Candidates]:
    """The competing pulses of one part, in steps."""
    colour, names = part.colour, part.trace.names
    scene = _scene(colour, part.box, part.time, names, part.rate)
    guide = np.zeros((len(colour), 0))
    if part.wave is not None:
        return scene.candidates([_alone(part.wave)], guide)
    if FINGER not in names:
        guide = yield from guided_steps(colour, names, part.trace.main, rate=part.rate)
    waves = []
    for kind in scene.kinds:
        yield
        waves += [method_of(kind, rate=part.rate) for method_of in scene.methods]
    return scene.candidates(waves, guide)


@dataclass(frozen=True, slots=True)
class _Scene:
    """One stretch: its colours as they are and cleaned, and what moved meanwhile.

    kinds: (N, R, 3) colours of the regions seen throughout: raw, and, where head position or
    background can explain any of it, without what they explain within the heart's band.
    """

    kinds: list[Array]
    methods: tuple[Callable[..., Array], ...]
    colour: Array
    motion: Array
    behind: Array
    time: Array
    rate: float

    def candidates(self, waves: list[Array], guide: Array) -> Candidates:
        low, high = _band(self.rate)
        values = bandpass(np.concatenate(waves, axis=1), rate=self.rate, low=low, high=high)
        origin = np.repeat(np.arange(len(waves)), [wave.shape[1] for wave in waves])
        place = bandpass(_powers(self.motion), rate=self.rate, low=low, high=high)
        facts = (self.colour, self.motion, place, self.behind, guide, self.time, self.rate)
        return Candidates(values, origin, *facts)


def _scene(
    colour_NRC: Array, box_N4: Array, time_N: Array, names: tuple[str, ...], rate: float
) -> _Scene:
    motion, behind = _position(box_N4), _behind(colour_NRC, names, rate)
    whole = np.isfinite(colour_NRC).all(axis=(0, 2)) & (np.array(names) != "background")
    raw = np.maximum(colour_NRC[:, whole], 1e-3)
    cause = np.concatenate([motion, motion**2, behind], axis=1)
    kinds = [raw, _without(raw, cause, rate=rate, band=_band(rate))] if cause.any() else [raw]
    colour = np.concatenate([_relative(kinds[0]), _relative(kinds[-1])], axis=1)
    if (
        FINGER in names
    ):  # light that went through has another colour of pulse than light thrown back
        return _Scene(kinds, OF_FINGER, np.zeros_like(colour), motion, behind, time_N, rate)
    return _Scene(kinds, MIXED, colour, motion, behind, time_N, rate)


def _band(rate: float) -> tuple[float, float]:
    return BAND_HZ[0], min(BAND_HZ[1], 0.45 * rate)


def _relative(colour_NRC: Array) -> Array:
    """(N, 3) relative change of colour, mean over the regions."""
    return np.asarray((colour_NRC / colour_NRC.mean(axis=0)).mean(axis=1) - 1)


def _without(
    colour_NRC: Array, nuisance_NJ: Array, *, rate: float, band: tuple[float, float]
) -> Array:
    """Colours less what nuisance signals explain of them, by least squares in sliding windows.

    Only the heart's band is changed. Windows of REGRESSION_S overlap by half.
    """
    mean = colour_NRC.mean(axis=0)
    change = bandpass(colour_NRC / mean - 1, rate=rate, low=band[0], high=band[1])
    cause = bandpass(nuisance_NJ, rate=rate, low=band[0], high=band[1])
    flat = change.reshape(len(change), -1)
    width = min(len(flat), round(REGRESSION_S * rate))
    starts = np.unique(
        np.r_[np.arange(0, len(flat) - width + 1, max(1, width // 2)), len(flat) - width]
    )
    taper = np.hanning(width + 2)[1:-1, None]
    explained, total = np.zeros_like(flat), np.zeros((len(flat), 1))
    for start in starts:
        part = slice(start, start + width)
        x = cause[part] / (cause[part].std(axis=0) + 1e-9)
        ridge = RIDGE * width * np.eye(x.shape[1])
        explained[part] += taper * (x @ np.linalg.solve(x.T @ x + ridge, x.T @ flat[part]))
        total[part] += taper
    part_of_colour = (explained / np.maximum(total, 1e-6)).reshape(change.shape) * mean
    return np.asarray(np.maximum(colour_NRC - part_of_colour, 1e-3))


def _alone(wave_N: Array) -> Array:
    """One wave of unknown unit as the only candidate, scaled to a pulse of ordinary strength."""
    centred = wave_N[:, None] - wave_N.mean()
    return np.asarray(centred * (TYPICAL_STRENGTH / (centred.std() + 1e-12)))


def _position(box_N4: Array) -> Array:
    """(N, 2) place of the box in box widths; zeros where it is not known throughout."""
    if not np.isfinite(box_N4).all():
        return np.zeros((len(box_N4), 2))
    centre = (box_N4[:, :2] + box_N4[:, 2:]) / 2
    width = max(1.0, float(np.median(box_N4[:, 2] - box_N4[:, 0])))
    return np.asarray((centre - centre.mean(axis=0)) / width)


def _powers(motion_NJ: Array) -> Array:
    """(N, P) the place and its powers up to the fourth, each as wide as the place itself.

    With them goes whatever is seen at up to four times the rate of a sway.
    """
    widest = np.abs(motion_NJ).max(axis=0) + 1e-9
    return np.concatenate([widest * (motion_NJ / widest) ** k for k in (1, 2, 3, 4)], axis=1)


def _behind(colour_NRC: Array, names: tuple[str, ...], rate: float) -> Array:
    """(N, 3) relative colour of the background, or (N, 0) where it is not seen throughout."""
    if "background" not in names:
        return np.zeros((len(colour_NRC), 0))
    behind = colour_NRC[:, names.index("background")]
    if not np.isfinite(behind).all() or behind.min() <= 0:
        return np.zeros((len(colour_NRC), 0))
    return normalized(behind, rate=rate, window=2.0)


def pulse_wave(found: Sequence[Candidates], evidence: Sequence[Evidence], rates_M: Array) -> Wave:
    """The pulse of all parts on one clock, NaN between them, unit variance.

    rates_M: heart rate [bpm] of every window of all the evidence, in order.
    """
    pieces, at = [], 0
    for candidates, facts in zip(found, evidence, strict=True):
        rates = rates_M[at : at + len(facts.centre)]
        pieces.append((candidates.time[0], combine(candidates, facts, rates)))
        at += len(facts.centre)
    return joined(pieces, rate=found[0].rate)


def alone(part: Part) -> Array:
    """(N,) the pulse that `combine` makes of a part's one wave, whatever the evidence says of it.

    Raises InputError for a part that has no wave of its own.
    """
    if part.wave is None:
        raise InputError("several candidates need evidence; name one method instead of auto")
    low, high = _band(part.rate)
    values = bandpass(_alone(part.wave), rate=part.rate, low=low, high=high)
    none = np.zeros((len(values), 0))
    facts = (none, none, none, none, none, part.time, part.rate)
    candidate = Candidates(values, np.zeros(1, int), *facts)
    first, width = windows(len(values), rate=part.rate)
    centre = part.time[first] + (width - 1) / 2 / part.rate
    return _added(candidate, centre, (width - 1) / part.rate, np.ones((len(first), 1)))


def joined(pieces: Sequence[tuple[float, Array]], *, rate: float) -> Wave:
    """Pieces (start [s], (N,) values) on one clock; where two overlap, one fades into the other."""
    first = pieces[0][0]
    count = max(round((start - first) * rate) + len(values) for start, values in pieces)
    out = np.full(count, np.nan)
    for start, values in pieces:
        at = round((start - first) * rate)
        known = np.isfinite(out[at : at + len(values)])
        shared = int(known.sum())
        fade = np.ones(len(values))
        fade[:shared] = (np.arange(shared) + 1) / (shared + 1)
        before = np.where(known, out[at : at + len(values)], 0.0)
        out[at : at + len(values)] = fade * values + (1 - fade) * before
    scale = out[np.isfinite(out)].std() + 1e-12
    return Wave(out / scale, first + np.arange(count) / rate, "pulse")


def combine(candidates: Candidates, evidence: Evidence, rates_M: Array) -> Array:
    """(N,) one pulse: in every window each candidate weighs by its power near the rate found there.

    The guide has GUIDE_VOTES as much to say as all candidates together.
    rates_M: heart rate of each window of the evidence [bpm]. Unit variance, overlap-added.
    """
    near = np.abs(RATES_BPM[None] - rates_M[:, None]) <= NEAR_BPM
    share = (evidence.weights * near[..., None]).sum(axis=1) / (evidence.weights.sum(axis=1) + 1e-9)
    share = np.clip(share, 1e-3, 0.98)
    weight = share / (1 - share)
    count = candidates.values.shape[1]
    weight[:, count:] *= GUIDE_VOTES * count
    weight /= weight.sum(axis=1, keepdims=True)
    return _added(candidates, evidence.centre, evidence.length, weight)


def _added(candidates: Candidates, centre_M: Array, length: float, weight_MK: Array) -> Array:
    """(N,) candidates at unit variance in every window, weighted and overlap-added."""
    rate = candidates.rate
    values = np.concatenate([candidates.values, candidates.guide[:, :1]], axis=1)
    width = round(length * rate)
    taper = np.hanning(width + 2)[1:-1] + 1e-3
    first = [round((c - candidates.time[0]) * rate - (width - 1) / 2) for c in centre_M]
    views = sliding_window_view(values, width, axis=0)
    spread = np.concatenate(
        [views[first[at : at + AT_ONCE]].std(axis=-1) for at in range(0, len(first), AT_ONCE)]
    )
    weight = weight_MK / (spread + 1e-12)
    out, total = np.zeros(len(values)), np.zeros(len(values))
    for start, w in zip(first, weight, strict=True):
        part = slice(start, start + width)
        out[part] += taper * (values[part] @ w)
        total[part] += taper
    return np.asarray(out / np.maximum(total, 1e-3))
