"""The default pulse: every region and several methods at once, joined by evidence.

Shape letters: N samples of a stretch, R regions, K candidates, M windows.
"""

from __future__ import annotations

import numpy as np

from camvitals.dsp.clean import bandpass, normalized, runs, uniform
from camvitals.records import Array, InputError, Trace
from camvitals.waves.evidence import RATES_BPM, Candidates, Evidence
from camvitals.waves.run import METHODS, wave_of

AUTO = "auto"
MIXED = ("pos", "chrom", "green")
BAND_HZ = (0.65, 4.0)
SHORTEST_S = 5.0
SLOWEST_HZ = 8.0
TYPICAL_STRENGTH = 0.003
NEAR_BPM = 6.0


def stretches(trace: Trace, *, method: str, rate: float) -> list[Candidates]:
    """The gapless stretches of a trace of at least SHORTEST_S, each with its candidates.

    method: "auto" for MIXED over all regions, or a name of METHODS for that wave alone.
    rate:   of the uniform clock [Hz], at least SLOWEST_HZ.
    Raises InputError for an unknown method or too low a rate.
    """
    if rate < SLOWEST_HZ:
        raise InputError(f"a pulse needs {SLOWEST_HZ:g} pictures a second but got {rate:.1f}")
    colour, time = uniform(trace.rgb, trace.time, rate=rate)
    box, _ = uniform(trace.box, trace.time, rate=rate)
    if method == AUTO:
        seen = np.isfinite(colour[:, _main(trace.names), 0])
    else:
        wave = wave_of(trace, method=method, rate=rate).values
        seen = np.isfinite(wave)
    found = []
    for run in sorted(runs(seen), key=lambda run: run.start):
        if run.stop - run.start >= SHORTEST_S * rate:
            if method == AUTO:
                values, origin = _mixed(colour[run], trace.names, rate)
            else:
                values, origin = _alone(wave[run]), np.zeros(1, dtype=int)
            motion, behind = _position(box[run]), _behind(colour[run], trace.names, rate)
            found.append(Candidates(values, origin, motion, behind, time[run], rate))
    return found


def _main(names: tuple[str, ...]) -> int:
    return names.index("skin") if "skin" in names else 0


def _mixed(colour_NRC: Array, names: tuple[str, ...], rate: float) -> tuple[Array, Array]:
    """(N, K) candidates of MIXED over the regions seen throughout, and the method of each."""
    whole = np.isfinite(colour_NRC).all(axis=(0, 2)) & (np.array(names) != "background")
    usable = np.maximum(colour_NRC[:, whole], 1e-3)
    values = [METHODS[name].function(usable, rate=rate) for name in MIXED]
    high = min(BAND_HZ[1], 0.45 * rate)
    banded = bandpass(np.concatenate(values, axis=1), rate=rate, low=BAND_HZ[0], high=high)
    return banded, np.repeat(np.arange(len(MIXED)), usable.shape[1])


def _alone(wave_N: Array) -> Array:
    """One wave of unknown unit as the only candidate, scaled to a pulse of ordinary strength."""
    centred = wave_N[:, None] - wave_N.mean()
    return np.asarray(centred * (TYPICAL_STRENGTH / (centred.std() + 1e-12)))


def _position(box_N4: Array) -> Array:
    """(N, 2) box centre in box widths; steady where unknown."""
    centre = (box_N4[:, :2] + box_N4[:, 2:]) / 2
    width = np.nanmedian(box_N4[:, 2] - box_N4[:, 0]) if np.isfinite(box_N4).any() else 1.0
    return (
        np.nan_to_num((centre - np.nanmean(centre, axis=0)) / max(float(width), 1.0))
        if (np.isfinite(centre).all())
        else np.zeros((len(box_N4), 2))
    )


def _behind(colour_NRC: Array, names: tuple[str, ...], rate: float) -> Array:
    """(N, 1) relative brightness of the background, or (N, 0) where it is not seen throughout."""
    if "background" not in names:
        return np.zeros((len(colour_NRC), 0))
    behind = colour_NRC[:, names.index("background")].mean(axis=1, keepdims=True)
    if not np.isfinite(behind).all() or behind.min() <= 0:
        return np.zeros((len(colour_NRC), 0))
    return normalized(behind, rate=rate, window=2.0)


def combine(candidates: Candidates, evidence: Evidence, rates_M: Array) -> Array:
    """(N,) one pulse: in every window each candidate weighs by its power near the rate found there.

    rates_M: heart rate of each window of the evidence [bpm]. Unit variance, overlap-added.
    """
    near = np.abs(RATES_BPM[None] - rates_M[:, None]) <= NEAR_BPM
    share = (evidence.weights * near[..., None]).sum(axis=1) / evidence.weights.sum(axis=1)
    share = np.clip(share, 1e-3, 0.98)
    weight = share / (1 - share)
    weight /= weight.sum(axis=1, keepdims=True)
    width = round(evidence.length * candidates.rate)
    taper = np.hanning(width + 2)[1:-1] + 1e-3
    out, total = np.zeros(len(candidates.time)), np.zeros(len(candidates.time))
    for centre, w in zip(evidence.centre, weight, strict=True):
        first = round((centre - candidates.time[0]) * candidates.rate - (width - 1) / 2)
        part = slice(first, first + width)
        values = candidates.values[part]
        out[part] += taper * ((values / (values.std(axis=0) + 1e-12)) @ w)
        total[part] += taper
    return out / total
