"""Clips of a cache with one label for each picture, as an ECG is read from video by system A.

The labels of a recording are made of all of it, on the even clock of its pictures; a clip cuts some
of them out. Held out are people, or, to show what that hides, single windows of everybody.
Shape letters: T pictures, H rows, W columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from camvitals.data.cache import Cache, Window
from camvitals.data.prepared import Prepared
from camvitals.evaluate.reference import Reference
from camvitals.records import Array, InputError, Wave
from camvitals.train.cached import Order, pictures_of, split_by_subject
from camvitals.train.clips import Clip, Sample, Source
from camvitals.train.frame_labels import SCHEMES, frame_labels

SPLITS = ("participant", "window")
UNEVEN = 1e-6  # of a picture that clocks may be off


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelClips:
    """Clips of a prepared corpus with a label for each picture.

    folder: of the cache.   reference: what the labels are made of, "ecg" or "pulse".
    scheme, scale: how, see train.frame_labels.
    split: "participant": nobody is on both sides; "window": windows are shuffled whoever they are
        of, so that the network has seen everybody that it is judged by. It flatters, and is here
        to show by how much.
    held_out: share of the people, or of the windows, that is never trained on.
    fold: another number draws others.
    hop: between the starts of clips that are learnt from [s], for people apart; 0: one after the
        other. With a hop of a picture the same seconds give a clip for each picture.
    corpora: names that the recordings must come from; () is all there are.
    """

    folder: str
    reference: str = "ecg"
    scheme: str = "average"
    scale: str = "z-score"
    split: Literal["participant", "window"] = "participant"
    held_out: float = 0.3
    fold: int = 0
    hop: float = 0.0
    corpora: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.scheme not in SCHEMES or self.split not in SPLITS:
            raise InputError(
                f"labels need a scheme of {', '.join(SCHEMES)} and a split of {', '.join(SPLITS)} "
                f"but got {self.scheme!r} and {self.split!r}"
            )
        if not 0 <= self.hop < np.inf or (self.hop and self.split != "participant"):
            raise InputError(
                f"corpus.hop needs seconds >= 0, and split participant but got {self.hop:g} and "
                f"{self.split}; overlapping windows are not apart"
            )
        if not 0 <= self.held_out <= 0.9:
            raise InputError(f"corpus.held_out needs 0 to 0.9 but got {self.held_out:g}")

    def open(self, clip: Clip, *, seed: int, held_out: bool, count: int = 0) -> Source:
        """Clips to train on, shuffled anew in each pass; or `count` of those held out, evenly.

        Raises InputError when the cache cannot give what the recipe needs, and says what it has.
        """
        cache = Cache(self.folder)
        windows = self.windows(cache, clip, held_out=held_out)
        if held_out and count < len(windows):
            at = np.linspace(0, len(windows) - 1, count).round().astype(int)
            windows = [windows[k] for k in at]
        return _Labelled(self, cache, clip, windows, None if held_out else seed)

    def windows(self, cache: Cache, clip: Clip, *, held_out: bool) -> list[Window]:
        """All clips of one side, in the order of the cache. Raises InputError when it has none."""
        takes = self._takes(cache)
        hop = clip.seconds if held_out else self.hop or clip.seconds
        found = list(cache.windows(clip.seconds, hop=hop, reference=self.reference))
        if self.split == "participant":
            sides = split_by_subject(takes, share=self.held_out, fold=self.fold)
            keys = {one.key for one in sides[held_out]}
            chosen = [one for one in found if one.key in keys]
        else:
            mine = {one.key for one in takes if one.trainable}
            found = [one for one in found if one.key in mine]
            order = np.random.default_rng([self.fold, 83]).permutation(len(found))
            aside = set(order[: round(self.held_out * len(found))].tolist())
            chosen = [one for n, one in enumerate(found) if (n in aside) == held_out]
        if not chosen:
            side = "held out" if held_out else "to train on"
            raise InputError(
                f"{cache.folder} has no window of {clip.seconds:g} s {side} in which the face and "
                f"{self.reference} are there throughout; use other recordings"
            )
        return chosen

    def _takes(self, cache: Cache) -> list[Prepared]:
        """The recordings that can be used at all; InputError says what there is instead."""
        told = [one for one in cache.recordings if one.corpus in (self.corpora or (one.corpus,))]
        takes = [one for one in told if self.reference in one.references and one.chunks]
        if not takes:
            known = sorted({name for one in told for name in one.references})
            raise InputError(
                f"no recording in {cache.folder} has crops and {self.reference}; they have "
                f"{', '.join(known) or 'no reference'}: change corpus.reference or corpus.corpora"
            )
        return takes

    def labels(self, cache: Cache, key: str, *, rate: float) -> tuple[Array, Array]:
        """(T,) times of even pictures at `rate` [Hz] over a recording, and (T,) their labels."""
        one = cache.recording(key)
        time = one.start + np.arange(pictures_in(one, rate)) / rate
        wave = cache.references(key)[self.reference]
        return time, frame_labels(wave, time, rate=rate, scheme=self.scheme, scale=self.scale)


def pictures_in(one: Prepared, rate: float) -> int:
    """Even pictures at `rate` [Hz] from the first to the last of a recording."""
    return int((one.stop - one.start) * rate + 1 + UNEVEN)


class _Labelled:
    """Windows of a cache by number. seed: of the order; None keeps it."""

    def __init__(
        self, corpus: LabelClips, cache: Cache, clip: Clip, windows: list[Window], seed: int | None
    ) -> None:
        self._corpus, self._cache, self._clip = corpus, cache, clip
        self._order = Order(windows, seed)
        self._known: dict[str, tuple[Array, Reference | None]] = {}

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_known": {}}

    @property
    def count(self) -> int | None:
        """Windows in one pass."""
        return len(self._order)

    def sample(self, index: int) -> Sample:
        """The clip of this number."""
        window = self._order[index]
        rate = self._clip.rate
        time = window.start + np.arange(self._clip.cut) / rate
        labels, truth = self._of(window.key)
        first = round((window.start - self._cache.recording(window.key).start) * rate)
        target = labels[first : first + self._clip.cut]
        whole = len(target) == self._clip.cut and bool(np.isfinite(target).all())
        heart_rate = truth.rate_between(window.start, window.stop) if truth else np.nan
        return Sample(
            images=pictures_of(self._cache, window, time),
            time=time,
            target=(target if whole else np.zeros(self._clip.cut)).astype(np.float32),
            heart_rate=float(heart_rate),
            key=f"{window.key} {window.start:.2f} s",
            weight=float(whole),
        )

    def _of(self, key: str) -> tuple[Array, Reference | None]:
        """Labels of a whole recording, and its heart."""
        if key not in self._known:
            _, labels = self._corpus.labels(self._cache, key, rate=self._clip.rate)
            wave: Wave = self._cache.references(key)[self._corpus.reference]
            self._known[key] = labels, Reference.of_waves({wave.name: wave})
        return self._known[key]
