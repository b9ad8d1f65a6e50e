"""Cache: crops and colour traces of many recordings on disk, with references on their own clocks.

    FOLDER/0a1b2c3d4e5f/          one for each way to prepare, named by the hash of the settings
        settings.json
        <corpus>/<recording>/     names quoted as in URLs, "~" between subject, session and task
            meta.json             what `Prepared` says
            time.npy              (T,) s of the pictures
            squares.npy           (T, 4) x, y [px], side [px], roll [rad]; NaN where nobody was seen
            crops_0000.npy …      (n, H, W, 3) uint8 RGB, so many seconds each
            trace.npz             the Trace
            reference_pulse.npz … values and time of each

Every array can be read without unpickling anything, and crops without reading them whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from camvitals.data.prepared import (
    META,
    SETTINGS,
    SQUARES,
    TIME,
    TRACE,
    Prepared,
    PrepareSettings,
    crops_name,
    folder_of,
    reference_name,
)
from camvitals.dsp.clean import GAP_S
from camvitals.records import Array, Clip, InputError, Trace, Wave

PARTS = ("rgb", "pixels", "time", "box", "moments", "points")


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of one recording, start <= time < stop [s]."""

    key: str
    start: float
    stop: float


class Cache:
    """A folder that `prepare` made, to train and to judge on; it can be sent to other processes.

    folder: that of one hash, or the one above it when there is but one.
    Raises InputError when it holds none, many, one of another format, or other settings than its
    name says.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = _hash_folder(Path(folder))
        stored = _json(self.folder / SETTINGS)
        self.settings = PrepareSettings.of(stored, where=self.folder)
        if self.settings.hash != self.folder.name:
            raise InputError(
                f"{self.folder} needs to be called {self.settings.hash} by its settings; "
                "it was renamed or changed: prepare it again"
            )
        found = (self._read(path) for path in sorted(self.folder.glob(f"[!.]*/[!.]*/{META}")))
        self._by_key = {one.key: one for one in found}

    @property
    def recordings(self) -> tuple[Prepared, ...]:
        """Everything that is ready, in the order of the folders' names."""
        return tuple(self._by_key.values())

    def recording(self, key: str) -> Prepared:
        """The recording of this key, corpus/name. InputError says what there is."""
        if key not in self._by_key:
            some = ", ".join(list(self._by_key)[:5]) or "nothing"
            raise InputError(
                f"{self.folder} has no {key!r}; it has {some}"
                + (f" and {len(self._by_key) - 5} more" if len(self._by_key) > 5 else "")
            )
        return self._by_key[key]

    def time(self, key: str) -> Array:
        """(T,) s of the pictures, or of the trace where there are none."""
        if self.recording(key).frames:
            return self._array(key, TIME)
        return self.trace(key).time

    def squares(self, key: str) -> Array:
        """(T, 4) where each crop is from: x, y of its centre [px], side [px], roll [rad]."""
        if not self.recording(key).frames:
            raise InputError(f"{key} was given as colours, so that there are no crops of it")
        return self._array(key, SQUARES)

    def seen(self, key: str) -> Array:
        """(T,) True where the person was seen; crops are black elsewhere."""
        if self.recording(key).frames:
            return np.asarray(np.isfinite(self.squares(key)[:, 0]))
        trace = self.trace(key)
        return np.asarray(np.isfinite(trace.region(trace.main)[:, 0]))

    def clip(self, key: str, start: float = -np.inf, stop: float = np.inf) -> Clip:
        """The crops with start <= time < stop [s], read from disk when they are looked at.

        Within one file they are a view of it; across files they are put together in memory.
        Raises InputError when there are none.
        """
        one = self.recording(key)
        if not one.chunks:
            raise InputError(f"{key} has no crops; prepare it with crops from pictures")
        time = self.time(key)
        first, last = (int(at) for at in np.searchsorted(time, (start, stop)))
        if first >= last:
            raise InputError(
                f"{key} has no picture from {start:g} to {stop:g} s; it has "
                f"{one.start:.1f} to {one.stop:.1f} s"
            )
        pieces, at = [], 0
        for number, count in enumerate(one.chunks):
            low, high = max(first - at, 0), min(last - at, count)
            if low < high:
                images = self._array(key, crops_name(number), mapped=True)
                pieces.append(images[low:high])
            at += count
        return Clip(pieces[0] if len(pieces) == 1 else np.concatenate(pieces), time[first:last])

    def trace(self, key: str) -> Trace:
        """The colours of its regions over time."""
        path = self._path(key) / TRACE
        if not path.exists():
            raise InputError(f"{key} has no trace; prepare it with traces")
        with np.load(path, allow_pickle=False) as stored:
            parts = {name: stored[name] for name in PARTS if name in stored}
            return Trace(names=tuple(str(name) for name in stored["names"]), **parts)

    def references(self, key: str, *, training: bool = False) -> dict[str, Wave]:
        """The reference waves by name, each on its own clock.

        training: moves them back by the lag where it is known. It was measured against
            the pictures themselves, so that it must never touch what is judged: InputError for a
            recording that its owners set aside for validation or test.
        """
        one = self.recording(key)
        if training and not one.trainable:
            raise InputError(f"{key} is for {one.split}; lags may be taken out in training alone")
        late = (one.lag or 0.0) if training else 0.0
        waves = {}
        for name, unit in one.references.items():
            with np.load(self._path(key) / reference_name(name), allow_pickle=False) as stored:
                waves[name] = Wave(stored["values"], stored["time"] - late, name, unit)
        return waves

    def windows(
        self, length: float, *, hop: float, reference: str | None = None
    ) -> Iterator[Window]:
        """Windows of `length` s every `hop` s of each recording, in which nothing is missing.

        Left out are those with a picture without the person, or with a gap of over GAP_S; and with
        `reference`, those that this wave does not cover, give or take GAP_S.
        """
        if not (length > 0 and hop > 0):
            raise InputError(f"windows need length and hop > 0 s but got {length:g} and {hop:g}")
        for one in self.recordings:
            if reference is not None and reference not in one.references:
                continue
            limits = (-np.inf, np.inf)
            if reference is not None:
                clock = self.references(one.key)[reference].time
                limits = (float(clock[0]) - GAP_S, float(clock[-1]) + GAP_S)
            time = self.time(one.key)
            for start in _whole_windows(time, self.seen(one.key), length, hop):
                if limits[0] <= start and start + length <= limits[1]:
                    yield Window(one.key, start, start + length)

    def _path(self, key: str) -> Path:
        one = self.recording(key)
        return self.folder / folder_of(one.corpus, one.name)

    def _array(self, key: str, name: str, *, mapped: bool = False) -> Array:
        path = self._path(key) / name
        try:
            found = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise InputError(
                f"{path} is missing or damaged; remove its folder and prepare again"
            ) from error
        return np.asarray(found)

    def _read(self, path: Path) -> Prepared:
        stored = _json(path)
        try:
            return Prepared(**stored | {"chunks": tuple(stored["chunks"])})
        except (TypeError, KeyError) as error:
            raise InputError(f"{path} is not of this format; remove its folder") from error


