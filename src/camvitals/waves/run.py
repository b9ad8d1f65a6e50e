"""The pulse methods by name, and one way to run any of them on a trace with gaps.

Shape letters: N samples of the uniform clock, P columns (regions or points), L samples of a window.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from camvitals.dsp.clean import bandpass, runs, uniform
from camvitals.dsp.colours import filled
from camvitals.dsp.moving import overlap_add, starts
from camvitals.dsp.spectrum import HEART_BAND_HZ
from camvitals.face.regions import NAMES
from camvitals.records import Array, InputError, Trace, Wave
from camvitals.waves import blind, classical, learned, many, motion, rectify, subspace


@dataclass(frozen=True, slots=True)
class Method:
    """One published pulse method.

    function: arrays and rate= in, (T,) wave out.
    needs:    what of a Trace it is given: "rgb" one region (T, 3); "background" that and the
              background (T, 3); "grid" the grid regions (T, R, 3); "moments" (T, 3, 3); "points"
              (T, P, 2); "regions" those that a network's card names (T, R, 3), the whole face's
              colour while one is unseen; "crops" the pulse (T, 1, 1) that a network saw in them.
    minimum:  shortest run [s].   source: the paper.
    window:   longest stretch given to it at once [s]; longer runs are cut into windows that overlap
              by half and are joined again. None: whole runs.
    fewest:   regions or points that must be seen throughout (needs "grid" and "points").
    rate:     samples per second that it takes [Hz]; None: any.
    regions:  names of the regions it takes (needs "regions").
    """

    function: Callable[..., Array]
    needs: str
    minimum: float
    source: str
    window: float | None = None
    fewest: int = 1
    rate: float | None = None
    regions: tuple[str, ...] = ()


METHODS: dict[str, Method] = {
    "green": Method(
        classical.green,
        "rgb",
        classical.SHORTEST_S,
        "Verkruysse, Svaasand & Nelson, Optics Express 16 (2008)",
    ),
    "pca": Method(
        blind.pca,
        "rgb",
        blind.SHORTEST_S,
        "Lewandowska, Rumiński, Kocejko & Nowak, FedCSIS (2011)",
        window=30.0,
    ),
    "ica": Method(
        blind.ica,
        "rgb",
        blind.SHORTEST_S,
        "Poh, McDuff & Picard, Optics Express 18 (2010)",
        window=30.0,
    ),
    "chrom": Method(
        classical.chrom,
        "rgb",
        classical.SHORTEST_S,
        "de Haan & Jeanne, IEEE Transactions on Biomedical Engineering 60 (2013)",
    ),
    "pos": Method(
        classical.pos,
        "rgb",
        classical.SHORTEST_S,
        "Wang, den Brinker, Stuijk & de Haan, IEEE Transactions on Biomedical Engineering 64 "
        "(2017)",
    ),
    "pbv": Method(
        subspace.pbv,
        "rgb",
        subspace.SHORTEST_S,
        "de Haan & van Leest, Physiological Measurement 35 (2014)",
    ),
    "lgi": Method(
        subspace.lgi,
        "rgb",
        subspace.SHORTEST_S,
        "Pilz, Zaunseder, Krajewski & Blazek, CVPR Workshops (2018)",
    ),
    "omit": Method(
        subspace.omit,
        "rgb",
        subspace.SHORTEST_S,
        "Álvarez Casado & Bordallo López, Face2PPG, IEEE JBHI 27 (2023)",
    ),
    "ssr": Method(
        subspace.ssr,
        "moments",
        1.0,
        "Wang, Stuijk & de Haan, IEEE Transactions on Biomedical Engineering 63 (2016)",
    ),
    "li": Method(
        rectify.li, "background", rectify.SHORTEST_S, "Li, Chen, Zhao & Pietikäinen, CVPR (2014)"
    ),
    "subramaniam": Method(
        rectify.subramaniam,
        "background",
        rectify.SHORTEST_S,
        "Subramaniam & Rajitha, ICAART (2019)",
        window=20.0,  # the window that the paper reads a rate from
    ),
    "subramaniam_reflectance": Method(
        rectify.subramaniam_reflectance,
        "grid",
        rectify.SHORTEST_S,
        "Subramaniam & Rajitha, ICIP (2019)",
        window=20.0,
    ),
    "samc": Method(
        many.samc,
        "grid",
        many.SHORTEST_S,
        "Tulyakov, Alameda-Pineda, Ricci, Yin, Cohn & Sebe, CVPR (2016)",
        window=10.0,
        fewest=many.FEWEST,
    ),
    "lam_kuno": Method(
        many.lam_kuno,
        "grid",
        many.SHORTEST_S,
        "Lam & Kuno, ICCV (2015)",
        window=30.0,
        fewest=many.FEWEST,
    ),
    "balakrishnan": Method(
        motion.balakrishnan,
        "points",
        motion.SHORTEST_S,
        "Balakrishnan, Durand & Guttag, CVPR (2013)",
        window=30.0,
        fewest=motion.FEWEST,
    ),
}


def wave_of(trace: Trace, *, method: str, rate: float, region: str | None = None) -> Wave:
    """The pulse of one trace by one method, over every seen run that is long enough.

    method: as `find` takes it.   rate: of the wave's uniform clock [Hz], > 1.5.
    region: for methods of one region (Method.needs "rgb" and "background"); None: trace.main.
    Returns a Wave `pulse`, band-passed to 0.65–4 Hz (at most 0.45 × rate), every run at zero mean
    and unit variance (a run without any variation is 0), NaN in gaps and in runs too short.
    Raises InputError for an unknown method, for a region, background, grid, moments or points that
    the trace does not have, or when no run is long enough.
    """
    chosen = find(method)
    material = _material(trace, chosen, method, region or trace.main)
    if chosen.rate is not None:
        out, time = _wave(material, trace.time, chosen, method, rate=chosen.rate)
        return _on_clock(out, time, trace.time, rate=rate)
    out, time = _wave(material, trace.time, chosen, method, rate=rate)
    return Wave(out, time, "pulse")


def _wave(
    material_TPC: Array, time_T: Array, chosen: Method, method: str, *, rate: float
) -> tuple[Array, Array]:
    """(N,) the wave over every run that is long enough, and (N,) its clock [s]."""
    values, time = uniform(material_TPC, time_T, rate=rate)
    known = np.asarray(np.isfinite(values).all(axis=2))
    seen = known.sum(axis=1) >= _columns(values, chosen)
    if chosen.needs == "regions":
        seen = known[:, -1]
    out = np.full(len(time), np.nan)
    longest = 0.0
    for run in runs(seen):
        length = run.stop - run.start
        longest = max(longest, length / rate)
        if length >= chosen.minimum * rate - 1e-6:
            out[run] = _banded(_windowed(values[run], chosen, rate), rate)
    if not np.isfinite(out).any():
        raise InputError(
            f"{method} needs {chosen.minimum:g} s without a gap but the longest stretch is "
            f"{longest:.2f} s; record longer, or keep the face in view"
        )
    return out, time


def _on_clock(out_N: Array, time_N: Array, time_T: Array, *, rate: float) -> Wave:
    """A wave on the uniform clock that these samples have at another rate."""
    clock = uniform(np.zeros(len(time_T)), time_T, rate=rate)[1]
    at = np.clip(np.searchsorted(time_N, clock + 1e-6, side="right") - 1, 0, len(time_N) - 1)
    after = np.minimum(at + 1, len(time_N) - 1)
    share = np.clip((clock - time_N[at]) / (time_N[1] - time_N[0]), 0, 1)
    mixed = np.where(share > 1e-6, (1 - share) * out_N[at] + share * out_N[after], out_N[at])
    return Wave(mixed, clock, "pulse")


def find(method: str) -> Method:
    """The method of this name, or of the network with this name or path, see `waves.learned`.

    InputError names those there are, and the nearest.
    """
    if method in METHODS:
        return METHODS[method]
    if learned.is_learned(method):
        return _of_network(learned.learned(method))
    near = difflib.get_close_matches(method.lower(), METHODS, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    known = ", ".join([*METHODS, *learned.shipped()])
    raise InputError(f"no method {method!r}; {hint}choose one of {known}, or give an ONNX file")


def _of_network(found: learned.Learned) -> Method:
    if found.needs == learned.CROPS:
        return Method(_seen_in_crops, found.needs, found.minimum, found.card.source)
    return Method(
        found.of_colours,
        found.needs,
        found.minimum,
        found.card.source,
        rate=found.rate,
        regions=found.card.regions,
    )


def _seen_in_crops(values: Array, *, rate: float) -> Array:  # noqa: ARG001  as the others take it
    return values[:, 0, 0]


def _material(trace: Trace, chosen: Method, method: str, region: str) -> Array:
    """(T, P, C) what the method works on, columns that may be unseen on their own second."""
    lacking = f"{method} needs {{}}, which this trace does not have; collect with {{}}"
    if chosen.needs == "moments":
        if trace.moments is None:
            raise InputError(lacking.format("skin moments", "Collector(moments=True)"))
        return trace.moments.reshape(len(trace.time), 1, 9)
    if chosen.needs == "points":
        if trace.points is None:
            raise InputError(lacking.format("followed points", "Collector(points=True)"))
        return trace.points
    if chosen.needs == "grid":
        cells = [k for k, name in enumerate(trace.names) if name.startswith("grid_")]
        if len(cells) < chosen.fewest:
            raise InputError(lacking.format("a grid of regions", "Collector(grid=(5, 5))"))
        return trace.rgb[:, cells]
    if chosen.needs == "crops":
        if method not in trace.pulses:
            raise InputError(
                f"{method} needs pictures, of which this trace was made without it; measure the "
                "video, or collect with Collector(takers=…)"
            )
        return trace.pulses[method][:, None, None]
    if chosen.needs == "regions":
        for name in set(chosen.regions) - {*NAMES, "background"}:
            trace.region(name)  # is there, or else is a mistake in the card
        return trace.regions((*chosen.regions, trace.main))
    if chosen.needs == "background":
        if "background" not in trace.names:
            raise InputError(lacking.format("region 'background'", "Collector(background=True)"))
        return np.stack([trace.region(region), trace.region("background")], axis=1)
    return trace.region(region)[:, None]


def _columns(values: Array, chosen: Method) -> int:
    """How many columns must be seen at a time."""
    return chosen.fewest if chosen.needs in ("grid", "points") else values.shape[1]


def _run(values: Array, chosen: Method, rate: float) -> Array:
    """(L,) wave of one window, NaN where too few columns are seen throughout."""
    if chosen.needs == "regions":
        return chosen.function(filled(values), rate=rate)
    whole = np.isfinite(values).all(axis=(0, 2))
    if whole.sum() < _columns(values, chosen):
        return np.full(len(values), np.nan)
    if chosen.needs == "rgb":
        return chosen.function(values[:, 0], rate=rate)
    if chosen.needs == "background":
        return chosen.function(values[:, 0], values[:, 1], rate=rate)
    if chosen.needs == "moments":
        return chosen.function(values.reshape(-1, 3, 3), rate=rate)
    return chosen.function(values[:, whole], rate=rate)


def _windowed(values: Array, chosen: Method, rate: float) -> Array:
    """(N,) wave of one run, window by window, turned to agree where they overlap, by majority."""
    if chosen.window is None or len(values) <= chosen.window * rate:
        return _run(values, chosen, rate)
    length = math.ceil(chosen.window * rate)
    first = starts(len(values), length)
    pieces = np.stack([_run(values[at : at + length], chosen, rate) for at in first])
    pieces /= np.maximum(pieces.std(axis=1, keepdims=True), 1e-300)
    sign = np.ones(len(pieces))
    for k in range(1, len(pieces)):
        shared = first[k - 1] + length - first[k]
        agreement = float(pieces[k - 1, length - shared :] @ pieces[k, :shared])
        sign[k] = sign[k - 1] * (-1.0 if agreement < 0 else 1.0)
    sign *= -1.0 if sign.sum() < 0 else 1.0
    return overlap_add(pieces * sign[:, None], first, len(values))


def _banded(wave: Array, rate: float) -> Array:
    """The wave within the heart band at unit variance; stretches of NaN stay."""
    out = np.full(len(wave), np.nan)
    high = min(HEART_BAND_HZ[1], 0.45 * rate)
    for run in runs(np.isfinite(wave)):
        centred = wave[run] - wave[run].mean()
        banded = bandpass(centred, rate=rate, low=HEART_BAND_HZ[0], high=high)
        spread = banded.std()
        out[run] = banded / spread if spread > 1e-12 else 0.0
    return out
