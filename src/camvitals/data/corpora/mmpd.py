"""MMPD: faces before a phone under four lights and motions, pictures and pulse in MATLAB files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from camvitals.data.corpora.corpus import Corpus
from camvitals.data.corpora.references import evenly, reference_wave
from camvitals.data.corpora.stored import read_pictures
from camvitals.data.files import read_mat
from camvitals.data.recording import Recording
from camvitals.records import Array, InputError, Wave
from camvitals.video import Video, open_video

RATE_HZ = 30.0
AT_ONCE = 30
LABELS = {
    "light": "light",
    "motion": "motion",
    "exercise": "exercise",
    "skin_color": "tone",
    "gender": "gender",
    "glasser": "glasses",
    "hair_cover": "hair",
    "makeup": "makeup",
}
MISNAMED = {"Watching Videos": "Walking"}  # so said older versions of the corpus


def find(folder: Path) -> Iterator[Recording]:
    """Every subjectN/pN_K.mat of a folder."""
    for path in folder.glob("subject*/p*.mat"):
        named = re.fullmatch(r"p(\d+)_(\d+)", path.stem)
        if named is None:
            continue
        yield Recording(
            corpus="mmpd",
            subject=f"p{int(named[1]):02d}",
            session=f"{int(named[2]):02d}",
            references=partial(references, path),
            pictures=partial(pictures, path),
            attributes=_attributes(path),
            files=(path,),
        )


def references(path: Path) -> dict[str, Wave]:
    """Pulse, one sample a picture; InputError when their numbers are more than a second apart."""
    values = np.ravel(read_mat(path)["GT_ppg"])
    count = _count(path)
    if abs(len(values) - count) > RATE_HZ:
        raise InputError(
            f"{path} needs a sample of GT_ppg for each of {count} pictures but has {len(values)}; "
            "their rate is not known, so leave this take out"
        )
    time = evenly(len(values), rate=RATE_HZ)
    return {"pulse": reference_wave("pulse", values, time, path=path)}


def pictures(path: Path) -> Video:
    """The pictures; time is the innermost axis of the file, so that the first needs all of it."""
    return open_video(_images(path), fps=RATE_HZ)


def _images(path: Path) -> Iterator[Array]:
    """(H, W, 3) uint8 one by one, from pictures × rows × columns × colours."""
    video = read_pictures(path, "video")
    if video.ndim != 4 or video.shape[3] != 3:
        raise InputError(
            f"{path} needs a video of pictures × rows × columns × 3 but has "
            f"{'×'.join(map(str, video.shape))}; copy it again"
        )
    for start in range(0, len(video), AT_ONCE):
        yield from np.ascontiguousarray(video[start : start + AT_ONCE])


def _count(path: Path) -> int:
    """Pictures in the file, by its table of contents alone."""
    from scipy.io import whosmat

    return next((int(shape[0]) for name, shape, _ in whosmat(path) if name == "video"), 0)


def _attributes(path: Path) -> dict[str, str]:
    """The owners' labels in words; nothing where the file cannot be read."""
    found = {}
    try:
        mat = read_mat(path)
        for label, name in LABELS.items():
            if label in mat:
                text = str(np.ravel(mat[label])[0]).strip()
                found[name] = MISNAMED.get(text, text)
    except (InputError, IndexError):
        return {}
    return found


MMPD = Corpus(
    title="MMPD",
    source="https://github.com/McJackTang/MMPD_rPPG_dataset (Tang et al., 2023)",
    licence="signed agreement, academic research only",
    layout="subjectN/pN_K.mat with video, GT_ppg and labels",
    find=find,
)
