"""MAHNOB-HCI: faces before films in colour at 61 fps; ECG and respiration in BDF at 256 Hz."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from camvitals.data.corpora.corpus import Corpus
from camvitals.data.corpora.references import evenly, reference_wave
from camvitals.data.files import read_bdf
from camvitals.data.recording import Recording
from camvitals.records import InputError, Wave
from camvitals.video import Video, open_video

COLOUR = "*_C1 trigger*_C_Section_*.avi"
ECG, BREATH, STATUS = "EXG2", "Resp", "Status"
TRIGGER_BITS = 0xFF  # of 24: the bits above are the amplifier's own, such as "battery is low"
HEADING_BYTES = 65_536  # of a video, within which its streams are described
ATTRIBUTES = {"experimentType": "experiment", "cutNr": "section", "mediaFile": "stimulus"}


def find(folder: Path) -> Iterator[Recording]:
    """Every colour video of a folder that holds Sessions/, or is it."""
    root = folder / "Sessions" if (folder / "Sessions").is_dir() else folder
    for video in root.glob(f"*/{COLOUR}"):
        named = re.match(r"P(\d+)-.*_C_Section_(\d+)$", video.stem)
        if named is None:
            continue
        bdf = next(iter(sorted(video.parent.glob("*.bdf"))), None)
        if bdf is None:
            trial = int(named[2]) // 2
            bdf = video.with_name(f"Part_{named[1]}_S_Trial{trial}_emotion.bdf")
        yield Recording(
            corpus="mahnob-hci",
            subject=f"P{int(named[1]):02d}",
            session=video.parent.name,
            references=partial(references, bdf),
            pictures=partial(pictures, video),
            attributes=_attributes(video.with_name("session.xml")),
            files=(video, bdf),
        )


def pictures(video: Path) -> Video:
    """The colour video at the rate of its heading.

    AVI stores pictures in the order of decoding and without times, so that those FFmpeg makes up
    for an H.264 stream repeat and go back; this camera kept its rate.
    """
    return open_video(video, fps=_rate(video))


def _rate(video: Path) -> float | None:
    """Pictures a second [Hz] as the heading of an AVI has them; None for something else."""
    if not video.is_file():
        return None
    with video.open("rb") as file:
        head = file.read(HEADING_BYTES)
    place = head.find(b"strh")
    while place >= 0 and head[place + 8 : place + 12] != b"vids":
        place = head.find(b"strh", place + 4)
    if place < 0 or len(head) < place + 36:
        return None
    scale, rate = struct.unpack_from("<II", head, place + 28)
    return float(rate / scale) if scale and rate else None


def references(path: Path) -> dict[str, Wave]:
    """ECG [mV] and breath while the camera ran: from the first to the last trigger in Status."""
    signals = read_bdf(path, [ECG, BREATH, STATUS])
    status, rate = signals[STATUS]
    triggered = np.flatnonzero(np.round(status).astype(np.int64) & TRIGGER_BITS)
    if len(triggered) < 2:
        raise InputError(
            f"{path} needs triggers in {STATUS} where the video starts and ends but has "
            f"{len(triggered)}; copy it again"
        )
    start, stop = triggered[0] / rate, triggered[-1] / rate
    waves = {}
    for name, label, scale in (("ecg", ECG, 1e-3), ("breath", BREATH, 1.0)):
        values, rate = signals[label]
        time = evenly(len(values), rate=rate)
        ran = (time >= start) & (time <= stop)
        waves[name] = reference_wave(name, scale * values[ran], time[ran] - start, path=path)
    return waves


def _attributes(path: Path) -> dict[str, str]:
    """What session.xml says of the take; nothing where it cannot be read."""
    try:
        session = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError):
        return {}
    found = {name: session.get(key, "") for key, name in ATTRIBUTES.items()}
    person = session.find("subject")
    if person is not None:
        found |= {"gender": person.get("gender", ""), "ethnicity": person.get("ethnicity", "")}
    return {name: value for name, value in found.items() if value}


MAHNOB_HCI = Corpus(
    title="MAHNOB-HCI",
    source="https://mahnob-db.eu/hci-tagging (Soleymani et al., 2012)",
    licence="signed agreement, academic research only",
    layout="Sessions/ID/P…_C1 trigger _C_Section_ID.avi, Part_…_emotion.bdf, session.xml",
    find=find,
)
