"""How late the references of a corpus are: a side file that lies beside the corpus.

It is read for training alone: a lag measured against the pictures would leak the answer into what
is judged by it. The corpus itself stays as its owners gave it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from camvitals.data.crops import save_json
from camvitals.records import InputError

LAGS = "camvitals-lag.json"


def write_lags(folder: Path, lags: Mapping[str, float]) -> Path:
    """Write seconds by which the references of each recording, by its name, are late."""
    path = folder / LAGS
    save_json(path, {"lags": {name: {"seconds": float(lag)} for name, lag in lags.items()}})
    return path


def read_lags(folder: Path) -> dict[str, float]:
    """Seconds by recording; nothing where there is no such file.

    Raises InputError when it is damaged, or a lag is no number of seconds.
    """
    path = folder / LAGS
    if not path.exists():
        return {}
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))["lags"]
        lags = {str(name): float(one["seconds"]) for name, one in stored.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} cannot be read as lags; write it again or remove it") from error
    wrong = next((name for name, lag in lags.items() if not np.isfinite(lag)), None)
    if wrong is not None:
        raise InputError(f"{path} has no number of seconds for {wrong}; remove that line")
    return lags
