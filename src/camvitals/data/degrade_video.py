"""Whole recordings made worse: every picture, at its own time.

For a face size the whole picture is scaled so that the face gets so many pixels, and brought back.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import cast

import numpy as np

from camvitals.data.degrade import AS_IS, ENCODERS, Degradation, degradation, encode, fitted
from camvitals.data.degrade_size import reduced
from camvitals.data.recording import Recording
from camvitals.face.crop import around, tiles, whole
from camvitals.face.detect import Detector, best_of
from camvitals.parallel import share_of
from camvitals.records import Array, Frame, InputError
from camvitals.video import Video, open_video, write_video

LOOK_S, EVERY_S = 10.0, 0.5  # how long, and how often, the face is looked for
SURE = 0.65  # score of a face
CROP = 2.5  # side of the square of the second look, in face sizes
LOSSLESS = (".mkv", ".avi")
STRATUM = "degradation"
Opened = Callable[[], Video]
Timed = Iterator[tuple[Array, float]]


def degrade_video(
    source: object,
    path: str | os.PathLike[str],
    level: str | Degradation,
    *,
    face: float | None = None,
) -> int:
    """Write a video made worse to another file; returns how many pictures.

    source: a function that opens the video, or what open_video takes; read twice for a face size.
    path:   ends as write_video asks. For a face size .mkv or .avi: those are kept lossless, as RGB.
    level:  a name as `degradation` reads it.
    face:   width of the face [px]; None: as `face_width` finds it. Not used by encoders.
    Every picture keeps its time, to what the kind of file can hold (write_video). Encoders get
    8-bit 4:2:0 and one thread; odd sides are continued by a row or column. Whole or not at all.
    Raises InputError for a video, path or level that cannot be, and where no face is found.
    """
    wanted, path = degradation(level), Path(path)
    opened = cast("Opened", source) if callable(source) else partial(open_video, source)
    if wanted.face is None:
        return encode(path, _fitted(_pictures(opened), wanted), wanted)
    if path.suffix.lower() not in LOSSLESS:
        raise InputError(
            f"{wanted.name} is kept lossless and needs {' or '.join(LOSSLESS)} but got {path.name}"
        )
    width = face_width(opened) if face is None else face
    pictures = _reduced(_pictures(opened), wanted.face / width)
    return write_video(path, pictures, time=None, codec="ffv1")


def face_width(opened: Opened) -> float:
    """The width of the face [px]: the median of its boxes, two a second over the first 10 s.

    opened: opens the video. Boxes are those of BlazeFace, from brow to chin and about as wide.
    Raises InputError where no face is found.
    """
    detect, widths, following = Detector(), list[float](), -np.inf
    with opened() as video:
        first: float | None = None
        for frame in video:
            first = frame.time if first is None else first
            if frame.time - first >= LOOK_S:
                break
            if frame.time >= following:
                following = frame.time + EVERY_S
                widths += _widths(detect, frame)
    if not widths:
        raise InputError(
            f"no face is found in its first {LOOK_S:g} s, so it cannot be given a size; take a "
            "level of an encoder, or pass face="
        )
    return float(np.median(widths))


def _widths(detect: Detector, frame: Frame) -> list[float]:
    """The width of the surest face, looked at twice; none where there is none."""
    for squares in ([whole(frame)], tiles(frame)):
        found = best_of([d for square in squares for d in detect(frame, square, threshold=SURE)])
        if found:
            closer = detect(frame, around(found[0].box, CROP), threshold=SURE)
            box = (closer or found)[0].box
            return [box[2] - box[0]]
    return []


def degraded(
    recording: Recording, level: str | Degradation, *, folder: Path, face: float | None = None
) -> Recording:
    """The recording as it would be with worse pictures, which are made whenever it is opened.

    level:  a name as `degradation` reads it.
    folder: where what an encoder writes lies until you remove it; of face sizes nothing is written.
    face:   width of the face [px]; None: as `face_width` finds it, whenever it is opened.
    It is of the same person and has the same references; its task and the attribute `degradation`
    name the level. Every picture keeps its time exactly. Pictures after the recording's span are
    left out.
    Raises InputError for an unknown level, and for a recording of colours without pictures.
    """
    wanted = degradation(level)
    if recording.pictures is None:
        raise InputError(
            f"{recording.corpus} {recording.name} holds colours but no pictures, which alone can "
            "be degraded; take recordings with videos"
        )
    end = np.inf if recording.span is None else recording.span[1]
    return replace(
        recording,
        pictures=partial(_worse, recording.pictures, wanted, end, folder, face),
        task="/".join(part for part in (recording.task, wanted.name) if part),
        attributes={**recording.attributes, STRATUM: wanted.name},
    )


def untouched(recording: Recording) -> Recording:
    """The recording as it is, named so among degraded ones."""
    return replace(recording, attributes={**recording.attributes, STRATUM: AS_IS})


def kept(recording: Recording, *, folder: Path, note: Callable[[float], None]) -> Recording:
    """The recording read from a plain copy, where its pictures are drawn anew at each reading.

    A recording that has files is given back as it is.   folder: where the copy lies, a byte for
    each pixel and colour.   note: told the share that is drawn, 0–1.
    """
    if recording.pictures is None or recording.files:
        return recording
    path, times, shape = folder / "drawn.rgb", list[float](), (0, 0, 3)
    with recording.pictures() as video, path.open("wb") as file:
        for image, time in _timed(video):
            file.write(image.tobytes())
            times.append(time)
            shape = image.shape
            note(share_of(len(times), video.expected))
    if not times:
        raise InputError("its pictures are none; take it out of the corpus")
    clock = np.array(times)
    return replace(recording, pictures=partial(_copied, path, (len(times), *shape), clock))


def _copied(path: Path, shape: tuple[int, ...], clock: Array) -> Video:
    return open_video(np.memmap(path, np.uint8, "r", shape=shape), time=clock)


def _worse(
    opened: Opened, wanted: Degradation, end: float, folder: Path, face: float | None
) -> Video:
    """The pictures made worse, with the very times they had."""
    pictures = _pictures(opened, end)
    if wanted.face is not None:
        width = face_width(opened) if face is None else face
        return open_video(_reduced(pictures, wanted.face / width))
    times = list[float]()
    path = folder / f"{uuid.uuid4().hex}{ENCODERS[wanted.encoder][1]}"
    encode(path, _fitted(_noting(pictures, times), wanted), wanted)
    return open_video(path, time=np.array(times))


def _pictures(opened: Opened, end: float = np.inf) -> Timed:
    """Pictures and times before the end [s]; the video is closed then."""
    with opened() as video:
        yield from takewhile(lambda one: one[1] < end, _timed(video))


def _timed(video: Video) -> Timed:
    for frame in video:
        yield frame.rgb(), frame.time


def _noting(pictures: Timed, times: list[float]) -> Timed:
    """The same; each time is appended to `times` as it passes."""
    for image, time in pictures:
        times.append(time)
        yield image, time


def _reduced(pictures: Timed, share: float) -> Timed:
    for image, time in pictures:
        yield reduced(image[None], share)[0], time


def _fitted(pictures: Timed, wanted: Degradation) -> Timed:
    for image, time in pictures:
        yield fitted(image, wanted), time
