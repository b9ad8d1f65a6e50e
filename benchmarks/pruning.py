"""What pruning costs and saves: accuracy × parameters × bytes × latency × memory, by method.

    python benchmarks/pruning.py train     every network, the same number of steps each; goes on
    python benchmarks/pruning.py people    held-out people at every degradation
    python benchmarks/pruning.py judge     accuracy on people never trained on, by degradation
    python benchmarks/pruning.py measure   bytes of real files, latency, memory, one form at a time
    python benchmarks/pruning.py pair      bytes and latency of the whole of system B, not trained
    python benchmarks/pruning.py page      results/pruning/README.md

GridPulse, the network, is small enough to be trained 26 times on two cores: pictures of a face are
averaged over a grid, and convolutions in time make the pulse of it, as RegionPulse does of regions.
Folders lie in runs/pruning; what is done is not done again. The page is made by pruning_page.py.
"""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from camvitals.data.degrade import degrade_clip
from camvitals.dsp.clean import bandpass
from camvitals.dsp.spectrum import HEART_BAND_HZ, peak, spectrum
from camvitals.models import MODELS
from camvitals.models.architecture import Architecture, Size
from camvitals.records import Array
from camvitals.report.files import write_atomically
from camvitals.runtime import load
from camvitals.train.checkpoint import load_weights, weights_in
from camvitals.train.clips import Clip, MadeClips, Sample
from camvitals.train.export import export
from camvitals.train.graph import Reading, card_of
from camvitals.train.loop import Machine, fit
from camvitals.train.prune.masks import counted, plain
from camvitals.train.prune.start import prune, prune_like
from camvitals.train.prune.storage import FORMS, save_sparse
from camvitals.train.prune.structured import shrink
from camvitals.train.prune.wanted import Prune
from camvitals.train.recipe import (
    Augment,
    Evaluation,
    Model,
    Optimiser,
    Recipe,
    Schedule,
    Term,
)
from camvitals.train.stream import Augmentation, Clips
from camvitals.train.variants import variant

ROOT = Path(__file__).parents[1]
RUNS, RESULTS = ROOT / "runs" / "pruning", ROOT / "results" / "pruning"
RATE_HZ, SAMPLES, SIDE, GRID = 15.0, 150, 32, 4
FACTORS = (2, 5, 10, 20, 50)
METHODS = ("snip", "n2nskip", "random", "magnitude", "structured")
LEVELS = ("as is", "face-16", "face-8", "crf-24", "crf-36")
JUDGED = ("as is", "face-16", "face-8", "crf-36")
PEOPLE, LONG = 64, 225  # held out, and samples of each
MADE = 600  # clips to train on, gone through again and again
STEPS, BATCH = 240, 16
GAIN = 100.0
# Those that are exported, in this order; the others have their bytes and torch's latency
EXPORTED = (
    *("dense", "snip-10", "n2nskip-10", "structured-10", "snip-50", "n2nskip-50", "structured-50"),
    *("structured-2", "structured-5", "structured-20", "magnitude-50", "magnitude-10"),
    *("snip-20", "n2nskip-20", "random-10", "random-50", "snip-2", "n2nskip-2", "snip-5"),
    *("n2nskip-5", "magnitude-2", "magnitude-5", "magnitude-20", "random-2", "random-5"),
)
SMALL = ("dense", "n2nskip-10", "structured-10")  # as int8 too


