"""The ECG drawn from the pulse, on made people that no fit has seen: what is measured, what is not.

python benchmarks/pulse_ecg.py [--people 120] [--data ../shared/data]

Writes results/pulse_ecg/: one row a person, and what `pulse_ecg_page.py` makes of them. Real
recordings are read where they are, to test and never to fit.
"""

from __future__ import annotations

import argparse
import csv
import sys
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from camvitals.data.synthetic.physiology import simulate_physiology
from camvitals.dsp.spectrum import snr_db, spectrum
from camvitals.evaluate.ecg import ecg_scores
from camvitals.evaluate.waveform import match_beats
from camvitals.records import Array, Wave
from camvitals.train.pulse_people import TRAINING, Person, person
from camvitals.vitals.beats import beats
from camvitals.vitals.drawn import shown
from camvitals.waves.ecg import drawn, ecg_network, given_of, marked, prepared

FIRST = 600_000_000
SECONDS = 45.0
NETWORK = "ecg-pulse"
OUT = Path(__file__).resolve().parents[1] / "results" / "pulse_ecg"
GROUPS: dict[str, dict[str, Any]] = {
    "sinus": {"ectopic": 0.0, "rhythm": "sinus"},
    "ectopic": {"ectopic": 0.1, "rhythm": "sinus"},
    "fibrillation": {"ectopic": 0.0, "rhythm": "fibrillation"},
}
METHODS = ("network", "template")
AROUND_S = (-0.35, 0.55)  # of a beat
FINE_HZ = 250.0
NEAR_S = 0.15  # a beat is the same one
LEAST_S = 0.05  # no pulse is in the skin sooner
EARLY, PAUSE = 0.82, 1.08  # of the median interval: before and after a premature beat


@dataclass(frozen=True, slots=True)
class Case:
    """One person, and what is drawn of them.

    found: method -> (K,) s R peaks.   traces: method -> ECG, NaN where it is not shown.
    """

    person: Person
    group: str
    found: dict[str, Array]
    traces: dict[str, Wave]


def case(group: str, number: int) -> Case | None:
    """The person of this number; None where the pulse is not trusted at all."""
    seed = FIRST + 1_000_000 * list(GROUPS).index(group) + number
    one = person(seed, duration=SECONDS, **GROUPS[group])
    if one.heart.value is None:
        return None
    whole = drawn(one.pulse, ecg_network(NETWORK))
    wave, _ = shown(whole, one.heart, one.rolling, method=NETWORK)
    template, late = population()
    pulse_beats = beats(one.pulse, rate_hz=one.heart.value / 60).time
    pulse_beats = pulse_beats - np.polyval(late, 60 / one.heart.value)
    plain = repeated(template, pulse_beats, whole.wave.time, interval=None)
    hidden = np.isfinite(wave.values)
    return Case(
        one,
        group,
        {"network": whole.beats, "template": pulse_beats},
        {"network": wave, "template": Wave(np.where(hidden, plain, np.nan), wave.time, "ecg")},
    )


@cache
def population(count: int = 60) -> tuple[tuple[Array, float], Array]:
    """The median beat of people learnt from and its interval [s], and how late their pulses are.

    The latter as a line in the interval: a slow pulse rises more slowly.
    """
    pieces, intervals, late = [], [], []
    for number in range(count):
        one = person(TRAINING + number, duration=30.0, **GROUPS["sinus"])
        if one.heart.value is None:
            continue
        template, interval = typical(one.ecg, one.beats)
        found = beats(one.pulse, rate_hz=one.heart.value / 60).time
        pieces.append(template)
        intervals.append(interval)
        after = np.searchsorted(found, one.beats + LEAST_S)
        there = after < len(found)
        late.append(float(np.median(found[after[there]] - one.beats[there])))
    return (np.median(pieces, axis=0), float(np.median(intervals))), np.polyfit(intervals, late, 1)


