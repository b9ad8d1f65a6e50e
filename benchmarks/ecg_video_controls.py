"""What the networks of `ecg_video.py` are compared with: answers that need none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from camvitals.data.cache import Cache, Window
from camvitals.records import Array
from camvitals.train.cached import pictures_of
from camvitals.train.clips import Clip
from camvitals.train.labelled import LabelClips, pictures_in

CONTROLS = ("zero", "mean", "linear", "label")
RIDGES = tuple(10.0**k for k in range(1, 6))  # of standardised inputs
FOLDS = 5  # of the people learnt from, by which one of them is chosen


class Controls:
    """What needs no network: nothing, the mean of those learnt from, 36 mean colours, the label."""

    def __init__(self, cache: Cache, clip: Clip) -> None:
        self._cache, self._clip = cache, clip
        self._colours: dict[Window, Array] = {}

    def predicted(self, name: str, corpus: LabelClips) -> dict[str, Array]:
        """As `predicted` of `ecg_video.py` gives it."""
        windows = corpus.windows(self._cache, self._clip, held_out=True)
        true = self._labels(corpus, windows)
        if name == "label":
            values = true
        elif name == "zero":
            values = np.zeros_like(true)
        else:
            learnt = corpus.windows(self._cache, self._clip, held_out=False)
            known = self._labels(corpus, learnt)
            values = np.full_like(true, known.mean())
            if name == "linear":
                people = np.array([self._cache.recording(w.key).subject for w in learnt])
                x = self._inputs(learnt)
                values = ridge(x, known, self._inputs(windows), size=chosen_ridge(x, known, people))
        out: dict[str, Array] = {}
        place_windows(out, self._cache, windows, values, rate=self._clip.rate)
        return out

    def _labels(self, corpus: LabelClips, windows: Sequence[Window]) -> Array:
        """(N, T) labels of windows."""
        rate, found = self._clip.rate, {}
        for key in {w.key for w in windows}:
            found[key] = corpus.labels(self._cache, key, rate=rate)[1]
        firsts = [round((w.start - self._cache.recording(w.key).start) * rate) for w in windows]
        rows = [
            found[w.key][n : n + self._clip.length] for w, n in zip(windows, firsts, strict=True)
        ]
        return np.array(rows)

    def _inputs(self, windows: Sequence[Window]) -> Array:
        """(N, 3 T) mean colours of the crops over their mean in the window, less 1."""
        for w in windows:
            if w not in self._colours:
                time = w.start + np.arange(self._clip.length) / self._clip.rate
                mean = pictures_of(self._cache, w, time).mean(axis=(1, 2))
                self._colours[w] = (mean / mean.mean(axis=0) - 1).ravel()
        return np.array([self._colours[w] for w in windows])


def chosen_ridge(x: Array, y: Array, people: Array) -> float:
    """The one of RIDGES with the least error on people (N,) that are left out in turn."""
    names = np.unique(people)
    errors = np.zeros(len(RIDGES))
    for fold in range(FOLDS):
        aside = np.isin(people, names[fold::FOLDS])
        for k, size in enumerate(RIDGES):
            found = ridge(x[~aside], y[~aside], x[aside], size=size)
            errors[k] += ((found - y[aside]) ** 2).sum()
    return RIDGES[int(np.argmin(errors))]


def ridge(x: Array, y: Array, asked: Array, *, size: float) -> Array:
    """(M, T) linear answers for inputs (M, F), learnt from (N, F) and (N, T)."""
    mean, spread = x.mean(axis=0), x.std(axis=0) + 1e-12
    a, centre = (x - mean) / spread, y.mean(axis=0)
    weights = np.linalg.solve(a.T @ a + size * np.eye(a.shape[1]), a.T @ (y - centre))
    return np.asarray((asked - mean) / spread @ weights + centre)


def place_windows(
    out: dict[str, Array], cache: Cache, windows: Sequence[Window], values: Array, *, rate: float
) -> None:
    """Write values (N, T) of windows into whole recordings, which are NaN elsewhere."""
    for window, row in zip(windows, values, strict=True):
        one = cache.recording(window.key)
        if window.key not in out:
            out[window.key] = np.full(pictures_in(one, rate), np.nan)
        first = round((window.start - one.start) * rate)
        out[window.key][first : first + len(row)] = row
