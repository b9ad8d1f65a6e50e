"""The clips of benchmarks/pruning.py: 600 to train on, made once and kept, and 64 people to judge.

Both networks learn from the same made people and are judged on the same ones, each at its rate.
Shape letters: T pictures, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from camvitals.data.degrade import degrade_clip
from camvitals.records import Array
from camvitals.train.clips import Clip, MadeClips, Sample
from camvitals.train.stream import Augmentation, Clips

SIDE = 32
LEVELS = ("as is", "face-16", "face-8", "crf-24", "crf-36")
JUDGED = ("as is", "face-16", "face-8", "crf-36")
PEOPLE, LONG_S = 64, 15.0  # held out, and seconds of each
MADE, MADE_S = 600, 10.0  # clips to train on, gone through again and again, and seconds of each


def gridded(images: Array, cells: int) -> Array:
    """(T, cells, cells, 3) float32 mean colours of the cells of pictures (T, H, W, 3)."""
    t, h, w, _ = images.shape
    parts = images.reshape(t, cells, h // cells, cells, w // cells, 3)
    return np.asarray(parts.mean(axis=(2, 4), dtype=np.float32))


def worse(*, rate: float, cells: int, share: float = 0.6) -> Augmentation:
    """So many of the clips at a level drawn from LEVELS; then averaged over a grid."""

    def change(
        images: Array, clock: Array, target: Array, rng: np.random.Generator
    ) -> tuple[Array, Array, Array]:
        if rng.random() < share:
            level = LEVELS[1 + int(rng.integers(len(LEVELS) - 1))]
            images = degrade_clip(images, level, rate=rate)
        return gridded(images, cells), clock, target

    return change


@dataclass(slots=True)
class Kept:
    """Training clips made once, on the disk, and given to every training.

    A recipe whose clips are shorter than MADE_S is given a part of them, at another place in every
    pass.
    """

    folder: Path

    def install(self) -> None:
        """In the place of the making of clips, in this process."""
        usual, folder = Clips.sample, self.folder
        folder.mkdir(parents=True, exist_ok=True)
        memory: dict[int, Sample] = {}

        def sample(clips: Clips, index: int) -> Sample:
            number = index % MADE
            long = replace(clips.clip, length=round(MADE_S * clips.clip.rate))
            if number not in memory:
                source = replace(clips.source, clip=long)  # type: ignore[type-var]
                whole = replace(clips, source=source, clip=long)
                memory[number] = self._of(number, lambda: usual(whole, number))
            return part_of(memory[number], clips.clip.length, seed=clips.seed, index=index)

        Clips.sample = sample  # type: ignore[method-assign]

    def _of(self, number: int, make: Callable[[], Sample]) -> Sample:
        path = self.folder / f"{number}.npz"
        if not path.exists():
            made = make()
            part = path.with_suffix(".part.npz")
            np.savez(
                part,
                images=made.images,
                time=made.time,
                target=made.target,
                numbers=np.array([made.heart_rate, made.weight]),
                key=made.key,
            )
            part.replace(path)
        held = np.load(path)
        rate, weight = held["numbers"]
        return Sample(
            held["images"],
            held["time"],
            held["target"],
            float(rate),
            str(held["key"]),
            float(weight),
        )


def part_of(sample: Sample, length: int, *, seed: int, index: int) -> Sample:
    """So many samples of a clip, from a place drawn for this number of the stream."""
    if length == len(sample.images):
        return sample
    rng = np.random.default_rng([seed, 73, index])
    at = int(rng.integers(len(sample.images) - length + 1))
    part = slice(at, at + length)
    return replace(
        sample, images=sample.images[part], time=sample.time[part], target=sample.target[part]
    )


def people(path: Path, seen: Callable[[Array], Array], *, rate: float) -> dict[str, Array]:
    """What is `seen` of pictures (people, T, SIDE, SIDE, 3) at each of JUDGED; pulse and rate.

    rate: pictures a second [Hz].   Made when there is no file of it.
    """
    if not path.exists():
        source = MadeClips(size=SIDE).open(
            Clip(round(LONG_S * rate), rate), seed=0, held_out=True, count=2 * PEOPLE
        )
        found: dict[str, list[Array]] = {name: [] for name in (*JUDGED, "target", "rate")}
        for number in range(2 * PEOPLE):
            one = source.sample(number)
            if not (one.weight and np.isfinite(one.heart_rate)) or len(found["rate"]) == PEOPLE:
                continue
            for level in JUDGED:
                plainly = level == "as is"
                worse_ = one.images if plainly else degrade_clip(one.images, level, rate=rate)
                found[level].append(seen(worse_))
            found["target"].append(one.target)
            found["rate"].append(np.array(one.heart_rate))
        np.savez(path, **{name: np.stack(values) for name, values in found.items()})
    return dict(np.load(path))
