"""What pruned networks cost: bytes of real files, time of the processor, peak of memory."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pruning_networks import Subject
from torch import Tensor, nn

from camvitals.models import MODELS
from camvitals.report.files import write_atomically
from camvitals.runtime import load
from camvitals.train.export import export
from camvitals.train.graph import Reading, card_of
from camvitals.train.prune.masks import counted, plain
from camvitals.train.prune.start import prune
from camvitals.train.prune.storage import FORMS, save_sparse
from camvitals.train.prune.structured import shrink
from camvitals.train.prune.wanted import Prune
from camvitals.train.variants import variant

Rows = dict[str, dict[str, Any]]


def measure(subject: Subject, runs: Path) -> None:
    """Bytes of every network that was trained; latency and memory of those that are exported too.

    What was exported before is not exported again.
    """
    path, folder = subject.results / "cost.json", runs / "forms"
    folder.mkdir(exist_ok=True)
    rows: Rows = json.loads(path.read_text("utf-8")) if path.exists() else {}
    rows.setdefault("nothing", {"peak_kb": memory(None, subject)})
    modules = _trained(subject, runs)
    for name, module in modules.items():
        told = counted(module)
        row = rows.setdefault(name, {}) | {"kernels": told.kept, "others": told.others}
        for form in FORMS:
            row[form] = save_sparse(folder / f"{name}-{form}.safetensors", module, form)
        rows[name] = row
    for name in (name for name in subject.exported if name in modules):
        if not (folder / f"{name}.onnx").exists() or "onnx" not in rows[name]:
            rows[name] |= exported(subject, modules[name], folder / f"{name}.onnx")
            print(name, rows[name], flush=True)
            write_atomically(path, json.dumps(rows, indent=1))
    _timed(subject, modules, folder, rows)
    write_atomically(path, json.dumps(rows, indent=1))


def again(subject: Subject, runs: Path) -> None:
    """The times of `measure` anew, of what it wrote."""
    path = subject.results / "cost.json"
    rows = json.loads(path.read_text("utf-8"))
    modules = {n: module for n, module in _trained(subject, runs).items() if n in rows}
    _timed(subject, modules, runs / "forms", rows)
    write_atomically(path, json.dumps(rows, indent=1))


def _trained(subject: Subject, runs: Path) -> dict[str, nn.Module]:
    there = [one for one in subject.recipes(runs) if (runs / one.name / "seconds.json").exists()]
    return {one.name: subject.network(one, runs) for one in there}


def exported(subject: Subject, module: nn.Module, path: Path) -> dict[str, int]:
    """An ONNX file's bytes, dead channels that were left out, and peak; those of int8 for some."""
    it = subject.architecture
    card = card_of(
        it, name=path.stem, rate=subject.rate, size=subject.size, length=shape_of(subject)[1]
    )
    cut = export(Reading(module, it), card, path).cut
    row = {"onnx": path.stat().st_size, "cut": cut, "peak_kb": memory(path, subject)}
    if path.stem in subject.small:
        small = variant(path, "int8")
        row |= {"int8": small.stat().st_size, "int8_peak_kb": memory(small, subject)}
    return row


def _timed(subject: Subject, modules: Mapping[str, nn.Module], folder: Path, rows: Rows) -> None:
    """Latency of all networks in torch, and of all files, called in turn."""
    pictures = np.random.default_rng(0).uniform(50, 200, shape_of(subject)).astype(np.float32)
    rounds = 41 if subject.name == "gridpulse" else 11
    given = subject.architecture.prepare(torch.from_numpy(pictures))
    own = subject.architecture.transform is not None  # files do it themselves
    array = np.moveaxis(pictures, -1, 2) if own else given.numpy()
    calls: dict[str, Callable[[], object]] = {}
    for name, module in modules.items():
        calls[f"{name}:torch"] = partial(call, plain(module).eval(), given)
    for name, row in rows.items():
        for form in (key for key in ("onnx", "int8") if key in row):
            model = load(folder / f"{name}{'-int8' if form == 'int8' else ''}.onnx")
            calls[f"{name}:{form}"] = partial(model, {next(iter(model.inputs)): array})
    for name, took in in_turn(calls, rounds).items():
        base, _, form = name.partition(":")
        rows[base][f"{form}_ms"] = took


def shape_of(subject: Subject) -> tuple[int, ...]:
    """Of the pictures that latency and memory are measured on: (1, T, H, W, 3)."""
    return (1, subject.length or subject.architecture.length, *subject.size, 3)


def call(module: nn.Module, x: Tensor) -> None:
    """Run it once."""
    with torch.no_grad():
        module(x)


def in_turn(calls: Mapping[str, Callable[[], object]], rounds: int = 41) -> dict[str, float]:
    """Median ms of the processor that each takes, all called in turn on a busy machine.

    In another order every time: what comes after something large finds its memory elsewhere.
    """
    took: dict[str, list[float]] = {name: [] for name in calls}
    rng = np.random.default_rng(0)
    for number in range(rounds):
        for name in rng.permutation(list(calls)):
            begun = time.process_time()
            calls[name]()
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
        session.run(None, {given.name: np.full(shape, 0.4, np.float32)})
lines = open("/proc/self/status").read().splitlines()
print(next(line.split()[1] for line in lines if line.startswith("VmHWM")))
"""


def memory(path: Path | None, subject: Subject) -> int:
    """Peak resident memory [kB] of a fresh process that runs a network, or none."""
    first, length, height, width, channels = shape_of(subject)
    if subject.architecture.layout == "CTHW":
        sizes = [first, channels, length, height, width]
    else:
        sizes = [first, length, channels, height, width]
    code = ALONE.replace("SIZES", str(sizes))
    words = [sys.executable, "-c", code, *([str(path)] if path is not None else [])]
    return int(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def pair(results: Path, runs: Path) -> None:
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
    path = runs / "pair.safetensors"
    for name, module in forms.items():
        told = counted(module)
        rows[name] = {"kernels": told.kept, "others": told.others}
        rows[name] |= {form: save_sparse(path, module, form) for form in FORMS}
        path.unlink()
        print(name, rows[name], flush=True)
    write_atomically(results / "pair.json", json.dumps(rows, indent=1))
    bare = {name: plain(module).eval() for name, module in forms.items()}
    took = in_turn({name: partial(call, one, x) for name, one in bare.items()}, rounds=4)
    for name, ms in took.items():
        rows[name]["torch_ms"] = ms
    write_atomically(results / "pair.json", json.dumps(rows, indent=1))
