"""BP4D+ (Zhang et al. 2016): ten emotional tasks each, 25 pictures and 1000 samples a second."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import cast
from zipfile import BadZipFile
from zipfile import Path as InZip

from camvitals.data.corpora.corpus import Corpus
from camvitals.data.corpora.references import evenly, reference_wave
from camvitals.data.files import present, read_columns
from camvitals.data.recording import Recording
from camvitals.records import InputError, Wave
from camvitals.video import Video, open_video
from camvitals.video.folder import FolderReader

RATE_HZ = 25.0
SIGNAL_HZ = 1000.0
SIGNALS = {
    "BP_mmHg.txt": "blood_pressure",
    "Pulse Rate_BPM.txt": "heart_rate",
    "Resp_Volts.txt": "breath",
    "Respiration Rate_BPM.txt": "respiration_rate",
}
SEXES = {"F": "female", "M": "male"}


def find(folder: Path) -> Iterator[Recording]:
    """Every Physiology/SUBJECT/TASK, with its pictures in 2D+3D/SUBJECT.zip or unpacked."""
    # not at any depth: unpacked, the folders beside hold a file for each of 1.4 million pictures
    places = ("Physiology/[FM]*/T*", "*/Physiology/[FM]*/T*")
    for signals in sorted(path for place in places for path in folder.glob(place)):
        subject, task = signals.parent.name, signals.name
        if not re.fullmatch(r"[FM]\d+", subject) or not re.fullmatch(r"T\d+", task):
            continue
        colour = signals.parents[2] / "2D+3D"
        unpacked = colour / subject / task
        source = unpacked if unpacked.is_dir() else colour / f"{subject}.zip"
        known = ["BP_mmHg.txt", *(n for n in list(SIGNALS)[1:] if (signals / n).exists())]
        yield Recording(
            corpus="bp4d+",
            subject=subject,
            task=task,
            references=partial(references, signals, tuple(known)),
            pictures=partial(pictures, source, f"{subject}/{task}/"),
            attributes={"sex": SEXES[subject[0]], "task": task},
            files=(source, *(signals / name for name in known)),
        )


def pictures(source: Path, inside: str) -> Video:
    """The colour pictures of one task; those in a zip are read one by one, without unpacking."""
    if source.suffix != ".zip":
        return open_video(source, fps=RATE_HZ)
    try:
        folder = InZip(present(source), inside)
        if not folder.exists():
            raise InputError(f"{source} needs pictures in {inside} but has none; copy it again")
        # a path in a zip does all that the reader asks of a path
        return Video(FolderReader(cast("Path", folder), clock=RATE_HZ))
    except BadZipFile as error:
        raise InputError(f"{source} needs to be a zip file but is none; copy it again") from error


def references(signals: Path, names: tuple[str, ...]) -> Mapping[str, Wave]:
    """Arterial pressure [mmHg], heart rate [bpm], breath and breathing rate, all from picture 0."""
    found = {}
    for file in names:
        path, name = signals / file, SIGNALS[file]
        values = next(iter(read_columns(path).values()))
        time = evenly(len(values), rate=SIGNAL_HZ)
        found[name] = reference_wave(name, values, time, path=path)
    return found


BP4D_PLUS = Corpus(
    title="BP4D+",
    source="Zhang et al. 2016, CVPR; ask Binghamton University",
    licence="research, signed agreement and fee",
    layout="Physiology/F001/T1/BP_mmHg.txt with 2D+3D/F001.zip (F001/T1/*.jpg)",
    find=find,
)
