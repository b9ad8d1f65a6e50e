"""Fit src/camvitals/vitals/heart_model.json on made people.

Run it with: python recipes/heart_model.py

Two made sets with their own seeds: one fits the network that turns the facts of a window into log
odds of each heart rate, the other fits the calibration of quality and interval. Neither shares a
seed with the made test set of benchmarks/accuracy.py, and no real recording is read.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from film_noise import lent, noises

from camvitals.data.synthetic.finger import made_finger
from camvitals.data.synthetic.traces import made_trace
from camvitals.data.synthetic.truth import Truth
from camvitals.data.synthetic.variety import of_one_region, varied
from camvitals.records import Array, Trace
from camvitals.vitals import heart, posterior, quality
from camvitals.vitals.beats import beats
from camvitals.waves.auto import AUTO, pulse_wave, stretches
from camvitals.waves.evidence import FACTS, RATES_BPM, Candidates, Evidence, weigh

ALONE = ("pos", "chrom", "green", "omit", "pbv")
# one method alone, fingertip, one region, nothing but the noise of a film, everything
KINDS = (0.15, 0.15, 0.08, 0.1, 0.52)
FILMS = Path("build/film-noise")
TARGET = Path(posterior.__file__).with_name("heart_model.json")


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the model is fitted; seeds are those of the scenarios."""

    fit_seeds: range = range(1_000_000, 1_012_000)
    calibration_seeds: range = range(2_000_000, 2_001_200)
    windows_a_trace: int = 8
    hidden: int = 64
    epochs: int = 14
    batch: int = 64
    step: float = 3e-3
    decay: float = 1e-4
    target_bpm: float = 1.5


@dataclass(frozen=True, slots=True)
class Case:
    """Evidence of one made recording, and the true rate of each window (NaN: no pulse)."""

    seed: int
    evidence: Evidence
    truth: Array
    whole: float


def cases(seeds: range) -> Iterator[Case]:
    """Made recordings as evidence, on all cores."""
    with ProcessPoolExecutor() as pool:
        for found in pool.map(_case, seeds, chunksize=50):
            if found is not None:
                yield found


def unsteady(trace: Trace, rng: np.random.Generator) -> Trace:
    """Slow colour noise as of talking, breathing, blushing and exposure, redder than a pulse.

    Brightness common to all regions, brightness of each, and colour of each, with a power law of
    exponent 1–2.5 and 0.05–2 % of the mean in size.
    """
    length, regions = trace.rgb.shape[:2]
    size = float(np.exp(rng.uniform(np.log(0.0005), np.log(0.02))))
    share = np.array([1.0, rng.uniform(0, 0.7), rng.uniform(0, 0.3)])
    frequency = np.fft.rfftfreq(length, np.median(np.diff(trace.time)))
    shape = np.maximum(frequency, 0.2) ** (-rng.uniform(1, 2.5) / 2)
    shape[0] = 0
    noise = rng.standard_normal((len(frequency), 1 + 4 * regions)) + 1j * rng.standard_normal(
        (len(frequency), 1 + 4 * regions)
    )
    waves = np.fft.irfft(noise * shape[:, None], length, axis=0)
    waves /= waves.std()
    change = share[0] * waves[:, :1, None] + share[1] * waves[:, 1 : 1 + regions, None]
    change = change + share[2] * waves[:, 1 + regions :].reshape(length, regions, 3)
    rgb = np.clip(trace.rgb * (1 + size * change), 0, 255).astype(np.float32)
    return Trace(rgb, trace.pixels, trace.time, trace.names, trace.box, trace.moments)


def _candidates(seed: int) -> tuple[Candidates, Truth] | None:
    rng = np.random.default_rng(seed)
    scenario = varied(seed)
    method, kind = AUTO, str(rng.choice(["alone", "finger", "one", "film", "all"], p=KINDS))
    if kind == "film":
        scenario = replace(scenario, subject="still-picture", motion="still")
    trace, truth = made_finger(scenario) if kind == "finger" else made_trace(scenario)
    if kind not in ("finger", "film") and rng.random() < 0.6:
        trace = unsteady(trace, rng)
    if kind == "film" or (kind != "finger" and rng.random() < 0.4):
        trace = lent(trace, _noises(), rng)
    if kind == "alone":
        method = str(rng.choice(ALONE))
    elif kind == "one":
        trace = of_one_region(trace)
    found = stretches(trace, method=method, rate=min(scenario.rate, 60.0))
    return (found[0], truth) if found else None


@cache
def _noises() -> list[tuple[Array, float]]:
    return noises(FILMS)


def _case(seed: int) -> Case | None:
    found = _candidates(seed)
    if found is None:
        return None
    candidates, truth = found
    evidence = weigh(candidates)
    half = evidence.length / 2
    spans = [(c - half, c + half) for c in evidence.centre]
    alive = truth.alive
    rates = [truth.rate_between(*span) if alive else np.nan for span in spans]
    whole = truth.rate_between(spans[0][0], spans[-1][1]) if alive else np.nan
    return Case(seed, evidence, np.array(rates), float(whole))


