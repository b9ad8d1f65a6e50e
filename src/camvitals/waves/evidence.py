"""How strongly every heart rate is supported by all candidate pulses at once.

One candidate can be fooled by motion, light or compression; a pulse is what most of them share,
in phase over the face, and what the head and the background do not do.

Shape letters: N samples, K candidates, J nuisance signals, M windows, F rates, D facts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from camvitals.records import Array
from camvitals.steps import Steps, finish

RATES_BPM = np.arange(40.0, 221.0)
WINDOW_S, HOP_S = 10.0, 1.0
NEAR_BPM = 10
PER_STEP = 2
TALL = 24  # rows of a piece of a product
ONE_THREAD = 262_144  # multiplications up to which OpenBLAS uses one thread
BLOOD = np.array(
    [0.33, 0.77, 0.53], dtype=np.float32
)  # relative R, G, B (de Haan & van Leest, 2014)
LIGHT = np.full(3, 3**-0.5, dtype=np.float32)
FACTS = (
    "mean_log",  # geometric mean of the candidates' normalised power, log
    "log_mean",  # arithmetic mean of the same, log
    "above_trend",  # geometric mean over a power law fitted to each candidate, log
    "least_method",  # the least of the methods' mean normalised power, log
    "best_method",  # the greatest of the same, log
    "concentration",  # share of the candidates' power near the rate and its double, log odds
    "below_top",  # how far below the window's best rate
    "below_near",  # how far below the best rate within NEAR_BPM
    "agreement",  # mean over candidates of power relative to the candidate's own best
    "coherence",  # phase coherence over regions, mean over methods
    "harmonic",  # power at the doubled rate
    "half",  # power at half the rate
    "like_pulse",  # likeness of the skin's colour change to that of blood, 0–1
    "like_light",  # likeness to a change of brightness alone, 0–1
    "cleaned_like_pulse",  # the same two without what light and motion explain
    "cleaned_like_light",
    "strength",  # pulse amplitude relative to skin brightness, log
    "motion",  # head movement at this rate in face widths, log
    "motion_share",  # the same relative to its mean over rates, log
    "motion_in_all",  # head movement at all rates together, log
    "unrest",  # change of skin colour at all rates together, log
    "motion_half",  # head movement at half the rate: shading goes with its square
    "background",  # brightness change behind the face at this rate, log
    "background_share",
    "rate",  # the rate itself, in 100 bpm
    "length",  # window length in 10 s
    "guide",  # normalised power of the guide's pulse, log; 0 where there is no guide
    "guide_below_top",  # how far below its best rate in the window
    "guide_harmonic",  # its power at the doubled rate
    "guide_half",  # and at half the rate
    "guide_certainty",  # its log odds that its pulse is right, mean over the window
    "guided",  # whether there is one, 1 or 0
)


@dataclass(frozen=True, slots=True)
class Candidates:
    """Competing pulse estimates of one gapless stretch on one uniform clock.

    values: (N, K) relative amplitude, pulse up.  method: (K,) index of the method of each column.
    colour: (N, 6) relative R, G, B of the skin as it is, and without what light and motion explain.
    motion: (N, J) face position in face widths.
    place:  (N, P) powers of it, in face widths too, within the heart's band.
    background: (N, B) relative brightness behind the face; B may be 0.
    guide:  (N, 2) pulse and log odds of `waves.guide`, or (N, 0).
    time:   (N,) s.  rate: samples per second [Hz].
    """

    values: Array
    method: Array
    colour: Array
    motion: Array
    place: Array
    background: Array
    guide: Array
    time: Array
    rate: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """Facts of the sliding windows of one stretch.

    facts: (M, F, D) in the order of FACTS.  weights: (M, F, K) share of each candidate's power
    that lies at each rate, and with a guide (M, F, K + 1), its own last.  explained: (M, F) share
    0–1 of what the candidates have at each rate that goes with the place of the head.  swing:
    (M, F) largest amplitude that a power of that place has there, in face widths.
    centre: (M,) middle of each window [s]; length: window length [s].
    """

    facts: Array
    weights: Array
    explained: Array
    swing: Array
    centre: Array
    length: float


def weigh(candidates: Candidates) -> Evidence:
    """Facts for every window of WINDOW_S (shorter stretches: one window) and every rate."""
    return finish(weigh_steps(candidates))


def weigh_steps(candidates: Candidates) -> Steps[Evidence]:
    """As `weigh`, in steps of PER_STEP windows."""
    starts, width = windows(len(candidates.time), rate=candidates.rate)
    parts = []
    for at in range(0, len(starts), PER_STEP):
        parts.append(_weigh_some(candidates, starts[at : at + PER_STEP], width))
        yield
    facts, weights, explained, swing = (np.concatenate(part) for part in zip(*parts, strict=True))
    centre = candidates.time[starts] + (width - 1) / 2 / candidates.rate
    return Evidence(facts, weights, explained, swing, centre, (width - 1) / candidates.rate)


def windows(count: int, *, rate: float) -> tuple[Array, int]:
    """First samples (M,) of the windows of WINDOW_S every HOP_S, and their length in samples."""
    width = min(count, round(WINDOW_S * rate))
    hop = max(1, round(HOP_S * rate))
    starts = np.arange(0, count - width + 1, hop)
    if count - width - starts[-1] > hop // 2:
        starts = np.append(starts, count - width)
    return starts, width


def _weigh_some(candidates: Candidates, starts: Array, width: int) -> tuple[Array, ...]:
    rate = candidates.rate
    fine = _spectra(candidates.values, starts, width, rate=rate, multiples=(1.0, 2.0, 0.5))
    motion, slow_motion = (
        _amplitude(candidates.motion, starts, width, rate=rate, multiple=m) for m in (1.0, 0.5)
    )
    background = _amplitude(candidates.background, starts, width, rate=rate)
    power = np.abs(fine) ** 2
    scale = power[:, 0].mean(axis=1, keepdims=True)[:, None] + 1e-20
    share = power / scale
    log_share = np.log(share + 1e-3)
    log_mean = np.log(share[:, 0].mean(-1) + 1e-3)
    own_best = share[:, 0].max(axis=1, keepdims=True) + 1e-20
    likeness = _likeness(candidates.colour, starts, width, rate=rate)
    colour = _amplitude(candidates.colour[:, :3], starts, width, rate=rate)
    unrest = np.log(colour.mean(axis=1, keepdims=True) + 1e-4)
    rates = np.broadcast_to(RATES_BPM / 100, log_mean.shape)
    of_guide, share_of_guide = _of_guide(candidates.guide, starts, width, rate=rate)
    facts = np.stack(
        [
            log_share[:, 0].mean(-1),
            log_mean,
            _above_trend(log_share[:, 0]),
            *_extreme_methods(share[:, 0], candidates.method),
            _concentration(share),
            log_mean - log_mean.max(axis=1, keepdims=True),
            log_mean - _nearby_best(log_mean),
            (share[:, 0] / own_best).mean(-1),
            _coherence(fine[:, 0], candidates.method),
            log_share[:, 1].mean(-1),
            log_share[:, 2].mean(-1),
            *likeness,
            np.log(np.sqrt(power[:, 0]).mean(-1) + 1e-5),
            np.log(motion + 1e-4),
            np.log((motion + 1e-5) / (motion.mean(axis=1, keepdims=True) + 1e-5)),
            np.broadcast_to(np.log(motion.mean(axis=1, keepdims=True) + 1e-4), log_mean.shape),
            np.broadcast_to(unrest, log_mean.shape),
            np.log(slow_motion + 1e-4),
            np.log(background + 1e-4),
            np.log((background + 1e-5) / (background.mean(axis=1, keepdims=True) + 1e-5)),
            rates,
            np.full(log_mean.shape, width / rate / 10),
            *of_guide,
        ],
        axis=-1,
    )
    weights = np.concatenate([share[:, 0], share_of_guide], axis=-1)
    placed = _by_place(candidates, starts, width, fine[:, 0])
    return facts.astype(np.float32), weights.astype(np.float32), *placed


def _spectra(
    values: Array, starts: Array, width: int, *, rate: float, multiples: tuple[float, ...]
) -> Array:
    """(M, len(multiples), F, K) complex amplitude at the multiples of RATES_BPM."""
    windows = np.lib.stride_tricks.sliding_window_view(values, width, axis=0)[starts]
    windows = (windows - windows.mean(-1, keepdims=True)).astype(np.float32)
    real, imaginary = _basis(width, rate, multiples)
    flat = windows.reshape(-1, width)
    found = np.empty((len(flat), real.shape[1]), dtype=np.complex64)
    found.real, found.imag = _product(flat, real), _product(flat, imaginary)
    shape = (len(starts), -1, len(multiples), len(RATES_BPM))
    return np.moveaxis(found.reshape(shape), 1, -1)


def _product(rows_MN: Array, columns_NF: Array) -> Array:
    """(M, F) matrix product, in pieces that BLAS works on with one thread.

    Larger ones wake threads that then wait for more at full power, which costs several times the
    product itself.
    """
    found = np.empty((len(rows_MN), columns_NF.shape[1]), dtype=rows_MN.dtype)
    wide = max(1, ONE_THREAD // (TALL * len(columns_NF)))
    for row in range(0, found.shape[0], TALL):
        for column in range(0, found.shape[1], wide):
            piece = slice(row, row + TALL), slice(column, column + wide)
            np.matmul(rows_MN[piece[0]], columns_NF[:, piece[1]], out=found[piece])
    return found


@lru_cache(maxsize=16)
def _basis(width: int, rate: float, multiples: tuple[float, ...]) -> tuple[Array, Array]:
    """Two (width, rates) tapered waves, cosine and minus sine, that a window is projected on."""
    taper = np.hanning(width + 2)[1:-1]
    hertz = np.multiply.outer(multiples, RATES_BPM / 60).ravel()
    phase = 2 * np.pi * np.arange(width)[:, None] / rate * hertz[None]
    scale = taper[:, None] * (2 / taper.sum()) * (hertz < rate / 2)
    return (np.cos(phase) * scale).astype(np.float32), (-np.sin(phase) * scale).astype(np.float32)


def _amplitude(
    values: Array, starts: Array, width: int, *, rate: float, multiple: float = 1.0
) -> Array:
    """(M, F) root sum of squares of the amplitude over the signals; zeros without signals."""
    if values.shape[1] == 0:
        return np.zeros((len(starts), len(RATES_BPM)))
    found = _spectra(values, starts, width, rate=rate, multiples=(multiple,))[:, 0]
    return np.asarray(np.sqrt((np.abs(found) ** 2).sum(-1)))


def _above_trend(log_share_MFK: Array) -> Array:
    """(M, F) mean over candidates of log power less the straight line through it over log rate."""
    x = np.log(RATES_BPM)
    x = (x - x.mean()) / x.std()
    centred = log_share_MFK - log_share_MFK.mean(axis=1, keepdims=True)
    slope = np.minimum(np.einsum("f,mfk->mk", x, centred) / len(x), 0.0)
    return np.asarray((centred - x[:, None] * slope[:, None]).mean(axis=-1))


def _likeness(colour_N6: Array, starts: Array, width: int, *, rate: float) -> list[Array]:
    """(M, F) likeness of the colour change at each rate to blood and to light, raw then cleaned."""
    found = _spectra(colour_N6, starts, width, rate=rate, multiples=(1.0,))[:, 0]
    likeness = []
    for change in (found[..., :3], found[..., 3:]):
        size = np.sqrt((np.abs(change) ** 2).sum(-1)) + 1e-9
        likeness += [np.abs(change @ axis) / size for axis in (BLOOD, LIGHT)]
    return likeness


def _by_place(
    candidates: Candidates, starts: Array, width: int, spectra_MFK: Array
) -> tuple[Array, Array]:
    """(M, F) explained and swing of `Evidence`.

    What a window's candidates have of the powers of the place, by least squares, is taken off
    their amplitudes; what is left is shared out among the rates anew, and compared.
    """
    if candidates.place.shape[1] == 0:
        return np.zeros(spectra_MFK.shape[:2]), np.zeros(spectra_MFK.shape[:2])
    place, rate = candidates.place, candidates.rate
    spectra = _spectra(place, starts, width, rate=rate, multiples=(1.0,))[:, 0]
    taper = np.hanning(width + 2)[1:-1, None]
    left = np.empty_like(spectra_MFK)
    for m, start in enumerate(starts):
        part = slice(start, start + width)
        scale = place[part].std(axis=0) + 1e-9
        cause = place[part] / scale
        within = cause.T @ (taper * cause) + 1e-3 * width * np.eye(cause.shape[1])
        gain = np.linalg.solve(within, cause.T @ (taper * candidates.values[part]))
        left[m] = spectra_MFK[m] - (spectra[m] / scale) @ gain
    before, after = (_share(np.abs(x) ** 2).mean(axis=-1) for x in (spectra_MFK, left))
    return np.clip(1 - after / (before + 1e-9), 0, 1), np.abs(spectra).max(axis=-1)


def _share(power_MFK: Array) -> Array:
    """(M, F, K) power relative to its mean over the rates."""
    return np.asarray(power_MFK / (power_MFK.mean(axis=1, keepdims=True) + 1e-20))


def _of_guide(guide: Array, starts: Array, width: int, *, rate: float) -> tuple[list[Array], Array]:
    """Six (M, F) facts of the guide's pulse, zeros without one, and (M, F, 1 or 0) its share."""
    shape = (len(starts), len(RATES_BPM))
    if guide.shape[1] == 0:
        return [np.zeros(shape)] * 6, np.zeros((*shape, 0))
    found = _spectra(guide[:, :1], starts, width, rate=rate, multiples=(1.0, 2.0, 0.5))
    power = np.abs(found) ** 2
    share = power / (power[:, 0].mean(axis=1, keepdims=True)[:, None] + 1e-20)
    log_share = np.log(share[..., 0] + 1e-3)
    odds = np.lib.stride_tricks.sliding_window_view(guide[:, 1], width)[starts].mean(axis=-1)
    facts = [
        log_share[:, 0],
        log_share[:, 0] - log_share[:, 0].max(axis=1, keepdims=True),
        log_share[:, 1],
        log_share[:, 2],
        np.broadcast_to(odds[:, None], shape),
        np.ones(shape),
    ]
    return facts, share[:, 0]