def typical(ecg: Wave, r_peaks: Array, *, chosen: Array | None = None) -> tuple[Array, float]:
    """The median beat over AROUND_S at 250 Hz, less its level before P, and the median interval."""
    around = np.arange(*(np.array(AROUND_S) * FINE_HZ).astype(int)) / FINE_HZ
    inside = (r_peaks + AROUND_S[0] > ecg.time[0]) & (r_peaks + AROUND_S[1] < ecg.time[-1])
    inside &= np.ones(len(r_peaks), bool) if chosen is None else chosen
    pieces = np.interp(r_peaks[inside][:, None] + around, ecg.time, ecg.values)
    pieces = pieces[np.isfinite(pieces).all(axis=1)]
    if not len(pieces):
        return np.full(len(around), np.nan), float("nan")
    return np.median(pieces, axis=0), float(np.median(np.diff(r_peaks)))


def repeated(
    template: tuple[Array, float], r_peaks: Array, time: Array, *, interval: float | None
) -> Array:
    """A median beat at each of these R peaks: what is later than 0.1 s goes with √interval.

    interval: of the person it is drawn for [s]; None takes that of the beats.
    """
    shape, own = template
    around = np.arange(len(shape)) / FINE_HZ + AROUND_S[0]
    interval = float(np.median(np.diff(r_peaks))) if interval is None else interval
    stretch = np.sqrt(interval / own)
    out = np.full(len(time), float(np.median(shape[:5])))
    after = np.searchsorted(r_peaks, time - AROUND_S[0])
    for step in (2, 1):  # the nearer beat has the last word
        which = np.clip(after - step, 0, len(r_peaks) - 1)
        away = time - r_peaks[which]
        back = np.where(away > 0.1, 0.1 + (away - 0.1) / stretch, away)
        there = (back >= around[0]) & (back <= around[-1])
        out[there] = np.interp(back[there], around, shape)
    return out


def row(one: Case) -> dict[str, Any]:
    """All numbers of one person."""
    body, out = one.person, {"person": one.person.scenario.seed, "group": one.group}
    assert body.heart.value is not None
    known = np.isfinite(body.pulse.values)
    values, rate = body.pulse.values[known], 1 / float(np.median(np.diff(body.pulse.time)))
    out["heart_rate"] = 60 / float(np.diff(body.beats).mean())
    frequency, power = spectrum(values[:, None], rate=rate, step=0.005)
    out["snr_db"] = snr_db(frequency, power[:, 0], out["heart_rate"] / 60)
    out["shown"] = float(np.isfinite(one.traces["network"].values).mean())
    if out["shown"] == 0:
        return out
    inside = _shown_at(one.traces["network"], body.beats)
    for method in METHODS:
        out |= _scored(one, method, inside)
    return out


def _shown_at(trace: Wave, at: Array) -> Array:
    """(K,) whether a trace is shown throughout the 0.2 s about each time."""
    close = np.clip(np.round((at - trace.time[0]) * FINE_HZ).astype(int), 0, len(trace.time) - 1)
    reach = np.clip(close[:, None] + np.arange(-25, 26), 0, len(trace.time) - 1)
    inside = (at > trace.time[0]) & (at < trace.time[-1])
    return np.asarray(np.isfinite(trace.values[reach]).all(axis=1) & inside)


