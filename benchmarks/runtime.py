"""How fast networks run, beside floors of the same run. Run: python benchmarks/runtime.py [FILE …].

On the processor: each network as torch runs it, and as ONNX Runtime runs its float32, float16 and
8-bit files through `camvitals.runtime`, on one core and on two, one clip at a time and many. Every
network has a fresh process that is pinned to its cores; in it the forms and the floor take turns,
ROUNDS times. The floor is the time in which a product of two square matrices does as many
multiplications on the same cores. Weights are drawn: they do not move the time. What is timed is
the network itself, from prepared input to wave.

Networks that come with the package, and the FILEs given, are measured too, with the receipts of
their float32, float16 and 8-bit forms: accuracy × latency × size on made people.

--device cuda measures half precision on a GPU instead, one at a time and at the best batch.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from camvitals.card import ModelCard
from camvitals.records import Array, InputError
from camvitals.runtime import Model, devices, load
from camvitals.waves.learned import MODELS as SHIPPED
from camvitals.waves.stretch import BLOCK

FILES = Path(__file__).parent / "clips" / "networks"
REGIONS = ("forehead", "left_cheek", "right_cheek", "nose", "chin", "skin")
PRECISIONS = ("float16", "int8")
ROUNDS = 5
SECONDS = 2.0  # for each form and batch
FEWEST = 5  # calls of each
FOR_P99 = 100  # calls below which a 99th percentile would be the largest
SIDE = 384  # of the floor's matrices: about as long as a call, so that both are disturbed alike
MOST_ON_CARD = 4096


@dataclass(frozen=True)
class Subject:
    """A network to measure.

    name: in the table.   path: its float32 file.   model: of MODELS, "" where it is not known.
    options: of its build.   frames: in one clip.   many: clips of the larger batch, as memory goes.
    """

    name: str
    path: str
    model: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    frames: int = 1
    many: int = 64


def zoo() -> list[Subject]:
    """Networks of the package with drawn weights. HeartRateNet sees each frame by itself."""

    def one(name: str, model: str, size: int, **more: Any) -> Subject:
        return Subject(name, str(FILES / f"{name}.onnx"), model, {"size": (size, size)}, **more)

    return [
        one("heartratenet-36", "heartratenet", 36),
        one("heartratenet-72", "heartratenet", 72),
        one("heartratenet-compact-72", "heartratenet-compact", 72),
        one("tracenet", "tracenet", 1, frames=300),
        one("physnet-72", "physnet", 72, frames=128, many=4),
        one("factorizephys-72", "factorizephys", 72, frames=160, many=4),
    ]


def given(paths: Sequence[Path]) -> list[Subject]:
    """Finished networks: those that come with the package, and files; copied, to be made smaller.

    torch is measured too where the card's source begins with a name of MODELS.
    """
    found = []
    for source in [*sorted(SHIPPED.glob("*.onnx")), *paths]:
        card = ModelCard.load(source.with_suffix(".json"))
        copy = FILES / "given" / source.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        for suffix in (".onnx", ".json"):
            shutil.copyfile(source.with_suffix(suffix), copy.with_suffix(suffix))
        frames = card.length or (BLOCK if card.state else 300)
        frames = frames if card.size is None or card.state or card.length else 1
        options: dict[str, Any] = {"size": card.size or (len(card.regions), 3)}
        model = card.source.split(" ")[0]
        found.append(Subject(copy.stem, str(copy), model, options, frames))
    return found


def module_of(subject: Subject, card: ModelCard) -> tuple[Any, tuple[Any, ...]]:
    """The module of torch with drawn weights, and the state that it starts from."""
    import torch

    from camvitals.models import model
    from camvitals.train.graph import Carried, Reading, state_of

    architecture = model(subject.model)
    torch.manual_seed(0)
    module = architecture.build(**subject.options).eval()
    if card.state:
        several = bool(architecture.also)
        return Carried(module, several=several).eval(), tuple(state_of(module).values())
    return Reading(module, architecture).eval(), ()


def write_forms(subject: Subject) -> dict[str, str]:
    """Precision -> file of it, exported and made smaller where that was not done before."""
    from camvitals.models import model
    from camvitals.train.export import export
    from camvitals.train.graph import Reading, card_of
    from camvitals.train.variants import variant

    path = Path(subject.path)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        architecture = model(subject.model)
        size = subject.options["size"]
        length = architecture.length if subject.frames == 1 else subject.frames
        facts = {"regions": REGIONS} if architecture.takes == "traces" else {}
        card = card_of(
            architecture, name=subject.name, rate=30.0, size=size, length=length, **facts
        )
        module, _ = module_of(subject, card)
        assert isinstance(module, Reading)
        export(module, card, path)
    forms = {"float32": str(path)}
    for precision in PRECISIONS:
        target = path.with_name(f"{path.stem}-{precision}.onnx")
        try:
            if not target.exists() or target.stat().st_mtime < path.stat().st_mtime:
                variant(path, precision)
        except InputError as error:
            print(f"{subject.name} has no {precision}: {error}", file=sys.stderr)
            continue
        forms[precision] = str(target)
    return forms


# --- in a process of its own ----------------------------------------------------------------------


def shape_of(card: ModelCard, model: Model, *, batch: int, frames: int) -> list[int]:
    """Shape of the network's input for so many clips of so many frames."""
    ((_, shape),) = model.inputs.items()
    axis = 2 if card.layout == "CTHW" else 1
    wanted = [batch if k == 0 else n for k, n in enumerate(shape)]
    wanted[axis] = frames + card.extra
    return [int(n) for n in wanted]


