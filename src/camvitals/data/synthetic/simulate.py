"""A scenario as a video file, with its truth beside it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from camvitals.data.synthetic.camera import time_stamps
from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.truth import Truth
from camvitals.records import Array, InputError

# As good as a camera records, 5 Mbit/s at 640×480; the encoders' own 23 and 31 take half the pulse.
CRF = {"h264": 12, "vp9": 20}
CUTTABLE = {".mkv", ".webm", ".avi"}  # readable without their end, unlike a plain .mp4


def simulate(
    path: str | os.PathLike[str],
    scenario: Scenario,
    *,
    keep: float | None = None,
    progress: Callable[[int, int | None], None] | None = None,
) -> Truth:
    """Render a scenario to a video and write NAME.truth.json and NAME.truth.csv beside it.

    path: any video name that `write_video` knows.   keep: share of the bytes, 0–1, to leave of the
    finished file, as after a broken download; only .mkv, .webm and .avi can still be read then. The
    truth is that of the whole recording.   progress: called with (pictures drawn, pictures in all).
    Returns the truth. The video appears last, whole (or cut as asked), or not at all.
    Raises InputError for a path, scenario or share that cannot be written.
    """
    from camvitals.data.synthetic.scene import frames
    from camvitals.video.write import write_video

    path = Path(path)
    if keep is not None and not (0 < keep < 1 and path.suffix.lower() in CUTTABLE):
        raise InputError(
            f"a cut needs keep between 0 and 1 and a file of {', '.join(sorted(CUTTABLE))}, but "
            f"got {keep:g} and {path.name}"
        )
    part = path.with_name(f".{uuid.uuid4().hex[:8]}-{path.name}")
    times: list[float] = []
    crf = scenario.crf
    if crf is None and scenario.bit_rate is None:
        crf = CRF.get(scenario.codec)
    try:
        write_video(
            part,
            _told(noting(frames(scenario), times), len(time_stamps(scenario)), progress),
            time=None,
            codec=scenario.codec,
            crf=crf,
            bit_rate=scenario.bit_rate,
        )
        if keep is not None:
            os.truncate(part, max(1, round(part.stat().st_size * keep)))
        truth = Truth.of(scenario, np.array(times))
        truth.save(path)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return truth


def noting(
    pictures: Iterable[tuple[Array, float]], times: list[float]
) -> Iterator[tuple[Array, float]]:
    """The same pictures and times [s]; each time is appended to `times` as it passes."""
    for image, time in pictures:
        times.append(float(time))
        yield image, time


def _told(
    pictures: Iterator[tuple[Array, float]],
    total: int,
    progress: Callable[[int, int | None], None] | None,
) -> Iterator[tuple[Array, float]]:
    for count, picture in enumerate(pictures, start=1):
        yield picture
        if progress is not None:
            progress(count, total)
