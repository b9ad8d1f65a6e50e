"""Pulse with the changing light taken out: Li 2014, Subramaniam & Rajitha 2019.

Shape letters: T samples, R regions. Systolic peak upward; units of relative colour change.
"""

from __future__ import annotations

import numpy as np

from camvitals.dsp.adaptive import history, nlms, rls
from camvitals.dsp.clean import bandpass
from camvitals.records import Array, InputError
from camvitals.waves.blind import BAND_HZ, ica, upright
from camvitals.waves.inputs import centred, colours, relative

SHORTEST_S = 5.0


def li(
    rgb: Array,
    background: Array,
    *,
    rate: float,
    segment: float = 1.0,
    share: float = 0.05,
    threshold: float | None = None,
) -> Array:
    """Pulse by illumination rectification and motion elimination (Li et al., 2014).

    rgb, background: (T, 3) mean colour of the skin and of what is behind it, >= 0, uniform.
    rate:      samples per second [Hz].   segment: stretch kept or dropped as one [s].
    threshold: largest standard deviation of a segment that is kept (relative change of green);
    None drops the `share` (0–1) of this recording's segments that vary most. The paper takes its
    threshold over the whole data set, test clips included; fit it on training clips and pass it.
    Returns (T,), zero mean: green that the background cannot explain (NLMS, the taps learnt in a
    first pass and frozen in the second). Both signals enter without their means: with them the
    taps learn little but the ratio of the means, and lag behind a light that changes fast. Dropped
    segments stay in place as level stretches, and what follows is joined to them, so that the
    clock of the beats holds; the paper cuts them out.
    Raises InputError when shorter than 5 s, not finite, negative, or not both T×3.
    """
    face, behind = _pair("li", rgb, background, rate)
    green, wall = centred(face[:, 1]), centred(behind[:, 1])
    weights = nlms(green, wall)
    left = green - history(wall, len(weights)) @ weights
    left = left / max(float(face[:, 1].mean()), 1e-9)
    calm = calm_segments(left, rate=rate, segment=segment, share=share, threshold=threshold)
    return centred(-joined(left, calm))


def calm_segments(
    values: Array, *, rate: float, segment: float, share: float, threshold: float | None = None
) -> Array:
    """(T,) True where a segment's standard deviation is not above the threshold.

    values: (T,) uniform.   rate [Hz].   segment: length [s].   share: of the segments to drop when
    no threshold is given. Samples after the last whole segment are judged with that segment.
    """
    length = max(2, round(segment * rate))
    count = max(1, len(values) // length)
    part = np.minimum(np.arange(len(values)) // length, count - 1)
    whole = values[: count * length].reshape(count, -1)
    spread = whole.std(axis=1, ddof=1)
    limit = np.quantile(spread, 1 - share) if threshold is None else threshold
    return np.asarray((spread <= limit)[part])


def joined(values: Array, keep: Array) -> Array:
    """(T,) values with the stretches not kept made level, and no step at their ends.

    values: (T,).   keep: (T,) bool. A step into the first kept sample after a gap is taken from all
    that follows, measured against the already corrected value before the gap.
    """
    step = np.diff(values, prepend=values[:1])
    before = np.concatenate([keep[:1], keep[:-1]])
    return np.asarray(np.cumsum(np.where(keep & before, step, 0.0)))


def subramaniam(rgb: Array, background: Array, *, rate: float, forgetting: float = 0.99) -> Array:
    """Pulse by recursive least squares against the background, then ICA (Subramaniam & Rajitha,
    ICAART 2019).

    rgb, background: (T, 3) mean colour of the skin and of what is behind it, >= 0, uniform.
    rate: samples per second [Hz].   forgetting: weight kept per sample, 0–1 (our choice: 0.99).
    Returns (T,), zero mean, unit variance. Channel by channel the relative change of the background
    is removed from that of the skin; the paper's tracking and segmentation are the collector's.
    Raises InputError when shorter than 5 s, not finite, negative, or not both T×3.
    """
    face, behind = _pair("subramaniam", rgb, background, rate)
    light = relative(behind)
    spread = light.std(axis=0)
    light = light / np.where(spread > 1e-12, spread, np.inf)
    left = rls(relative(face), light, forgetting=forgetting)
    return ica(1 + np.maximum(left, -1.0), rate=rate)


def subramaniam_reflectance(rgb: Array, *, rate: float) -> Array:
    """Pulse from spectral reflectance, no background needed (after Subramaniam & Rajitha, ICIP
    2019).

    rgb:  (T, 3), or (T, R, 3) mean colours of many regions, >= 0, uniformly sampled.
    rate: samples per second [Hz].
    Returns (T,), zero mean, relative colour change. Only the abstract was open to us; our reading:
    a colour is light × reflectance, so log green minus the mean of the three logarithms is free of
    any light that changes all channels alike; regions are averaged, each weighted by how little it
    varies within the heart band.
    Raises InputError when shorter than 5 s, not finite or negative.
    """
    name = "subramaniam_reflectance"
    x = relative(colours(name, rgb, rate=rate, seconds=SHORTEST_S)).reshape(len(rgb), -1, 3)
    logs = np.log1p(np.maximum(x, -0.99))
    reflectance = centred(logs[..., 1] - logs.mean(axis=-1))
    high = min(BAND_HZ[1], 0.45 * rate)
    power = bandpass(reflectance, rate=rate, low=BAND_HZ[0], high=high).var(axis=0)
    weight = np.where(power > 1e-18, 1 / np.maximum(power, 1e-18), 0.0)
    mean = reflectance @ (weight / max(float(weight.sum()), 1e-300))
    return upright(mean, (x[..., 1] - x[..., 0]).mean(axis=1), rate=rate)


def _pair(method: str, rgb: Array, background: Array, rate: float) -> tuple[Array, Array]:
    face = colours(method, rgb, rate=rate, seconds=SHORTEST_S)
    behind = colours(method, background, rate=rate, seconds=SHORTEST_S)
    if face.ndim != 2 or face.shape != behind.shape:
        raise InputError(
            f"{method} needs one skin and one background colour, both T×3, but got "
            f"{'×'.join(map(str, face.shape))} and {'×'.join(map(str, behind.shape))}; "
            "put both on one clock and give one region"
        )
    return face, behind
