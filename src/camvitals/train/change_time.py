"""Augmentations of when: how fast a clip is played, which samples are lost, how even its clock is.

Shape letters: T samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from camvitals.dsp.clean import rate_of
from camvitals.records import Array
from camvitals.train.cached import pictures_at
from camvitals.train.change import COLOURS, Change, Changed, between, kind_of

PERIODS_S = (0.25, 2.4)  # of a heart that beats, 240 to 25 bpm
REGULAR = 0.5  # least correlation of a reference with itself one beat later
BROAD_HZ = 3.0  # to which beats are broadened, so that sharp ones meet those beside them
CLOSE = 0.85  # of the best such correlation, from which a shorter period is taken


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeScale(Change):
    """Played faster or slower: pictures between two are mixed of them.

    factor: by which the heart is made faster, 0.1–10. The last is limited by the recipe's clip:
        `clip.margin` needs to be at least `factor[1]` - 1.
    rates: [bpm] heart rates to cover evenly where the reference shows a regular beat, as a pulse
        or an ECG does; elsewhere the factor is drawn, doubled as likely as halved.
    """

    factor: tuple[float, float] = (0.6, 1.5)
    rates: tuple[float, float] = (30.0, 180.0)

    to_reference: ClassVar[str] = (
        "Resampled with the pictures; the heart rate is multiplied by the factor."
    )
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {
        "factor": (0.1, 10.0),
        "rates": (10.0, 300.0),
    }

    def change(
        self, images: Array, time: Array, target: Array, rng: np.random.Generator
    ) -> Changed:
        """A stretch of the clip, from a place drawn."""
        chance, place = rng.random(2)
        low, high = self.factor
        known = beat_rate(target, rate=rate_of(time))
        if known is None:
            factor = low * (high / low) ** chance
        else:
            ends = np.clip(np.array(self.rates) / known, low, high)
            factor = float(ends[0] + chance * (ends[1] - ends[0]))
        count = self._count(len(images))
        factor = min(factor, (len(images) - 1) / (count - 1))
        start = place * (len(images) - 1 - factor * (count - 1))
        at = np.clip(start + factor * np.arange(count), 0, len(images) - 1)
        return moved(images, time, target, at)

    def unchanged(self, images: Array, time: Array, target: Array) -> Changed:
        """As long as those that are changed, so that a margin too small is told at once."""
        return middle(images, time, target, self._count(len(images)))

    def _count(self, length: int) -> int:
        return max(2, round(length / max(self.factor[1], 1.0)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop(Change):
    """Pictures that were lost, and pictures that stand still for the next ones.

    lost: most that are taken out, a share of the clip; what follows moves up. The recipe's clip
        needs that much more: `clip.margin` at least lost / (1 - lost).
    repeated: most that the one before them replaces, a share of the clip.
    longest: most in a row.
    """

    lost: float = 0.02
    repeated: float = 0.05
    longest: int = 5

    to_reference: ClassVar[str] = (
        "Taken out with what is lost, each sample keeping its true time; where a picture is "
        "repeated, both go on by the clock."
    )
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {
        "lost": (0.0, 0.5),
        "repeated": (0.0, 0.5),
        "longest": (1, 100),
    }

    def change(
        self, images: Array, time: Array, target: Array, rng: np.random.Generator
    ) -> Changed:
        """The clip with holes."""
        length, count = len(images), self._count(len(images))
        shown = np.arange(length)
        still = self._chosen(length, rng.uniform(0, self.repeated), rng)
        still[0] = False
        shown = np.maximum.accumulate(np.where(still, 0, shown))
        gone = self._chosen(length, rng.uniform(0, self.lost), rng)
        kept = np.flatnonzero(~gone)
        first = rng.integers(0, len(kept) - count + 1)
        kept = kept[first : first + count]
        return images[shown[kept]], time[kept], target[kept]

    def unchanged(self, images: Array, time: Array, target: Array) -> Changed:
        """As long as those that are changed, so that a margin too small is told at once."""
        return middle(images, time, target, self._count(len(images)))

    def _count(self, length: int) -> int:
        return max(2, length - int(self.lost * length))

    def _chosen(self, length: int, share: float, rng: np.random.Generator) -> Array:
        """(T,) which are met, in runs, never more than the share."""
        left = int(share * length)
        chosen = np.zeros(length, dtype=bool)
        while left > 0:
            run = min(left, int(rng.integers(1, self.longest + 1)))
            first = int(rng.integers(0, length - run + 1))
            left -= run
            chosen[first : first + run] = True
        return chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class Jitter(Change):
    """Pictures taken a little early or late, as by a camera with an uneven clock.

    size: [ms] standard deviation; no sample moves by half a step, so that the order stays.
    """

    size: tuple[float, float] = (0.0, 8.0)

    to_reference: ClassVar[str] = "Resampled with the pictures, at the moments they were taken."
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {"size": (0.0, 1000.0)}

    def change(
        self, images: Array, time: Array, target: Array, rng: np.random.Generator
    ) -> Changed:
        """The clip at uneven moments."""
        steps = between(self.size, rng) * 1e-3 * rate_of(time)
        shift = np.clip(steps * rng.standard_normal(len(images)), -0.45, 0.45)
        at = np.clip(np.arange(len(images)) + shift, 0, len(images) - 1)
        return moved(images, time, target, at)


def middle(images: Array, time: Array, target: Array, count: int) -> Changed:
    """So many samples from the middle of the clip."""
    first = (len(images) - count) // 2
    part = slice(first, first + count)
    return images[part], time[part], target[part]


def moved(images: Array, time: Array, target: Array, at: Array) -> Changed:
    """The clip at other places between its samples, counted from 0."""
    here = np.arange(len(images), dtype=np.float64)
    if kind_of(images) == COLOURS:
        left = np.minimum(at.astype(np.intp), len(images) - 2)
        part = (at - left).astype(np.float32)[:, None, None]
        found = images[left] + part * (images[left + 1] - images[left])
    else:
        found = pictures_at(images, here, at)
    there = np.interp(at, here, target).astype(target.dtype)
    return found, np.interp(at, here, time), there


def beat_rate(target: Array, *, rate: float) -> float | None:
    """Heart rate [bpm] of a pulse or an ECG by its correlation with itself; None: no regular beat.

    The shortest period of those about as good as the best, so that two beats are not taken for one.
    """
    values = target - np.mean(target)
    length = len(values)
    power = np.abs(np.fft.rfft(values, 2 * length)) ** 2
    power *= np.exp(-((np.fft.rfftfreq(2 * length, 1 / rate) / BROAD_HZ) ** 2))
    with_itself = np.fft.irfft(power)[:length] * (length / (length - np.arange(length)))
    if not with_itself[0] > 0:
        return None
    shortest = max(2, round(PERIODS_S[0] * rate))
    longest = min(int(PERIODS_S[1] * rate), length // 2)
    lags = np.arange(shortest, longest)
    like = with_itself / with_itself[0]
    tops = lags[(like[lags] > like[lags - 1]) & (like[lags] >= like[lags + 1])]
    tops = tops[like[tops] >= REGULAR]
    if not len(tops):
        return None
    lag = int(tops[like[tops] >= CLOSE * like[tops].max()][0])
    before, top, after = like[lag - 1 : lag + 2]
    bent = before - 2 * top + after
    shift = 0.5 * (before - after) / bent if bent < 0 else 0.0
    return float(60 * rate / (lag + shift))
