"""AMIGOS as its owners ship it: a video a film, and one MATLAB file for all films of a person."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from camvitals.data.synthetic.layouts.layout import Layout, Person, Take
from camvitals.records import Array
from camvitals.video import write_video

RATE_HZ = 128.0
SHOWN = "10 13 138 18 19 20 23 30 31 34 36 4 5 58 80 9 N1 P1 B1 U1"
FILMS = SHOWN.split()
COLUMNS = 17


def write(folder: Path, people: Sequence[Person]) -> None:
    """Data_Preprocessed/Data_Preprocessed_P01.mat and Videos/P01_FILM_face.mov."""
    from scipy.io import savemat

    for part in ("Data_Preprocessed", "Videos"):
        (folder / part).mkdir()
    for person in people:
        # the films come in an order of their own, which VideoIDs gives
        order = FILMS[person.number :] + FILMS[: person.number]
        trials = np.empty((1, len(order)), dtype=object)
        names = np.empty((1, len(order)), dtype=object)
        for place, film in enumerate(order):
            trials[0, place], names[0, place] = np.zeros((0, 0)), film
        for index, place in enumerate(range(3, 3 + AMIGOS.takes)):
            take = person.take(index)
            trials[0, place] = _trial(take)
            name = f"P{person.number:02d}_{order[place]}_face.mov"
            crf = take.scenario.crf or 12
            write_video(folder / "Videos" / name, take.frames(), time=None, crf=crf)
        path = folder / "Data_Preprocessed" / f"Data_Preprocessed_P{person.number:02d}.mat"
        savemat(path, {"joined_data": trials, "VideoIDs": names}, do_compression=True)


def _trial(take: Take) -> Array:
    """(T, 17): EEG, ECG of the right and the left arm [mV], skin conductance."""
    time = np.arange(int(take.scenario.duration * RATE_HZ) + 1) / RATE_HZ
    body = take.body
    ecg = np.interp(time, body.time, body.ecg)
    trial = np.zeros((len(time), COLUMNS))
    trial[:, 14], trial[:, 15] = 0.7 * ecg, ecg
    return trial


AMIGOS = Layout(rate=25.0, size=(1280, 720), takes=2, write=write)
