"""Clips that hold a degraded video, the clean one and the skin, from pairs on disk (`make`).

Shape letters: T pictures, S rows and columns.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from camvitals.records import Array, InputError
from camvitals.train.clips import Clip, Sample, Source
from camvitals.train.enhance.quality import ORIGINAL, quality_number

META, SKIN, PULSE, PEOPLE = "meta.json", "skin.npy", "pulse.npy", "people"
GIVEN, CLEAN, SKINNED = slice(0, 3), slice(3, 6), 6  # planes of a clip's pictures
ADVICE = "make pairs with recipes/enhancement.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class PairClips:
    """Degraded and clean clips of made people.

    folder: of pairs.   levels: of which quality the degraded clip may be, names of
        `enhance.quality`; () is all that were made, and the original, which must stay as it is.
    held_out: share of the people that are never trained on, 0–0.9, drawn with `fold`.
    reference: pulse, the only one that pairs have.

    Pictures have seven planes: degraded R, G, B, clean R, G, B, and skin (0 or 1). The key of a
    clip ends with its level.
    """

    folder: str
    levels: tuple[str, ...] = ()
    held_out: float = 0.1
    fold: int = 0
    reference: str = "pulse"

    def __post_init__(self) -> None:
        if not 0 <= self.held_out <= 0.9:
            raise InputError(f"corpus.held_out needs 0 to 0.9 but got {self.held_out:g}")
        if self.reference != "pulse":
            raise InputError(f"pairs have a pulse but no {self.reference}")
        for level in self.levels:
            quality_number(level)

    def open(self, clip: Clip, *, seed: int, held_out: bool, count: int = 0) -> Source:
        """Clips to train on, shuffled anew in each pass; or `count` of people held out, evenly.

        Raises InputError when there are none, or none long enough or of that rate.
        """
        people = self._people(clip)
        order = np.random.default_rng([self.fold, 97]).permutation(len(people))
        aside = set(order[: round(self.held_out * len(people))].tolist())
        chosen = [one for k, one in enumerate(people) if (k in aside) == held_out]
        pairs = [(one, level) for one in chosen for level in self._levels(one)]
        if not pairs:
            side = "held out" if held_out else "to train on"
            raise InputError(f"{self.folder} has no pair {side}; make more people or levels")
        if held_out and count < len(pairs):
            at = np.linspace(0, len(pairs) - 1, count).round().astype(int)
            pairs = [pairs[k] for k in at]
        return _Paired(clip, pairs, None if held_out else seed)

    def _levels(self, one: Pair) -> list[str]:
        there = [ORIGINAL, *one.facts["levels"]]
        return [level for level in there if not self.levels or level in self.levels]

    def _people(self, clip: Clip) -> list[Pair]:
        found = [Pair.read(path) for path in sorted(Path(self.folder).glob(f"{PEOPLE}/*/{META}"))]
        if not found:
            raise InputError(f"{self.folder} holds no pairs; {ADVICE}")
        rates = sorted({float(one.facts["rate"]) for one in found})
        shortest = min(int(one.facts["length"]) for one in found)
        if rates != [clip.rate] or shortest < clip.cut:
            raise InputError(
                f"clips need {clip.cut} pictures at {clip.rate:g} Hz but the pairs in "
                f"{self.folder} have {shortest} at {rates[0]:g}; change clip, or {ADVICE}"
            )
        return found


@dataclass(frozen=True, slots=True)
class Pair:
    """One person's clips: the folder, and what its meta.json says."""

    folder: Path
    facts: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> Pair:
        """By a meta.json. Raises InputError when it is damaged."""
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
            known = {"levels", "rate", "length", "heart_rate", "seed"} <= set(facts)
        except (OSError, ValueError, TypeError) as error:
            raise InputError(f"{path} cannot be read ({error}); remove its folder") from error
        if not known:
            raise InputError(f"{path} is not of this format; remove its folder")
        return cls(path.parent, facts)

    def images(self, level: str) -> Array:
        """(T, S, S, 3) uint8, read when looked at. Raises InputError for a level not made."""
        return self._array(f"{level}.npy")

    @property
    def skin(self) -> Array:
        """(S, S) uint8, 1 on skin."""
        return self._array(SKIN)

    @property
    def pulse(self) -> Array:
        """(T,) the reference."""
        return self._array(PULSE)

    def _array(self, name: str) -> Array:
        path = self.folder / name
        try:
            return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
        except (OSError, ValueError, EOFError) as error:
            raise InputError(
                f"{path} is missing or damaged ({error}); remove its folder and {ADVICE}"
            ) from error


@dataclass(frozen=True, slots=True)
class _Paired:
    """Pairs by number. seed: of the order and of where clips begin; None keeps both."""

    clip: Clip
    pairs: list[tuple[Pair, str]]
    seed: int | None

    @property
    def count(self) -> int | None:
        """Pairs in one pass."""
        return len(self.pairs)

    def sample(self, index: int) -> Sample:
        """The clip of this number."""
        turn, place = divmod(index, len(self.pairs))
        start = 0
        if self.seed is not None:
            order = np.random.default_rng([self.seed, 101, turn]).permutation(len(self.pairs))
            one, level = self.pairs[int(order[place])]
            rng = np.random.default_rng([self.seed, 103, index])
            start = int(rng.integers(0, int(one.facts["length"]) - self.clip.cut + 1))
        else:
            one, level = self.pairs[place]
        part = slice(start, start + self.clip.cut)
        given, clean = one.images(level)[part], one.images(ORIGINAL)[part]
        skin = np.broadcast_to(one.skin[None, ..., None], (*clean.shape[:3], 1))
        rate = one.facts["heart_rate"]
        return Sample(
            images=np.concatenate([given, clean, skin], axis=3),
            time=(start + np.arange(self.clip.cut)) / self.clip.rate,
            target=np.asarray(one.pulse[part], dtype=np.float32),
            heart_rate=float("nan") if rate is None else float(rate),
            key=f"{one.facts['seed']} {level}",
        )