def inputs_of(model: Model, *, batch: int, frames: int) -> Array:
    """Colours or prepared pictures; 100 ± 10 does for both."""
    shape = shape_of(model.card, model, batch=batch, frames=frames)
    return np.random.default_rng(0).normal(100, 10, shape).astype(np.float32)


def onnx_call(model: Model, arrays: Array) -> Callable[[], Any]:
    """One call of the file. State of a batch is that of one clip, repeated."""
    (name,) = model.inputs
    batch = len(arrays)
    start = {key: np.repeat(value, batch, axis=0) for key, value in model.state.items()}

    def call() -> Any:
        model._carried = start
        return model({name: arrays})

    return call


def torch_call(subject: Subject, card: ModelCard, arrays: Array) -> Callable[[], Any]:
    """One eager call of the module."""
    import torch

    module, state = module_of(subject, card)
    clips = torch.from_numpy(arrays)
    many = tuple(s.repeat(len(clips), *[1] * (s.ndim - 1)) for s in state)

    def call() -> Any:
        with torch.inference_mode():
            return module(clips, *many)

    return call


def multiplications(subject: Subject, card: ModelCard, arrays: Array) -> float:
    """Of one call, each with its addition, halves of what torch counts."""
    from torch.utils.flop_counter import FlopCounterMode

    call = torch_call(subject, card, arrays)
    with FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops() / 2


def spent(call: Callable[[], Any], seconds: float) -> list[float]:
    """Seconds of each of as many calls as fill the time, one at least."""
    took: list[float] = []
    end = time.perf_counter() + seconds
    while not took or time.perf_counter() < end:
        begin = time.perf_counter()
        call()
        took.append(time.perf_counter() - begin)
    return took


def in_turns(calls: Mapping[str, Callable[[], Any]], seconds: float) -> dict[str, list[float]]:
    """Seconds of each call of each form: a first call apart, then ROUNDS turns."""
    found: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(ROUNDS):
        for name, call in calls.items():
            found[name] += spent(call, seconds / ROUNDS)
    for name, call in calls.items():
        while len(found[name]) < FEWEST:
            found[name] += spent(call, 0.0)
    return found