def _scored(one: Case, method: str, inside: Array) -> dict[str, float]:
    """Likeness, beats within 50 and 83 ms, and how late beats are, of one method."""
    body, trace = one.person, one.traces[method]
    true, early = body.beats[inside], body.ectopic[inside]
    out: dict[str, float] = {}
    for within, name in ((0.05, "f1_50"), (0.083, "f1_83")):
        told = ecg_scores(
            trace,
            body.ecg,
            rate=FINE_HZ,
            window=10.0,
            kind="trace",
            beats=true,
            ectopic=early,
            within=within,
        )
        out[f"{method}.{name}"] = told["f1"]
        out[f"{method}.{name}_ectopic"] = told.get("sensitivity_ectopic", np.nan)
        if within > 0.06:
            continue
        for key in ("r", "r2", "f1_floor", "mse", "mean_mse", "zero_mse", "heart_rate_mae"):
            out[f"{method}.{key}"] = told[key]
    found = one.found[method]
    found = found[_shown_at(trace, found)]
    match = match_beats(found, true, within=NEAR_S, latest=0.1)
    own = Wave(trace.values, trace.time - match.delay, "ecg")
    told = ecg_scores(own, body.ecg, rate=FINE_HZ, window=10.0, kind="trace", beats=true)
    out |= {f"{method}.r_own": told["r"], f"{method}.r2_own": told["r2"]}
    out[f"{method}.late_ms"] = 1e3 * match.delay
    out[f"{method}.time_mae_ms"] = 1e3 * float(np.abs(match.time_error + match.delay).mean())
    out[f"{method}.time_mae_own_ms"] = 1e3 * float(np.abs(match.time_error).mean())
    out[f"{method}.interval_mae_ms"] = 1e3 * float(np.abs(match.interval_error).mean())
    near = match_beats(found - match.delay, true, within=0.05, latest=0)
    out[f"{method}.f1_50_own"] = near.f1
    out |= {f"{method}.{k}": v for k, v in _premature(found, true, early).items()}
    return out


def premature(r_peaks: Array) -> Array:
    """(K,) beats that come early and are followed by a pause, by the intervals alone."""
    interval = np.diff(r_peaks)
    if len(interval) < 5:
        return np.zeros(len(r_peaks), bool)
    padded = np.pad(interval, 4, mode="reflect")
    usual = np.median(np.lib.stride_tricks.sliding_window_view(padded, 9), axis=1)
    early, late = interval < EARLY * usual, interval > PAUSE * usual
    return np.r_[False, early[:-1] & late[1:], False]


def _premature(found: Array, true: Array, ectopic: Array) -> dict[str, float]:
    """How many premature beats are told by the intervals, and how many normal ones wrongly."""
    told = premature(found)
    pairs = match_beats(found, true, within=NEAR_S, latest=0.1).pairs
    said = np.zeros(len(true), bool)
    said[pairs[:, 1]] = told[pairs[:, 0]]
    return {
        "premature_sensitivity": float(said[ectopic].mean()) if ectopic.any() else np.nan,
        "premature_specificity": float(1 - said[~ectopic].mean()) if (~ectopic).any() else np.nan,
    }


SHAPES = ("p_mv", "pr_ms", "qrs_ms", "r_mv", "t_mv", "rt_ms")
SLOW_S = 0.6  # people with shorter intervals have P upon T, and are left out of shapes


def shape_of(template: Array) -> dict[str, float]:
    """Heights and times of the waves of a median beat, over the level between P and Q."""
    around = np.arange(len(template)) / FINE_HZ + AROUND_S[0]
    if not np.isfinite(template).all():
        return dict.fromkeys(SHAPES, np.nan)
    beat = template - float(np.median(template[(around > -0.085) & (around < -0.065)]))
    before, after = (around > -0.24) & (around < -0.07), (around > 0.14) & (around < 0.42)
    p, t = (
        np.flatnonzero(before)[beat[before].argmax()],
        np.flatnonzero(after)[beat[after].argmax()],
    )
    slope = np.abs(np.gradient(beat)) * (np.abs(around) < 0.12)
    return {
        "p_mv": float(beat[p]),
        "pr_ms": -1e3 * float(around[p]),
        "qrs_ms": 1e3 * float(np.ptp(around[slope > 0.25 * slope.max()])),
        "r_mv": float(beat[np.abs(around) < 0.03].max()),
        "t_mv": float(beat[t]),
        "rt_ms": 1e3 * float(around[t]),
    }


