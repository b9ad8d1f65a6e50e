"""open_video: whatever the recording is, its frames with their own times."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from camvitals.records import Array, InputError
from camvitals.video.array import ArrayReader, SequenceReader
from camvitals.video.camera import TIMEOUT_S, LiveReader, open_camera
from camvitals.video.container import open_container
from camvitals.video.file import FileReader
from camvitals.video.folder import FolderReader
from camvitals.video.reader import Reader, Video
from camvitals.video.timing import own_clock

FILE_FORMATS = {"matroska", "webm", "mov", "mp4", "avi", "asf", "ogg"}


def open_video(
    source: object,
    *,
    fps: float | None = None,
    time: object | None = None,
    stop: float | None = None,
) -> Video:
    """The frames of a recording, in increasing time, each with the time at which it was shown.

    source: path of a video file or of a folder of pictures; (T, H, W, 3) uint8 RGB array; iterable
            of (image, time) pairs, Frames, or images; camera as 0, "camera:0" or "/dev/video0";
            URL (rtsp, http, …). Files keep their presentation times, folders those of
            image_timestamps.csv; cameras and live streams get arrival times (time.monotonic).
    time:   (T,) s, one per frame in order of presentation; replaces the times of the source.
    fps:    frames per second [Hz] of a source without times, or instead of its own; for a camera,
            the rate asked of it.
    stop:   seconds after the first frame at which to end, None for all.
    Returns a Video, to be used in a `with` block and read once.
    Raises InputError when the source is missing, empty, not a video, or has no times.
    """
    return Video(_reader(source, fps, time), stop=stop)


def _reader(source: object, fps: float | None, time: object | None) -> Reader:
    clock = own_clock(time, fps)
    if isinstance(source, np.ndarray):
        return ArrayReader(source, clock=clock)
    if isinstance(source, bool) or source is None:
        raise InputError(f"open_video needs a path, camera, URL or array but got {source}")
    if isinstance(source, int | np.integer):
        source = f"camera:{source}"
    if isinstance(source, str | os.PathLike):
        return _named(os.fspath(source), fps, clock)
    if isinstance(source, Iterable) and not isinstance(source, bytes):
        return SequenceReader(source, clock=clock)
    raise InputError(
        f"open_video needs a path, camera, URL, array or iterable but got {type(source).__name__}"
    )


def _named(name: object, fps: float | None, clock: Array | float | None) -> Reader:
    text = str(name)
    path = Path(text).expanduser()
    if re.match(r"[a-z][a-z0-9+]*://", text):
        return _from_url(text, clock)
    number = re.fullmatch(r"(?:camera:)?(\d+)", text)
    if text.startswith("/dev/video") or (number and not path.exists()):
        if clock is not None and not isinstance(clock, float):
            raise InputError("a camera has its own clock; leave time= out")
        device = f"/dev/video{int(number[1])}" if number else text
        return LiveReader(open_camera(device, fps=fps), name=device)
    if not text or not path.exists():
        raise InputError(f"there is no file or folder at {text!r}; check the path")
    if path.is_dir():
        return FolderReader(path, clock=clock)
    if path.is_file() and path.stat().st_size == 0:
        raise InputError(f"{path} is empty (0 bytes); record or copy it again")
    # with its protocol, so that a colon in the name is not taken for one
    address = f"file:{path.resolve()}"
    return FileReader(open_container(address, name=str(path)), name=path.name, clock=clock)


def _from_url(url: str, clock: Array | float | None) -> Reader:
    """A finite file behind a URL keeps its own times; a live stream gets arrival times."""
    shown = re.sub(r"//[^/@]*@", "//", url)
    options = {"rtsp_transport": "tcp"} if url.startswith("rtsp") else {}
    container = open_container(url, name=shown, options=options, timeout=TIMEOUT_S)
    formats = set(container.format.name.split(","))
    if container.duration is not None or formats & FILE_FORMATS or clock is not None:
        return FileReader(container, name=shown, clock=clock)
    return LiveReader(container, name=shown)