def on_processor(
    subject: Subject, forms: Mapping[str, str], *, cores: int, seconds: float
) -> list[dict[str, Any]]:
    """Rows of the table for one network on so many cores, one clip at a time and many."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    import torch

    torch.set_num_threads(cores)
    models = {name: load(path, threads=cores) for name, path in forms.items()}
    card = models["float32"].card
    square = torch.rand(SIDE, SIDE)
    rows = []
    for batch in (1, subject.many):
        arrays = inputs_of(models["float32"], batch=batch, frames=subject.frames)
        calls = {"floor": lambda: square @ square}
        work = float("nan")
        try:
            work = multiplications(subject, card, arrays)
            calls["torch"] = torch_call(subject, card, arrays)
        except InputError as error:
            print(f"{subject.name} without torch: {error}", file=sys.stderr)
        for name, model in models.items():
            call = onnx_call(model, arrays)
            try:
                call()
            except Exception:
                continue  # takes one clip only
            calls[f"onnx {name}"] = call
        took = in_turns(calls, seconds)
        floor = statistics.median(took.pop("floor")) * work / SIDE**3
        eager = statistics.median(took["torch"]) if "torch" in took else float("nan")
        frames = batch * subject.frames
        rows += [
            _row(subject, form, cores, batch, frames, times, floor=floor, eager=eager)
            for form, times in took.items()
        ]
    return rows


def _row(
    subject: Subject,
    form: str,
    cores: int,
    batch: int,
    frames: int,
    times: Sequence[float],
    *,
    floor: float,
    eager: float,
) -> dict[str, Any]:
    middle = statistics.median(times)
    late = sorted(times)[int(0.99 * len(times))] if len(times) >= FOR_P99 else float("nan")
    return {
        "network": subject.name,
        "form": form,
        "cores": cores,
        "batch": batch,
        "frames_per_second": frames / middle,
        "median_ms": 1e3 * middle / frames,
        "p99_ms": 1e3 * late / frames,
        "call_ms": 1e3 * middle,
        "over_floor": middle / floor,
        "over_torch": eager / middle,
        "calls": len(times),
    }


# --- on a GPU -------------------------------------------------------------------------------------


def on_card(subject: Subject, forms: Mapping[str, str], *, seconds: float) -> Iterator[list[Any]]:
    """Rows of half precision on a GPU: one clip, and the batch with the most frames a second."""
    import torch

    model = load(forms["float32"])
    for form, make in CARD_FORMS.items():
        speeds: dict[int, tuple[float, list[float]]] = {}
        batch = 1
        while batch <= MOST_ON_CARD:
            arrays = inputs_of(model, batch=batch, frames=subject.frames)
            try:
                call = make(subject, model.card, forms, arrays)
                call()
                times = spent(call, seconds / 4)
            except Exception as error:  # no memory, or no such form
                said = str(error).split("\n")[0][:120]
                print(f"{subject.name} {form}, batch {batch}: {said}", file=sys.stderr)
                break
            speeds[batch] = (batch * subject.frames / statistics.median(times), times)
            batch *= 2
        if speeds:
            best = max(speeds, key=lambda b: speeds[b][0])
            for chosen in dict.fromkeys((1, best)):
                speed, times = speeds[chosen]
                middle = 1e3 * statistics.median(times) / (chosen * subject.frames)
                late = 1e3 * sorted(times)[int(0.99 * len(times))] / (chosen * subject.frames)
                yield [subject.name, form, chosen, f"{speed:,.0f}", f"{middle:.4f}", f"{late:.4f}"]
        torch.cuda.empty_cache()


def _eager(subject: Subject, card: ModelCard, _: Any, arrays: Array) -> Callable[[], Any]:
    import torch

    module, state = module_of(subject, card)
    module = module.half().cuda()
    clips = torch.from_numpy(arrays).half().cuda()
    many = tuple(s.half().cuda().repeat(len(clips), *[1] * (s.ndim - 1)) for s in state)

    def call() -> None:
        with torch.inference_mode():
            module(clips, *many)
        torch.cuda.synchronize()

    return call


def _graphed(subject: Subject, card: ModelCard, _: Any, arrays: Array) -> Callable[[], Any]:
    """The same kernels, started all at once."""
    import torch

    module, state = module_of(subject, card)
    module = module.half().cuda()
    clips = torch.from_numpy(arrays).half().cuda()
    many = tuple(s.half().cuda().repeat(len(clips), *[1] * (s.ndim - 1)) for s in state)
    beside = torch.cuda.Stream()
    beside.wait_stream(torch.cuda.current_stream())
    with torch.inference_mode(), torch.cuda.stream(beside):
        for _turn in range(3):
            module(clips, *many)
    torch.cuda.current_stream().wait_stream(beside)
    graph = torch.cuda.CUDAGraph()
    with torch.inference_mode(), torch.cuda.graph(graph):
        module(clips, *many)

    def call() -> None:
        graph.replay()
        torch.cuda.synchronize()

    return call


def _through(device: str) -> Callable[..., Callable[[], Any]]:
    """ONNX Runtime, with the copies to the card and back that a call of `runtime` makes."""

    def make(_: Subject, __: ModelCard, forms: Mapping[str, str], arrays: Array) -> Any:
        return onnx_call(load(forms["float16"], device=device), arrays)

    return make


CARD_FORMS: dict[str, Callable[..., Callable[[], Any]]] = {
    "torch float16": _eager,
    "torch float16, CUDA graph": _graphed,
    "onnx float16, cuda": _through("cuda"),
    "onnx float16, tensorrt": _through("tensorrt"),
}


def check_card() -> str:
    """Name of the GPU. Raises InputError where torch finds none."""
    import torch

    if not torch.cuda.is_available():
        raise InputError(
            "--device cuda needs an NVIDIA GPU and a torch built for it but torch finds none; run "
            "it where there is one, or leave the option out"
        )
    return str(torch.cuda.get_device_name(0))


# --- the parent -----------------------------------------------------------------------------------


def fresh(subject: Subject, forms: Mapping[str, str], *, cores: int, seconds: float) -> list[Any]:
    """`on_processor` in a process of its own, whose idle threads sleep."""
    told = json.dumps([asdict(subject), dict(forms), cores, seconds])
    quiet = {"OMP_WAIT_POLICY": "passive", "OMP_NUM_THREADS": str(cores)}
    code = [sys.executable, __file__, "--task", told]
    ran = subprocess.run(code, check=True, stdout=subprocess.PIPE, env=os.environ | quiet)
    rows: list[Any] = json.loads(ran.stdout)
    return rows


def task(told: str) -> None:
    """What a fresh process does: one network, rows as JSON."""
    facts, forms, cores, seconds = json.loads(told)
    facts["options"] = {key: tuple(value) for key, value in facts["options"].items()}
    print(json.dumps(on_processor(Subject(**facts), forms, cores=cores, seconds=seconds)))


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


HEAD = ("network", "form", "cores", "batch", "frames/s", "ms a frame", "p99", "ms a call")


def shown(row: Mapping[str, Any]) -> list[str]:
    """A row of the table; – where it is not known."""
    cells = [f"{row[name]}" for name in ("network", "form", "cores", "batch")]
    numbers = (
        f"{row['frames_per_second']:,.0f}",
        f"{row['median_ms']:.4f}",
        f"{row['p99_ms']:.4f}",
        f"{row['call_ms']:.2f}",
        f"{row['over_floor']:.1f}",
        f"{row['over_torch']:.2f}",
    )
    return cells + ["–" if "nan" in number else number for number in numbers]


def main(words: Sequence[str] | None = None) -> None:
    """Measure and print the tables. Raises InputError for what is not there."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="ONNX files with card")
    parser.add_argument("--only", default="", help="names of networks, with commas")
    parser.add_argument("--cores", default="1,2", help="how many, with commas")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for each form and batch")
    parser.add_argument("--people", type=int, default=24, help="for receipts; 0: none")
    parser.add_argument("--json", type=Path, help="write the rows here too")
    asked = parser.parse_args(words)
    card = check_card() if asked.device == "cuda" else ""
    finished = given(asked.files)
    subjects = [*zoo(), *finished]
    if asked.only:
        known = {subject.name: subject for subject in subjects}
        if odd := set(asked.only.split(",")) - set(known):
            raise InputError(f"no network {sorted(odd)[0]!r}; choose of {', '.join(known)}")
        subjects = [known[name] for name in asked.only.split(",")]
    forms = {subject.name: write_forms(subject) for subject in subjects}
    if card:
        _measure_on_card(card, subjects, forms, asked.seconds)
        return
    rows: list[dict[str, Any]] = []
    for subject in subjects:
        for cores in map(int, asked.cores.split(",")):
            files = forms[subject.name]
            rows += fresh(subject, files, cores=cores, seconds=asked.seconds)
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}\n")
    print(table([*HEAD, "÷ floor", "× torch"], [shown(row) for row in rows]))
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1) + "\n")
    if asked.people:
        for subject in (one for one in subjects if one in finished and _gives_pulse(one)):
            _receipts(subject, forms[subject.name], asked.people)


def _measure_on_card(
    card: str, subjects: Sequence[Subject], forms: Mapping[str, Mapping[str, str]], seconds: float
) -> None:
    there = ", ".join(devices())
    print(f"{card}; half precision; onnxruntime has {there}\n")
    rows = [
        row
        for subject in subjects
        for row in on_card(subject, forms[subject.name], seconds=seconds)
    ]
    print(table(("network", "form", "batch", "frames/s", "ms a frame", "p99"), rows))


def _gives_pulse(subject: Subject) -> bool:
    """Receipts tell how right the heart rates are that a pulse gives."""
    return ModelCard.load(Path(subject.path).with_suffix(".json")).gives != "ecg"


def _receipts(subject: Subject, forms: Mapping[str, str], people: int) -> None:
    from camvitals.train.receipts import receipts
    from camvitals.train.receipts import table as receipts_table

    found = receipts([Path(path) for path in forms.values()], people=people)
    print(f"\n{subject.name}, {people} made people\n")
    print(receipts_table([replace(one, name=subject.name) for one in found]), end="")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--task"]:
        task(sys.argv[2])
    else:
        try:
            main()
        except InputError as error:
            sys.exit(str(error))
