"""Made people laid out as the public corpora are: a stand-in until the real one is granted.

The names are those of data.corpora.CORPORA; every reader is tested on what is written here.
"""

from __future__ import annotations

from camvitals.data.synthetic.layouts.bp4d_plus import BP4D_PLUS
from camvitals.data.synthetic.layouts.face_trace import FACE_TRACE
from camvitals.data.synthetic.layouts.face_video import FACE_VIDEO
from camvitals.data.synthetic.layouts.finger_hrv import FINGER_HRV
from camvitals.data.synthetic.layouts.layout import Layout, write_corpus
from camvitals.data.synthetic.layouts.mcd_rppg import MCD_RPPG
from camvitals.data.synthetic.layouts.oximetry import OXIMETRY
from camvitals.data.synthetic.layouts.physdrive import PHYSDRIVE
from camvitals.data.synthetic.layouts.v4v import V4V
from camvitals.data.synthetic.layouts.vicar_ppg_2 import VICAR_PPG_2

__all__ = ["LAYOUTS", "Layout", "write_corpus"]

LAYOUTS: dict[str, Layout] = {
    "vicar-ppg-2": VICAR_PPG_2,
    "physdrive": PHYSDRIVE,
    "mcd-rppg": MCD_RPPG,
    "bp4d+": BP4D_PLUS,
    "v4v": V4V,
    "oximetry": OXIMETRY,
    "finger-hrv": FINGER_HRV,
    "face-trace": FACE_TRACE,
    "face-video": FACE_VIDEO,
}