class GridPulse(nn.Module):
    """(N, 3·GRID², T) changes of a grid's colours -> (N, T) pulse."""

    def __init__(self, *, size: Size, width: int = 48) -> None:
        super().__init__()
        del size
        taken = [3 * GRID * GRID, *[width] * 5]
        self.layers = nn.ModuleList(
            nn.Conv1d(a, width, 7, padding=3 * dilation, dilation=dilation)
            for a, dilation in zip(taken, (1, 1, 2, 2, 4, 4), strict=True)
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(width) for _ in self.layers)
        self.out = nn.Conv1d(width, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The pulse."""
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = torch.relu(norm(layer(x)))
        return self.out(x)[:, 0]


def grid_changes(images: Tensor) -> Tensor:
    """(N, 3·GRID², T) relative changes of (N, T, GRID, GRID, 3) mean colours of cells."""
    n, t, h, w, _ = images.shape
    colours = images.float().reshape(n, t, h * w * 3).transpose(1, 2)
    mean = colours.mean(dim=-1, keepdim=True).clamp_min(1.0)
    return GAIN * (colours / mean - 1)


GRIDPULSE = Architecture(
    build=GridPulse,
    takes="raw",
    gives="pulse",
    size=(GRID, GRID),
    length=SAMPLES,
    parameters=0,
    source="benchmarks/pruning.py, 2026",
    transform=grid_changes,
)


def gridded(images: Array) -> Array:
    """(T, GRID, GRID, 3) float32 mean colours of the cells of pictures (T, H, W, 3)."""
    t, h, w, _ = images.shape
    parts = images.reshape(t, GRID, h // GRID, GRID, w // GRID, 3)
    return np.asarray(parts.mean(axis=(2, 4), dtype=np.float32))


def worse(*, share: float = 0.6) -> Augmentation:
    """So many of the clips at a level drawn from LEVELS; then all averaged over the grid."""

    def change(
        images: Array, clock: Array, target: Array, rng: np.random.Generator
    ) -> tuple[Array, Array, Array]:
        if rng.random() < share:
            level = LEVELS[1 + int(rng.integers(len(LEVELS) - 1))]
            images = degrade_clip(images, level, rate=RATE_HZ)
        return gridded(images), clock, target

    return change


def recipe(name: str, prune: Prune | None = None, **changes: object) -> Recipe:
    """One training; all differ in `prune` alone, but for the last two rows of the table."""
    made = Recipe(
        name=name,
        model=Model(name=f"{__file__}:GRIDPULSE"),
        corpus=MadeClips(size=SIDE),
        clip=Clip(SAMPLES, RATE_HZ),
        augmentation=(Augment(name=f"{__file__}:worse"),),
        loss=(Term(name="negative_pearson"),),
        optimiser=Optimiser(name="adamw", step=5e-3, weight_decay=1e-3),
        schedule=Schedule(name="one-cycle"),
        evaluation=Evaluation(count=0),
        prune=prune or Prune(),
        epochs=1,
        steps=STEPS,
        batch=BATCH,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def recipes() -> list[Recipe]:
    """Dense; every method at every factor; and from the dense weights with the dense as teacher."""
    found = [recipe("dense")]
    for factor in (10, 50, 20, 5, 2):
        found += [
            recipe(f"{method}-{factor}", Prune(method=method, factor=factor))  # type: ignore[arg-type]
            for method in METHODS
        ]
    dense = RUNS / "dense"
    taught = (
        Term(name="negative_pearson"),
        Term(name="distillation", weight=0.5, options={"teacher": str(dense)}),
    )
    start = Model(name=f"{__file__}:GRIDPULSE", weights=str(dense / "best.safetensors"))
    for factor in (10, 50):
        for method in ("magnitude", "structured"):
            wanted = Prune(method=method, factor=factor)  # type: ignore[arg-type]
            name = f"{method}-{factor}-taught"
            found.append(recipe(name, wanted, model=start, loss=taught))
    return found


@dataclass(slots=True)
class Kept:
    """Training clips made once, on the disk, and given to every training."""

    folder: Path

    def install(self) -> None:
        """In the place of the making of clips, in this process."""
        usual, folder = Clips.sample, self.folder
        folder.mkdir(parents=True, exist_ok=True)
        memory: dict[int, Sample] = {}

        def sample(clips: Clips, index: int) -> Sample:
            number = index % MADE
            if number not in memory:
                memory[number] = self._of(number, lambda: usual(clips, number))
            return memory[number]

        Clips.sample = sample  # type: ignore[method-assign]

    def _of(self, number: int, make: object) -> Sample:
        path = self.folder / f"{number}.npz"
        if not path.exists():
            made: Sample = make()  # type: ignore[operator]
            part = path.with_suffix(".part.npz")
            np.savez(
                part,
                images=made.images,
                time=made.time,
                target=made.target,
                numbers=np.array([made.heart_rate, made.weight]),
                key=made.key,
            )
            part.replace(path)
        held = np.load(path)
        rate, weight = held["numbers"]
        return Sample(
            held["images"],
            held["time"],
            held["target"],
            float(rate),
            str(held["key"]),
            float(weight),
        )


def train() -> None:
    """All networks, one after the other."""
    Kept(RUNS / "clips").install()
    for one in recipes():
        folder = RUNS / one.name
        if (folder / "seconds.json").exists():
            continue
        begun = time.perf_counter()
        fit(one, folder, machine=Machine(workers=0, threads=1))
        write_atomically(folder / "seconds.json", json.dumps(time.perf_counter() - begun))
        print(f"{one.name}: {time.perf_counter() - begun:.0f} s", flush=True)


def people() -> dict[str, Array]:
    """Grids (people, LONG, GRID, GRID, 3) at each of JUDGED; their pulse and rate."""
    path = RUNS / "people.npz"
    if not path.exists():
        source = MadeClips(size=SIDE).open(
            Clip(LONG, RATE_HZ), seed=0, held_out=True, count=2 * PEOPLE
        )
        found: dict[str, list[Array]] = {name: [] for name in (*JUDGED, "target", "rate")}
        for number in range(2 * PEOPLE):
            one = source.sample(number)
            if not (one.weight and np.isfinite(one.heart_rate)) or len(found["rate"]) == PEOPLE:
                continue
            for level in JUDGED:
                plainly = level == "as is"
                worse_ = one.images if plainly else degrade_clip(one.images, level, rate=RATE_HZ)
                found[level].append(gridded(worse_))
            found["target"].append(one.target)
            found["rate"].append(np.array(one.heart_rate))
        np.savez(path, **{name: np.stack(values) for name, values in found.items()})
    return dict(np.load(path))


def network(one: Recipe) -> nn.Module:
    """What a recipe was trained to."""
    weights, module = RUNS / one.name / "best.safetensors", GRIDPULSE.build(size=(GRID, GRID))
    if one.prune.method != "none":
        prune_like(module, one.prune, weights_in(weights), str(weights))
    load_weights(module, weights)
    return module.eval()


def judge() -> None:
    """Errors of the heart rate and likeness of the wave, person by person, of every network."""
    crowd, told = people(), {}
    truth = np.stack([_banded(one) for one in crowd["target"]])
    for one in recipes():
        if not (RUNS / one.name / "seconds.json").exists():
            continue
        module = network(one)
        told[one.name] = {}
        for level in JUDGED:
            with torch.no_grad():
                waves = module(grid_changes(torch.from_numpy(crowd[level]))).double().numpy()
            banded = np.stack([_banded(wave) for wave in waves])
            errors = [abs(_rate(w) - rate) for w, rate in zip(banded, crowd["rate"], strict=True)]
            likeness = [
                float(np.nan_to_num(np.corrcoef(a, b)[0, 1])) if a.std() > 0 else 0.0
                for a, b in zip(banded, truth, strict=True)
            ]
            told[one.name][level] = {"error": errors, "r": likeness}
    floor = [float(abs(rate - np.median(crowd["rate"]))) for rate in crowd["rate"]]
    told["floor"] = {level: {"error": floor, "r": [0.0] * len(floor)} for level in JUDGED}
    write_atomically(RESULTS / "accuracy.json", json.dumps(told))


def _banded(values: Array) -> Array:
    low, high = HEART_BAND_HZ
    return bandpass(np.asarray(values - values.mean(), float), rate=RATE_HZ, low=low, high=high)


def _rate(wave: Array) -> float:
    """Heart rate [bpm]; 0 where there is no wave."""
    if not wave.std() > 0:
        return 0.0
    frequency, power = spectrum(wave, rate=RATE_HZ)
    return 60 * peak(frequency, power, low=HEART_BAND_HZ[0], high=HEART_BAND_HZ[1])[0]


def measure() -> None:
    """Bytes of every network that was trained; latency and memory of EXPORTED as ONNX too."""
    there = [one for one in recipes() if (RUNS / one.name / "seconds.json").exists()]
    modules = {one.name: network(one) for one in there}
    folder = RUNS / "forms"
    folder.mkdir(exist_ok=True)
    rows: dict[str, dict[str, Any]] = {"nothing": {"peak_kb": memory(None)}}
    for name, module in modules.items():
        told = counted(module)
        rows[name] = {"kernels": told.kept, "others": told.others}
        for form in FORMS:
            rows[name][form] = save_sparse(folder / f"{name}-{form}.safetensors", module, form)
    x = torch.randn(1, 3 * GRID * GRID, SAMPLES)
    calls = {name: partial(_call, plain(module).eval(), x) for name, module in modules.items()}
    for name, took in in_turn(calls).items():
        rows[name]["torch_ms"] = took
    sessions: dict[str, Any] = {}
    for name in (name for name in EXPORTED if name in modules):
        path = folder / f"{name}.onnx"
        card = card_of(GRIDPULSE, name=name, rate=RATE_HZ, length=SAMPLES)
        cut = export(Reading(modules[name], GRIDPULSE), card, path).cut
        rows[name] |= {"onnx": path.stat().st_size, "cut": cut, "peak_kb": memory(path)}
        sessions[name] = load(path)
        if name in SMALL:
            small = variant(path, "int8")
            rows[name] |= {"int8": small.stat().st_size, "int8_peak_kb": memory(small)}
            sessions[f"{name}:int8"] = load(small)
        print(name, rows[name], flush=True)
        _time_sessions(sessions, rows)
        write_atomically(RESULTS / "cost.json", json.dumps(rows, indent=1))


def again() -> None:
    """The times of `measure` anew, of what it wrote."""
    rows = json.loads((RESULTS / "cost.json").read_text("utf-8"))
    there = {one.name: one for one in recipes() if one.name in rows}
    x = torch.randn(1, 3 * GRID * GRID, SAMPLES)
    calls = {name: partial(_call, plain(network(one)), x) for name, one in there.items()}
    for name, took in in_turn(calls).items():
        rows[name]["torch_ms"] = took
    exported = [name for name in rows if "onnx" in rows[name]]
    sessions: dict[str, Any] = {n: load(RUNS / "forms" / f"{n}.onnx") for n in exported}
    small = [name for name in exported if "int8" in rows[name]]
    sessions |= {f"{n}:int8": load(RUNS / "forms" / f"{n}-int8.onnx") for n in small}
    _time_sessions(sessions, rows)
    write_atomically(RESULTS / "cost.json", json.dumps(rows, indent=1))


def _time_sessions(sessions: Mapping[str, Any], rows: dict[str, dict[str, Any]]) -> None:
    """Latency of all files that there are by now, in turn."""
    pictures = np.random.default_rng(0).uniform(50, 200, (1, SAMPLES, 3, GRID, GRID))
    given = pictures.astype(np.float32)
    calls = {n: partial(one, {next(iter(one.inputs)): given}) for n, one in sessions.items()}
    for name, took in in_turn(calls).items():
        base, _, small = name.partition(":")
        rows[base][f"{small or 'onnx'}_ms"] = took


def _call(module: nn.Module, x: Tensor) -> None:
    with torch.no_grad():
        module(x)


def in_turn(calls: Mapping[str, Callable[[], object]], rounds: int = 41) -> dict[str, float]:
    """Median ms of the processor that each takes, all called in turn on a busy machine."""
    took: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(rounds):
        for name, call in calls.items():
            begun = time.process_time()
            call()
            if number:
                took[name].append(1000 * (time.process_time() - begun))
    return {name: float(np.median(times)) for name, times in took.items()}


ALONE = """
import sys, numpy as np, onnxruntime
if len(sys.argv) > 1:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(sys.argv[1], options)
    given = session.get_inputs()[0]
    shape = [side if isinstance(side, int) else SIZES[n] for n, side in enumerate(given.shape)]
    for _ in range(3):
        session.run(None, {given.name: np.full(shape, 100, np.float32)})
lines = open("/proc/self/status").read().splitlines()
print(next(line.split()[1] for line in lines if line.startswith("VmHWM")))
"""


def memory(path: Path | None) -> int:
    """Peak resident memory [kB] of a fresh process that runs a network, or none."""
    code = ALONE.replace("SIZES", str([1, SAMPLES, 3, GRID, GRID]))
    words = [sys.executable, "-c", code, *([str(path)] if path is not None else [])]
    return int(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def pair() -> None:
    """System B at full width, pruned ten times and not trained: real files, and a reduced clip."""
    it = MODELS["stven-rppgnet"]
    both = ("enhancer.", "recovery.")
    torch.manual_seed(0)
    dense = it.build(size=(16, 16))
    given = it.prepare(torch.randint(0, 256, (2, 8, 16, 16, 3)).float())

    def loss(module: nn.Module) -> Tensor:
        wave = it.wave(module(given), 2)
        return (wave - torch.linspace(-1, 1, wave.shape[1])).square().mean()

    rows: dict[str, dict[str, float]] = {}
    forms: dict[str, nn.Module] = {"dense": dense}
    for method, only in (("snip", ()), ("n2nskip", both), ("n2nskip", both[:1])):
        name = f"{method}{', STVEN only' if only == both[:1] else ''}"
        module = copy.deepcopy(dense)
        wanted = Prune(method=method, factor=10, only=only)  # type: ignore[arg-type]
        prune(module, wanted, run=partial(module, given), losses=[partial(loss, module)])
        forms[name] = module
    forms["structured"] = copy.deepcopy(dense)
    both_parts: Any = forms["structured"]  # apart: what enhances adds to its input, of 3 channels
    shrink(both_parts.enhancer, given, lambda network, x: network(x), factor=10)
    shrink(both_parts.recovery, given, lambda network, x: network(x).pulse, factor=10)
    x = torch.randn(1, 3, 16, 32, 32).clamp(-1, 1)
    path = RUNS / "pair.safetensors"
    for name, module in forms.items():
        told = counted(module)
        rows[name] = {"kernels": told.kept, "others": told.others}
        rows[name] |= {form: save_sparse(path, module, form) for form in FORMS}
        path.unlink()
        print(name, rows[name], flush=True)
    write_atomically(RESULTS / "pair.json", json.dumps(rows, indent=1))
    bare = {name: plain(module).eval() for name, module in forms.items()}
    took = in_turn({name: partial(_call, one, x) for name, one in bare.items()}, rounds=4)
    for name, ms in took.items():
        rows[name]["torch_ms"] = ms
    write_atomically(RESULTS / "pair.json", json.dumps(rows, indent=1))


if __name__ == "__main__":
    torch.set_num_threads(1)
    RUNS.mkdir(parents=True, exist_ok=True)
    RESULTS.mkdir(parents=True, exist_ok=True)
    stages = {"train": train, "people": people, "judge": judge, "measure": measure, "pair": pair}
    stages["again"] = again
    if sys.argv[1] == "page":
        from pruning_page import write

        write(RESULTS)
    else:
        stages[sys.argv[1]]()
