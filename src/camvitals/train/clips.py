"""Clips to learn from: made while training runs, or cut from a prepared cache.

A clip is a pure function of the recipe's seed and of its number, so that neither a restart nor the
number of processes changes the stream. Nothing here needs torch.
Shape letters: T samples, R regions, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from camvitals.data.synthetic.scenario import draw
from camvitals.data.synthetic.traces import REGIONS, made_trace
from camvitals.data.synthetic.truth import Truth
from camvitals.data.synthetic.variety import varied_trace
from camvitals.dsp.clean import at_times, held
from camvitals.dsp.colours import filled
from camvitals.records import Array, InputError, Trace
from camvitals.train.patches import patches

MARGIN_S = 1.0  # that a made recording is longer than its clip, on either side
TRAINING = 1_000_000_000  # first number of people to train on; below are those held out
PEOPLE = 100_000_000  # between the people of two seeds
WAVES = ("pulse", "ecg", "breath", "spo2")
PEOPLE_KINDS = ("drawn", "varied")


@dataclass(frozen=True, slots=True)
class Clip:
    """The shape of a clip. length: samples; rate: of them a second [Hz].

    margin: share by which clips are cut longer than that, for augmentation to draw from.
    """

    length: int
    rate: float
    margin: float = 0.0

    def __post_init__(self) -> None:
        if not (self.length >= 2 and self.rate > 0 and self.margin >= 0):
            raise InputError(
                f"a clip needs length >= 2, rate > 0 Hz and margin >= 0 but got {self.length}, "
                f"{self.rate:g} and {self.margin:g}"
            )

    @property
    def cut(self) -> int:
        """Samples that a source gives: the length and the margin."""
        return round(self.length * (1 + self.margin))

    @property
    def seconds(self) -> float:
        """From the first sample to one step after the last [s]."""
        return self.cut / self.rate


@dataclass(frozen=True, slots=True)
class Sample:
    """One clip.

    images: (T, H, W, 3) uint8, or (T, R, 3) float32 colours of regions, 0–255,
        without gaps.
    time:   (T,) s of the recording at which each was taken; the clip plays them evenly.
    target: (T,) the reference wave there.   heart_rate: over the clip [bpm], NaN when not known.
    key:    what it was cut from.   weight: of its loss, 0 when there is nothing to learn.
    speed:  how many times faster than in life it is played.
    """

    images: Array
    time: Array
    target: Array
    heart_rate: float
    key: str
    weight: float = 1.0
    speed: float = 1.0


class Source(Protocol):
    """Clips by number."""

    @property
    def count(self) -> int | None:
        """Clips in one pass; None: no end."""
        ...

    def sample(self, index: int) -> Sample:
        """The clip of this number, >= 0; beyond one pass in another order. May raise InputError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeTraces:
    """Colour traces of made people, each clip another person, without end (data.synthetic).

    reference: pulse, ecg, breath or spo2.   regions: of data.synthetic.traces.REGIONS.
    fixed: fields of Scenario that all share, such as {"light": "daylight"}; others are drawn.
    people: drawn, as in life; or varied, see data.synthetic.variety: also with other clocks than
        the clip's, with one region only, and without a pulse, whose target is 0 at full weight.
    """

    reference: str = "pulse"
    regions: tuple[str, ...] = REGIONS[:-1]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    people: str = "drawn"

    def __post_init__(self) -> None:
        _check_made(self.reference, self.fixed)
        if self.people not in PEOPLE_KINDS or (self.fixed and self.people != "drawn"):
            raise InputError(
                f"corpus.people needs drawn, or varied without corpus.fixed, but is {self.people!r}"
            )
        odd = sorted(set(self.regions) - set(REGIONS))
        if odd or not self.regions:
            raise InputError(f"no region {odd}; made people have {', '.join(REGIONS)}")

    @property
    def named_regions(self) -> tuple[str, ...]:
        """Regions whose colours the clips hold."""
        return self.regions

    def open(self, clip: Clip, *, seed: int, held_out: bool, count: int = 0) -> Source:
        """Clips to train on, or `count` of people who are never trained on."""
        return _Made(self, clip, seed, count if held_out else None)

    def recording(self, seed: int, *, duration: float, rate: float) -> tuple[Trace, Truth]:
        """The person of this seed."""
        if self.people == "varied":
            return varied_trace(seed, duration=duration)
        return made_trace(draw(seed, duration=duration, rate=rate, **self.fixed))

    def images(self, trace: Trace, time: Array, rng: np.random.Generator) -> Array:
        """(T, R, 3) colours at these times; `rng` is for others."""
        del rng
        return colours_at(trace, time, self.regions, partial=self.people == "varied")


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeClips:
    """Small pictures of made faces, put together from made traces, without end (train.patches).

    size: rows and columns [px].   reference, fixed: as in MadeTraces.
    """

    size: int = 36
    reference: str = "pulse"
    fixed: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_made(self.reference, self.fixed)
        if self.size < 4:
            raise InputError(f"corpus.size needs at least 4 px but got {self.size}")

    def open(self, clip: Clip, *, seed: int, held_out: bool, count: int = 0) -> Source:
        """Clips to train on, or `count` of people who are never trained on."""
        return _Made(self, clip, seed, count if held_out else None)

    def recording(self, seed: int, *, duration: float, rate: float) -> tuple[Trace, Truth]:
        """The person of this seed."""
        return made_trace(draw(seed, duration=duration, rate=rate, **self.fixed))

    def images(self, trace: Trace, time: Array, rng: np.random.Generator) -> Array:
        """(T, H, W, 3) uint8 pictures at these times."""
        centre = (trace.box[:, :2] + trace.box[:, 2:]) / 2
        place = np.stack([np.interp(time, trace.time, centre[:, k]) for k in (0, 1)], axis=1)
        width = float(np.nanmean(trace.box[:, 2] - trace.box[:, 0]))
        moved = (place - place.mean(axis=0)) / width
        return patches(colours_at(trace, time, REGIONS), moved, size=self.size, rng=rng)


