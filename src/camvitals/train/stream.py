"""Clips as batches, made ahead by other processes; how long the training waits for them.

Shape letters: N clips, T samples, R regions, H rows, W columns.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from multiprocessing.process import BaseProcess
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from camvitals.records import Array, InputError
from camvitals.train.clips import Clip, Sample, Source, shortened

# (images, time, target, rng) -> the same three, changed. `time` stays the moment of the recording
# that each sample shows, so that a clip played faster has times further apart. What it does to the
# reference is said in its `to_reference` attribute, in words.
Augmentation = Callable[[Array, Array, Array, np.random.Generator], tuple[Array, Array, Array]]
AHEAD = 2  # batches that each process has ready at most, which bounds the memory


@dataclass(frozen=True, slots=True)
class Batch:
    """Clips that are learnt from together.

    images: (N, T, H, W, 3) uint8 or (N, T, R, 3) float32, 0–255.   target: (N, T).
    heart_rate: (N,) bpm, NaN when not known.   weight, speed: (N,), see clips.Sample.
    rate: samples per second [Hz].   keys: what each clip was cut from.
    """

    images: Tensor
    target: Tensor
    heart_rate: Tensor
    weight: Tensor
    speed: Tensor
    rate: float
    keys: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.images)

    def to(self, device: torch.device | str) -> Batch:
        """The batch on another device."""
        return self._each(lambda tensor: tensor.to(device, non_blocking=True))

    def pin_memory(self) -> Batch:
        """The batch in memory that a card can read by itself."""
        return self._each(lambda tensor: tensor.pin_memory())

    def part(self, chosen: slice) -> Batch:
        """Some of the clips."""
        return replace(self._each(lambda tensor: tensor[chosen]), keys=self.keys[chosen])

    def _each(self, change: Callable[[Tensor], Tensor]) -> Batch:
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        moved: dict[str, Any] = {
            name: change(v) for name, v in found.items() if isinstance(v, Tensor)
        }
        return replace(self, **moved)


@dataclass(frozen=True, slots=True)
class Clips:
    """Clips of a source by number, changed by augmentation, each by a generator of its own."""

    source: Source
    clip: Clip
    seed: int
    augmentations: Callable[[], Sequence[Augmentation]] | None = None

    def __getitem__(self, index: int) -> Sample | InputError:
        """The clip of this number, or what is wrong with it: errors travel badly."""
        try:
            return self.sample(index)
        except InputError as error:
            return error

    def sample(self, index: int) -> Sample:
        """The clip of this number. Raises InputError."""
        found = self.source.sample(index)
        rng = np.random.default_rng([self.seed, 71, index])
        for change in self.augmentations() if self.augmentations is not None else ():
            images, clock, target = change(found.images, found.time, found.target, rng)
            found = replace(found, images=images, time=clock, target=target)
        return shortened(found, self.clip.length, rate=self.clip.rate)


def batch_of(samples: Sequence[Sample], *, rate: float) -> Batch:
    """Clips of one shape together. Raises InputError when they have several."""
    shapes = {sample.images.shape for sample in samples}
    if len(shapes) > 1:
        told = " and ".join("×".join(map(str, shape)) for shape in sorted(shapes))
        raise InputError(
            f"clips of one training need one shape but there are {told}; use one corpus, prepared "
            "in one way"
        )
    numbers = {
        name: torch.tensor([getattr(sample, name) for sample in samples], dtype=torch.float32)
        for name in ("heart_rate", "weight", "speed")
    }
    return Batch(
        images=torch.from_numpy(np.stack([sample.images for sample in samples])),
        target=torch.from_numpy(np.stack([sample.target for sample in samples])).float(),
        rate=rate,
        keys=tuple(sample.key for sample in samples),
        **numbers,
    )


@dataclass(frozen=True, slots=True)
class _Collate:
    rate: float

    def __call__(self, samples: Sequence[Sample | InputError]) -> Batch | InputError:
        good = [sample for sample in samples if isinstance(sample, Sample)]
        for sample in samples:
            if isinstance(sample, InputError):
                return sample
        try:
            return batch_of(good, rate=self.rate)
        except InputError as error:
            return error


@dataclass(frozen=True, slots=True)
class Share:
    """Which clips of each batch are ours: those of one of several processes.

    batch: clips of a step over all.   rank, world: which of how many.
    """

    batch: int
    rank: int = 0
    world: int = 1

    def __post_init__(self) -> None:
        if self.batch % self.world:
            raise InputError(
                f"a batch of {self.batch} clips cannot be dealt to {self.world} devices; use a "
                "batch that divides"
            )

    def indices(self, step: int) -> list[int]:
        """Numbers of our clips of a step."""
        mine = self.batch // self.world
        first = step * self.batch + self.rank * mine
        return list(range(first, first + mine))


class Stream:
    """The batches of the steps from `first` to `last`, made ahead.

    workers: processes that make them; 0 makes each when it is asked for.
    waited: seconds for which `next` has blocked so far, without the first batch, which comes after
    `started_s` seconds: that long the processes took to start.
    """

    def __init__(
        self,
        clips: Clips,
        *,
        share: Share,
        first: int,
        last: int,
        workers: int,
        pinned: bool = False,
    ) -> None:
        context = None
        if workers:
            ways = multiprocessing.get_all_start_methods()
            context = multiprocessing.get_context("forkserver" if "forkserver" in ways else "spawn")
        self._loader: DataLoader[Any] = DataLoader(
            clips,  # type: ignore[arg-type]  # anything with __getitem__
            batch_sampler=_Steps(share, first, last),
            num_workers=workers,
            collate_fn=_Collate(clips.clip.rate),
            pin_memory=pinned,
            prefetch_factor=AHEAD if workers else None,
            multiprocessing_context=context,
            worker_init_fn=_attached if workers else None,
        )
        self._batches: Iterator[Any] | None = None
        self.waited = 0.0
        self.started_s = 0.0

    def next(self) -> Batch:
        """The next batch. Raises InputError when a clip cannot be made."""
        begin, first = time.perf_counter(), self._batches is None
        if self._batches is None:
            self._batches = iter(self._loader)
        try:
            found = next(self._batches)
        except RuntimeError as error:
            raise InputError(
                f"a process that makes clips died ({' '.join(str(error).split())[:200]}); use "
                "fewer workers or a smaller batch"
            ) from error
        took = time.perf_counter() - begin
        if first:
            self.started_s = took
        else:
            self.waited += took
        if isinstance(found, InputError):
            raise found
        batch: Batch = found
        return batch

    def close(self) -> None:
        """End the processes."""
        self._batches = None


@dataclass(frozen=True, slots=True)
class _Steps:
    """The numbers of the clips of each step, as a loader asks for them."""

    share: Share
    first: int
    last: int

    def __iter__(self) -> Iterator[list[int]]:
        for step in range(self.first, self.last):
            yield self.share.indices(step)

    def __len__(self) -> int:
        return max(0, self.last - self.first)


def _attached(_: int) -> None:
    """A process that makes clips leaves Ctrl-C to the one that trains, and ends when that does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()


def end_with_parent() -> None:
    """End this process when the one that started it ends, even if that is killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
