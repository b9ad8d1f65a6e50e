"""What methods work on: the trace of one recording, found once for all of them.

Pictures are read once, with everything collected that any of the methods needs; what was collected
can be kept in a folder, so that the next evaluation reads no picture.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from camvitals.data.recording import Recording
from camvitals.dsp.clean import rate_of
from camvitals.face.collect import Collector
from camvitals.face.enhance import enhancer
from camvitals.parallel import share_of
from camvitals.records import Array, InputError, Source, Trace
from camvitals.report.software import versions
from camvitals.waves.auto import AUTO
from camvitals.waves.learned import CROPS, learned, takers_of
from camvitals.waves.run import find
from camvitals.waves.view import people

GRID = (5, 5)
CELL = "grid_"
ARRAYS = ("rgb", "pixels", "time", "box", "moments", "points", "enhanced")
Note = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Seen:
    """One recording as it was seen: the trace of the person seen most, and from when to when.

    start, stop: of the pictures [s], whether or not anybody was in them.
    """

    trace: Trace
    source: Source
    start: float
    stop: float

    def for_method(self, method: str) -> Trace:
        """The trace as `measure` would have collected it for this method."""
        if method != AUTO and find(method).needs == "grid":
            return self.trace
        chosen = [k for k, n in enumerate(self.trace.names) if not n.startswith(CELL)]
        if len(chosen) in (0, len(self.trace.names)):
            return self.trace
        better = self.trace.enhanced
        return replace(
            self.trace,
            enhanced=None if better is None else better[:, chosen],
            rgb=self.trace.rgb[:, chosen],
            pixels=self.trace.pixels[:, chosen],
            names=tuple(self.trace.names[k] for k in chosen),
        )


def see(
    recording: Recording,
    *,
    methods: Collection[str],
    roi: str,
    skin: str,
    folder: Path | None = None,
    enhance: str | None = None,
    note: Note | None = None,
) -> Seen:
    """Look at a recording once for all methods.

    methods: "auto" and what `waves.run.find` knows.   roi, skin: as measure takes them.
    folder:  where traces are kept from one evaluation to the next, or None.
    enhance: an enhancer as `measure` takes it, or None.
    note:    told the share that is read, 0–1.
    Raises InputError for what cannot be read.
    """
    wanted = {method: find(method).needs for method in methods if method != AUTO}
    needs = sorted(set(wanted.values()) - {"rgb", "regions"})
    better = None if enhance is None else enhancer(enhance)
    if recording.colours is not None:
        if better is not None:
            raise InputError("it holds colours, and pictures alone can be enhanced; take videos")
        return _of_colours(recording, recording.colours())
    looked = [f"{m} {learned(m).fingerprint}" for m, need in wanted.items() if need == CROPS]
    looked += [] if better is None else [f"enhanced {better.fingerprint}"]
    about = [*needs, *sorted(looked)]  # another network sees another pulse in the same pictures
    kept = None if folder is None else _kept_at(folder, recording, about, roi, skin)
    if kept is not None and kept.is_file():
        return _load(kept)
    collector = Collector(
        roi=roi,
        skin=skin,
        grid=GRID if "grid" in needs else None,
        moments="moments" in needs,
        points="points" in needs,
        takers=takers_of(wanted),
        enhancer=better,
    )
    seen = _watched(recording, collector, note)
    if kept is not None:
        _save(kept, seen)
    return seen


def _of_colours(recording: Recording, trace: Trace) -> Seen:
    if recording.span is not None:
        trace = trace.between(*recording.span)
    if len(trace.time) < 2:
        raise InputError(f"{recording.name} has {len(trace.time)} samples of colour; check it")
    rate = rate_of(trace.time)
    first, last = float(trace.time[0]), float(trace.time[-1])
    source = Source(recording.name, frames=len(trace.time), duration=last - first + 1 / rate)
    return Seen(trace, replace(source, rate=rate), first, last + 1 / rate)


def _watched(recording: Recording, collector: Collector, note: Note | None) -> Seen:
    assert recording.pictures is not None
    begin, end = recording.span or (-np.inf, np.inf)
    first = last = np.nan
    with recording.pictures() as video:
        for count, frame in enumerate(video, start=1):
            if frame.time >= end:
                break
            if note is not None:
                note(share_of(count, video.expected))
            if frame.time >= begin:
                collector.push(frame)
                first, last = (frame.time if np.isnan(first) else first), frame.time
        source = video.source
    if not last > first:
        told = "; ".join(source.warnings) or "it has fewer than two"
        raise InputError(f"the video gave no pictures to measure: {told}; copy it again")
    step = 1 / source.rate if source.rate > 0 else 0.0
    return Seen(people(collector.traces(), source)[0], source, first, last + step)


def _kept_at(
    folder: Path, recording: Recording, needs: list[str], roi: str, skin: str
) -> Path | None:
    """The file of a recording's trace, by everything that the trace depends on; None: unknown."""
    try:
        stats = [path.stat() for path in recording.files]
    except OSError:
        return None
    if not stats:
        return None
    files = [
        (str(path.absolute()), stat.st_size, stat.st_mtime_ns)
        for path, stat in zip(recording.files, stats, strict=True)
    ]
    about = [versions(), recording.corpus, recording.name, recording.span, needs, roi, skin, files]
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
    return folder / f"{digest[:32]}.npz"


def _save(path: Path, seen: Seen) -> None:
    arrays: dict[str, Array] = {
        name: value for name in ARRAYS if (value := getattr(seen.trace, name)) is not None
    }
    arrays["names"] = np.array(seen.trace.names)
    arrays["networks"] = np.array(list(seen.trace.pulses), dtype=str)
    arrays["pulses"] = np.array(list(seen.trace.pulses.values()), dtype=float)
    arrays["source"] = np.array(json.dumps(asdict(seen.source)))
    arrays["bounds"] = np.array([seen.start, seen.stop])
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            save: Callable[..., None] = np.savez_compressed  # its flags are named as arrays may be
            save(file, **arrays)
        Path(part).replace(path)
    finally:
        Path(part).unlink(missing_ok=True)


def _load(path: Path) -> Seen:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays: dict[str, Any] = {name: file[name] for name in ARRAYS if name in file}
            networks = [str(name) for name in file["networks"]]
            trace = Trace(
                names=tuple(str(name) for name in file["names"]),
                pulses=dict(zip(networks, file["pulses"], strict=True)),
                **arrays,
            )
            facts: dict[str, Any] = json.loads(str(file["source"]))
            start, stop = (float(bound) for bound in file["bounds"])
    except (OSError, KeyError, ValueError) as error:
        raise InputError(f"{path} is no kept trace ({error}); remove it") from error
    facts["warnings"] = tuple(facts["warnings"])
    return Seen(trace, Source(**facts), start, stop)
