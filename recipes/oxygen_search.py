"""Searches for networks that read oxygen saturation, on the fingertips of Hoffman et al. (2022).

camvitals search recipes/oxygen_search.py:grid --out runs/oxygen
camvitals search recipes/oxygen_search.py:grid --set name=spo2-ding --out runs/oxygen-ding

The grid is that of Li & Sharma (2023): number of convolutions, window, filters and length of the
filters, each judged by people whom it has not learnt from. The recordings are sought in the folder
that the environment variable CAMVITALS_DATA names, else in shared/data beside this project.
"""

import os
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from camvitals.data.corpora import corpus
from camvitals.records import InputError
from camvitals.train.oxygen.instances import Training, prepared, train_instance
from camvitals.train.oxygen.splits import leave_one_subject_out
from camvitals.train.oxygen.windows import cut, read_takes, relative_to_start
from camvitals.train.search import Search

HERE = Path(__file__).resolve()
DATA = Path(os.environ.get("CAMVITALS_DATA", HERE.parents[2] / "shared" / "data")) / "oximetry"
RATE_HZ, START_S, STRIDE_S, LAST_S = 30.0, 30.0, 1.0, 9.9
SUBJECTS = 6
JUDGED = 4  # every fourth window of those who are chosen by
BUDGET = {"epochs": 12, "patience": 4, "draws": 500}


def grid() -> Search:
    """81 networks of the kind of model 1, each learnt six times."""
    return Search(
        recipe=Training(name="spo2-m1", options={"hidden": 32}, **BUDGET),
        space={
            "options.layers": (1, 2, 3),
            "options.length": (90, 180, 300),  # samples: windows of 3, 6 and 10 s
            "options.filters": (4, 8, 16),
            "options.taps": (5, 9, 15),
        },
        folds=SUBJECTS,
        prune="median",
        whole=3,  # people differ more than networks: one of them says little
        metric="rmse",
        work=f"{HERE}:left_out",
    )


def networks() -> Search:
    """The same with four networks: 324 in all."""
    kinds = ("spo2-m1", "spo2-m2", "spo2-m3", "spo2-ding")
    return replace(grid(), space={"name": kinds, **grid().space})


def left_out(training, *, fold, tell):
    """Lowest RMSE [%] of one network on one subject, learnt from four others.

    The sixth, whom `leave_one_subject_out` would test, is not looked at in this fold.
    """
    x, spo2, splits = _windows(training.name, training.options["length"], training.pulse_only)
    found = splits[fold]
    rows = (found.train, found.validation[::JUDGED])
    return train_instance(x, spo2, rows, training, seed=fold, tell=tell).rmse


@lru_cache(maxsize=3)
def _windows(name, length, pulse_only):
    """What a network sees of all windows, their saturation, and the splits by subject.

    Windows of any length end at the same moments, so that all are judged by the same labels.
    """
    windows = cut(_takes(), length=length / RATE_HZ, stride=STRIDE_S)
    windows = windows.at(windows.end > LAST_S)
    plain = Training(name=name, pulse_only=pulse_only)
    x = prepared(windows, plain)
    splits = list(leave_one_subject_out(windows))
    return x, torch.tensor(np.asarray(windows.spo2)).float(), splits


@lru_cache(maxsize=1)
def _takes():
    """Both hands of the six, colours over what they are in the first seconds."""
    if not DATA.is_dir():
        raise InputError(f"no recordings at {DATA}; name their folder in CAMVITALS_DATA")
    takes = read_takes(corpus("oximetry").read(DATA), rate=RATE_HZ)
    return relative_to_start(takes, until=START_S)
