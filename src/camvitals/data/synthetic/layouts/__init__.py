"""Made people laid out as the public corpora are: a stand-in until the real one is granted.

The names are those of data.corpora.CORPORA; every reader is tested on what is written here.
"""

from __future__ import annotations

from camvitals.data.synthetic.layouts.amigos import AMIGOS
from camvitals.data.synthetic.layouts.bp4d_plus import BP4D_PLUS
from camvitals.data.synthetic.layouts.cohface import COHFACE
from camvitals.data.synthetic.layouts.ecg_fitness import ECG_FITNESS
from camvitals.data.synthetic.layouts.ecg_video import ECG_VIDEO
from camvitals.data.synthetic.layouts.face_trace import FACE_TRACE
from camvitals.data.synthetic.layouts.face_video import FACE_VIDEO
from camvitals.data.synthetic.layouts.finger_hrv import FINGER_HRV
from camvitals.data.synthetic.layouts.heartratenet import HEARTRATENET
from camvitals.data.synthetic.layouts.ibvp import IBVP
from camvitals.data.synthetic.layouts.layout import Layout, write_corpus
from camvitals.data.synthetic.layouts.lgi_ppgi import LGI_PPGI
from camvitals.data.synthetic.layouts.mahnob_hci import MAHNOB_HCI
from camvitals.data.synthetic.layouts.mcd_rppg import MCD_RPPG
from camvitals.data.synthetic.layouts.mmpd import MMPD
from camvitals.data.synthetic.layouts.oximetry import OXIMETRY
from camvitals.data.synthetic.layouts.physdrive import PHYSDRIVE
from camvitals.data.synthetic.layouts.pure import PURE
from camvitals.data.synthetic.layouts.rppg_toolbox import RPPG_TOOLBOX
from camvitals.data.synthetic.layouts.scamps import SCAMPS
from camvitals.data.synthetic.layouts.table import TABLE
from camvitals.data.synthetic.layouts.ubfc_phys import UBFC_PHYS
from camvitals.data.synthetic.layouts.ubfc_rppg_1 import UBFC_RPPG_1
from camvitals.data.synthetic.layouts.ubfc_rppg_2 import UBFC_RPPG_2
from camvitals.data.synthetic.layouts.v4v import V4V
from camvitals.data.synthetic.layouts.vicar_ppg_2 import VICAR_PPG_2
from camvitals.data.synthetic.layouts.vipl_hr import VIPL_HR

__all__ = ["LAYOUTS", "Layout", "write_corpus"]

LAYOUTS: dict[str, Layout] = {
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
