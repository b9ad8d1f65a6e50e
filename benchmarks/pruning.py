"""What pruning costs and saves: accuracy × parameters × bytes × latency × memory, by method.

    python benchmarks/pruning.py train     every network, the same number of steps each; goes on
    python benchmarks/pruning.py judge     accuracy on people never trained on, by degradation
    python benchmarks/pruning.py measure   bytes of real files, latency, memory, one form at a time
    python benchmarks/pruning.py ship      the dense one as a method for `camvitals measure`
    python benchmarks/pruning.py pair      bytes and latency of the whole of system B, not trained
    python benchmarks/pruning.py page      results/pruning/README.md, rppgnet/README.md

--network gridpulse is small enough to be trained 30 times on two cores: pictures of a face are
averaged over a grid, and convolutions in time make the pulse of it. --network rppgnet is that of
system B at its published width, on crops of 16 px.
Folders lie in runs/pruning/… or --runs; what is done is not done again.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from pruning_clips import JUDGED, Kept, people
from pruning_cost import again, measure, pair
from pruning_networks import ROOT, SUBJECTS, Subject
from pruning_page import write

from camvitals.card import ModelCard
from camvitals.dsp.spectrum import HEART_BAND_HZ, peak, spectrum
from camvitals.records import Array
from camvitals.report.files import write_atomically
from camvitals.train.loop import Machine, fit
from camvitals.train.ship import ship
from camvitals.waves.classical import green, pos

CURVES = ("dense", "n2nskip-10", "snip-10", "structured-10", "magnitude-10")  # that are kept


def train(subject: Subject, runs: Path) -> None:
    """All networks, one after the other."""
    Kept(runs / "clips").install()
    for one in subject.recipes(runs):
        folder = runs / one.name
        if (folder / "seconds.json").exists():
            continue
        begun = time.perf_counter()
        fit(one, folder, machine=Machine(workers=0, threads=1))
        write_atomically(folder / "seconds.json", json.dumps(time.perf_counter() - begun))
        print(f"{one.name}: {time.perf_counter() - begun:.0f} s", flush=True)
        if one.name in CURVES and one.epochs > 1:
            subject.results.mkdir(parents=True, exist_ok=True)
            shutil.copy(folder / "curve.csv", subject.results / f"{one.name}.csv")


def judge(subject: Subject, runs: Path) -> None:
    """Errors of the heart rate and likeness of the wave, person by person, of every network."""
    crowd = people(runs / "people.npz", subject.seen, rate=subject.rate)
    path = subject.results / "accuracy.json"
    told = json.loads(path.read_text("utf-8")) if path.exists() else floors(subject, crowd)
    for one in subject.recipes(runs):
        if one.name in told or not (runs / one.name / "seconds.json").exists():
            continue
        module = subject.network(one, runs)
        told[one.name] = judged(subject, crowd, partial(subject.waves, module))
        write_atomically(path, json.dumps(told))
        print(one.name, shown(told[one.name]), flush=True)


def floors(subject: Subject, crowd: dict[str, Array]) -> dict[str, dict[str, dict[str, list]]]:
    """What answers without having learnt: the median rate, and where there are pictures others.

    untrained: the network as it begins.   green, pos: of the mean colour of the whole crop.
    before: the true rate of the first half of each person, said of the second half; `late` are
    the errors of all others there.
    """
    middle = float(np.median(crowd["rate"]))
    blank = [0.0] * len(crowd["rate"])
    floor = [float(abs(rate - middle)) for rate in crowd["rate"]]
    told = {"floor": {level: {"error": floor, "r": blank} for level in JUDGED}}
    if subject.name == "gridpulse":
        return told
    late = []
    for pulse in map(subject.banded, crowd["target"]):
        first, second = np.array_split(pulse, 2)
        late.append(abs(rate_of(first, subject.rate) - rate_of(second, subject.rate)))
    told["before"] = {level: {"late": late} for level in JUDGED}
    begun = subject.untrained(subject.recipes(Path())[0])
    told["untrained"] = judged(subject, crowd, partial(subject.waves, begun))
    for name, method in (("green", green), ("pos", pos)):
        told[name] = judged(subject, crowd, partial(_classical, partial(method, rate=subject.rate)))
    for name, row in told.items():
        print(name, shown(row), flush=True)
    return told


def _classical(method: Callable[..., Array], seen: Array) -> Array:
    return np.stack([method(one.mean(axis=(1, 2))) for one in seen])


def judged(
    subject: Subject, crowd: dict[str, Array], waves: Callable[[Array], Array]
) -> dict[str, dict[str, list[float]]]:
    """Level -> of every person: error and late [bpm], r."""
    truth = [subject.banded(one) for one in crowd["target"]]
    read = partial(rate_of, rate=subject.rate)
    told = {}
    for level in JUDGED:
        found = [subject.banded(wave) for wave in waves(crowd[level])]
        pairs = list(zip(found, truth, strict=True))
        half = (len(truth[0]) + 1) // 2
        told[level] = {
            "error": [abs(read(w) - r) for w, r in zip(found, crowd["rate"], strict=True)],
            "late": [abs(read(w[half:]) - read(t[half:])) for w, t in pairs],
            "r": [likeness(w, t) for w, t in pairs],
        }
    return told


def likeness(wave: Array, other: Array) -> float:
    """Correlation; 0 where there is no wave."""
    return float(np.nan_to_num(np.corrcoef(wave, other)[0, 1])) if wave.std() > 0 else 0.0


def rate_of(wave: Array, rate: float) -> float:
    """Heart rate [bpm]; 0 where there is no wave."""
    if not wave.std() > 0:
        return 0.0
    frequency, power = spectrum(wave, rate=rate)
    return float(60 * peak(frequency, power, low=HEART_BAND_HZ[0], high=HEART_BAND_HZ[1])[0])


def shown(row: dict[str, dict[str, list[float]]]) -> str:
    """Means at every level, in a line."""
    return ", ".join(
        f"{level}: " + " ".join(f"{key} {np.mean(values):.2f}" for key, values in of.items())
        for level, of in row.items()
    )


def shipped(subject: Subject, runs: Path) -> None:
    """The dense network as an ONNX file with its card and receipts."""
    path, named = runs / f"{subject.name}.onnx", runs / f"{subject.name}-made-{subject.size[0]}"
    if not named.exists():  # the same training by the name that its card is to have
        shutil.copytree(runs / "dense", named)
        said = named / "best.safetensors.json"
        write_atomically(said, replace(ModelCard.load(said), name=named.name).text())
    found = ship(named, path, own_code=True)
    print(path, path.stat().st_size, found.exported.apart)


def main(arguments: Sequence[str] | None = None) -> None:
    """One stage of one network."""
    stages = {"train": train, "judge": judge, "measure": measure, "again": again, "ship": shipped}
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("stage", choices=[*stages, "pair", "page"])
    parser.add_argument("--network", choices=list(SUBJECTS), default="gridpulse")
    parser.add_argument("--runs", type=Path, help="folder of the trainings")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    subject = SUBJECTS[given.network]
    usual = ROOT / "runs" / ("pruning" if given.network == "gridpulse" else "pruning_rppgnet")
    runs = given.runs or usual
    subject.results.mkdir(parents=True, exist_ok=True)
    if given.stage == "page":
        write(subject.results)
        return
    runs.mkdir(parents=True, exist_ok=True)
    if given.stage == "pair":
        pair(subject.results, runs)
    else:
        stages[given.stage](subject, runs.resolve())


if __name__ == "__main__":
    main()
