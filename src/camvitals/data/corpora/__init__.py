"""Corpora: one reader for each public layout, by name.

>>> from camvitals.data.corpora import CORPORA
>>> takes = CORPORA["ubfc-rppg-2"].read("UBFC2")  # doctest: +SKIP
>>> takes[0].reference("pulse")  # doctest: +SKIP
"""

from __future__ import annotations

from camvitals.data.corpora.amigos import AMIGOS
from camvitals.data.corpora.bp4d_plus import BP4D_PLUS
from camvitals.data.corpora.cohface import COHFACE
from camvitals.data.corpora.corpus import Corpus
from camvitals.data.corpora.ecg_fitness import ECG_FITNESS
from camvitals.data.corpora.ecg_video import ECG_VIDEO
from camvitals.data.corpora.face_trace import FACE_TRACE
from camvitals.data.corpora.face_video import FACE_VIDEO
from camvitals.data.corpora.finger_hrv import FINGER_HRV
from camvitals.data.corpora.heartratenet import HEARTRATENET
from camvitals.data.corpora.ibvp import IBVP
from camvitals.data.corpora.lgi_ppgi import LGI_PPGI
from camvitals.data.corpora.mahnob_hci import MAHNOB_HCI
from camvitals.data.corpora.mcd_rppg import MCD_RPPG
from camvitals.data.corpora.mmpd import MMPD
from camvitals.data.corpora.oximetry import OXIMETRY
from camvitals.data.corpora.physdrive import PHYSDRIVE
from camvitals.data.corpora.pure import PURE
from camvitals.data.corpora.rppg_toolbox import RPPG_TOOLBOX
from camvitals.data.corpora.scamps import SCAMPS
from camvitals.data.corpora.table import TABLE
from camvitals.data.corpora.ubfc_phys import UBFC_PHYS
from camvitals.data.corpora.ubfc_rppg_1 import UBFC_RPPG_1
from camvitals.data.corpora.ubfc_rppg_2 import UBFC_RPPG_2
from camvitals.data.corpora.v4v import V4V
from camvitals.data.corpora.vicar_ppg_2 import VICAR_PPG_2
from camvitals.data.corpora.vipl_hr import VIPL_HR
from camvitals.records import InputError

CORPORA: dict[str, Corpus] = {
    "heartratenet": HEARTRATENET,
    "ubfc-rppg-1": UBFC_RPPG_1,
    "ubfc-rppg-2": UBFC_RPPG_2,
    "ubfc-phys": UBFC_PHYS,
    "pure": PURE,
    "cohface": COHFACE,
    "ibvp": IBVP,
    "rppg-toolbox": RPPG_TOOLBOX,
    "table": TABLE,
    "vicar-ppg-2": VICAR_PPG_2,
    "physdrive": PHYSDRIVE,
    "mcd-rppg": MCD_RPPG,
    "bp4d+": BP4D_PLUS,
    "v4v": V4V,
    "oximetry": OXIMETRY,
    "finger-hrv": FINGER_HRV,
    "face-trace": FACE_TRACE,
    "face-video": FACE_VIDEO,
    "mahnob-hci": MAHNOB_HCI,
    "amigos": AMIGOS,
    "mmpd": MMPD,
    "scamps": SCAMPS,
    "lgi-ppgi": LGI_PPGI,
    "vipl-hr": VIPL_HR,
    "ecg-fitness": ECG_FITNESS,
    "ecg-video": ECG_VIDEO,
}


def corpus(name: str) -> Corpus:
    """The corpus of this name; InputError lists those there are."""
    if name not in CORPORA:
        raise InputError(f"no corpus {name!r}; choose one of {', '.join(CORPORA)}")
    return CORPORA[name]
