"""The heart rate that is said to be true of a picture: as system C has it, and as it should be.

Shape letters: N samples of the ECG, P pictures.
"""

from __future__ import annotations

import numpy as np

from camvitals.dsp.clean import rate_of
from camvitals.dsp.notch import notch
from camvitals.records import Array, Wave
from camvitals.vitals.ecg import r_peaks
from camvitals.vitals.threshold_peaks import threshold_rate

HALF_FRAMES = 300  # of pictures at 25 a second: 12 s, though the source says about 6
FIRST = 1  # sample of the ECG that is given to the first picture
TOO_FAST_BPM = 200.0
SPAN_S = 10.0


def published_labels(ecg: Wave, pictures: Array, *, rate: float) -> Array:
    """(P,) bpm as in system C, for pictures of these numbers, counted from 0; NaN: left out.

    rate: pictures a second [Hz], of which the n-th is given the ECG at sample 1 + n·round(fs/rate).
    With 128 Hz and 25 Hz that is 5 samples where 5.12 would be right: labels come later and later,
    and that of the picture at 60.0 s is of the ECG around 58.6 s.
    """
    fs = round(rate_of(ecg.time), 6)
    whole, half = notch(ecg.values, rate=fs), round(HALF_FRAMES * fs / rate)
    middles = FIRST + np.asarray(pictures, dtype=int) * round(fs / rate)
    found = [_rate_of(whole[max(0, at - half) : at + half], fs) for at in middles]
    return np.array([value if value < TOO_FAST_BPM else np.nan for value in found])


def _rate_of(piece: Array, fs: float) -> float:
    if len(piece) < 2 * fs or np.ptp(piece) == 0 or not np.isfinite(piece).all():
        return float("nan")
    return threshold_rate(piece, rate=fs)


def centred_labels(ecg: Wave, time_P: Array, *, span: float = SPAN_S) -> Array:
    """(P,) bpm of the median beat interval in `span` s around each time; NaN with fewer than 2.

    Beats are those of Pan & Tompkins, placed between samples (`vitals.ecg`).
    """
    beats = r_peaks(ecg)
    same = np.diff(beats.run) == 0  # nothing was missed between the two
    middle = (beats.time[1:] + beats.time[:-1])[same] / 2
    interval = np.diff(beats.time)[same]
    out = np.full(len(time_P), np.nan)
    for k, at in enumerate(np.asarray(time_P, dtype=float)):
        near = interval[np.abs(middle - at) <= span / 2]
        if len(near) >= 2:
            out[k] = 60 / np.median(near)
    return out