def _final(seed: int) -> tuple[Array, Array]:
    """(n, 2) error and spread of trusted windows, and (1 or 0, 2) of the whole, as measured."""
    nothing = np.zeros((0, 2))
    found = _candidates(seed)
    if found is None or not found[1].alive:
        return nothing, nothing
    candidates, truth = found
    model, evidence = posterior.heart_model(), weigh(candidates)
    windows = heart.windows_of([evidence], model)
    wave = pulse_wave([candidates], [evidence], windows.rate)
    expected = heart.expected_rate(windows)
    assert expected is not None
    found_beats = beats(wave, rate_hz=expected / 60)
    windows = heart.by_beats(windows, found_beats)
    trusted = _sure(heart.window_features(windows), model.trust["window"])
    spans = list(zip(windows.start, windows.stop, strict=True))
    true = np.array([truth.rate_between(*span) for span in spans])
    each = np.column_stack([np.abs(windows.rate - true), windows.spread])[trusted]
    whole = _sure(heart.whole_features(windows, trusted)[None], model.trust["whole"])[0]
    if not whole or not trusted.any():
        return each, nothing
    rate = heart.whole_rate(windows, found_beats, trusted)
    span = windows.start[trusted].min(), windows.stop[trusted].max()
    error = abs(rate - truth.rate_between(*span))
    return each, np.array([[error, heart.whole_spread(windows, trusted)]])


def intervals(seeds: range) -> dict[str, list[float]]:
    """Floor and factor of both intervals, from the errors of the rates that are finally given."""
    with ProcessPoolExecutor() as pool:
        parts = list(pool.map(_final, seeds, chunksize=50))
    each, whole = (np.concatenate(part) for part in zip(*parts, strict=True))
    return {
        "window_interval": interval_of(each[:, 0], each[:, 1]),
        "whole_interval": interval_of(whole[:, 0], whole[:, 1]),
    }


def targets(truth_M: Array, width: float) -> Array:
    """(M, F + 1) probability of each state: a Gaussian about the true rate, or no pulse."""
    rates = np.where(np.isfinite(truth_M), truth_M, 0.0)[:, None]
    wanted = np.exp(-0.5 * ((RATES_BPM - rates) / width) ** 2)
    wanted[~np.isfinite(truth_M)] = 0
    wanted = np.concatenate([wanted, ~np.isfinite(truth_M)[:, None]], axis=1)
    return np.asarray(wanted / wanted.sum(axis=1, keepdims=True))


def fit(facts: Array, wanted: Array, recipe: Recipe) -> dict[str, Array]:
    """Weights of the network by Adam on the cross-entropy over rates and "no pulse"."""
    rng = np.random.default_rng(0)
    mean = facts.mean(axis=(0, 1))
    scale = facts.std(axis=(0, 1)) + 1e-3
    weights = {
        "hidden": rng.normal(0, 1 / np.sqrt(len(FACTS)), (len(FACTS), recipe.hidden)),
        "hidden_bias": np.zeros(recipe.hidden),
        "out": rng.normal(0, 0.3, recipe.hidden),
        "null": np.zeros(1),
    }
    momentum = {name: np.zeros_like(value) for name, value in weights.items()}
    square = {name: np.zeros_like(value) for name, value in weights.items()}
    count = 0
    total = recipe.epochs * (len(facts) // recipe.batch)
    for epoch in range(recipe.epochs):
        losses = []
        order = rng.permutation(len(facts))
        for at in range(0, len(order) - recipe.batch + 1, recipe.batch):
            rows = order[at : at + recipe.batch]
            scaled = (facts[rows] - mean) / scale
            loss, slope = _loss(weights, scaled, wanted[rows])
            losses.append(loss)
            count += 1
            step = recipe.step * 0.5 * (1 + np.cos(np.pi * count / total))
            for name, value in weights.items():
                g = slope[name] + recipe.decay * value
                momentum[name] = 0.9 * momentum[name] + 0.1 * g
                square[name] = 0.999 * square[name] + 0.001 * g**2
                m = momentum[name] / (1 - 0.9**count)
                s = square[name] / (1 - 0.999**count)
                value -= step * m / (np.sqrt(s) + 1e-8)
        print(f"epoch {epoch + 1}: cross-entropy {np.mean(losses):.3f}", flush=True)
    return weights | {"mean": mean, "scale": scale}


def _loss(
    weights: dict[str, Array], scaled: Array, wanted: Array
) -> tuple[float, dict[str, Array]]:
    hidden = np.tanh(scaled @ weights["hidden"] + weights["hidden_bias"])
    odds = hidden @ weights["out"] - weights["null"]
    score = np.concatenate([odds, np.zeros((len(odds), 1))], axis=1)
    score -= score.max(axis=1, keepdims=True)
    chance = np.exp(score)
    chance /= chance.sum(axis=1, keepdims=True)
    loss = -float((wanted * np.log(chance + 1e-12)).sum(axis=1).mean())
    d_odds = (chance - wanted)[:, :-1] / len(scaled)
    d_hidden = d_odds[..., None] * weights["out"] * (1 - hidden**2)
    slope = {
        "out": np.einsum("mf,mfh->h", d_odds, hidden),
        "null": -d_odds.sum()[None],
        "hidden": np.einsum("mfd,mfh->dh", scaled, d_hidden, optimize=True),
        "hidden_bias": d_hidden.sum(axis=(0, 1)),
    }
    return loss, slope


def logistic(features: Array, right: Array) -> list[float]:
    """Bias and weights of a logistic model by Newton's method, with a weak prior."""
    design = np.column_stack([np.ones(len(features)), features])
    w = np.zeros(design.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(design @ w, -30, 30)))
        curve = (design * (p * (1 - p))[:, None]).T @ design + 1e-3 * np.eye(len(w))
        w += np.linalg.solve(curve, design.T @ (right - p) - 1e-3 * w)
    return [float(v) for v in w]


