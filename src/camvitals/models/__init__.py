"""Published networks, by name: one architecture, one file.

>>> from camvitals.models import MODELS
>>> network = MODELS["physnet"].build(size=(72, 72))  # doctest: +SKIP
"""

from __future__ import annotations

from camvitals.models.architecture import Architecture
from camvitals.records import InputError

MODELS: dict[str, Architecture] = {}


def model(name: str) -> Architecture:
    """The architecture of this name; InputError lists those there are."""
    if name not in MODELS:
        raise InputError(f"no model {name!r}; choose one of {', '.join(MODELS)}")
    return MODELS[name]
