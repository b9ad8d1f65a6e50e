"""Clips cut from a cache that `camvitals data prepare` made, split by subject.

Shape letters: T samples, R regions, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from camvitals.data.cache import Cache, Window
from camvitals.data.prepared import Prepared
from camvitals.dsp.clean import GAP_S, at_times, held
from camvitals.evaluate.reference import Reference
from camvitals.records import Array, InputError, Trace, Wave
from camvitals.train.clips import Clip, Sample, Source, colours_at

ON_TIME_S = 2e-3  # a picture so close to the wanted time is taken as it is
HEART = ("ecg", "pulse", "blood_pressure", "rr", "heart_rate")


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheClips:
    """Clips of a prepared corpus.

    folder: of the cache.   reference: the wave to learn, by its name.
    content: "crops", or "traces": the colours of regions.
    regions: their names; () is all but the background.
    hop: from the start of a clip to that of the next [s]; 0: clips touch.
    held_out: share of the subjects that are never trained on, 0–0.9, drawn with `fold`. Recordings
        that their owners set aside for validation are held out, those for test never touched.
    corpora: names that the recordings must come from; () is all there are.
    """

    folder: str
    reference: str = "pulse"
    content: Literal["crops", "traces"] = "crops"
    regions: tuple[str, ...] = ()
    hop: float = 0.0
    held_out: float = 0.2
    fold: int = 0
    corpora: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.held_out <= 0.9:
            raise InputError(f"corpus.held_out needs 0 to 0.9 but got {self.held_out:g}")
        if self.hop < 0:
            raise InputError(f"corpus.hop needs seconds >= 0 but got {self.hop:g}")

    @property
    def named_regions(self) -> tuple[str, ...]:
        """Regions whose colours the clips hold, as the cache has them; () of pictures."""
        if self.content != "traces" or self.regions:
            return self.regions if self.content == "traces" else ()
        cache = Cache(self.folder)
        return _faces(cache.trace(_chosen(cache, self)[0].key))

    def open(self, clip: Clip, *, seed: int, held_out: bool, count: int = 0) -> Source:
        """Clips to train on, shuffled anew in each pass; or of `count` windows held out, evenly.

        Raises InputError when the cache cannot give what the recipe needs, and says what it has.
        """
        cache = Cache(self.folder)
        takes = _chosen(cache, self)
        trained, aside = split_by_subject(takes, share=self.held_out, fold=self.fold)
        chosen = aside if held_out else trained
        keys = {one.key for one in chosen}
        hop = self.hop or clip.seconds
        found = cache.windows(clip.seconds, hop=hop, reference=self.reference)
        windows = [window for window in found if window.key in keys]
        if not windows:
            what = "held out" if held_out else "to train on"
            raise InputError(
                f"{cache.folder} has no window of {clip.seconds:g} s {what} in which the face and "
                f"{self.reference} are there throughout; use a shorter clip or other recordings"
            )
        if held_out and count < len(windows):
            at = np.linspace(0, len(windows) - 1, count).round().astype(int)
            windows = [windows[k] for k in at]
        return _Cached(self, cache, clip, windows, None if held_out else seed)


def _chosen(cache: Cache, corpus: CacheClips) -> list[Prepared]:
    """The recordings that can be used at all; InputError says why there are none."""
    there = sorted({one.corpus for one in cache.recordings})
    odd = sorted(set(corpus.corpora) - set(there))
    if odd:
        raise InputError(
            f"{cache.folder} has recordings of {', '.join(there) or 'nobody'} but not of "
            f"{', '.join(odd)}; prepare that corpus or change corpus.corpora"
        )
    takes = [one for one in cache.recordings if not corpus.corpora or one.corpus in corpus.corpora]
    told = [one for one in takes if corpus.reference in one.references]
    if not told:
        known = sorted({name for one in takes for name in one.references})
        raise InputError(
            f"no recording in {cache.folder} has a {corpus.reference}; they have "
            f"{', '.join(known) or 'no reference'}: change corpus.reference or take another corpus"
        )
    if corpus.content == "crops":
        told = [one for one in told if one.chunks]
    elif not cache.settings.traces:
        told = []
    if not told:
        raise InputError(
            f"{cache.folder} holds no {corpus.content}; prepare the corpus with them, or change "
            "corpus.content"
        )
    return told


def split_by_subject(
    takes: Sequence[Prepared], *, share: float, fold: int
) -> tuple[list[Prepared], list[Prepared]]:
    """Recordings to train on, and those held out; no subject is in both.

    share: of the subjects held out.   fold: another number draws others. Where owners set some
    aside for validation these are held out instead; what is theirs for test is in neither.
    """
    val = [one for one in takes if one.split == "val"]
    free = [one for one in takes if one.trainable]
    people = sorted({(one.corpus, one.subject) for one in free})
    if val or share == 0:
        chosen = {(one.corpus, one.subject) for one in val}
        return [one for one in free if (one.corpus, one.subject) not in chosen], val
    if len(people) < 2:
        raise InputError(
            f"a split needs 2 subjects but the cache has {len(people)}; prepare more, or set "
            "corpus.held_out=0 to train without validation"
        )
    count = min(max(1, round(share * len(people))), len(people) - 1)
    order = np.random.default_rng([fold, 61]).permutation(len(people))
    chosen = {people[k] for k in order[:count]}
    held = [one for one in free if (one.corpus, one.subject) in chosen]
    return [one for one in free if (one.corpus, one.subject) not in chosen], held


class Order:
    """Windows by number, in another order at every pass. seed: of the order; None keeps it."""

    def __init__(self, windows: list[Window], seed: int | None) -> None:
        self._windows, self._seed = windows, seed
        self._turn: tuple[int, Array] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_turn": None}

    def __len__(self) -> int:
        return len(self._windows)

    def __getitem__(self, index: int) -> Window:
        turn, place = divmod(index, len(self._windows))
        if self._seed is None:
            return self._windows[place]
        if self._turn is None or self._turn[0] != turn:
            rng = np.random.default_rng([self._seed, 59, turn])
            self._turn = turn, rng.permutation(len(self._windows))
        return self._windows[int(self._turn[1][place])]


class _Cached:
    """Windows of a cache by number. seed: of the order; None keeps it, and lags as they are."""

    def __init__(
        self,
        corpus: CacheClips,
        cache: Cache,
        clip: Clip,
        windows: list[Window],
        seed: int | None,
    ) -> None:
        self._corpus, self._cache, self._clip = corpus, cache, clip
        self._order, self._seed = Order(windows, seed), seed
        self._known: dict[str, tuple[Mapping[str, Wave], Reference | None]] = {}

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_known": {}}

    @property
    def count(self) -> int | None:
        """Windows in one pass."""
        return len(self._order)

    def sample(self, index: int) -> Sample:
        """The clip of this number."""
        window = self._order[index]
        time = window.start + np.arange(self._clip.cut) / self._clip.rate
        waves, truth = self._references(window.key)
        target = _interpolated(waves[self._corpus.reference], time)
        whole = bool(np.isfinite(target).all())
        return Sample(
            images=self._images(window, time),
            time=time,
            target=np.where(whole, target, 0.0).astype(np.float32),
            heart_rate=_mean_rate(truth, window),
            key=f"{window.key} {window.start:.2f} s",
            weight=float(whole),
        )

    def _references(self, key: str) -> tuple[Mapping[str, Wave], Reference | None]:
        if key not in self._known:
            waves = self._cache.references(key, training=self._seed is not None)
            heart = {name: wave for name, wave in waves.items() if name in HEART}
            self._known[key] = waves, Reference.of_waves(heart) if heart else None
        return self._known[key]

    def _images(self, window: Window, time: Array) -> Array:
        if self._corpus.content == "traces":
            before, after = window.start - GAP_S, window.stop + GAP_S
            trace = self._cache.trace(window.key).between(before, after)
            return colours_at(trace, time, self._corpus.regions or _faces(trace))
        return pictures_of(self._cache, window, time)


def pictures_of(cache: Cache, window: Window, time: Array) -> Array:
    """(T, H, W, 3) uint8 crops of a window at these times [s]."""
    before, after = window.start - GAP_S, window.stop + GAP_S
    clock, seen = cache.time(window.key), cache.seen(window.key)
    inside = (clock >= before) & (clock < after)
    found = cache.clip(window.key, before, after)
    return pictures_at(found.images[seen[inside]], found.time[seen[inside]], time)


def _faces(trace: Trace) -> tuple[str, ...]:
    return tuple(name for name in trace.names if name != "background")


def pictures_at(images: Array, time_T: Array, wanted: Array) -> Array:
    """(T, H, W, 3) uint8 pictures at other times, mixed of the two beside each where none is near.

    Before the first and after the last picture that one stays.
    """
    right = np.clip(np.searchsorted(time_T, wanted), 1, len(time_T) - 1)
    left = right - 1
    share = np.clip((wanted - time_T[left]) / (time_T[right] - time_T[left]), 0, 1)
    near = np.where(share < 0.5, left, right)
    on_time = np.abs(time_T[near] - wanted) <= ON_TIME_S
    out = np.asarray(images[near])
    for k in np.flatnonzero(~on_time):
        first, second = images[left[k]].astype(np.float32), images[right[k]].astype(np.float32)
        out[k] = (first + np.float32(share[k]) * (second - first) + 0.5).astype(np.uint8)
    return out


def _interpolated(wave: Wave, time: Array) -> Array:
    """(T,) by lines; NaN where the wave has a gap, or ends GAP_S before."""
    known = np.isfinite(wave.values)
    there = wave.time[known]
    if len(there) < 2:
        return np.full(len(time), np.nan)
    # Slow references, such as an oximeter's, have a step of their own
    longest = max(GAP_S, 2.5 * float(np.median(np.diff(there))))
    return at_times(wave.values[known], there, held(time, there), gap=longest)


def _mean_rate(truth: Reference | None, window: Window) -> float:
    if truth is None:
        return float("nan")
    found = truth.rate_between(window.start, window.stop)
    return float(found)