def interval_of(error: Array, spread: Array) -> list[float]:
    """Floor and factor of the spread so that 95 % of absolute errors lie inside, smallest mean."""
    best = (np.inf, [0.0, 0.0])
    for factor in np.linspace(0, 4, 41):
        floor = max(0.0, float(np.quantile(error - factor * spread, 0.95)))
        width = float(np.mean(floor + factor * spread))
        best = min(best, (width, [floor, float(factor)]))
    return best[1]


def calibrate(model: posterior.HeartModel, made: list[Case]) -> dict[str, list[float]]:
    """Weights of quality for windows and for whole recordings."""
    windows = [heart.windows_of([case.evidence], model) for case in made]
    rate = np.concatenate([w.rate for w in windows])
    truth = np.concatenate([case.truth for case in made])
    error = np.abs(rate - np.where(np.isfinite(truth), truth, np.inf))
    odds = np.concatenate([heart.window_features(w) for w in windows])
    weights = {"window": logistic(odds, error <= quality.RIGHT_BPM)}
    features, wrong = [], []
    for case, w in zip(made, windows, strict=True):
        trusted = _sure(heart.window_features(w), weights["window"])
        features.append(heart.whole_features(w, trusted))
        use = trusted if trusted.any() else np.ones_like(trusted)
        target = np.nanmean(case.truth[use]) if np.isfinite(case.whole) else np.inf
        wrong.append(abs(float(w.rate[use].mean()) - target))
    right = np.array(wrong) <= quality.RIGHT_BPM
    weights["whole"] = logistic(np.array(features), right)
    return weights


def _sure(features: Array, weights: list[float]) -> Array:
    return np.array([quality.trust(row, weights) >= quality.THRESHOLD for row in features])


def main() -> None:
    """Draw, fit, calibrate, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the recordings to use")
    scale = parser.parse_args().scale
    recipe = Recipe()
    _noises()  # before there are workers, which share it
    rng = np.random.default_rng(0)
    facts, truth = [], []
    for case in cases(recipe.fit_seeds[: int(len(recipe.fit_seeds) * scale)]):
        keep = rng.permutation(len(case.truth))[: recipe.windows_a_trace]
        facts.append(case.evidence.facts[keep])
        truth.append(case.truth[keep])
    all_facts, all_truth = np.concatenate(facts), np.concatenate(truth)
    alive = float(np.isfinite(all_truth).mean())
    print(f"{len(all_facts)} windows, {alive:.0%} with a pulse", flush=True)
    weights = fit(all_facts, targets(all_truth, recipe.target_bpm), recipe)
    weights["null"] = float(weights["null"][0]) - np.log(len(RATES_BPM) * (1 - alive) / alive)
    about = f"recipes/heart_model.py on {len(all_facts)} windows of {len(facts)} made recordings"
    model = posterior.HeartModel(**weights, trust={}, about=about)
    seeds = recipe.calibration_seeds[: int(len(recipe.calibration_seeds) * scale)]
    trust = calibrate(model, list(cases(seeds)))
    fields: dict[str, Any] = {"facts": FACTS, "about": about, "trust": trust} | {
        name: np.round(value, 6).tolist() for name, value in weights.items()
    }
    fields["trust"] |= {"window_interval": [0.0, 1.0], "whole_interval": [0.0, 1.0]}
    TARGET.write_text(json.dumps(fields) + "\n")
    fields["trust"] |= intervals(seeds)
    TARGET.write_text(json.dumps(fields) + "\n")
    print(fields["trust"])


if __name__ == "__main__":
    main()
