"""Faces with the heart rate that they are said to have: what system C learns from.

Shape letters: N samples, T pictures of each, S rows and columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from camvitals.data.cache import Cache
from camvitals.records import Array, InputError, check
from camvitals.train.transfer.labels import centred_labels, published_labels


@dataclass(frozen=True, slots=True)
class Samples:
    """Single pictures (T = 1), or clips.

    images:    (N, T, S, S, 3) uint8 RGB crops of faces.   time: (N, T) s of their video.
    person, video: (N,) str, whose they are and of which recording.
    published: (N,) bpm, the label of system C.   clean: (N,) bpm by R peaks around the middle.
    Raises InputError where the shapes do not agree.
    """

    images: Array
    time: Array
    person: Array
    video: Array
    published: Array
    clean: Array

    def __post_init__(self) -> None:
        count, length = self.images.shape[:2]
        check("images", self.images, (count, length, None, None, 3))
        check("time", self.time, (count, length))
        for name in ("person", "video", "published", "clean"):
            check(name, getattr(self, name), (count,))

    def __len__(self) -> int:
        return len(self.images)

    def at(self, rows: Any) -> Samples:
        """Some of them."""
        return Samples(*(getattr(self, one.name)[rows] for one in fields(self)))

    def save(self, path: Path) -> None:
        """As .npz."""
        np.savez(path, **{one.name: getattr(self, one.name) for one in fields(self)})

    @classmethod
    def load(cls, path: Path) -> Samples:
        """Those that `save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            return cls(*(stored[one.name] for one in fields(cls)))


def joined(parts: Sequence[Samples]) -> Samples:
    """All in one. Raises InputError where there are none."""
    if not parts:
        raise InputError("there are no samples; give recordings with a face and an ECG")
    return Samples(
        *(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Samples))
    )


def samples_of_cache(
    cache: Cache, *, rate: float, count: int, length: int = 1, every: int = 1, seed: int = 0
) -> Samples:
    """Pictures or clips of every recording with an ECG in a cache of crops, such as AMIGOS.

    rate: pictures a second that the owners say [Hz], by which system C places its labels.
    count: samples of each recording, spread at random.   length: pictures of each, `every` apart.
    Raises InputError where no recording has crops and an ECG.
    """
    found: list[Samples] = []
    for one in cache.recordings:
        if "ecg" not in one.references or not one.chunks:
            continue
        ecg = cache.references(one.key)["ecg"]
        time, seen = cache.time(one.key), cache.seen(one.key)
        rng = np.random.default_rng([seed, len(found)])
        first = _firsts(seen, count=count, span=(length - 1) * every + 1, rng=rng)
        if len(first) == 0:
            continue
        index = first[:, None] + every * np.arange(length)
        clip = cache.clip(one.key)
        middle = time[index].mean(axis=1)
        found.append(
            Samples(
                images=np.asarray(clip.images[index]),
                time=time[index],
                person=np.full(len(index), one.subject),
                video=np.full(len(index), one.key),
                published=published_labels(ecg, index[:, length // 2], rate=rate),
                clean=centred_labels(ecg, middle),
            )
        )
    return joined(found)


def _firsts(seen: Array, *, count: int, span: int, rng: np.random.Generator) -> Array:
    """First pictures of stretches of `span` in which the face is always seen."""
    if len(seen) < span:
        return np.zeros(0, dtype=int)
    whole = np.convolve(seen, np.ones(span), mode="valid") > span - 0.5
    free = np.flatnonzero(whole)
    return np.sort(rng.choice(free, min(count, len(free)), replace=False))
