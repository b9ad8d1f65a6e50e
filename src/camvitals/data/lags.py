"""How late the references of a corpus are, as `camvitals data check --fix-lag` measured it.

The lag is measured against the pictures themselves, so that it must never move what is judged: the
file holds recordings to train on and no others.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from camvitals.records import InputError

LAG_FILE = "camvitals-lag.json"
FORMAT = "camvitals-lag/1"


def lags(folder: Path | str) -> dict[str, dict[str, float]]:
    """Recording name -> reference wave -> seconds by which it is late; empty without the file.

    Take them off the times of the wave. Raises InputError when the file is not such a one.
    """
    path = Path(folder) / LAG_FILE
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["format"] != FORMAT:
            raise ValueError(f"its format is {found['format']!r}")
        late = {
            name: {wave: float(facts["late_s"]) for wave, facts in waves.items()}
            for name, waves in found["lags"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} needs to be as `camvitals data check --fix-lag` wrote it, but: {error}; "
            "remove it, or write it again"
        ) from error
    if not all(np.isfinite(s) for waves in late.values() for s in waves.values()):
        raise InputError(f"{path} has a lag that is no number; remove it, or write it again")
    return late


def write_lags(
    folder: Path | str, found: Mapping[str, Mapping[str, Mapping[str, Any]]], *, corpus: str
) -> Path:
    """Write the lags of training recordings into the folder of their corpus, whole or not at all.

    found: recording name -> reference wave -> facts, `late_s` [s] among them.
    """
    path = Path(folder) / LAG_FILE
    part = path.with_name(f".{uuid.uuid4().hex[:8]}-{LAG_FILE}")
    text = json.dumps({"format": FORMAT, "corpus": corpus, "lags": found}, indent=1, sort_keys=True)
    try:
        part.write_text(text + "\n", encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror or error}); allow it, or copy the corpus"
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return path
