"""Colour traces written while they grow, and read again: no picture is in them.

The file is a row of .npy arrays: one of JSON text about the whole, then parts of three: JSON text
of facts, the times of the pictures, and samples of people. A part is appended every few seconds;
one that was cut off by a crash is left out. Where a later part speaks of a person's time again, it
replaces what earlier parts said from there on: the tracker withdraws what it took for a face.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from camvitals.records import Array, InputError, Source, Trace

FORMAT = "camvitals.traces/1"
ENDING = ".traces"
MAGIC = b"\x93NUMPY"
FIELDS = ("rgb", "pixels", "box", "moments", "points")
Traces = dict[int, Trace]


class Recorder:
    """Appends to a new file what traces tell; `write` it every few seconds, and once at the end.

    about: JSON values that describe the whole, such as roi, skin and the name of the camera.
    Raises InputError when the file is there already or cannot be made.
    """

    def __init__(self, path: str | Path, *, about: Mapping[str, Any]) -> None:
        self.path = Path(path)
        try:
            self._file = self.path.open("xb", buffering=0)
        except FileExistsError:
            raise InputError(f"{path} is there already; give another name") from None
        except OSError as error:
            raise InputError(
                f"{path} cannot be written ({error.strerror}); choose another place"
            ) from error
        self._told: Traces = {}
        self._append(_text({"format": FORMAT, **about}))

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._file.tell()

    def write(self, traces: Traces, times: Array, *, width: int, height: int) -> None:
        """Append what is new or has changed since.

        times: (T,) s of the pictures since the last call.   width, height: of the pictures [px].
        Raises OSError when the disk is full; what was written before stays readable.
        """
        names = {number: trace.names for number, trace in traces.items()}
        tails = [tail for n, trace in traces.items() if len(tail := self._tail(n, trace))]
        samples = np.concatenate(tails) if tails else np.zeros(0, [("person", "<i4")])
        facts = {"width": width, "height": height, "names": next(iter(names.values()), ())}
        self._append(_text(facts), np.asarray(times, dtype=float), samples)
        self._told = dict(traces)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _append(self, *arrays: Array) -> None:
        """Write a part whole, or take back what could be written of it."""
        part = io.BytesIO()
        for array in arrays:
            np.lib.format.write_array(part, array, allow_pickle=False)
        start, left = self._file.tell(), memoryview(part.getvalue())
        try:
            while left:
                left = left[self._file.write(left) :]
            os.fsync(self._file.fileno())
        except OSError:
            self._file.truncate(start)
            self._file.seek(start)
            raise

    def _tail(self, number: int, trace: Trace) -> Array:
        """The samples from the first on that was not told, or was told otherwise."""
        samples = _samples(number, trace)
        before = self._told.get(number)
        if before is None or not len(samples):
            return samples
        told = _samples(number, before)
        told = told[told["time"] >= samples["time"][0]]
        shared = min(len(told), len(samples))
        # bytes, as what is unseen is NaN, which differs from itself
        same = _bytes(told[:shared]) == _bytes(samples[:shared])
        differs = ~same.all(axis=1)
        return samples[int(np.argmax(differs)) if differs.any() else shared :]


def is_recorded(path: object) -> bool:
    """Whether this is the name of a file that a Recorder wrote."""
    if not isinstance(path, str | os.PathLike) or not Path(path).is_file():
        return False
    with Path(path).open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def read_recorded(path: str | Path) -> tuple[Traces, Source, dict[str, Any]]:
    """The traces of everybody in a recording, the facts of its pictures, and what it is about.

    Raises InputError for what is no such file, or holds not one whole part.
    """
    file, times = Path(path), [np.zeros(0)]
    people: dict[int, list[Array]] = {}
    facts: dict[str, Any] = {}
    names: tuple[str, ...] = ()
    parts = _parts(file)
    about, cut = next(parts), False
    for part in parts:
        if part is None:
            cut = True
            break
        facts, seen, samples = part
        names = tuple(facts["names"]) or names
        times.append(seen)
        for number in np.unique(samples["person"]).tolist():
            _replace(people.setdefault(number, []), samples[samples["person"] == number])
    clock = np.concatenate(times)
    if not len(clock):
        raise InputError(f"{file.name} holds no picture yet; record for some seconds")
    traces = {n: _trace(np.concatenate(pieces), names) for n, pieces in people.items()}
    return traces, _source(file.name, clock, facts, cut), dict(about)


def _parts(path: Path) -> Iterator[Any]:
    """What the file is about; then facts, times and samples of each part; None: the rest is cut."""
    end = path.stat().st_size
    with path.open("rb") as file:
        try:
            about = json.loads(_read(file).tobytes())
            found = about["format"]
        except (ValueError, EOFError, KeyError, TypeError) as error:
            raise InputError(f"{path.name} is no recording of traces ({error})") from error
        if found != FORMAT:
            raise InputError(
                f"{path.name} has format {found!r} but this camvitals reads {FORMAT}; "
                "read it with the version that wrote it"
            )
        yield about
        while file.tell() < end:
            try:
                yield json.loads(_read(file).tobytes()), _read(file), _read(file)
            except (ValueError, EOFError, MemoryError):
                yield None
                return


def _read(file: IO[bytes]) -> Array:
    array: Array = np.lib.format.read_array(file, allow_pickle=False)
    return array


def _text(value: Mapping[str, Any]) -> Array:
    return np.frombuffer(json.dumps(value).encode(), dtype=np.uint8)


def _samples(number: int, trace: Trace) -> Array:
    """(T,) one record a sample."""
    arrays = {name: value for name in FIELDS if (value := getattr(trace, name)) is not None}
    kinds: list[Any] = [("person", "<i4"), ("time", "<f8")]
    kinds += [(name, "<f4", value.shape[1:]) for name, value in arrays.items()]
    samples = np.zeros(len(trace.time), dtype=kinds)
    samples["person"], samples["time"] = number, trace.time
    for name, value in arrays.items():
        samples[name] = value
    return samples


def _bytes(samples: Array) -> Array:
    return np.ascontiguousarray(samples).view(np.uint8).reshape(len(samples), -1)


def _replace(pieces: list[Array], new: Array) -> None:
    """Let `new` take the place of what was said from its first time on."""
    start = new["time"][0]
    while pieces and pieces[-1]["time"][0] >= start:
        pieces.pop()
    if pieces:
        pieces[-1] = pieces[-1][: int(np.searchsorted(pieces[-1]["time"], start))]
    pieces.append(new)


def _trace(samples: Array, names: tuple[str, ...]) -> Trace:
    given: Callable[[str], Array] = samples.__getitem__
    parts: dict[str, Any] = {
        name: np.array(given(name)) for name in FIELDS if name in (samples.dtype.names or ())
    }
    return Trace(time=np.array(given("time")), names=names, **parts)


def _source(name: str, clock: Array, facts: Mapping[str, Any], cut: bool) -> Source:
    gaps = np.diff(clock)
    interval = float(np.median(gaps)) if len(gaps) else 0.0
    return Source(
        name=name,
        width=int(facts["width"]),
        height=int(facts["height"]),
        frames=len(clock),
        duration=float(clock[-1] - clock[0]) + interval,
        rate=1 / interval if interval else 0.0,
        jitter=float(gaps.std()) if len(gaps) else 0.0,
        warnings=("the recording was cut off; its last seconds are missing",) if cut else (),
    )
