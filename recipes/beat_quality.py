"""Fit the odds that a beat is right (vitals.beats.WEIGHTS) on made pulses; prints, writes nothing.

Run it with: python recipes/beat_quality.py

Made pulse waves of 13–50 samples a second, 45–150 bpm, −12…30 dB, white and red noise, bursts of
motion, ectopic beats and stretches where the pulse is lost. A beat is right when a true upslope
lies within 50 ms. Waves with even seeds fit, those with odd seeds check the calibration.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor

import numpy as np
from heart_model import logistic

from camvitals.data.synthetic.physiology import Physiology, simulate_physiology
from camvitals.data.synthetic.scenario import draw
from camvitals.records import Array, Wave
from camvitals.vitals import beats as judged

COUNT, FIRST_SEED = 1500, 3_000_000
RIGHT_S = 0.05
FINE_HZ = 500.0


def upslopes(body: Physiology) -> Array:
    """(K,) s, where the pulse without noise rises fastest, once a beat."""
    time = np.arange(body.time[0], body.time[-1], 1 / FINE_HZ)
    rise = np.gradient(body.pulse_at(time))
    first = np.searchsorted(time, body.feet - 0.05)
    last = np.maximum(np.searchsorted(time, body.pulse_peaks + 0.02), first + 1)
    pairs = zip(first, last, strict=False)
    return np.array([time[a + int(np.argmax(rise[a:b]))] for a, b in pairs if b <= len(rise)])


def noisy_pulse(seed: int) -> tuple[Wave, Array]:
    """A made pulse with whatever makes beats hard to find, and its true upslopes [s]."""
    rng = np.random.default_rng([seed, 3])
    rate = float(rng.uniform(13, 50))
    heart_rate = round(float(rng.uniform(45, 150)), 1)
    body = simulate_physiology(
        draw(
            seed,
            duration=float(rng.uniform(15, 60)),
            rate=rate,
            heart_rate=heart_rate,
            heart_rate_slope=0.0,
            sdnn=round(float(rng.uniform(5, 0.08 * 60e3 / heart_rate)), 1),
            ectopic=round(float(rng.uniform(0, 0.08)) * (rng.random() < 0.3), 3),
        )
    )
    time = np.arange(0, body.duration, 1 / rate)
    pulse = body.pulse_at(time)
    pulse = (pulse - pulse.mean()) / pulse.std()
    size = 10 ** (-float(rng.uniform(-12, 30)) / 20)
    frequency = np.fft.rfftfreq(len(time), 1 / rate)
    shape = np.maximum(frequency, 0.3) ** (-rng.uniform(0, 2) / 2)
    noise = np.fft.irfft(shape * np.fft.rfft(rng.standard_normal(len(time))), len(time))
    noise *= size / noise.std()
    true = upslopes(body)
    for _ in range(rng.poisson(1.0)):
        start, length = rng.uniform(0, body.duration), rng.uniform(0.5, 4)
        inside = (time >= start) & (time < start + length)
        if rng.random() < 0.5:
            noise[inside] *= float(rng.uniform(2, 8))
        else:  # the finger lifted, the face turned away: no beat is there to be found
            pulse[inside] = 0.0
            true = true[(true < start) | (true >= start + length)]
    sign = 1.0 if rng.random() < 0.8 else -1.0
    return Wave(sign * (pulse + noise), time, "pulse"), true


def judged_beats(seed: int) -> tuple[Array, Array]:
    """(K, 5) facts of the beats found in one wave, and (K,) whether each is right."""
    kept: list[Array] = []
    original = judged._facts

    def noting(*given: Array, **named: Array) -> Array:
        kept.append(original(*given, **named))
        return kept[-1]

    judged._facts = noting
    try:
        wave, truth = noisy_pulse(seed)
        found = judged.beats(wave)
    finally:
        judged._facts = original
    facts = np.concatenate(kept)[: len(found.time)] if kept else np.zeros((0, 5))
    if len(facts) == 0:
        return facts, np.zeros(0)
    nearest = np.abs(found.time[:, None] - truth[None]).min(axis=1)
    return facts, (nearest <= RIGHT_S).astype(float)


def calibration(chance: Array, right: Array) -> str:
    """The share of right beats in every tenth of probability."""
    lines = []
    for low in np.arange(0, 1, 0.1):
        inside = (chance >= low) & (chance < low + 0.1)
        if inside.sum() >= 50:
            share, said = right[inside].mean(), chance[inside].mean()
            lines.append(f"  {said:.2f} said, {share:.2f} right, of {inside.sum()}")
    return "\n".join(lines)


def main() -> None:
    """Fit on one half, check on the other."""
    with ProcessPoolExecutor() as pool:
        made = list(pool.map(judged_beats, range(FIRST_SEED, FIRST_SEED + COUNT), chunksize=20))
    facts, right = (np.concatenate([m[k] for m in made[::2]]) for k in (0, 1))
    weights = np.array(logistic(facts, right))
    unseen, truly = (np.concatenate([m[k] for m in made[1::2]]) for k in (0, 1))
    print(f"{len(facts)} beats, {right.mean():.0%} right; WEIGHTS = {np.round(weights, 2)}")
    for name, w in (("fitted", weights), ("in the package", judged.WEIGHTS)):
        chance = 1 / (1 + np.exp(-(unseen @ w[1:] + w[0])))
        score = ((chance - truly) ** 2).mean()
        print(f"{name}: Brier score {score:.4f} on {len(unseen)} beats not fitted")
        print(calibration(chance, truly))


if __name__ == "__main__":
    main()
