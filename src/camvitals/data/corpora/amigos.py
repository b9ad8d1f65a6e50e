"""AMIGOS: faces before films, .mov; ECG of both arms at 128 Hz in one MATLAB file a person."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from camvitals.data.corpora.corpus import Corpus
from camvitals.data.corpora.references import evenly, reference_wave
from camvitals.data.files import read_mat
from camvitals.data.recording import Recording
from camvitals.records import InputError, Wave
from camvitals.video import open_video

RATE_HZ = 128.0
COLUMNS = 17  # EEG 0–13, ECG right and left arm 14–15, skin conductance 16
ECG_LEFT_ARM = 15


def find(folder: Path) -> Iterator[Recording]:
    """Every PXX_VIDEO_face.mov of a folder, wherever in it."""
    signals = {path.name: path for path in sorted(folder.rglob("Data_Preprocessed_P*.mat"))}
    for video in folder.rglob("P*_face.mov"):
        named = re.fullmatch(r"P(\d+)_([A-Za-z0-9]+)_face", video.stem)
        if named is None:
            continue
        name = f"Data_Preprocessed_P{int(named[1]):02d}.mat"
        mat = signals.get(name, folder / "Data_Preprocessed" / name)
        yield Recording(
            corpus="amigos",
            subject=f"P{int(named[1]):02d}",
            task=named[2],
            references=partial(references, mat, named[2]),
            pictures=partial(open_video, video),
            attributes={"stimulus": named[2], "film": "short" if named[2].isdigit() else "long"},
            files=(video, mat),
            aligned=False,
        )


def references(path: Path, video: str) -> dict[str, Wave]:
    """ECG [mV] of the trial in which this film was shown; it starts with the pictures."""
    mat = read_mat(path)
    shown = [str(name).strip() for name in mat["VideoIDs"]]
    if video not in shown:
        raise InputError(f"{path} needs video {video} in VideoIDs but has {', '.join(shown)}")
    trials = mat["joined_data"]
    trial = np.asarray(trials[shown.index(video)] if shown.index(video) < len(trials) else [])
    if trial.ndim != 2 or trial.shape[1] != COLUMNS:
        given = "×".join(map(str, trial.shape)) if trial.size else "nothing"
        raise InputError(
            f"{path} needs samples×{COLUMNS} of video {video} in joined_data but has {given}; "
            "leave this take out"
        )
    time = evenly(len(trial), rate=RATE_HZ)
    return {"ecg": reference_wave("ecg", trial[:, ECG_LEFT_ARM], time, path=path)}


AMIGOS = Corpus(
    title="AMIGOS",
    source="https://www.eecs.qmul.ac.uk/mmv/datasets/amigos (Miranda-Correa et al., 2021)",
    licence="signed agreement, academic research only",
    layout="Data_Preprocessed_PXX.mat and PXX_VIDEO_face.mov, in any folders",
    find=find,
)
