"""Published networks, by name: one architecture, one file.

>>> from camvitals.models import MODELS
>>> network = MODELS["physnet"].build(size=(72, 72))  # doctest: +SKIP
"""

from __future__ import annotations

from camvitals.models.architecture import Architecture
from camvitals.models.deepphys import DEEPPHYS
from camvitals.models.densenet import (
    DENSENET,
    DENSENET_ATTENTION,
    DENSENET_BINS,
    DENSENET_CLASSES,
    DENSENET_RECURRENT,
)
from camvitals.models.efficientphys import EFFICIENTPHYS
from camvitals.models.enhanced import ENHANCED
from camvitals.models.factorizephys import FACTORIZEPHYS
from camvitals.models.heartratenet import HEARTRATENET, HEARTRATENET_COMPACT, HEARTRATENET_PLAIN
from camvitals.models.hrcnn import EXTRACTOR
from camvitals.models.i3d import I3D_12
from camvitals.models.ibvpnet import IBVPNET
from camvitals.models.merppg import ME_RPPG
from camvitals.models.mobilenet import LSTM, PAIR
from camvitals.models.physformer import PHYSFORMER
from camvitals.models.physnet import PHYSNET
from camvitals.models.regionpulse import REGIONPULSE
from camvitals.models.rhythmformer import RHYTHMFORMER
from camvitals.models.rhythmnet import RHYTHMNET
from camvitals.models.rppgnet import RPPGNET
from camvitals.models.small_enhancer import SMALL_ENHANCER
from camvitals.models.spo2 import FC, M1, M2, M3, SMALL_CNN, B
from camvitals.models.stven import ENHANCER
from camvitals.models.tracenet import LARGE, SMALL, TINY
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
    "physformer": PHYSFORMER,
    "rhythmformer": RHYTHMFORMER,
    "rppgnet": RPPGNET,
    "stven": ENHANCER,
    "stven-rppgnet": ENHANCED,
    "enhancer-small": SMALL_ENHANCER,
    "i3d": I3D_12,
    "mobilenet-pair": PAIR,
    "mobilenet-lstm": LSTM,
    "densenet": DENSENET,
    "densenet-classes": DENSENET_CLASSES,
    "densenet-bins": DENSENET_BINS,
    "densenet-recurrent": DENSENET_RECURRENT,
    "densenet-attention": DENSENET_ATTENTION,
    "hrcnn": EXTRACTOR,
    "me-rppg": ME_RPPG,
    "rhythmnet": RHYTHMNET,
    "regionpulse": REGIONPULSE,
    "tracenet": SMALL,
    "tracenet-tiny": TINY,
    "tracenet-large": LARGE,
    "spo2-m1": M1,
    "spo2-m2": M2,
    "spo2-m3": M3,
    "spo2-ding": B,
    "spo2-fc": FC,
    "spo2-hoffman": SMALL_CNN,
}


def model(name: str) -> Architecture:
    """The architecture of this name; InputError lists those there are."""
    if name not in MODELS:
        raise InputError(f"no model {name!r}; choose one of {', '.join(MODELS)}")
    return MODELS[name]
