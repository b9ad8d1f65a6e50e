"""Recordings in, a cache of crops and colour traces out: once, for training and for judging.

A recording appears whole or not at all: it is written in a hidden folder beside its place and then
renamed. So whatever ends the work, the next run goes on where it stopped.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from camvitals.data.crops import Crops, extent_of, save_all, save_json
from camvitals.data.prepared import (
    META,
    SETTINGS,
    TRACE,
    TRAINABLE,
    Prepared,
    PrepareSettings,
    folder_of,
    reference_name,
)
from camvitals.data.recording import Recording
from camvitals.face.collect import Collector
from camvitals.face.crop import Square
from camvitals.face.framing import Framing
from camvitals.face.track import Track, Tracker
from camvitals.parallel import Note, run_jobs, share_of
from camvitals.records import Frame, InputError, Trace, Wave

Progress = Callable[[float], None]
LOCK = ".lock"


def prepare(
    recordings: Sequence[Recording],
    folder: Path | str,
    *,
    settings: PrepareSettings,
    lags: Mapping[str, float] | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Generator[tuple[int, Path | InputError], None, None]:
    """Yield (index of the recording, its folder or why it was skipped) as they are done.

    folder: of all caches; the recordings go into that of the settings' hash, which data.cache.Cache
        reads. Those that are there already, of files of the same sizes, are not made again.
    lags: seconds by which the references are late, by name of the recording; noted beside the
        references, which stay as they are. Recordings for validation or test get none.
    jobs: processes at a time; None means one a core.
    progress: called a few times a second with the recordings done so far, parts included.
    Memory stays within that of one chunk of crops and the traces for each process.
    Raises InputError when two recordings have one name, another process is preparing this cache,
    or the folder cannot be written to.
    """
    if jobs is not None and jobs < 1:
        raise InputError(f"jobs needs a whole number >= 1 but got {jobs}; leave it out for all")
    keys = [(one.corpus, one.name) for one in recordings]
    if len(set(keys)) < len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise InputError(f"two recordings are called {'/'.join(twice)}; give them other names")
    root = Path(folder) / settings.hash
    known = lags or {}
    work = [
        _Job(one, root, settings, known.get(one.name) if one.split in TRAINABLE else None)
        for one in recordings
    ]
    return _prepared(work, root, settings, jobs, progress)


def _prepared(
    work: list[_Job],
    root: Path,
    settings: PrepareSettings,
    jobs: int | None,
    progress: Progress | None,
) -> Generator[tuple[int, Path | InputError], None, None]:
    _make(root)
    with _alone(root):
        if not (root / SETTINGS).exists():
            save_json(root / SETTINGS, json.loads(settings.canonical))
        for part in root.glob("*/.*.part"):  # left behind by a run that was killed
            shutil.rmtree(part, ignore_errors=True)
        outcomes = run_jobs(work, _prepare, name=_name, workers=jobs, progress=progress)
        with closing(outcomes):
            yield from outcomes


@dataclass(frozen=True, slots=True)
class _Job:
    """One recording, and where it goes."""

    recording: Recording
    root: Path
    settings: PrepareSettings
    lag: float | None

    @property
    def target(self) -> Path:
        return self.root / folder_of(self.recording.corpus, self.recording.name)


def _name(job: _Job) -> str:
    return f"{job.recording.corpus} {job.recording.name}"


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{folder} cannot be made ({error.strerror}); choose another folder"
        ) from error


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Refuse a second run on the same cache, where the system can tell."""
    try:
        import fcntl
    except ImportError:  # not on Windows
        yield
        return
    with (root / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InputError(
                f"{root} is being prepared by another process; wait until it is done"
            ) from error
        yield


def _prepare(job: _Job, note: Note) -> Path:
    """Make one recording's folder, unless it is there."""
    recording, target = job.recording, job.target
    missing = next(recording.missing(), None)
    if missing is not None:
        raise InputError(f"{_name(job)} was skipped: {missing} is missing or empty")
    files = [[path.name, path.stat().st_size] for path in recording.files if path.is_file()]
    if _is_done(target, files, job.lag):
        return target
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(parents=True)
        meta = _written(part, job, note)
        save_json(part / META, asdict(meta) | {"files": files})
        if target.exists():
            shutil.rmtree(target)
        part.replace(target)
    except InputError as error:
        raise InputError(f"{_name(job)} was skipped: {error}") from error
    except OSError as error:
        what = error.strerror or error
        raise InputError(f"{_name(job)} was skipped: the system refuses: {what}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return target


def _is_done(target: Path, files: list[list[Any]], lag: float | None) -> bool:
    """Whether it was made from the same files; a lag that was measured since is put in."""
    try:
        stored = json.loads((target / META).read_text(encoding="utf-8"))
        same = stored["files"] == files
        if same and stored["lag"] != lag:
            save_json(target / META, stored | {"lag": lag})
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return bool(same)


def _written(part: Path, job: _Job, note: Note) -> Prepared:
    recording = job.recording
    references = _write_references(part, recording)
    if recording.pictures is not None:
        stored = _write_pictures(part, recording, job.settings, note)
    elif job.settings.traces:
        stored = _write_colours(part, recording)
    else:
        raise InputError("it has colours and no pictures, but no traces are wanted")
    return Prepared(
        corpus=recording.corpus,
        name=recording.name,
        subject=recording.subject,
        session=recording.session,
        task=recording.task,
        split=recording.split,
        roi=job.settings.roi or recording.roi,
        aligned=recording.aligned,
        attributes=dict(recording.attributes),
        references=references,
        lag=job.lag,
        versions={name: version(name) for name in ("camvitals", "numpy", "av", "onnxruntime")},
        **stored,
    )


def _write_references(part: Path, recording: Recording) -> dict[str, str]:
    """Each on its own clock, as the owners gave it; returns the units by name."""
    waves: Mapping[str, Wave] = recording.references()
    for name, wave in waves.items():
        save_all(part / reference_name(name), values=wave.values, time=wave.time)
    return {name: wave.unit for name, wave in waves.items()}


def _write_colours(part: Path, recording: Recording) -> dict[str, Any]:
    assert recording.colours is not None
    trace = recording.colours()
    if recording.span is not None:
        trace = trace.between(*recording.span)
    _write_trace(part, trace)
    seen = np.isfinite(trace.region(trace.main)[:, 0])
    return extent_of(trace.time, seen) | {"frames": 0, "chunks": (), "people": 1}


def _write_trace(part: Path, trace: Trace) -> None:
    optional = {"moments": trace.moments, "points": trace.points}
    save_all(
        part / TRACE,
        names=np.array(trace.names),
        rgb=trace.rgb,
        pixels=trace.pixels,
        time=trace.time,
        box=trace.box,
        **{name: values for name, values in optional.items() if values is not None},
    )


def _write_pictures(
    part: Path, recording: Recording, settings: PrepareSettings, note: Note
) -> dict[str, Any]:
    assert recording.pictures is not None
    low, high = recording.span or (-np.inf, np.inf)
    roi = settings.roi or recording.roi
    watcher = _Watcher(roi, settings)
    crops = Crops(part, size=settings.size, chunk=settings.chunk, images=settings.crops)
    with recording.pictures() as video:
        for count, frame in enumerate(video, start=1):
            note(share_of(count, video.expected))
            if frame.time >= high:
                break
            if frame.time >= low:
                square, lost = watcher.see(frame)
                crops.withdraw(lost)
                crops.add(frame, square)
        facts = video.source
    if not len(crops):
        told = "; ".join(facts.warnings) or "it has none"
        raise InputError(f"{facts.name} gave no picture: {told}; copy it again")
    crops.withdraw(watcher.finish())
    stored = crops.finish()
    traces = watcher.traces()
    if traces:
        _write_trace(part, max(traces, key=_presence))
    source = {
        "name": facts.name,
        "width": facts.width,
        "height": facts.height,
        "rate": round(facts.rate, 6),
        "codec": facts.codec,
        "pixel_format": facts.pixel_format,
        "warnings": list(facts.warnings),
    }
    return stored | {"people": watcher.people, "source": source}


def _presence(trace: Trace) -> float:
    return float(np.nansum(trace.box[:, 2] - trace.box[:, 0]))


class _Watcher:
    """Who is in the pictures, and where: followed once, for the crops and for the traces."""

    def __init__(self, roi: str, settings: PrepareSettings) -> None:
        self._collector: Collector | None = None
        self._tracker: Tracker | None = None
        if settings.traces:
            self._collector = Collector(
                roi=roi,
                skin=settings.skin,
                grid=settings.grid,
                moments=settings.moments,
                points=settings.points,
            )
        elif roi == "face":
            self._tracker = Tracker()
        self._framing: Framing | None = None
        if roi == "face":
            self._framing = Framing(
                settings.box, extension=settings.extension, smooth=settings.smooth
            )
        self._numbers: set[int] = set()

    def see(self, frame: Frame) -> tuple[Square | None, float]:
        """The square of the person, and since when [s] earlier ones proved to be wrong."""
        if self._collector is not None:
            self._collector.push(frame)
        if self._framing is None:
            side = float(min(frame.width, frame.height))
            return Square(frame.width / 2, frame.height / 2, side), np.inf
        tracks = self._tracks(frame)
        self._numbers |= {track.number for track in tracks if track.sightings > 1}
        return self._framing.update(tracks, frame.time)

    def _tracks(self, frame: Frame) -> list[Track]:
        if self._tracker is not None:
            self._tracker.update(frame)
            return self._tracker.tracks
        assert self._collector is not None
        return self._collector.tracks

    def finish(self) -> float:
        """Since when [s] the last squares proved to be wrong."""
        return np.inf if self._framing is None else self._framing.finish()

    def traces(self) -> list[Trace]:
        """The colours of everybody."""
        return [] if self._collector is None else list(self._collector.traces().values())

    @property
    def people(self) -> int:
        """How many were seen."""
        return max(1, len(self._numbers))
