"""Published networks, by name: one architecture, one file.

>>> from camvitals.models import MODELS
>>> network = MODELS["physnet"].build(size=(72, 72))  # doctest: +SKIP
"""

from __future__ import annotations

from camvitals.models.architecture import Architecture
from camvitals.models.deepphys import DEEPPHYS
from camvitals.models.efficientphys import EFFICIENTPHYS
from camvitals.models.factorizephys import FACTORIZEPHYS
from camvitals.models.heartratenet import HEARTRATENET, HEARTRATENET_COMPACT, HEARTRATENET_PLAIN
from camvitals.models.ibvpnet import IBVPNET
from camvitals.models.physnet import PHYSNET
from camvitals.models.tscan import TSCAN
from camvitals.records import InputError

MODELS: dict[str, Architecture] = {
    "heartratenet": HEARTRATENET,
    "heartratenet-compact": HEARTRATENET_COMPACT,
    "heartratenet-plain": HEARTRATENET_PLAIN,
    "deepphys": DEEPPHYS,
    "tscan": TSCAN,
    "efficientphys": EFFICIENTPHYS,
    "physnet": PHYSNET,
    "ibvpnet": IBVPNET,
    "factorizephys": FACTORIZEPHYS,
}


def model(name: str) -> Architecture:
    """The architecture of this name; InputError lists those there are."""
    if name not in MODELS:
        raise InputError(f"no model {name!r}; choose one of {', '.join(MODELS)}")
    return MODELS[name]
