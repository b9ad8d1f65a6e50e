"""The network that draws an ECG from a pulse: PulseECG, on made people alone.

python recipes/pulse_ecg.py people --folder runs/pulse-ecg
python recipes/pulse_ecg.py train --folder runs/pulse-ecg
python recipes/pulse_ecg.py ship --folder runs/pulse-ecg --out ecg-pulse.onnx

The first takes two minutes of one core, the second five. No real recording is read. People have
ECGs of their own shape (Scenario.ecg "own"), a quarter have premature beats and an eighth
fibrillating atria; their pulses are found by the default method.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from camvitals.train.pulse_ecg import Training, fit, ship
from camvitals.train.pulse_people import TRAINING, Stretch, person, stretches

KEPT = "people.npz"


@dataclass(frozen=True, slots=True)
class Recipe:
    """People: how many to learn from, how many to look at, seconds of each recording."""

    people: int = 640
    looked_at: int = 120
    seconds: float = 40.0
    first_looked_at: int = 500_000_000
    training: Training = field(default_factory=Training)

    @property
    def digest(self) -> str:
        """Of all that moves what is learnt."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


def gathered(seeds: range, seconds: float) -> list[Stretch]:
    """The stretches of these people, one after another."""
    found: list[Stretch] = []
    begin = time.monotonic()
    for count, seed in enumerate(seeds, start=1):
        found += stretches(person(seed, duration=seconds))
        if count % 100 == 0:
            print(f"{count} people, {len(found)} stretches, {time.monotonic() - begin:.0f} s")
    return found


def keep(path: Path, found: list[Stretch]) -> None:
    """Write stretches as one .npz."""
    arrays = {
        "pulse": np.concatenate([one.pulse for one in found]).astype(np.float32),
        "trusted": np.concatenate([one.trusted for one in found]),
        "ecg": np.concatenate([one.ecg for one in found]).astype(np.float16),
        "beats": np.concatenate([one.beats for one in found]),
        "samples": np.array([len(one.pulse) for one in found]),
        "counts": np.array([len(one.beats) for one in found]),
    }
    np.savez(path, **arrays)


def kept(path: Path) -> list[Stretch]:
    """The stretches that `keep` wrote."""
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    samples, beats = np.cumsum(arrays["samples"]), np.cumsum(arrays["counts"])
    return [
        Stretch(*parts)
        for parts in zip(
            np.split(arrays["pulse"], samples[:-1]),
            np.split(arrays["ecg"], 5 * samples[:-1]),
            np.split(arrays["beats"], beats[:-1]),
            np.split(arrays["trusted"], samples[:-1]),
            strict=True,
        )
    ]


def main() -> None:
    """Make people, train, or ship."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("people", "train", "ship"))
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    given, recipe = parser.parse_args(), Recipe()
    given.folder.mkdir(parents=True, exist_ok=True)
    looked_at = range(recipe.first_looked_at, recipe.first_looked_at + recipe.looked_at)
    if given.what == "people":
        if not (given.folder / f"held.{KEPT}").is_file():
            keep(given.folder / f"held.{KEPT}", gathered(looked_at, recipe.seconds))
        seeds = range(TRAINING, TRAINING + recipe.people)
        keep(given.folder / KEPT, gathered(seeds, recipe.seconds))
        return
    held_out = kept(given.folder / f"held.{KEPT}")
    learnt = kept(given.folder / KEPT) if given.what == "train" else []
    module = fit(recipe.training, learnt, held_out, given.folder, tell=print)
    if given.what == "ship":
        last = (given.folder / "curve.csv").read_text(encoding="utf-8").split()[-1].split(",")
        example = np.zeros((512, 6), np.float32)
        example[:, 0] = held_out[0].pulse[:512]
        example[10::40, 1] = 1.0
        names = ("held_out_rhythm", "held_out_drawing", "held_out_f1_50_ms")
        metrics = dict(zip(names, map(float, last[3:]), strict=True))
        path = given.out or Path("ecg-pulse.onnx")
        found = ship(module, path, example, metrics=metrics, recipe=recipe.digest)
        print(f"{path}: {path.stat().st_size / 1e6:.2f} MB, torch and ONNX {dict(found.apart)}")


if __name__ == "__main__":
    main()