def _whole_windows(time: Array, seen: Array, length: float, hop: float) -> list[float]:
    """Starts of the windows in which every picture is seen and none is missing."""
    if len(time) < 2:
        return []
    period = float(np.median(np.diff(time)))
    count = int(np.floor((time[-1] + period - time[0] - length) / hop + 1e-6)) + 1
    starts = time[0] + hop * np.arange(max(count, 0))
    bad = np.concatenate([[0], np.cumsum(~seen)])
    leaps = np.concatenate([[0], np.cumsum(np.diff(time) > GAP_S)])
    first, last = np.searchsorted(time, starts), np.searchsorted(time, starts + length)
    fine = last - first >= 2
    first, last = np.where(fine, first, 0), np.where(fine, last, 2)
    fine &= (bad[last] == bad[first]) & (leaps[last - 1] == leaps[first])
    fine &= (time[first] - starts <= GAP_S) & (starts + length - time[last - 1] <= GAP_S + period)
    return [float(start) for start in starts[fine]]


def _hash_folder(folder: Path) -> Path:
    if (folder / SETTINGS).is_file():
        return folder.resolve()
    if not folder.is_dir():
        raise InputError(f"there is no folder at {folder}; check the path")
    found = sorted(path.parent for path in folder.glob(f"*/{SETTINGS}"))
    if len(found) == 1:
        return found[0].resolve()
    if not found:
        raise InputError(f"{folder} holds no cache; make one with `camvitals data prepare`")
    names = ", ".join(path.name for path in found)
    raise InputError(f"{folder} holds {len(found)} caches; name one of {names}")


def _json(path: Path) -> dict[str, Any]:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} cannot be read as JSON; remove its folder and prepare again"
        ) from error
    if not isinstance(stored, dict):
        raise InputError(f"{path} needs to hold one JSON object; remove its folder")
    return stored
