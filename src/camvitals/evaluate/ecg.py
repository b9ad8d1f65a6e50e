"""How good a predicted ECG is: its shape, its beats, what is read off them, and the floors beside.

A prediction is a trace (of an ECG, or of one label a picture) or, of every picture, the probability
that a beat falls into it. What never looks at anything stands beside each number: zero, the mean,
a metronome of the right rate.
Shape letters: N samples, W windows, K beats, S spans of ten seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from camvitals.dsp.clean import at_times
from camvitals.dsp.peaks import peaks, refine
from camvitals.evaluate.waveform import match_beats
from camvitals.records import Array, InputError, Wave, check
from camvitals.vitals.ecg import SLOWEST_HZ, r_peaks
from camvitals.vitals.variability import artefacts, rmssd, sdnn

KINDS = ("trace", "peaks")
CLOSE_S = 0.05  # how near a beat is found, where samples are closer than that
LIKELY = 0.5  # a beat is said where it is more likely than not
REFRACTORY_S = 0.3  # beats that are looked for on a slow clock are at least this far apart
STANDS_OUT = 1.0  # a peak of a slow trace stands out by this many standard deviations
SPAN_S = 10.0  # the heart rate is that of so many seconds
PHASES = 16  # of the metronome
FLAT = 1e-9  # a standard deviation below this share of the largest value is none
NAN = float("nan")


@dataclass(frozen=True, slots=True)
class _Pair:
    """Prediction and reference on one clock (N,), and the beats of both.

    seen: (N,) where both are known.   found, true: (K,) s, between samples where these allow.
    """

    x: Array
    y: Array
    seen: Array
    found: Array
    true: Array
    start: float
    rate: float
    within: float

    def sample(self, beats: Array) -> Array:
        """(K,) which sample each beat falls into, on a slow clock; on a fast one as it is."""
        if self.rate >= SLOWEST_HZ:
            return beats
        return np.asarray(np.floor((beats - self.start) * self.rate + 1e-6) / self.rate)


def ecg_scores(
    predicted: Wave | Array,
    reference: Wave | Array,
    *,
    rate: float,
    window: float,
    kind: str,
    beats: Array | None = None,
    ectopic: Array | None = None,
    within: float | None = None,
) -> dict[str, float]:
    """Scores of one recording, by the names of ecg_table.SCORES; NaN where one is not defined.

    predicted, reference: (N,) arrays on one clock that starts at 0, or waves, which are brought to
        one clock of `rate`; NaN is not scored. Below 40 samples a second, a sample stands for all
        until the next, as the label of a picture does, so that its beats are in its middle.
    rate: samples per second [Hz].   window: what r and R² are taken over [s].
    kind: "trace", or "peaks" for the probability of a beat in each picture against 0 and 1.
    beats: (K,) true beats [s], where these are known better than from the reference itself.
    ectopic: (K,) which of these are premature; sensitivities are then told apart.
    within: how near a beat is found [s]; None is one sample, at least 50 ms.
    Raises InputError for another kind, lengths that differ, or less than a window.
    """
    if kind not in KINDS:
        raise InputError(f"ecg_scores needs kind {' or '.join(KINDS)} but got {kind!r}")
    pair = _paired(predicted, reference, rate=rate, kind=kind, beats=beats, within=within)
    return {
        **_likeness(pair, window),
        **_floors(pair),
        **_beat_scores(pair, beats, ectopic),
        **_rates(pair),
        **_variabilities(pair),
    }


def _paired(
    predicted: Wave | Array,
    reference: Wave | Array,
    *,
    rate: float,
    kind: str,
    beats: Array | None,
    within: float | None,
) -> _Pair:
    """Both on one clock, with the beats of both that lie on it."""
    x, y, start = _one_clock(predicted, reference, rate=rate)
    seen = np.isfinite(x) & np.isfinite(y)
    within = max(CLOSE_S, 1 / rate) if within is None else within
    found = beat_times(x, rate=rate, kind=kind, start=start, within=within)
    true = beats if beats is not None else beat_times(y, rate=rate, kind=kind, start=start)
    true = np.asarray(true, dtype=float)
    true = true[(true >= start) & (true < start + len(x) / rate)]
    return _Pair(x, y, seen, found, true, start, rate, within)


def _one_clock(
    predicted: Wave | Array, reference: Wave | Array, *, rate: float
) -> tuple[Array, Array, float]:
    """(N,) of either at `rate`, and the time of the first sample [s]."""
    waves = [one for one in (predicted, reference) if isinstance(one, Wave)]
    if not waves:
        x, y = np.asarray(predicted, dtype=float), np.asarray(reference, dtype=float)
        check("reference", y, x.shape)
        check("predicted", x, (None,))
        return x, y, 0.0
    start = max(float(one.time[0]) for one in waves)
    stop = min(float(one.time[-1]) for one in waves)
    arrays = [len(one) for one in (predicted, reference) if not isinstance(one, Wave)]
    count = int(np.floor((stop - start) * rate + 1e-6)) + 1
    count = min([count, *arrays])
    if count < 2:
        raise InputError(
            f"ecg_scores needs two waves of one time but one ends at {stop:.2f} s and the other "
            f"starts at {start:.2f} s; give both on one clock"
        )
    grid = start + np.arange(count) / rate
    x, y = (
        at_times(one.values, one.time, grid) if isinstance(one, Wave) else np.asarray(one)[:count]
        for one in (predicted, reference)
    )
    return x, y, start


def beat_times(
    values: Array, *, rate: float, kind: str, start: float = 0.0, within: float | None = None
) -> Array:
    """Beats [s] of a trace, or of the probabilities of a beat in each picture, (K,) increasing.

    values: (N,), NaN where not known.   rate: [Hz].   start: time of the first sample [s].
    A trace of 40 Hz and more has its R peaks (`vitals.ecg`). A slower one has its maxima that are
    at least 0.3 s apart and stand out by a standard deviation; each is placed by a parabola.
    Probabilities have a beat where, over the picture and those within `within` [s] (None: one
    sample, at least 50 ms) on either side, they sum to a half or more and to no less than
    elsewhere within 0.3 s: a beat is there more likely than not. It is placed at their centroid.
    Where nothing changes within 0.3 s there is none.
    """
    x = np.asarray(values, dtype=float)
    if len(x) < 3 or not np.isfinite(x).any():
        return np.zeros(0)
    if kind == "peaks":
        half = max(1, round((max(CLOSE_S, 1 / rate) if within is None else within) * rate))
        return start + (_likely(np.nan_to_num(x), half=half, rate=rate) + 0.5) / rate
    if rate >= SLOWEST_HZ:
        return r_peaks(Wave(x, start + np.arange(len(x)) / rate, "ecg")).time
    filled = np.where(np.isfinite(x), x, np.nanmin(x))
    spread = float(np.nanstd(x))
    if spread <= FLAT * float(np.nanmax(np.abs(x))):
        return np.zeros(0)
    at = peaks(filled, distance=max(1.0, REFRACTORY_S * rate), prominence=STANDS_OUT * spread)
    return start + (refine(filled, at) + 0.5) / rate


def _likely(p: Array, *, half: int, rate: float) -> Array:
    """(K,) samples, with fractions, about which a beat is more likely than not."""
    p = np.clip(p, 0, 1)
    width = np.ones(2 * half + 1)
    around = np.convolve(p, width, mode="same")
    padded = np.r_[0.0, around, 0.0]  # a beat in the first or last picture is one too
    apart = max(1.0, REFRACTORY_S * rate)
    at = peaks(padded, distance=apart) - 1
    near = at[:, None] + np.arange(-int(np.ceil(apart)), int(np.ceil(apart)) + 1)
    stands = around[at] - around[np.clip(near, 0, len(p) - 1)].min(axis=1) > FLAT
    at = at[stands & (around[at] >= LIKELY - FLAT)]
    moment = np.convolve(p * np.arange(len(p)), width, mode="same")
    return np.asarray(moment[at] / around[at])


def window_scores(
    predicted: Array, reference: Array, *, rate: float, window: float
) -> tuple[Array, Array]:
    """Pearson r and R² about the window's own mean, of every whole window, (W,) each.

    predicted, reference: (N,) at `rate` [Hz].   window: [s]; each begins where the last one ends.
    A prediction that does not vary has r = 0, for it says nothing; NaN where the reference does not
    vary or anything is NaN. Raises InputError when shorter than one window.
    """
    x, y = (
        _windows(np.asarray(v, float), rate=rate, window=window) for v in (predicted, reference)
    )
    dx, dy = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    known, vary = _varies(y), _varies(x)
    scale = np.sqrt((dx**2).sum(axis=1) * (dy**2).sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        r = np.where(vary, (dx * dy).sum(axis=1) / scale, 0.0)
        r2 = 1 - ((x - y) ** 2).sum(axis=1) / (dy**2).sum(axis=1)
    known &= np.isfinite(x).all(axis=1)
    return np.where(known, r, np.nan), np.where(known, r2, np.nan)


def _windows(values: Array, *, rate: float, window: float) -> Array:
    """(W, n) the samples of the windows, each of whole samples nearest to its beginning."""
    width = round(window * rate)
    count = int((len(values) + 1e-6) / (window * rate))
    if width < 3 or count < 1:
        raise InputError(
            f"ecg_scores needs a window of 3 samples and a recording of one window, but got "
            f"{width} and {len(values)} samples; give a longer window= or recording"
        )
    first = np.round(np.arange(count) * window * rate).astype(int)
    first = first[first + width <= len(values)]
    return np.asarray(values[first[:, None] + np.arange(width)])


def _varies(values: Array) -> Array:
    """(W,) whether the samples of a window differ by more than rounding."""
    return np.asarray(values.std(axis=1) > FLAT * np.maximum(np.abs(values).max(axis=1), 1e-300))


def _likeness(pair: _Pair, window: float) -> dict[str, float]:
    r, r2 = window_scores(pair.x, pair.y, rate=pair.rate, window=window)
    known = np.isfinite(r)
    x, y = pair.x[pair.seen], pair.y[pair.seen]
    if len(x) < 3:
        return dict.fromkeys(("r", "r_joined", "r2", "r2_window", "mse", "mae"), NAN) | {
            "windows": 0.0
        }
    whole = _windows(np.where(pair.seen, pair.y, np.nan), rate=pair.rate, window=window)
    spread = len(whole[0]) * whole.var(axis=1)[known]
    varies = float(y.std()) > FLAT * float(np.abs(y).max())
    moves = float(x.std()) > FLAT * float(np.abs(x).max())
    return {
        "r": float(r[known].mean()) if known.any() else NAN,
        "r_joined": (float(np.corrcoef(x, y)[0, 1]) if moves else 0.0) if varies else NAN,
        "r2": float(1 - np.mean((x - y) ** 2) / y.var()) if varies else NAN,
        "r2_window": float(1 - ((1 - r2[known]) * spread).sum() / spread.sum())
        if known.any()
        else NAN,
        "mse": float(np.mean((x - y) ** 2)),
        "mae": float(np.mean(np.abs(x - y))),
        "windows": float(known.sum()),
    }


def _floors(pair: _Pair) -> dict[str, float]:
    """Errors of the constants: of 0 and 1 with a share p of 1 these are p and p(1 − p)."""
    y = pair.y[pair.seen]
    if not len(y):
        return dict.fromkeys(("zero_mse", "mean_mse", "zero_mae", "median_mae"), NAN)
    return {
        "zero_mse": float(np.mean(y**2)),
        "mean_mse": float(y.var()),
        "zero_mae": float(np.mean(np.abs(y))),
        "median_mae": float(np.mean(np.abs(y - np.median(y)))),
    }


def _beat_scores(pair: _Pair, beats: Array | None, ectopic: Array | None) -> dict[str, float]:
    near = pair.within + 1e-6
    match = match_beats(pair.sample(pair.found), pair.sample(pair.true), within=near, latest=0)
    some = len(pair.true) > 0
    first, second = match.pairs.T if len(match.pairs) else (np.zeros(0, int),) * 2
    follow = (np.diff(first) == 1) & (np.diff(second) == 1)
    off = (np.diff(pair.found[first]) - np.diff(pair.true[second]))[follow]
    out = {
        "f1": match.f1 if some else NAN,
        "precision": match.precision if some else NAN,
        "sensitivity": match.recall if some else NAN,
        "f1_floor": _metronome(pair),
        "interval_mae_ms": float(1e3 * np.abs(off).mean()) if len(off) else NAN,
        "beats": float(len(pair.true)),
    }
    if ectopic is None or beats is None:
        return out
    check("ectopic", ectopic, (len(beats),))
    inside = np.isin(np.asarray(beats, dtype=float), pair.true)
    early, hit = np.asarray(ectopic, dtype=bool)[inside], np.zeros(len(pair.true), dtype=bool)
    hit[second] = True
    for name, which in (("ectopic", early), ("normal", ~early)):
        out[f"sensitivity_{name}"] = float(hit[which].mean()) if which.any() else NAN
    return out


def _metronome(pair: _Pair) -> float:
    """Mean F1 of even beats at the mean rate of the true ones, over all phases."""
    if len(pair.true) < 2:
        return NAN
    step = float(np.diff(pair.true).mean())
    stop = pair.start + len(pair.y) / pair.rate
    true = pair.sample(pair.true)
    found = []
    for phase in np.arange(PHASES) / PHASES * step:
        even = pair.sample(np.arange(pair.start + phase, stop, step))
        found.append(match_beats(even, true, within=pair.within + 1e-6, latest=0).f1)
    return float(np.mean(found))


def heart_rates_of(beats: Array, *, start: float, stop: float, span: float = SPAN_S) -> Array:
    """Heart rate [bpm] of every whole span, from its first to its last beat; NaN below 3 beats.

    beats: (K,) s.   start, stop: of the recording [s].   span: [s].
    """
    count = int((stop - start) / span + 1e-6)
    first = np.searchsorted(beats, start + span * np.arange(count))
    last = np.searchsorted(beats, start + span * np.arange(1, count + 1)) - 1
    enough = last - first >= 2
    out = np.full(count, np.nan)
    a, b = first[enough], last[enough]
    out[enough] = 60 * (b - a) / (beats[b] - beats[a])
    return out


def _rates(pair: _Pair) -> dict[str, float]:
    stop = pair.start + len(pair.x) / pair.rate
    found, true = (heart_rates_of(b, start=pair.start, stop=stop) for b in (pair.found, pair.true))
    asked = np.isfinite(true)
    error = np.abs(found - true)[asked & np.isfinite(found)]
    return {
        "heart_rate": float(true[asked].mean()) if asked.any() else NAN,
        "heart_rate_mae": float(error.mean()) if len(error) else NAN,
        "heart_rate_answered": float(len(error) / asked.sum()) if asked.any() else NAN,
    }


def _variabilities(pair: _Pair) -> dict[str, float]:
    """Errors [ms] of SDNN and RMSSD from the beats found, and from true beats cut to samples."""
    found, true = _hrv(pair.found), _hrv(pair.true)
    cut = _hrv(np.floor((pair.true - pair.start) * pair.rate) / pair.rate)
    out = {}
    for k, name in enumerate(("sdnn", "rmssd")):
        out[f"{name}_ms"] = true[k]
        out[f"{name}_error_ms"] = abs(found[k] - true[k])
        out[f"{name}_clock_ms"] = abs(cut[k] - true[k])
    return out


def _hrv(beats: Array) -> tuple[float, float]:
    """SDNN and RMSSD [ms] of the intervals but the artefacts; NaN below 8 of them."""
    interval = np.diff(beats)
    good = ~artefacts(interval)
    ms = 1e3 * interval
    pairs = np.stack([ms[:-1], ms[1:]], axis=1)[good[:-1] & good[1:]]
    if good.sum() < 8 or len(pairs) < 8:
        return NAN, NAN
    return float(sdnn(ms[good])), float(rmssd(pairs))
