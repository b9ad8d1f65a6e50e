"""LGI-PPGI: rest, turning, talking outdoors, a gym; 25 fps, a fingertip oximeter at 60 Hz."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from camvitals.data.corpora.corpus import Corpus
from camvitals.data.corpora.references import evenly, reference_wave, shown_by_oximeter
from camvitals.data.files import present
from camvitals.data.recording import Recording
from camvitals.records import Array, InputError, Wave
from camvitals.video import Video, open_video

VIDEO = "cv_camera_sensor_stream_handler.avi"
TIMER = "cv_camera_sensor_timer_stream_handler.xml"
OXIMETER = "cms50_stream_handler.xml"
RATE_HZ = 60.0
MOTION = {"resting": "still", "rotation": "turn", "talk": "talk", "gym": "exercise"}


def find(folder: Path) -> Iterator[Recording]:
    """Every folder PERSON_SESSION that holds the video, wherever in this one."""
    for video in folder.rglob(VIDEO):
        take = video.parent
        person, _, session = take.name.rpartition("_")
        person = person or take.parent.name
        motion = {"motion": MOTION[session]} if session in MOTION else {}
        yield Recording(
            corpus="lgi-ppgi",
            subject=person,
            session=session,
            references=partial(references, take),
            pictures=partial(pictures, take),
            attributes={
                "place": "city" if session == "talk" else "indoors",
                "clock": "timer" if (take / TIMER).exists() else "container",
                **motion,
            },
            files=(video, take / OXIMETER),
            aligned=False,
        )


def pictures(take: Path) -> Video:
    """The video at the times of its timer file, or at its own where there is none."""
    time = picture_times(take)
    return open_video(take / VIDEO) if time is None else open_video(take / VIDEO, time=time)


def picture_times(take: Path) -> Array | None:
    """(T,) s of the pictures as the camera's computer noted them, or None."""
    if not (take / TIMER).exists():
        return None
    return samples(take / TIMER, ("value1",))[:, 0] / 1e3


def references(take: Path) -> dict[str, Wave]:
    """Pulse and heart rate [bpm] at 60 Hz.

    The oximeter was started first and both were stopped together, so that the last sample belongs
    to the last picture; without a timer file the first sample is put at the first picture.
    """
    path = take / OXIMETER
    rate, pulse = samples(path, ("value1", "value2")).T
    shown = picture_times(take)
    start = 0.0 if shown is None else shown[-1] - (len(pulse) - 1) / RATE_HZ
    time = evenly(len(pulse), rate=RATE_HZ, start=start)
    rate = shown_by_oximeter("heart_rate", rate)
    return {
        "pulse": reference_wave("pulse", pulse, time, path=path),
        "heart_rate": reference_wave("heart_rate", rate, time, path=path),
    }


def samples(path: Path, names: tuple[str, ...]) -> Array:
    """(T, n) numbers under the elements that have children of all these names."""
    rows = []
    try:
        for element in ElementTree.parse(present(path)).iter():
            cells = [element.find(name) for name in names]
            texts = [(cell.text or "").strip() for cell in cells if cell is not None]
            if len(texts) == len(names) and all(texts):
                rows.append([float(text) for text in texts])
    except (ElementTree.ParseError, ValueError) as error:
        raise InputError(
            f"{path} needs numbers in XML but cannot be read ({error}); copy it again"
        ) from error
    if not rows:
        raise InputError(f"{path} needs samples with {', '.join(names)} but has none")
    return np.array(rows)


LGI_PPGI = Corpus(
    title="LGI-PPGI",
    source="https://github.com/partofthestars/LGI-PPGI-DB (Pilz et al., 2018)",
    licence="academic research; see the owners' page",
    layout=f"PERSON/PERSON_SESSION/{VIDEO} and {OXIMETER}",
    find=find,
)