def _extreme_methods(share_MFK: Array, method_K: Array) -> tuple[Array, Array]:
    """Log of the least and of the greatest of the methods' mean share over their regions."""
    means = [share_MFK[..., method_K == m].mean(-1) for m in np.unique(method_K)]
    return np.log(np.min(means, axis=0) + 1e-3), np.log(np.max(means, axis=0) + 1e-3)


def _concentration(share_M3FK: Array) -> Array:
    """Log odds of the mean share of power within NEAR_BPM of a rate, and at its double."""
    reach = NEAR_BPM
    mean = share_M3FK.mean(-1)
    padded = np.pad(mean[:, 0], ((0, 0), (reach + 1, reach)))
    total = np.cumsum(padded, axis=1)
    near = (total[:, 2 * reach + 1 :] - total[:, : -2 * reach - 1]) / len(RATES_BPM)
    near = np.clip(near + mean[:, 1] * (reach / len(RATES_BPM)), 1e-3, 0.99)
    return np.asarray(np.log(near / (1 - near)))


def _nearby_best(values_MF: Array) -> Array:
    reach = NEAR_BPM
    padded = np.pad(values_MF, ((0, 0), (reach, reach)), mode="edge")
    return np.asarray(
        np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=1).max(-1)
    )


def _coherence(spectra_MFK: Array, method_K: Array) -> Array:
    """|Σ X| / Σ |X| over the regions of each method, mean over methods; 0 with one region."""
    found = []
    for method in np.unique(method_K):
        columns = spectra_MFK[..., method_K == method]
        if columns.shape[-1] > 1:
            found.append(np.abs(columns.sum(-1)) / (np.abs(columns).sum(-1) + 1e-12))
    return np.mean(found, axis=0) if found else np.zeros(spectra_MFK.shape[:2])