def _check_made(reference: str, fixed: Mapping[str, Any]) -> None:
    if reference not in WAVES:
        raise InputError(f"made people have {', '.join(WAVES)} but not {reference!r}")
    given = {"seed", "duration", "rate"} & set(fixed)
    if given:
        raise InputError(f"corpus.fixed cannot fix {sorted(given)}; clip and seed say them")
    draw(0, duration=10.0, rate=30.0, **fixed)  # names an unknown field or value at once


@dataclass(frozen=True, slots=True)
class _Made:
    """People made one by one. count: None to train on, else how many are held out."""

    corpus: MadeTraces | MadeClips
    clip: Clip
    seed: int
    count: int | None

    def person(self, index: int) -> int:
        """The scenario's seed: people held out are the same for every recipe's seed."""
        if self.count is not None:
            return index % self.count
        return TRAINING + self.seed * PEOPLE + index

    def sample(self, index: int) -> Sample:
        """The clip of this person."""
        clip, corpus = self.clip, self.corpus
        seed, span = self.person(index), clip.seconds
        trace, truth = corpus.recording(seed, duration=span + 2 * MARGIN_S, rate=clip.rate)
        time = MARGIN_S + np.arange(clip.cut) / clip.rate
        images = corpus.images(trace, time, np.random.default_rng([seed, 53]))
        body = truth.physiology
        target = np.interp(time, body.time, getattr(body, corpus.reference))
        dead = isinstance(corpus, MadeTraces) and corpus.people == "varied" and not truth.alive
        # In use the pulse begins anew after a gap, so that there is none to learn across it
        whole = np.isfinite(at_times(trace.region(trace.main), trace.time, time)).all()
        return Sample(
            images=images,
            time=time,
            target=np.zeros_like(target, np.float32) if dead else target.astype(np.float32),
            heart_rate=_rate(truth, time, span) if truth.alive else float("nan"),
            key=f"made/{seed}",
            weight=float(whole and (truth.alive or dead)),
        )


def _rate(truth: Truth, time: Array, span: float) -> float:
    try:
        return truth.rate_between(float(time[0]), float(time[0]) + span)
    except InputError:
        return float("nan")


def colours_at(
    trace: Trace, time: Array, regions: tuple[str, ...], *, partial: bool = False
) -> Array:
    """(T, R, 3) float32 colours at uniform times, filled as `dsp.colours.filled` does in use.

    partial: a region that the trace does not have is one that is never seen.
    Raises InputError for a region that the trace does not have, and where nobody is seen.
    """
    odd = [name for name in regions if name not in trace.names]
    if odd and not partial:
        raise InputError(f"no region {odd[0]!r}; the traces have {', '.join(trace.names)}")
    colours = trace.regions((*regions, trace.main))
    even = at_times(colours, trace.time, held(time, trace.time))
    if not np.isfinite(even[:, -1]).any():
        raise InputError("nobody is seen in the clip; leave it out")
    return filled(even).astype(np.float32)


def shortened(sample: Sample, length: int, *, rate: float) -> Sample:
    """The middle of a clip, and how fast it is played there."""
    first = (len(sample.images) - length) // 2
    if first < 0:
        raise InputError(
            f"augmentation left {len(sample.images)} samples of {sample.key} but {length} are "
            "needed; use a larger clip.margin"
        )
    part = slice(first, first + length)
    time = sample.time[part]
    speed = float((time[-1] - time[0]) / (length - 1) * rate)
    return replace(
        sample,
        images=sample.images[part],
        time=time,
        target=sample.target[part],
        heart_rate=sample.heart_rate * speed,
        speed=speed,
    )