def redrawn(one: Case) -> Wave:
    """What the network draws about the true beats: so that only shapes can differ."""
    network = ecg_network(NETWORK)
    (name,) = network.inputs
    values, time = [], []
    for start, pulse in prepared(one.person.pulse):
        marks = marked(one.person.beats - start, len(pulse))
        told = network({name: given_of(pulse, marks)[None]})["ecg"][0].ravel()
        values.append(told.astype(float))
        time.append(start + np.arange(len(told)) / FINE_HZ)
    return Wave(np.concatenate(values), np.concatenate(time), "ecg")


def shapes(one: Case) -> dict[str, float]:
    """The waves of a person's own median beat, and of the one drawn about the same beats."""
    own, interval = typical(one.person.ecg, one.person.beats)
    out = {"person": one.person.scenario.seed, "interval_ms": 1e3 * interval}
    out |= {f"own.{name}": value for name, value in shape_of(own).items()}
    told, _ = typical(redrawn(one), one.person.beats)
    return out | {f"drawn.{name}": value for name, value in shape_of(told).items()}


def swapped(cases: list[Case], *, others: int = 12) -> list[dict[str, float]]:
    """Likeness of what is drawn to the person's own ECG, and to what others would have had.

    The same recording is made again with the hearts of others, whose beats are at the same times
    but have another shape, and so another rule for PR and QT. The drawing is about the true beats.
    """
    rng = np.random.default_rng(5)
    out = []
    for k, one in enumerate(cases):
        trace, scenario = redrawn(one), one.person.scenario
        chosen = rng.permutation([j for j in range(len(cases)) if j != k])[:others]
        ecgs = [one.person.ecg.values]
        for j in chosen:
            heart = cases[j].person.scenario.seed
            ecgs.append(simulate_physiology(replace(scenario, heart=heart)).ecg)
        made = [np.interp(trace.time, one.person.ecg.time, ecg) for ecg in ecgs]
        r = [float(np.corrcoef(trace.values, ecg)[0, 1]) for ecg in made]
        people = [float(np.corrcoef(made[0], ecg)[0, 1]) for ecg in made[1:]]
        out.append(
            {
                "person": scenario.seed,
                "own": r[0],
                "others": float(np.mean(r[1:])),
                "people": float(np.mean(people)),
                "own_is_nearer": float(np.mean([r[0] > other for other in r[1:]])),
            }
        )
    return out


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    """One CSV; numbers with five digits."""
    names = list(dict.fromkeys(name for one in rows for name in one))
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(names)
        for one in rows:
            told = [one.get(name, "") for name in names]
            out.writerow([f"{v:.5g}" if isinstance(v, float) and v < 1e8 else v for v in told])


def main() -> None:
    """Draw, score, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--people", type=int, default=90, help="with a sinus rhythm; half as many of each other"
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    given = parser.parse_args()
    import pulse_ecg_page
    import pulse_ecg_real

    cases: list[Case] = []
    asked = {group: given.people // (1 if group == "sinus" else 2) for group in GROUPS}
    for group, count in asked.items():
        found = [case(group, number) for number in range(count)]
        cases += [one for one in found if one is not None]
        print(f"{group}: {count} people, {found.count(None)} without a pulse to be trusted")
    sinus = [one for one in cases if one.group == "sinus"]
    OUT.mkdir(parents=True, exist_ok=True)
    tables = {
        "people": [row(one) for one in cases],
        "shapes": [one for one in map(shapes, sinus) if one["interval_ms"] > 1e3 * SLOW_S],
        "swapped": swapped(sinus),
        "real": pulse_ecg_real.rows(given.data),
    }
    for name, rows in tables.items():
        if rows:
            write(OUT / f"{name}.csv", rows)
    pulse_ecg_page.write_page(OUT, tables, cases, asked=asked)


if __name__ == "__main__":
    main()
